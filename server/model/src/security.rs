//! Security definitions: what a channel asks of its callers.

pub mod certificate;

use std::str::FromStr;

use serde::{Deserialize, Serialize};

pub use self::certificate::Certificates;
use crate::{
    bounds::{NAME_CHARS_MAX, PASSWORD_CHARS_MAX, USERNAME_CHARS_MAX},
    name::Name,
    secret::Sealed,
    time::Timestamp,
};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Security {
    pub id: String,
    pub name: Name,
    pub credential: Credential,
    pub revision: i64,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// What can be checked against; never the secret itself.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Credential {
    /// HTTP basic (RFC 7617).
    Basic {
        username: String,
        /// argon2id in PHC string form.
        password_hash: String,
    },
    ApiKey {
        /// The part of the key before the dot; public.
        key_id: String,
        /// SHA-256 of the whole key, hexadecimal.
        key_sha256: String,
    },
    /// A UsernameToken in the header of a SOAP message (WSS UsernameToken Profile 1.1).
    WsSecurity {
        username: String,
        /// Not hashed: a digest can be checked only by who knows the password.
        password: Sealed,
        accepts: PasswordType,
    },
    /// A certificate of the client, as the cluster's balancer tells it.
    ClientCertificate(Certificates),
}

/// In which forms a UsernameToken may carry its password (WSS UsernameToken Profile 1.1, section 3.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PasswordType {
    /// Hashed with a nonce and the time of its creation: each message once, and a short time only.
    #[default]
    Digest,
    /// As it is.
    Text,
    Any,
}

impl PasswordType {
    pub const ALL: [Self; 3] = [Self::Digest, Self::Text, Self::Any];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Digest => "digest",
            Self::Text => "text",
            Self::Any => "any",
        }
    }
}

impl FromStr for PasswordType {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|one| one.as_str() == text);
        found.ok_or_else(|| format!("{text:?} is unknown; allowed is digest, text or any"))
    }
}

/// Kinds of credentials, by the names that they have outside.
pub const KINDS: [&str; 4] = ["basic", "api-key", WS_SECURITY, CLIENT_CERTIFICATE];
pub const KINDS_ALLOWED: &str = "allowed is basic, api-key, ws-security or client-certificate";
/// The kind that guards SOAP channels only.
pub const WS_SECURITY: &str = "ws-security";
pub const CLIENT_CERTIFICATE: &str = "client-certificate";

impl Credential {
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Basic { .. } => "basic",
            Self::ApiKey { .. } => "api-key",
            Self::WsSecurity { .. } => WS_SECURITY,
            Self::ClientCertificate(_) => CLIENT_CERTIFICATE,
        }
    }
}

impl std::fmt::Debug for Credential {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Basic { username, .. } => {
                f.debug_struct("Basic").field("username", username).finish_non_exhaustive()
            }
            Self::ApiKey { key_id, .. } => {
                f.debug_struct("ApiKey").field("key_id", key_id).finish_non_exhaustive()
            }
            Self::WsSecurity { username, accepts, .. } => {
                let mut shown = f.debug_struct("WsSecurity");
                shown.field("username", username).field("accepts", accepts).finish_non_exhaustive()
            }
            Self::ClientCertificate(certificates) => {
                f.debug_tuple("ClientCertificate").field(certificates).finish()
            }
        }
    }
}

/// The security definition that guards calls by name, if it exists.
pub const INVOKER: &str = "invoker";

/// A username of HTTP basic (RFC 7617, section 2).
pub fn username(text: String) -> Result<String, String> {
    let fits = (1..=USERNAME_CHARS_MAX).contains(&text.chars().count())
        && !text.chars().any(|c| c == ':' || c.is_control());
    if fits {
        return Ok(text);
    }
    let text: String = text.chars().take(NAME_CHARS_MAX).collect();
    Err(format!(
        "{text:?} is not a username: 1 to {USERNAME_CHARS_MAX} characters without ':' and control characters"
    ))
}

pub fn password(text: String) -> Result<String, String> {
    match text.chars().count() {
        1..=PASSWORD_CHARS_MAX => Ok(text),
        characters => Err(format!("has {characters} characters; allowed is 1 to {PASSWORD_CHARS_MAX}")),
    }
}

/// The part of an API key before the dot.
pub fn key_id(text: String) -> Result<String, &'static str> {
    let fits = (1..=NAME_CHARS_MAX).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric());
    if fits { Ok(text) } else { Err("is not the id of a key: letters and digits") }
}
