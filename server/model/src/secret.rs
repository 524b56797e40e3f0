//! Secrets: values that plugins read by name, if they are granted. Here they are sealed always.

use std::{fmt, sync::Arc};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use crate::{
    bounds::{SECRET_DESCRIPTION_BYTES_MAX, SECRET_VALUE_BYTES_MAX},
    name::Name,
    time::Timestamp,
};

/// Bytes of a nonce of AES-GCM (NIST SP 800-38D, section 8.2.2).
pub const NONCE_BYTES: usize = 12;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Secret {
    pub id: String,
    pub name: Name,
    pub description: Option<String>,
    pub sealed: Sealed,
    pub revision: i64,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// A value that nobody reads without the master key.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sealed {
    /// Names the master key.
    pub key_id: String,
    pub nonce: [u8; NONCE_BYTES],
    /// With the tag at its end.
    #[serde(serialize_with = "to_base64", deserialize_with = "of_base64")]
    pub ciphertext: Arc<[u8]>,
}

/// What a secret is for.
pub fn description(text: String) -> Result<String, String> {
    match text.len() {
        bytes if bytes <= SECRET_DESCRIPTION_BYTES_MAX => Ok(text),
        bytes => Err(format!("has {bytes} bytes; allowed is {SECRET_DESCRIPTION_BYTES_MAX}")),
    }
}

/// Whether this can be a secret's value. What is refused is not repeated.
pub fn check_value(text: &str) -> Result<(), String> {
    match text.len() {
        1..=SECRET_VALUE_BYTES_MAX => Ok(()),
        bytes => Err(format!("has {bytes} bytes; allowed is 1 to {SECRET_VALUE_BYTES_MAX}")),
    }
}

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sealed").field("key_id", &self.key_id).finish_non_exhaustive()
    }
}

fn to_base64<S: Serializer>(bytes: &Arc<[u8]>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&BASE64_STANDARD.encode(bytes))
}

fn of_base64<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Arc<[u8]>, D::Error> {
    let text = String::deserialize(deserializer)?;
    BASE64_STANDARD.decode(text).map(Arc::from).map_err(D::Error::custom)
}

#[cfg(test)]
mod tests {
    use super::{NONCE_BYTES, Sealed};

    #[test]
    fn a_sealed_value_travels_as_text() {
        let sealed = Sealed {
            key_id: "k1".to_owned(),
            nonce: [7; NONCE_BYTES],
            ciphertext: (0..=255).collect::<Vec<u8>>().into(),
        };
        let text = serde_json::to_string(&sealed).unwrap();
        assert_eq!(serde_json::from_str::<Sealed>(&text).unwrap(), sealed);
        assert!(serde_json::from_str::<Sealed>(&text.replace("AAEC", "A!!C")).is_err());
    }
}
