//! What the plugin keeps, with the semantics of the bus: versions, expectations, expiry, staging.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use crate::bindings::busbar::bus::kv::{Entry, KvError, Page};

/// The limits of the bus.
const KEY_BYTES_MAX: usize = 512;
const VALUE_BYTES_MAX: usize = 1024 * 1024;
const TTL_MS_MAX: u64 = 10 * 365 * 24 * 3_600_000;
const PAGE_ITEMS_MAX: u32 = 1_000;
const PAGE_BYTES_MAX: usize = 4 * 1024 * 1024;

/// The version of a key that has no value.
const ABSENT: u64 = 0;
/// Versions of staged values are above all that a commit gives.
const STAGED: u64 = 1 << 52;

#[derive(Clone)]
struct Kept {
    value: Vec<u8>,
    version: u64,
    expires: Option<SystemTime>,
}

/// What is committed.
#[derive(Default)]
pub(super) struct Store {
    kept: BTreeMap<String, Kept>,
    versions: u64,
}

#[derive(Clone)]
enum Change {
    Put { value: Vec<u8>, expires: Option<SystemTime> },
    Delete,
    Add(i64),
}

#[derive(Clone)]
struct Write {
    change: Change,
    expected: Option<u64>,
    version: u64,
}

/// What a call has written, and nobody else sees yet.
#[derive(Clone, Default)]
pub(super) struct Staged {
    writes: BTreeMap<String, Write>,
    versions: u64,
}

/// What a commit made of a key.
pub(super) struct Committed {
    pub(super) key: String,
    pub(super) value: Option<Vec<u8>>,
    pub(super) expires: Option<SystemTime>,
}

/// Why nothing was committed.
pub(super) enum Refused {
    Conflict,
    NotANumber,
}

impl Store {
    /// Sets a value as another call would.
    pub(super) fn put(&mut self, key: &str, value: Vec<u8>, expires: Option<SystemTime>) {
        self.versions += 1;
        self.kept.insert(key.to_owned(), Kept { value, version: self.versions, expires });
    }

    pub(super) fn delete(&mut self, key: &str) {
        self.kept.remove(key);
    }

    /// A value that has not expired.
    pub(super) fn value(&self, key: &str, now: SystemTime) -> Option<&[u8]> {
        self.live(key, now).map(|kept| kept.value.as_slice())
    }

    fn live(&self, key: &str, now: SystemTime) -> Option<&Kept> {
        self.kept.get(key).filter(|kept| kept.expires.is_none_or(|expires| expires > now))
    }

    fn entry(&self, key: &str, now: SystemTime) -> Option<Entry> {
        self.live(key, now).map(|kept| Entry { value: kept.value.clone(), version: kept.version })
    }

    /// All of it or nothing.
    pub(super) fn commit(&mut self, staged: Staged, now: SystemTime) -> Result<Vec<Committed>, Refused> {
        let mut committed = Vec::new();
        for (key, write) in staged.writes {
            let before = self.live(&key, now);
            let version = before.map_or(ABSENT, |kept| kept.version);
            if write.expected.is_some_and(|expected| expected != version) {
                return Err(Refused::Conflict);
            }
            let (value, expires) = match write.change {
                Change::Put { value, expires } => (Some(value), expires),
                Change::Delete => (None, None),
                Change::Add(by) => {
                    let sum = add(before.map(|kept| kept.value.as_slice()), by);
                    (Some(sum.map_err(|_| Refused::NotANumber)?), before.and_then(|kept| kept.expires))
                }
            };
            committed.push(Committed { key, value, expires });
        }
        for Committed { key, value, expires } in &committed {
            match value {
                Some(value) => self.put(key, value.clone(), *expires),
                None => self.delete(key),
            }
        }
        Ok(committed)
    }
}

impl Staged {
    pub(super) fn get(&self, store: &Store, now: SystemTime, key: &str) -> Result<Option<Entry>, KvError> {
        check_key(key)?;
        self.seen(store, now, key)
    }

    pub(super) fn put(
        &mut self,
        now: SystemTime,
        key: &str,
        value: &[u8],
        expected: Option<u64>,
        ttl_ms: Option<u64>,
    ) -> Result<(), KvError> {
        if value.len() > VALUE_BYTES_MAX {
            let text = format!("the value has {} bytes; allowed are {VALUE_BYTES_MAX}", value.len());
            return Err(KvError::Limit(text));
        }
        if let Some(ttl_ms) = ttl_ms.filter(|ttl_ms| !(1..=TTL_MS_MAX).contains(ttl_ms)) {
            return Err(KvError::Limit(format!("ttl-ms is {ttl_ms}; allowed is 1 to {TTL_MS_MAX}")));
        }
        let expires = ttl_ms.map(|ttl_ms| now + Duration::from_millis(ttl_ms));
        self.write(key, Change::Put { value: value.to_vec(), expires }, expected)
    }

