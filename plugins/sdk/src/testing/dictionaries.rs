//! Dictionaries of a test host.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{SystemTime, UNIX_EPOCH};

use super::TestHost;
use crate::Fault;

const DAY_S: u64 = 24 * 60 * 60;

/// Entries in the table's order, each as the systems and their codes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Dictionary {
    entries: Vec<Entry>,
    defaults: BTreeMap<String, String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Entry {
    codes: Vec<(String, String)>,
    /// Both days are within.
    from: Option<String>,
    until: Option<String>,
}

impl Dictionary {
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Always valid: `.entry(&[("erp", "DE"), ("shop", "germany")])`.
    #[must_use]
    pub fn entry(self, codes: &[(&str, &str)]) -> Self {
        self.valid(None, None, codes)
    }

    /// Valid from one day to another, both within: dates like `2026-11-30`.
    #[must_use]
    pub fn valid(mut self, from: Option<&str>, until: Option<&str>, codes: &[(&str, &str)]) -> Self {
        let codes = codes.iter().map(|(system, code)| ((*system).to_owned(), (*code).to_owned())).collect();
        self.entries.push(Entry { codes, from: from.map(str::to_owned), until: until.map(str::to_owned) });
        self
    }

    /// A system's code for what no entry has.
    #[must_use]
    pub fn default_of(mut self, system: &str, code: &str) -> Self {
        self.defaults.insert(system.to_owned(), code.to_owned());
        self
    }

    fn knows(&self, system: &str) -> Result<(), Fault> {
        let codes = self.entries.iter().flat_map(|entry| &entry.codes);
        let systems: BTreeSet<_> = codes.map(|(system, _)| system).chain(self.defaults.keys()).collect();
        match systems.iter().any(|known| *known == system) {
            true => Ok(()),
            false => {
                let text = format!("the dictionary has no system {system}");
                Err(Fault::reject("system-unknown", text).status(404))
            }
        }
    }

    fn on<'d>(&'d self, day: &'d str) -> impl Iterator<Item = &'d Entry> {
        self.entries.iter().filter(move |entry| {
            entry.from.as_deref().is_none_or(|from| from <= day)
                && entry.until.as_deref().is_none_or(|until| day <= until)
        })
    }
}

impl Entry {
    fn code(&self, system: &str) -> Option<&String> {
        self.codes.iter().find(|(known, _)| known == system).map(|(_, code)| code)
    }
}

impl TestHost {
    /// A dictionary that the plugin is granted.
    #[must_use]
    pub fn dictionary(self, name: &str, dictionary: Dictionary) -> Self {
        self.with(|host| host.others.dictionaries.insert(name.to_owned(), dictionary))
    }

    pub(super) fn translate(
        &self,
        name: &str,
        key: &str,
        from: &str,
        to: &str,
        on: Option<&str>,
    ) -> Result<Option<String>, Fault> {
        let (dictionary, day) = self.opened(name, on)?;
        dictionary.knows(from)?;
        dictionary.knows(to)?;
        let mut fitting =
            dictionary.on(&day).filter(|entry| entry.code(from).is_some_and(|code| code == key));
        let found = fitting.find_map(|entry| entry.code(to));
        Ok(found.or_else(|| dictionary.defaults.get(to)).cloned())
    }

    pub(super) fn entries(&self, name: &str, on: Option<&str>) -> Result<Vec<Vec<(String, String)>>, Fault> {
        let (dictionary, day) = self.opened(name, on)?;
        Ok(dictionary.on(&day).map(|entry| entry.codes.clone()).collect())
    }

    fn opened(&self, name: &str, on: Option<&str>) -> Result<(Dictionary, String), Fault> {
        let host = self.0.borrow();
        let dictionary = host.others.dictionaries.get(name).cloned().ok_or_else(|| {
            let text =
                format!("no dictionary has this name; TestHost::dictionary({name:?}, …) gives it entries");
            Fault::reject("dictionary-unknown", text).status(404)
        })?;
        match on {
            Some(day) if is_date(day) => Ok((dictionary, day.to_owned())),
            Some(day) => {
                Err(Fault::invalid_input("", format!("{day} is no date; expected one like 2026-11-30")))
            }
            None => Ok((dictionary, date(host.now))),
        }
    }
}

fn is_date(text: &str) -> bool {
    text.len() == 10
        && text.bytes().enumerate().all(|(at, byte)| match at {
            4 | 7 => byte == b'-',
            _ => byte.is_ascii_digit(),
        })
}

/// In UTC, of a time after 1970.
fn date(time: SystemTime) -> String {
    let mut left = time.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs() / DAY_S;
    let mut year = 1970;
    let leap = |year: u64| year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    while left >= 365 + u64::from(leap(year)) {
        left -= 365 + u64::from(leap(year));
        year += 1;
    }
    let mut month = 1;
    for days in [31, 28 + u64::from(leap(year)), 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] {
        if left < days {
            break;
        }
        left -= days;
        month += 1;
    }
    format!("{year:04}-{month:02}-{:02}", left + 1)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn days_are_counted_as_in_the_calendar() {
        for (seconds, day) in [
            (0, "1970-01-01"),
            (951_782_400, "2000-02-29"),
            (951_868_800, "2000-03-01"),
            (1_767_225_599, "2025-12-31"),
            (1_767_225_600, "2026-01-01"),
        ] {
            assert_eq!(date(UNIX_EPOCH + Duration::from_secs(seconds)), day);
        }
    }
}
