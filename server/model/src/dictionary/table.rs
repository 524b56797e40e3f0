//! The table of a dictionary: its systems, and what stands for what.

use std::collections::BTreeMap;

use busbar_schedule::Date;
use serde::{Deserialize, Serialize};

use super::{
    lookup::UnknownSystem,
    words::{Code, System, VALID_UNTIL},
};
use crate::bounds::{
    DICTIONARY_CODE_BYTES_MAX, DICTIONARY_ENTRIES_MAX, DICTIONARY_SYSTEMS_MAX, DICTIONARY_SYSTEMS_MIN,
    DICTIONARY_UNFIT_TOLD_MAX,
};

/// Codes of several systems that mean the same, each at the place of its system.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    pub codes: Vec<Option<Code>>,
    /// The first day and the last one on which it holds, in UTC. `None`: it always did, and always will.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_from: Option<Date>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_until: Option<Date>,
}

/// A table whose parts fit each other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Table {
    systems: Vec<System>,
    /// What a translation into each system gives where nothing matches.
    defaults: Vec<Option<Code>>,
    entries: Vec<Entry>,
}

/// An entry with its codes by their systems, as authors write it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Named {
    pub codes: BTreeMap<System, Code>,
    pub valid_from: Option<Date>,
    pub valid_until: Option<Date>,
}

/// What a table is made of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parts {
    pub systems: Vec<System>,
    pub defaults: BTreeMap<System, Code>,
    pub entries: Vec<Named>,
}

/// Something that does not go with the rest of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unfit {
    /// JSON Pointer (RFC 6901) into the parts.
    pub path: String,
    pub message: String,
}

impl Entry {
    pub fn is_valid_on(&self, day: Date) -> bool {
        self.valid_from.is_none_or(|first| first <= day) && self.valid_until.is_none_or(|last| day <= last)
    }

    pub(super) fn code(&self, at: usize) -> Option<&str> {
        self.codes.get(at)?.as_ref().map(Code::as_str)
    }
}

impl Table {
    /// All that does not fit is told, up to a bound.
    pub fn new(parts: Parts) -> Result<Self, Vec<Unfit>> {
        let mut check = Check(Vec::new());
        check.systems(&parts.systems);
        let Parts { systems, mut defaults, entries } = parts;
        let known = systems.iter().map(|system| defaults.remove(system.as_str())).collect();
        for stray in defaults.keys() {
            check.refuse(format!("/defaults/{stray}"), not_among(stray, &systems));
        }
        if entries.len() > DICTIONARY_ENTRIES_MAX {
            let has = entries.len();
            check.refuse("/entries", format!("has {has} items; allowed is 0 to {DICTIONARY_ENTRIES_MAX}"));
            return Err(check.0);
        }
        let entries = entries.into_iter().enumerate();
        let entries = entries.map(|(at, named)| check.entry(at, named, &systems)).collect();
        let table = Self { systems, defaults: known, entries };
        let bytes = table.code_bytes();
        if bytes > DICTIONARY_CODE_BYTES_MAX {
            let message = format!("codes have {bytes} bytes in all; allowed is {DICTIONARY_CODE_BYTES_MAX}");
            check.refuse("/entries", message);
        }
        if check.0.is_empty() { Ok(table) } else { Err(check.0) }
    }

    /// As it was stored, when it was checked.
    pub fn of_columns(systems: Vec<System>, defaults: Vec<Option<Code>>, entries: Vec<Entry>) -> Self {
        Self { systems, defaults, entries }
    }

    /// Systems, defaults and entries, to be stored.
    pub fn columns(&self) -> (&[System], &[Option<Code>], &[Entry]) {
        (&self.systems, &self.defaults, &self.entries)
    }

    /// What it could be made of again.
    pub fn parts(&self) -> Parts {
        let named = |codes: &[Option<Code>]| {
            let given = self.systems.iter().zip(codes);
            given.filter_map(|(system, code)| Some((system.clone(), code.clone()?))).collect()
        };
        let entry = |entry: &Entry| Named {
            codes: named(&entry.codes),
            valid_from: entry.valid_from,
            valid_until: entry.valid_until,
        };
        Parts {
            systems: self.systems.clone(),
            defaults: named(&self.defaults),
            entries: self.entries.iter().map(entry).collect(),
        }
    }

    pub fn systems(&self) -> &[System] {
        &self.systems
    }

