//! Security definitions in a document: passwords by the name of a variable, API keys by their digest,
//! certificates by subject or digest.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::{
    document::Entry,
    hidden::{self, Hidden},
    members::{Members, Wrong, parsed, shown, texts},
    node::Node,
};
use crate::{
    digest::Digest,
    name::Name,
    security::{self, Certificates, Credential, KINDS, PasswordType, Security, certificate},
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
    WsSecurity { username: String, password: Option<Hidden>, accepts: PasswordType },
    ClientCertificate(Certificates),
}

/// What an API key is known by; neither part lets anyone in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    pub key_id: String,
    pub key_sha256: String,
}

/// The members of each kind, in the order of [`KINDS`].
const MEMBERS: [&[&str]; 4] = [
    &["username", "password"],
    &["key_id", "key_sha256"],
    &["username", "password", "password_type"],
    &["subjects", "sha256"],
];

impl Entry for SecurityEntry {
    const SECTION: &'static str = "security";

    fn read(name: Name, members: &mut Members<'_, '_>) -> Option<Self> {
        let kind = members.required(
            "kind",
            parsed(|text| {
                let unknown = || format!("is {text:?}; {}", security::KINDS_ALLOWED);
                KINDS.into_iter().find(|kind| *kind == text).ok_or_else(unknown)
            }),
        );
        let given = MEMBERS.concat().into_iter().filter(|name| members.node(name).is_some());
        let given: BTreeSet<&str> = given.collect();
        let kind = kind?;
        refuse_foreign(kind, &given, members);
        let credential = match kind {
            "basic" => {
                let (username, password) = user(members);
                Wish::Basic { username: username?, password: password? }
            }
            security::WS_SECURITY => {
                let (username, password) = user(members);
                let accepts =
                    members.or("password_type", PasswordType::default(), parsed(|text| text.parse()));
                Wish::WsSecurity { username: username?, password: password?, accepts: accepts? }
            }
            security::CLIENT_CERTIFICATE => Wish::ClientCertificate(certificates(members)?),
            _ => Wish::ApiKey { key: key(members, &given)? },
        };
        Some(Self { name, credential })
    }

    fn write(&self) -> Map<String, Value> {
        let members = match &self.credential {
            Wish::Basic { username, password } => {
                let password = password.as_ref().map(Hidden::write);
                let username = Some(shown(username));
                [("kind", Some(json!("basic"))), ("username", username), ("password", password), ("", None)]
            }
            Wish::WsSecurity { username, password, accepts } => {
                let accepts = (*accepts != PasswordType::default()).then(|| json!(accepts));
                [
                    ("kind", Some(json!(security::WS_SECURITY))),
                    ("username", Some(shown(username))),
                    ("password_type", accepts),
                    ("password", password.as_ref().map(Hidden::write)),
                ]
            }
            Wish::ApiKey { key } => [
                ("kind", Some(json!("api-key"))),
                ("key_id", key.as_ref().map(|key| json!(key.key_id))),
                ("key_sha256", key.as_ref().map(|key| json!(key.key_sha256))),
                ("", None),
            ],
            Wish::ClientCertificate(Certificates { subjects, sha256 }) => {
                let subjects: Vec<Value> = subjects.iter().map(|subject| shown(subject)).collect();
                [
                    ("kind", Some(json!(security::CLIENT_CERTIFICATE))),
                    ("subjects", (!subjects.is_empty()).then(|| subjects.into())),
                    ("sha256", (!sha256.is_empty()).then(|| json!(sha256))),
                    ("", None),
                ]
            }
        };
        members.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
    }
}

/// Refuses members that only other kinds have.
fn refuse_foreign(kind: &str, given: &BTreeSet<&str>, members: &mut Members<'_, '_>) {
    let has = |one: &str, name: &str| {
        KINDS.into_iter().zip(MEMBERS).any(|(kind, members)| kind == one && members.contains(&name))
    };
    for name in given.iter().filter(|name| !has(kind, name)) {
        let theirs: Vec<&str> = KINDS.into_iter().filter(|kind| has(kind, name)).collect();
        let kinds = if theirs.len() > 1 { "kinds" } else { "kind" };
        members.refuse(name, format!("belongs to the {kinds} {}, not to {kind}", theirs.join(" and ")));
    }
}

fn user(members: &mut Members<'_, '_>) -> (Option<String>, Option<Option<Hidden>>) {
    let username = members.required("username", parsed(security::username));
    let password = members.optional("password", Hidden::read(security::password));
    (username, password)
}

fn key(members: &mut Members<'_, '_>, given: &BTreeSet<&str>) -> Option<Option<Key>> {
    let id = members.optional("key_id", parsed(security::key_id));
    let digest = |text: String| {
        let fits = Digest::from_hex(&text).is_ok_and(|digest| digest.hex() == text);
        if fits { Ok(text) } else { Err("is not a SHA-256: 64 lower-case hexadecimal digits") }
    };
    let digest = members.optional("key_sha256", parsed(digest));
    for (name, other) in [("key_id", "key_sha256"), ("key_sha256", "key_id")] {
        if !given.contains(name) && given.contains(other) {
            members.refuse(name, "is required where the other part of the key is given");
        }
    }
    Some(id?.zip(digest?).map(|(key_id, key_sha256)| Key { key_id, key_sha256 }))
}

fn certificates(members: &mut Members<'_, '_>) -> Option<Certificates> {
    let subjects = members.or("subjects", BTreeSet::new(), listed(certificate::subjects));
    let sha256 = members.or("sha256", BTreeSet::new(), listed(certificate::sha256s));
    let certificates = Certificates { subjects: subjects?, sha256: sha256? };
    certificates.checked().map_err(|unfit| members.refuse("subjects", unfit.to_string())).ok()
}

/// A list of texts that are read further.
fn listed(
    parse: impl FnOnce(&[String]) -> Result<BTreeSet<String>, (usize, certificate::Invalid)>,
) -> impl FnOnce(&Node) -> Result<BTreeSet<String>, Wrong> {
    move |node| {
        let given = texts(node)?;
        certificate::counted(&given)?;
        parse(&given).map_err(|(at, invalid)| Wrong::at(format!("/{at}"), invalid))
    }
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
            Credential::WsSecurity { username, password: _, accepts } => {
                let variable = variables.get(&definition.name).cloned();
                let password = variable.map(|variable| Hidden::Wanted { variable });
                Wish::WsSecurity { username, password, accepts }
            }
            Credential::ClientCertificate(certificates) => Wish::ClientCertificate(certificates),
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
