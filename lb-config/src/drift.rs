//! Whether a file is still what was applied.

use sha2::{Digest, Sha256};

use crate::{
    diff::{Diff, diff},
    document::{ParseError, parse},
    own::{OwnLinesError, separate},
};

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DriftError {
    #[error("the file's own lines are not marked as they should be")]
    OwnLines(#[from] OwnLinesError),
    #[error("the file can't be read")]
    Parse(#[from] ParseError),
}

/// SHA-256 of a text, as `sha256:HEX`.
pub fn digest(text: &str) -> String {
    let hex: String = Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256:{hex}")
}

/// What was changed by hand outside the places for own lines. Comments, quotes and spaces are no change.
pub fn drift(applied: &str, found: &str) -> Result<Option<Diff>, DriftError> {
    let (_, applied) = separate(applied)?;
    let (_, found) = separate(found)?;
    let difference = diff(&parse(&applied)?, &parse(&found)?);
    Ok(Some(difference).filter(|difference| !difference.is_empty()))
}
