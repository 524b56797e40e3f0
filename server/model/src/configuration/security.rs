//! Security definitions in a document: passwords by the name of a variable, API keys by their digest.

use serde_json::{Map, Value, json};

use super::{
    document::Entry,
    hidden::{self, Hidden},
    members::{Members, parsed, shown},
};
use crate::{
    digest::Digest,
    name::Name,
    security::{self, Credential, Security},
};

/// A security definition as a document has it.
#[derive(Clone, PartialEq, Eq)]
pub struct SecurityEntry {
    pub name: Name,
    pub credential: Wish,
}

/// What is wished for; `None` leaves what there is.
#[derive(Clone, PartialEq, Eq)]
pub enum Wish {
    Basic { username: String, password: Option<Hidden> },
    ApiKey { key: Option<Key> },
}

/// What an API key is known by; neither part lets anyone in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    pub key_id: String,
    pub key_sha256: String,
}

const KINDS: [&str; 2] = ["basic", "api-key"];

impl Entry for SecurityEntry {
    const SECTION: &'static str = "security";

    fn read(name: Name, members: &mut Members<'_, '_>) -> Option<Self> {
        let kind = members.required(
            "kind",
            parsed(|text| {
                let unknown = || format!("is {text:?}; allowed is {}", KINDS.join(" or "));
                KINDS.into_iter().find(|kind| *kind == text).ok_or_else(unknown)
            }),
        );
        let username = members.node("username").is_some();
        let password = members.node("password").is_some();
        let keys = ["key_id", "key_sha256"].map(|name| members.node(name).is_some());
        let credential = match kind? {
            "basic" => {
                for (name, _) in ["key_id", "key_sha256"].into_iter().zip(keys).filter(|(_, given)| *given) {
                    members.refuse(name, "belongs to the kind api-key, not to basic");
                }
                let username = members.required("username", parsed(security::username));
                let password = members.optional("password", Hidden::read(security::password));
                Wish::Basic { username: username?, password: password? }
            }
            _ => {
                for (name, _) in
                    [("username", username), ("password", password)].into_iter().filter(|(_, given)| *given)
                {
                    members.refuse(name, "belongs to the kind basic, not to api-key");
                }
                Wish::ApiKey { key: key(members, keys)? }
            }
        };
        Some(Self { name, credential })
    }

    fn write(&self) -> Map<String, Value> {
        let members = match &self.credential {
            Wish::Basic { username, password } => {
                let password = password.as_ref().map(Hidden::write);
                [("kind", Some(json!("basic"))), ("username", Some(shown(username))), ("password", password)]
            }
            Wish::ApiKey { key } => [
                ("kind", Some(json!("api-key"))),
                ("key_id", key.as_ref().map(|key| json!(key.key_id))),
                ("key_sha256", key.as_ref().map(|key| json!(key.key_sha256))),
            ],
        };
        members.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
    }
}

fn key(members: &mut Members<'_, '_>, given: [bool; 2]) -> Option<Option<Key>> {
    let id = members.optional("key_id", parsed(security::key_id));
    let digest = |text: String| {
        let fits = Digest::from_hex(&text).is_ok_and(|digest| digest.hex() == text);
        if fits { Ok(text) } else { Err("is not a SHA-256: 64 lower-case hexadecimal digits") }
    };
    let digest = members.optional("key_sha256", parsed(digest));
    for (name, other) in [("key_id", given == [false, true]), ("key_sha256", given == [true, false])] {
        if other {
            members.refuse(name, "is required where the other part of the key is given");
        }
    }
    Some(id?.zip(digest?).map(|(key_id, key_sha256)| Key { key_id, key_sha256 }))
}

/// The definitions that a document shows: secrets named, not shown. The one for calls by name is not
/// among them: its key stands in a file of the server's folder.
pub(super) fn entries(definitions: &[Security]) -> Vec<SecurityEntry> {
    let shown = definitions.iter().filter(|definition| definition.name.as_str() != security::INVOKER);
    let variables = hidden::named("PASSWORD_", definitions.iter().map(|definition| &definition.name));
    let entry = |definition: &Security| {
        let credential = match definition.credential.clone() {
            Credential::Basic { username, password_hash: _ } => {
                let variable = variables.get(&definition.name).cloned();
                Wish::Basic { username, password: variable.map(|variable| Hidden::Wanted { variable }) }
            }
            Credential::ApiKey { key_id, key_sha256 } => {
                Wish::ApiKey { key: Some(Key { key_id, key_sha256 }) }
            }
        };
        SecurityEntry { name: definition.name.clone(), credential }
    };
    shown.map(entry).collect()
}

impl std::fmt::Debug for SecurityEntry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SecurityEntry").field("name", &self.name).finish_non_exhaustive()
    }
}
