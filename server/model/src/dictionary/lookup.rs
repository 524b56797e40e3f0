//! Translating by an index, which is made once for as long as a dictionary stays as it is.

use super::{Date, Dictionary, Entry, System};

/// A dictionary, ready to be asked.
#[derive(Debug)]
pub struct Lookup {
    dictionary: Dictionary,
    /// For each system the places of the entries that have a code of it, sorted by that code, those of one code in their
    /// order.
    sorted: Vec<Vec<u32>>,
}

/// A system that a dictionary does not have.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
#[error("system {system:?} is not one of the dictionary's; allowed is {allowed}")]
pub struct UnknownSystem {
    pub system: String,
    /// Those that it has.
    pub allowed: String,
}

impl UnknownSystem {
    pub(super) fn of(system: &str, known: &[System]) -> Self {
        let allowed = known.iter().map(System::as_str).collect::<Vec<_>>().join(", ");
        Self { system: system.chars().take(crate::bounds::DICTIONARY_SYSTEM_CHARS_MAX).collect(), allowed }
    }
}

impl Lookup {
    pub fn new(dictionary: Dictionary) -> Self {
        let table = &dictionary.draft.table;
        let sorted = (0..table.systems().len()).map(|system| {
            let entries = table.entries().iter().zip(0_u32..);
            let mut coded: Vec<_> =
                entries.filter_map(|(entry, at)| Some((entry.code(system)?, at))).collect();
            coded.sort_unstable();
            coded.into_iter().map(|(_, at)| at).collect()
        });
        Self { sorted: sorted.collect(), dictionary }
    }

    pub fn dictionary(&self) -> &Dictionary {
        &self.dictionary
    }

    /// As [`super::Table::translate`], which it gives the same as.
    pub fn translate(
        &self,
        key: &str,
        from: &str,
        to: &str,
        on: Date,
    ) -> Result<Option<&str>, UnknownSystem> {
        let table = &self.dictionary.draft.table;
        let (from, to) = (table.place(from)?, table.place(to)?);
        Ok(table.first(self.matching(from, key), to, on))
    }

    fn matching<'l>(&'l self, system: usize, key: &str) -> impl Iterator<Item = &'l Entry> {
        let entries = self.dictionary.draft.table.entries();
        let entry = |at: u32| usize::try_from(at).ok().and_then(|at| entries.get(at));
        let code = move |at: u32| entry(at).and_then(|entry| entry.code(system));
        let sorted = self.sorted.get(system).map(Vec::as_slice).unwrap_or_default();
        let first = sorted.partition_point(|at| code(*at) < Some(key));
        let here = sorted.iter().skip(first).take_while(move |at| code(**at) == Some(key));
        here.filter_map(move |at| entry(*at))
    }
}
