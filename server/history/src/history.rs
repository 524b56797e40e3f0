//! What a server does with its history: record, show, compare, go back.

use std::{
    fs,
    path::{Path, PathBuf},
};

use similar::TextDiff;

use crate::{
    entry::{self, Entry, Note},
    error::Error,
    key::Key,
    lock::Lock,
    repository::{Found, New, Repository},
    secrets::{self, Restored},
};

/// In the server's folder.
pub const FOLDER: &str = "config-history";
const LOCK: &str = "config-history.lock";
/// Lines around a change.
const CONTEXT_LINES: usize = 3;

/// The history of the settings of one server's folder. Reading it makes nothing; the first record makes the
/// repository.
#[derive(Debug)]
pub struct History {
    folder: PathBuf,
    repository: Repository,
}

/// Versions, newest first.
#[derive(Debug)]
pub struct Log {
    pub entries: Vec<Entry>,
    /// Why there are no older ones, where there should be.
    pub damage: Option<Error>,
}

/// What is compared.
#[derive(Clone, Copy, Debug)]
pub enum Version<'a> {
    /// The beginning of an id, of at least four digits.
    Recorded(&'a str),
    /// Settings as a file has them, and what they are called.
    Text { name: &'a str, text: &'a str },
}

/// An earlier version, ready to be put in place of the present one.
#[derive(Debug)]
pub struct Rollback {
    /// Which one it is.
    pub entry: Entry,
    /// With its secrets.
    pub text: String,
    /// Places (`section.key`) whose secret is the present one, since it was changed after this version.
    pub kept: Vec<String>,
}

impl History {
    /// Of a server's folder, which is there.
    pub fn open(folder: &Path) -> Self {
        Self { folder: folder.to_owned(), repository: Repository::at(folder.join(FOLDER)) }
    }

    /// The repository.
    pub fn path(&self) -> &Path {
        self.repository.path()
    }

    /// Makes a commit of settings that are in force; `None`: they are those of the last one. `at_s` is in seconds
    /// since 1970. An empty text begins no history. Waits up to 10 s for others that record.
    pub fn record(&self, text: &str, note: &Note, at_s: i64) -> Result<Option<Entry>, Error> {
        if text.is_empty() && !self.repository.exists() {
            return Ok(None);
        }
        let _lock = Lock::take(&self.folder.join(LOCK))?;
        if !self.repository.exists() {
            self.repository.create()?;
        }
        let key = Key::ensure(&self.folder)?;
        let hidden = secrets::hide(text, &key)?;
        let tip = self.repository.tip()?;
        let before = match tip {
            Some(tip) => self.repository.text(&self.repository.commit(tip)?)?,
            None => String::new(),
        };
        if before == hidden {
            return Ok(None);
        }
        let message = note.message();
        let new = New { text: &hidden, parent: tip, author: &note.author, at_s, message };
        let id = self.repository.append(&new)?;
        self.repository.commit(id).map(|found| Some(to_entry(&found)))
    }

    /// Whether nothing was recorded yet.
    pub fn is_empty(&self) -> Result<bool, Error> {
        Ok(!self.repository.exists() || self.repository.tip()?.is_none())
    }

    /// The last `limit` versions, newest first.
    pub fn log(&self, limit: usize) -> Result<Log, Error> {
        let mut log = Log { entries: Vec::new(), damage: None };
        for found in self.walk()?.take(limit) {
            match found {
                Ok(found) => log.entries.push(to_entry(&found)),
                // What is newer can be told all the same.
                Err(error) if !log.entries.is_empty() => log.damage = Some(error),
                Err(error) => return Err(error),
            }
        }
        Ok(log)
    }

    /// A version, named by the beginning of its id, with what stands for its secrets.
    pub fn show(&self, id: &str) -> Result<String, Error> {
        self.repository.text(&self.find(id)?)
    }

