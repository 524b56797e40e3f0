//! Values that the plugin keeps in the operational database, under keys of its own.
//!
//! Writes belong to the unit of work of the call from outside: they are committed together, after it
//! succeeds and before its reply; a fault discards them. Reads see the call's own writes.

use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::Fault;
use crate::host::kv as bus;

/// A value with its version, which tells it from every other that the key had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Versioned<T> {
    pub value: T,
    pub version: u64,
}

/// The version of a key that has no value.
pub const ABSENT: u64 = 0;

/// How a value is put.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Put {
    /// The version that the key must have until the commit; [`ABSENT`] for none.
    pub expected: Option<u64>,
    /// For how long the value is kept; none is for ever.
    pub ttl: Option<Duration>,
}

impl Put {
    /// Only if the key has no value.
    #[must_use]
    pub fn new() -> Self {
        Self { expected: Some(ABSENT), ttl: None }
    }

    /// Only over this version.
    #[must_use]
    pub fn over(version: u64) -> Self {
        Self { expected: Some(version), ttl: None }
    }

    #[must_use]
    pub fn ttl(mut self, ttl: Duration) -> Self {
        self.ttl = Some(ttl);
        self
    }
}

/// # Errors
/// `odb-unavailable` if the database can't be read.
pub fn get(key: &str) -> Result<Option<Versioned<Vec<u8>>>, Fault> {
    let entry = bus::get(key).map_err(|error| fault(key, error))?;
    Ok(entry.map(|entry| Versioned { value: entry.value, version: entry.version }))
}

/// # Errors
/// `failed` if the value is no `T`; `odb-unavailable`.
pub fn get_json<T: DeserializeOwned>(key: &str) -> Result<Option<Versioned<T>>, Fault> {
    let Some(entry) = get(key)? else { return Ok(None) };
    let value = serde_json::from_slice(&entry.value)
        .map_err(|error| Fault::fail(format!("the value of {key} is not as expected: {error}")))?;
    Ok(Some(Versioned { value, version: entry.version }))
}

/// Sets a value whatever there was, for ever.
///
/// # Errors
/// `limit` if the value is too large.
pub fn put(key: &str, value: &[u8]) -> Result<(), Fault> {
    put_with(key, value, Put::default())
}

/// # Errors
/// `conflict` (409) if the key has another version than expected, at once or at the commit; `limit`.
pub fn put_with(key: &str, value: &[u8], how: Put) -> Result<(), Fault> {
    let ttl_ms = how.ttl.map(|ttl| u64::try_from(ttl.as_millis()).unwrap_or(u64::MAX));
    bus::put(key, value, how.expected, ttl_ms).map_err(|error| fault(key, error))
}

/// # Errors
/// Those of [`put_with`]; `failed` if the value has no JSON form.
pub fn put_json<T: Serialize + ?Sized>(key: &str, value: &T, how: Put) -> Result<(), Fault> {
    put_with(key, &serde_json::to_vec(value)?, how)
}

/// Reads a value, changes it and puts it back, provided that nobody else changed it until the commit.
///
/// # Errors
/// `conflict` (409) if somebody did: the caller may try again.
pub fn update_json<T: Serialize + DeserializeOwned>(
    key: &str,
    change: impl FnOnce(Option<T>) -> Result<T, Fault>,
) -> Result<(), Fault> {
    let (value, version) = match get_json::<T>(key)? {
        Some(entry) => (Some(entry.value), entry.version),
        None => (None, ABSENT),
    };
    put_json(key, &change(value)?, Put::over(version))
}

/// # Errors
/// `odb-unavailable` and limits.
pub fn delete(key: &str) -> Result<(), Fault> {
    bus::delete(key, None).map_err(|error| fault(key, error))
}

/// # Errors
/// `conflict` (409) if the key has another version, at once or at the commit.
pub fn delete_version(key: &str, version: u64) -> Result<(), Fault> {
    bus::delete(key, Some(version)).map_err(|error| fault(key, error))
}

/// Adds to a decimal integer; what is not there is 0. Increments of concurrent calls all count and never
/// conflict; the result is the sum as this call sees it.
///
/// # Errors
/// `not-a-number` if the value is none.
pub fn increment(key: &str, by: i64) -> Result<i64, Fault> {
    bus::increment(key, by).map_err(|error| fault(key, error))
}

/// A part of a listing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    pub entries: Vec<(String, Versioned<Vec<u8>>)>,
    /// What `after` is for the next page; none at the end.
    pub next: Option<String>,
}

/// Keys that begin with `prefix`, in the order of their bytes, from behind `after`.
///
/// # Errors
/// `odb-unavailable` and limits.
pub fn list(prefix: &str, after: Option<&str>, limit: u32) -> Result<Page, Fault> {
    let page = bus::list(prefix, after, limit).map_err(|error| fault(prefix, error))?;
    let entries = page.entries.into_iter();
    let entries =
        entries.map(|(key, entry)| (key, Versioned { value: entry.value, version: entry.version })).collect();
    Ok(Page { entries, next: page.next })
}

fn fault(key: &str, error: bus::KvError) -> Fault {
    match error {
        bus::KvError::Conflict => {
            Fault::reject("conflict", "what this call was based on was changed meanwhile").status(409)
        }
        bus::KvError::Limit(what) => Fault::fail(format!("key {key}: {what}")).code("limit"),
        bus::KvError::NotANumber => {
            Fault::fail(format!("the value of {key} is no integer")).code("not-a-number")
        }
        bus::KvError::Unavailable => {
            Fault::retry_after(1, "the database can't be read at present").code("odb-unavailable")
        }
    }
}
