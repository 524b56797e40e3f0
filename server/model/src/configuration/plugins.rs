//! Plugins in a document: what is decided about them, not their files.

use serde_json::{Map, Value, json};

use super::{
    document::Entry,
    members::{Members, Wrong, free, shown_free, typed},
};
use crate::{
    bounds::{CONFIG_BYTES_MAX, NAME_CHARS_MAX},
    name::Name,
    plugin::{Grants, Plugin},
};

/// A plugin as a document has it.
#[derive(Clone, Debug, PartialEq)]
pub struct PluginEntry {
    pub name: Name,
    /// `None` is where nobody has set them.
    pub grants: Option<Grants>,
    /// A JSON object.
    pub config: Value,
}

impl From<&Plugin> for PluginEntry {
    fn from(plugin: &Plugin) -> Self {
        Self { name: plugin.name.clone(), grants: plugin.grants.clone(), config: plugin.config.clone() }
    }
}

impl Entry for PluginEntry {
    const SECTION: &'static str = "plugins";

    fn read(name: Name, members: &mut Members<'_, '_>) -> Option<Self> {
        let grants = members.optional("grants", |node| {
            let grants: Grants = typed(node)?;
            grants.check()?;
            if let Some(long) =
                grants.kinds().into_iter().flat_map(|(_, patterns)| patterns).find(|grant| is_long(grant))
            {
                return Err(Wrong::from(format!("{long:?} is longer than {NAME_CHARS_MAX} characters")));
            }
            Ok(grants)
        });
        let config = members.or("config", json!({}), |node| match free(node)? {
            config @ Value::Object(_) => match config.to_string().len() {
                bytes if bytes > CONFIG_BYTES_MAX => {
                    Err(Wrong::from(format!("has {bytes} bytes; allowed is {CONFIG_BYTES_MAX}")))
                }
                _ => Ok(config),
            },
            _ => Err(Wrong::from(format!("is {}, but must be a map", node.kind()))),
        });
        Some(Self { name, grants: grants?, config: config? })
    }

    fn write(&self) -> Map<String, Value> {
        let grants = self.grants.as_ref().map(|grants| shown_free(&json!(grants)));
        let config = (self.config != json!({})).then(|| shown_free(&self.config));
        let members = [("grants", grants), ("config", config)];
        members.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
    }
}

fn is_long(grant: &str) -> bool {
    grant.chars().count() > NAME_CHARS_MAX
}
