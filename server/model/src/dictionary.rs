//! Dictionaries: tables that translate what one system calls a thing into what another one calls it.

mod lookup;
mod table;
mod words;

#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

pub use busbar_schedule::Date;
pub use lookup::{Lookup, UnknownSystem};
pub use table::{Entry, Named, Parts, Table, Unfit};
pub use words::{Code, System, VALID_FROM, VALID_UNTIL};

use crate::{bounds::DICTIONARY_SUMMARY_BYTES_MAX, name::Name, time::Timestamp};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dictionary {
    pub id: String,
    pub draft: Draft,
    pub revision: i64,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// The parts of a dictionary that its author decides.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Draft {
    pub name: Name,
    /// What it is for.
    pub summary: Option<String>,
    pub table: Table,
}

/// What a dictionary is for.
pub fn summary(text: String) -> Result<String, String> {
    match text.len() {
        bytes if bytes <= DICTIONARY_SUMMARY_BYTES_MAX => Ok(text),
        bytes => Err(format!("has {bytes} bytes; allowed is {DICTIONARY_SUMMARY_BYTES_MAX}")),
    }
}