    pub(super) fn delete(&mut self, key: &str, expected: Option<u64>) -> Result<(), KvError> {
        self.write(key, Change::Delete, expected)
    }

    /// The sum as the call sees it.
    pub(super) fn increment(
        &mut self,
        store: &Store,
        now: SystemTime,
        key: &str,
        by: i64,
    ) -> Result<i64, KvError> {
        let before = self.get(store, now, key)?;
        let sum = add(before.as_ref().map(|entry| entry.value.as_slice()), by)?;
        self.write(key, Change::Add(by), None)?;
        number(&sum)
    }

    pub(super) fn list(
        &self,
        store: &Store,
        now: SystemTime,
        prefix: &str,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Page, KvError> {
        if prefix.len() > KEY_BYTES_MAX {
            return Err(KvError::Limit("the prefix is longer than a key may be".to_owned()));
        }
        let limit = limit.clamp(1, PAGE_ITEMS_MAX) as usize;
        let mut keys: Vec<&String> = store.kept.keys().chain(self.writes.keys()).collect();
        keys.retain(|key| key.starts_with(prefix) && after.is_none_or(|after| key.as_str() > after));
        keys.sort();
        keys.dedup();
        let (mut entries, mut bytes) = (Vec::new(), 0);
        for key in keys {
            let Some(entry) = self.seen(store, now, key)? else { continue };
            bytes += key.len() + entry.value.len();
            if entries.len() == limit || (bytes > PAGE_BYTES_MAX && !entries.is_empty()) {
                let next = entries.last().map(|(key, _): &(String, Entry)| key.clone());
                return Ok(Page { entries, next });
            }
            entries.push((key.clone(), entry));
        }
        Ok(Page { entries, next: None })
    }

    fn seen(&self, store: &Store, now: SystemTime, key: &str) -> Result<Option<Entry>, KvError> {
        let below = store.entry(key, now);
        match self.writes.get(key) {
            None => Ok(below),
            Some(Write { change: Change::Put { value, .. }, version, .. }) => {
                Ok(Some(Entry { value: value.clone(), version: *version }))
            }
            Some(Write { change: Change::Delete, .. }) => Ok(None),
            Some(Write { change: Change::Add(by), .. }) => {
                let value = add(below.as_ref().map(|entry| entry.value.as_slice()), *by)?;
                Ok(Some(Entry { value, version: below.map_or(ABSENT, |entry| entry.version) }))
            }
        }
    }

    fn write(&mut self, key: &str, change: Change, expected: Option<u64>) -> Result<(), KvError> {
        check_key(key)?;
        let version = STAGED | (self.versions + 1);
        let write = match self.writes.get(key) {
            Some(earlier) => earlier.clone().then(change, expected, version)?,
            None => Write { change, expected, version },
        };
        self.versions += 1;
        self.writes.insert(key.to_owned(), write);
        Ok(())
    }
}

impl Write {
    /// What the call takes for the key's version after this; none where that is the committed one.
    fn visible_version(&self) -> Option<u64> {
        match self.change {
            Change::Put { .. } => Some(self.version),
            Change::Delete => Some(ABSENT),
            Change::Add(_) => None,
        }
    }

    /// This and then a later change of the same key, as one.
    fn then(self, later: Change, expected: Option<u64>, version: u64) -> Result<Self, KvError> {
        let expected = match (self.visible_version(), expected) {
            (_, None) => self.expected,
            (Some(seen), Some(expected)) if seen == expected => self.expected,
            (None, Some(expected)) if self.expected.is_none_or(|own| own == expected) => Some(expected),
            _ => return Err(KvError::Conflict),
        };
        let change = match (self.change, later) {
            (Change::Put { value, expires }, Change::Add(by)) => {
                Change::Put { value: add(Some(&value), by)?, expires }
            }
            (Change::Delete, Change::Add(by)) => Change::Put { value: add(None, by)?, expires: None },
            (Change::Add(first), Change::Add(by)) => {
                Change::Add(first.checked_add(by).ok_or(KvError::NotANumber)?)
            }
            (_, later) => later,
        };
        Ok(Self { change, expected, version })
    }
}

fn check_key(key: &str) -> Result<(), KvError> {
    if (1..=KEY_BYTES_MAX).contains(&key.len()) && !key.contains('\0') {
        return Ok(());
    }
    let bytes = key.len();
    let text = format!("a key has 1 to {KEY_BYTES_MAX} bytes and no NUL; this one has {bytes} bytes");
    Err(KvError::Limit(text))
}

fn add(before: Option<&[u8]>, by: i64) -> Result<Vec<u8>, KvError> {
    let sum = before.map_or(Ok(0), number)?.checked_add(by).ok_or(KvError::NotANumber)?;
    Ok(sum.to_string().into_bytes())
}

fn number(value: &[u8]) -> Result<i64, KvError> {
    std::str::from_utf8(value).ok().and_then(|text| text.parse().ok()).ok_or(KvError::NotANumber)
}
