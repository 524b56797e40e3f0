//! Bytes, in base64 or beside the envelope.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use busbar_sdk::prelude::*;
use sha2::{Digest as _, Sha256};

/// Bytes under a name.
#[input]
#[serde(deny_unknown_fields)]
pub(crate) struct Blob {
    name: String,
    #[schemars(extend("format" = "byte"))]
    content: String,
}

#[output]
pub(crate) struct Account {
    name: String,
    /// In bytes.
    length: u64,
    /// Lower-case hexadecimal digits.
    sha256: String,
    #[schemars(extend("format" = "byte"))]
    content: String,
}

/// Tells the length and the SHA-256 of bytes, and gives them back.
#[service(rest = "POST /shapes/blob")]
pub(crate) fn blob(input: Blob) -> Result<Account, Fault> {
    let Blob { name, content } = input;
    let bytes = BASE64_STANDARD
        .decode(&content)
        .map_err(|error| Fault::invalid_input("/content", format!("not base64: {error}")))?;
    let sha256 = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(Account { name, length: u64::try_from(bytes.len())?, sha256, content })
}
