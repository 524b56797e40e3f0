//! Security definitions: what a channel asks of its callers.

use serde::{Deserialize, Serialize};

use crate::{name::Name, time::Timestamp};

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
}

impl Credential {
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Basic { .. } => "basic",
            Self::ApiKey { .. } => "api-key",
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
        }
    }
}

/// The security definition that guards calls by name, if it exists.
pub const INVOKER: &str = "invoker";
