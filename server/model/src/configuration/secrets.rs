//! Secrets in a document: their values by the name of a variable.

use serde_json::{Map, Value};

use super::{
    document::Entry,
    hidden::{self, Hidden},
    members::{Members, parsed, shown},
};
use crate::{
    name::Name,
    secret::{self, Secret},
};

/// A secret as a document has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretEntry {
    pub name: Name,
    pub description: Option<String>,
    /// `None` leaves what there is.
    pub value: Option<Hidden>,
}

impl Entry for SecretEntry {
    const SECTION: &'static str = "secrets";

    fn read(name: Name, members: &mut Members<'_, '_>) -> Option<Self> {
        let description = members.optional("description", parsed(secret::description));
        let check = |text: String| secret::check_value(&text).map(|()| text);
        let value = members.optional("value", Hidden::read(check));
        Some(Self { name, description: description?, value: value? })
    }

    fn write(&self) -> Map<String, Value> {
        let description = self.description.as_deref().map(shown);
        let members = [("description", description), ("value", self.value.as_ref().map(Hidden::write))];
        members.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
    }
}

/// The secrets that a document shows: each value is only ever the name of a variable.
pub(super) fn entries(secrets: &[Secret]) -> Vec<SecretEntry> {
    let variables = hidden::named("SECRET_", secrets.iter().map(|secret| &secret.name));
    let entry = |secret: &Secret| SecretEntry {
        name: secret.name.clone(),
        description: secret.description.clone(),
        value: variables.get(&secret.name).map(|variable| Hidden::Wanted { variable: variable.clone() }),
    };
    secrets.iter().map(entry).collect()
}