    /// By their systems.
    pub fn defaults(&self) -> impl Iterator<Item = (&System, &Code)> {
        self.systems.iter().zip(&self.defaults).filter_map(|(system, code)| Some((system, code.as_ref()?)))
    }

    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// An entry's codes by their systems.
    pub fn codes<'t>(&'t self, entry: &'t Entry) -> impl Iterator<Item = (&'t System, &'t Code)> {
        self.systems.iter().zip(&entry.codes).filter_map(|(system, code)| Some((system, code.as_ref()?)))
    }

    fn all_codes(&self) -> impl Iterator<Item = &Code> {
        self.entries.iter().flat_map(|entry| &entry.codes).chain(&self.defaults).flatten()
    }

    /// How many codes there are, defaults among them.
    pub fn codes_count(&self) -> usize {
        self.all_codes().count()
    }

    pub fn code_bytes(&self) -> usize {
        self.all_codes().map(|code| code.as_str().len()).sum()
    }

    /// What `to` calls the thing that `from` calls `key` on a day: by the first entry that says so, else the default
    /// of `to`. It looks through all entries; `Lookup` finds them.
    pub fn translate(
        &self,
        key: &str,
        from: &str,
        to: &str,
        on: Date,
    ) -> Result<Option<&str>, UnknownSystem> {
        let (from, to) = (self.place(from)?, self.place(to)?);
        Ok(self.first(self.entries.iter().filter(|entry| entry.code(from) == Some(key)), to, on))
    }

    pub(super) fn place(&self, system: &str) -> Result<usize, UnknownSystem> {
        let found = self.systems.iter().position(|known| known.as_str() == system);
        found.ok_or_else(|| UnknownSystem::of(system, &self.systems))
    }

    /// `matching` are the entries with the key, in their order.
    pub(super) fn first<'t>(
        &'t self,
        mut matching: impl Iterator<Item = &'t Entry>,
        to: usize,
        on: Date,
    ) -> Option<&'t str> {
        let found = matching.find_map(|entry| entry.code(to).filter(|_| entry.is_valid_on(on)));
        found.or_else(|| self.defaults.get(to)?.as_ref().map(Code::as_str))
    }
}

fn not_among(system: &System, systems: &[System]) -> String {
    let allowed = systems.iter().map(System::as_str).collect::<Vec<_>>().join(", ");
    format!("system {system:?} is not one of the dictionary's; allowed is {allowed}")
}

struct Check(Vec<Unfit>);

impl Check {
    fn refuse(&mut self, path: impl Into<String>, message: String) {
        if self.0.len() < DICTIONARY_UNFIT_TOLD_MAX {
            self.0.push(Unfit { path: path.into(), message });
        }
    }

    fn systems(&mut self, systems: &[System]) {
        let count = systems.len();
        if !(DICTIONARY_SYSTEMS_MIN..=DICTIONARY_SYSTEMS_MAX).contains(&count) {
            let allowed = format!("allowed is {DICTIONARY_SYSTEMS_MIN} to {DICTIONARY_SYSTEMS_MAX}");
            self.refuse("/systems", format!("has {count} items; {allowed}"));
        }
        for (at, system) in systems.iter().enumerate() {
            if systems.iter().take(at).any(|earlier| earlier == system) {
                self.refuse(format!("/systems/{at}"), format!("system {system:?} stands twice"));
            }
        }
    }

    fn entry(&mut self, at: usize, named: Named, systems: &[System]) -> Entry {
        let Named { mut codes, valid_from, valid_until } = named;
        let count = codes.len();
        if count < DICTIONARY_SYSTEMS_MIN {
            let message =
                format!("has codes of {count} systems; allowed is {DICTIONARY_SYSTEMS_MIN} or more");
            self.refuse(format!("/entries/{at}/codes"), message);
        }
        let known = systems.iter().map(|system| codes.remove(system.as_str())).collect();
        for stray in codes.keys() {
            self.refuse(format!("/entries/{at}/codes/{stray}"), not_among(stray, systems));
        }
        if let (Some(first), Some(last)) = (valid_from, valid_until)
            && last < first
        {
            let message = format!("is {last}, which is before the entry's first day, {first}");
            self.refuse(format!("/entries/{at}/{VALID_UNTIL}"), message);
        }
        Entry { codes: known, valid_from, valid_until }
    }
}