    /// Unified text with three lines of context; empty where there is no difference. Secrets of texts are
    /// compared, but not shown.
    pub fn diff(&self, from: Version<'_>, to: Version<'_>) -> Result<String, Error> {
        let key = self.key()?;
        let (from, to) = (self.side(from, &key)?, self.side(to, &key)?);
        let lines = TextDiff::from_lines(&from.1, &to.1);
        let mut unified = lines.unified_diff();
        Ok(unified.context_radius(CONTEXT_LINES).header(&from.0, &to.0).to_string())
    }

    /// An earlier version to be written in place of `present`, which is where its secrets come from: that of an
    /// id, or the newest that differs from `present`. Nothing is recorded: that is done with what is written.
    pub fn rollback(&self, id: Option<&str>, present: &str) -> Result<Rollback, Error> {
        let key = self.key()?;
        let (found, recorded) = match id {
            Some(id) => {
                let found = self.find(id)?;
                let recorded = self.repository.text(&found)?;
                (found, recorded)
            }
            None => self.last_other_than(&secrets::hide(present, &key)?)?,
        };
        let Restored { text, kept } = secrets::restore(&recorded, present, &key)?;
        Ok(Rollback { entry: to_entry(&found), text, kept })
    }

    /// Puts a damaged repository aside, so that the next record begins another one. Returns where it is now.
    pub fn set_aside(&self, at_s: i64) -> Result<PathBuf, Error> {
        let _lock = Lock::take(&self.folder.join(LOCK))?;
        let aside = self.folder.join(format!("{FOLDER}.damaged-{at_s}"));
        fs::rename(self.path(), &aside).map_err(Error::io(&aside))?;
        Ok(aside)
    }

    fn last_other_than(&self, present: &str) -> Result<(Found, String), Error> {
        for found in self.walk()? {
            let found = found?;
            let recorded = self.repository.text(&found)?;
            if recorded != present {
                return Ok((found, recorded));
            }
        }
        Err(Error::NothingBefore)
    }

    /// Without a history there is nothing to compare digests with.
    fn key(&self) -> Result<Key, Error> {
        Key::read(&self.folder)?.map_or_else(|| Key::random(&self.folder), Ok)
    }

    /// Name and text.
    fn side(&self, version: Version<'_>, key: &Key) -> Result<(String, String), Error> {
        match version {
            Version::Text { name, text } => Ok((name.to_owned(), secrets::hide(text, key)?)),
            Version::Recorded(id) => {
                let found = self.find(id)?;
                let text = self.repository.text(&found)?;
                Ok((to_entry(&found).short_id().to_owned(), text))
            }
        }
    }

    /// The one version whose id begins so.
    fn find(&self, id: &str) -> Result<Found, Error> {
        let unknown = || Error::Unknown { id: id.to_owned() };
        let wanted = id.to_ascii_lowercase();
        if wanted.len() < 4 || !wanted.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(unknown());
        }
        let mut matching = Vec::new();
        for found in self.walk()? {
            match found {
                Ok(found) if found.id.to_string().starts_with(&wanted) => matching.push(found),
                Ok(_) => {}
                // It may be one of those that can be read.
                Err(error) if matching.is_empty() => return Err(error),
                Err(_) => {}
            }
        }
        match (matching.pop(), matching.is_empty()) {
            (None, _) => Err(unknown()),
            (Some(found), true) => Ok(found),
            (Some(last), false) => {
                let matches = matching.iter().chain([&last]).map(|found| found.id.to_string()).collect();
                Err(Error::Ambiguous { id: id.to_owned(), matches })
            }
        }
    }

    /// From the last commit to the first; ends after one that can't be read.
    fn walk(&self) -> Result<impl Iterator<Item = Result<Found, Error>> + '_, Error> {
        let mut next = match self.repository.exists() {
            true => self.repository.tip()?,
            false => None,
        };
        Ok(std::iter::from_fn(move || {
            let found = self.repository.commit(next?);
            next = found.as_ref().ok().and_then(|found| found.parent);
            Some(found)
        }))
    }
}

fn to_entry(found: &Found) -> Entry {
    let (reason, kind) = entry::parse(&found.message);
    Entry { id: found.id.to_string(), at_s: found.at_s, author: found.author.clone(), reason, kind }
}
