//! The name of a plugin, of the folder that it stands in, and in Rust of its crate.

use std::str::FromStr;

/// Characters; what Cargo's own registry allows.
const CHARS_MAX: usize = 64;

/// Lower-case letters, digits and `-`, beginning with a letter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ServiceName(String);

impl ServiceName {
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// As the Rust compiler names files.
    pub(super) fn file(&self) -> String {
        self.0.replace('-', "_")
    }
}

impl FromStr for ServiceName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let fits = text.starts_with(|c: char| c.is_ascii_lowercase())
            && text.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'))
            && text.len() <= CHARS_MAX;
        if !fits {
            return Err(format!(
                "write lower-case letters, digits and '-', beginning with a letter, {CHARS_MAX} at most"
            ));
        }
        Ok(Self(text.to_owned()))
    }
}
