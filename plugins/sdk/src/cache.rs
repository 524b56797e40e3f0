//! Values that the plugin keeps in the memory of one worker process: bounded, lost when it ends, not shared
//! between workers. The least recently used go first.

use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::Fault;
use crate::host::cache as bus;

#[must_use]
pub fn get(key: &str) -> Option<Vec<u8>> {
    bus::get(key)
}

/// False if the value is larger than the cache takes.
pub fn put(key: &str, value: &[u8], ttl: Option<Duration>) -> bool {
    bus::put(key, value, ttl.map(|ttl| u64::try_from(ttl.as_millis()).unwrap_or(u64::MAX)))
}

pub fn delete(key: &str) {
    bus::delete(key);
}

/// # Errors
/// `failed` if what was put is no `T`.
pub fn get_json<T: DeserializeOwned>(key: &str) -> Result<Option<T>, Fault> {
    Ok(match get(key) {
        Some(bytes) => Some(serde_json::from_slice(&bytes)?),
        None => None,
    })
}

/// # Errors
/// `failed` if the value has no JSON form.
pub fn put_json<T: Serialize + ?Sized>(key: &str, value: &T, ttl: Option<Duration>) -> Result<bool, Fault> {
    Ok(put(key, &serde_json::to_vec(value)?, ttl))
}
