//! Tables that translate one system's codes into another's, which the plugin is granted. As of the catalog snapshot that
//! the call is pinned to.
//!
//! ```no_run
//! use busbar_sdk::prelude::*;
//!
//! # fn example() -> Result<(), Fault> {
//! let country = dictionaries::translate("countries", "DE", "erp", "shop")?;
//! let then = dictionaries::on("2020-01-31").translate("countries", "DE", "erp", "shop")?;
//! # Ok(())
//! # }
//! ```

use std::collections::BTreeMap;

use crate::Fault;
use crate::host::dictionaries as bus;

/// What `key` of the system `from` is in the system `to`, today in UTC: of the first entry in the table's order that is
/// valid, else the default of `to`, else none.
///
/// # Errors
/// `not-granted`, `dictionary-unknown`, `system-unknown`.
pub fn translate(dictionary: &str, key: &str, from: &str, to: &str) -> Result<Option<String>, Fault> {
    Day::default().translate(dictionary, key, from, to)
}

/// The entries that are valid today in UTC, each as the systems and their codes.
///
/// # Errors
/// `not-granted`, `dictionary-unknown`.
pub fn entries(dictionary: &str) -> Result<Vec<BTreeMap<String, String>>, Fault> {
    Day::default().entries(dictionary)
}

/// Another day than today: a date like `2026-11-30`.
pub fn on(date: impl Into<String>) -> Day {
    Day(Some(date.into()))
}

/// The day whose entries are looked at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Day(Option<String>);

impl Day {
    /// # Errors
    /// Those of the function [`translate`]; `invalid-input` if the date is none.
    pub fn translate(
        &self,
        dictionary: &str,
        key: &str,
        from: &str,
        to: &str,
    ) -> Result<Option<String>, Fault> {
        bus::translate(dictionary, key, from, to, self.0.as_deref()).map_err(Fault::received)
    }

    /// # Errors
    /// Those of the function [`entries`]; `invalid-input` if the date is none.
    pub fn entries(&self, dictionary: &str) -> Result<Vec<BTreeMap<String, String>>, Fault> {
        let entries = bus::entries(dictionary, self.0.as_deref()).map_err(Fault::received)?;
        Ok(entries.into_iter().map(|entry| entry.into_iter().collect()).collect())
    }
}
