//! What was applied, on disk: the last configurations and what became of each.

use std::{fs, io, path::Path};

use busbar_lb_config::{Entry, Outcome, digest, parse};

use crate::folder::{Folder, write};

/// Configurations that are kept, the one in force always among them.
pub(crate) const KEPT_MAX: usize = 50;

/// The newest last.
pub(crate) struct History {
    folder: Folder,
    entries: Vec<Entry>,
}

/// The texts of one configuration.
#[derive(Clone, Debug)]
pub(crate) struct Texts {
    pub(crate) applied: String,
    pub(crate) base: String,
}

impl History {
    /// A folder whose record can't be read is left alone, and its number is not given again.
    pub(crate) fn load(folder: Folder) -> io::Result<Self> {
        let mut entries = Vec::new();
        for found in fs::read_dir(folder.configs())? {
            let path = found?.path();
            match read(&path) {
                Ok(entry) => entries.push(entry),
                Err(error) => {
                    tracing::warn!(path = %path.display(), %error, "a configuration's record can't be read")
                }
            }
        }
        entries.sort_by_key(|entry: &Entry| entry.number);
        Ok(Self { folder, entries })
    }

    pub(crate) fn entries(&self) -> &[Entry] {
        &self.entries
    }

    pub(crate) fn entry(&self, number: u64) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.number == number)
    }

    /// The newest that was good, before that number.
    pub(crate) fn good_before(&self, number: u64) -> Option<&Entry> {
        self.entries.iter().rev().find(|entry| entry.number < number && entry.outcome.is_good())
    }

    pub(crate) fn next_number(&self) -> io::Result<u64> {
        let mut highest = 0;
        for found in fs::read_dir(self.folder.configs())? {
            highest =
                highest.max(found?.file_name().to_str().and_then(|name| name.parse().ok()).unwrap_or(0));
        }
        Ok(highest + 1)
    }

    pub(crate) fn texts(&self, number: u64) -> io::Result<Texts> {
        let path = self.folder.config(number);
        let read = |name: &str| fs::read_to_string(path.join(name));
        Ok(Texts { applied: read("applied.cfg")?, base: read("base.cfg")? })
    }

    pub(crate) fn add(&mut self, entry: Entry, texts: &Texts) -> io::Result<()> {
        let path = self.folder.config(entry.number);
        fs::create_dir_all(&path)?;
        write(&path.join("haproxy.cfg"), &texts.applied)?;
        write(&path.join("applied.cfg"), &texts.applied)?;
        write(&path.join("base.cfg"), &texts.base)?;
        record(&path, &entry)?;
        self.entries.push(entry);
        Ok(())
    }

    pub(crate) fn settle(&mut self, number: u64, outcome: Outcome, reason: Option<String>) -> io::Result<()> {
        let Some(entry) = self.entries.iter_mut().find(|entry| entry.number == number) else { return Ok(()) };
        entry.outcome = outcome;
        entry.reason = reason;
        record(&self.folder.config(number), entry)
    }

    /// Deletes the oldest that are too many, but neither what is in force nor what that would be put back to.
    pub(crate) fn prune(&mut self) -> io::Result<()> {
        let current = self.folder.current();
        let before = current.and_then(|current| self.good_before(current)).map(|entry| entry.number);
        let held = self.folder.held();
        let kept = |number| [current, before, held].contains(&Some(number));
        let surplus = self.entries.len().saturating_sub(KEPT_MAX);
        let gone: Vec<u64> = self
            .entries
            .iter()
            .map(|entry| entry.number)
            .filter(|number| !kept(*number))
            .take(surplus)
            .collect();
        for number in gone {
            fs::remove_dir_all(self.folder.config(number))?;
            self.entries.retain(|entry| entry.number != number);
        }
        Ok(())
    }
}

fn read(path: &Path) -> io::Result<Entry> {
    let text = fs::read_to_string(path.join("meta.json"))?;
    serde_json::from_str(&text).map_err(io::Error::other)
}

fn record(path: &Path, entry: &Entry) -> io::Result<()> {
    let text = serde_json::to_string_pretty(entry).map_err(io::Error::other)?;
    write(&path.join("meta.json"), &text)
}

/// Of the files that a configuration names. One that can't be read counts as such.
pub(crate) fn files_digest(text: &str) -> String {
    let files = parse(text).map(|document| document.files()).unwrap_or_default();
    let digests: Vec<String> = files
        .iter()
        .map(|file| match fs::read_to_string(file) {
            Ok(text) => format!("{file} {}\n", digest(&text)),
            Err(error) => format!("{file} {:?}\n", error.kind()),
        })
        .collect();
    digest(&digests.concat())
}
