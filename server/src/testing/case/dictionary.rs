//! What a case gives for dictionaries.

use std::collections::BTreeMap;

use busbar_model::dictionary::{Code, Date, Named, Parts, System, Table};
use serde::Deserialize;

/// A table as its author writes it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct Given {
    systems: Vec<System>,
    #[serde(default)]
    defaults: BTreeMap<System, Code>,
    #[serde(default)]
    entries: Vec<Entry>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    codes: BTreeMap<System, Code>,
    valid_from: Option<Date>,
    valid_until: Option<Date>,
}

impl Given {
    /// The error names the first place that does not fit.
    pub(in super::super) fn table(&self) -> Result<Table, String> {
        let entry = |entry: &Entry| Named {
            codes: entry.codes.clone(),
            valid_from: entry.valid_from,
            valid_until: entry.valid_until,
        };
        let parts = Parts {
            systems: self.systems.clone(),
            defaults: self.defaults.clone(),
            entries: self.entries.iter().map(entry).collect(),
        };
        let table = Table::new(parts);
        table.map_err(|unfit| {
            unfit.first().map(|one| format!("{}: {}", one.path, one.message)).unwrap_or_default()
        })
    }
}
