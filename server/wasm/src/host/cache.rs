//! `busbar:bus/cache`: values that a plugin keeps in the memory of this worker.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use busbar_model::bounds::{CACHE_BYTES_MAX, CACHE_VALUE_BYTES_MAX};
use lru::LruCache;

use crate::{bindings::busbar::bus::cache::Host, state::CallState};

/// Bytes counted for an entry beside its key and value.
const ENTRY_BYTES: usize = 128;

struct Entry {
    value: Vec<u8>,
    expires: Option<Instant>,
}

struct Entries {
    by_key: LruCache<String, Entry>,
    bytes: usize,
}

/// The cache of one version of one plugin.
pub(crate) struct Cache(Mutex<Entries>);

impl Default for Cache {
    fn default() -> Self {
        Self(Mutex::new(Entries { by_key: LruCache::unbounded(), bytes: 0 }))
    }
}

impl Cache {
    fn get(&self, key: &str, now: Instant) -> Option<Vec<u8>> {
        let mut entries = self.lock();
        let entry = entries.by_key.get(key)?;
        if entry.expires.is_some_and(|at| at <= now) {
            entries.remove(key);
            return None;
        }
        Some(entry.value.clone())
    }

    fn put(&self, key: String, value: Vec<u8>, ttl_ms: Option<u64>, now: Instant) -> bool {
        if key.len() + value.len() > CACHE_VALUE_BYTES_MAX {
            return false;
        }
        let expires = ttl_ms.and_then(|ms| now.checked_add(Duration::from_millis(ms)));
        let mut entries = self.lock();
        entries.remove(&key);
        entries.bytes += size(&key, &value);
        entries.by_key.put(key, Entry { value, expires });
        while entries.bytes > CACHE_BYTES_MAX {
            let Some((key, entry)) = entries.by_key.pop_lru() else { break };
            entries.bytes -= size(&key, &entry.value);
        }
        true
    }

    fn delete(&self, key: &str) {
        self.lock().remove(key);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Entries> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entries {
    fn remove(&mut self, key: &str) {
        if let Some(entry) = self.by_key.pop(key) {
            self.bytes -= size(key, &entry.value);
        }
    }
}

fn size(key: &str, value: &[u8]) -> usize {
    key.len() + value.len() + ENTRY_BYTES
}

impl Host for CallState {
    fn get(&mut self, key: String) -> wasmtime::Result<Option<Vec<u8>>> {
        Ok(self.cache.get(&key, Instant::now()))
    }

    fn put(&mut self, key: String, value: Vec<u8>, ttl_ms: Option<u64>) -> wasmtime::Result<bool> {
        Ok(self.cache.put(key, value, ttl_ms, Instant::now()))
    }

    fn delete(&mut self, key: String) -> wasmtime::Result<()> {
        self.cache.delete(&key);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use busbar_model::bounds::{CACHE_BYTES_MAX, CACHE_VALUE_BYTES_MAX};

    use super::Cache;

    #[test]
    fn an_entry_lives_as_long_as_it_was_given() {
        let (cache, now) = (Cache::default(), Instant::now());
        assert!(cache.put("a".into(), b"1".to_vec(), Some(10), now));
        assert!(cache.put("b".into(), b"2".to_vec(), None, now));
        let later = now + Duration::from_millis(10);
        assert_eq!(cache.get("a", now).as_deref(), Some(&b"1"[..]));
        assert_eq!(cache.get("a", later), None);
        assert_eq!(cache.get("b", later).as_deref(), Some(&b"2"[..]));
        cache.delete("b");
        assert_eq!((cache.get("b", now), cache.lock().bytes), (None, 0));
    }

    #[test]
    fn the_least_recently_used_goes_first() {
        let (cache, now) = (Cache::default(), Instant::now());
        let value = vec![0; CACHE_VALUE_BYTES_MAX / 2];
        let most = CACHE_BYTES_MAX / value.len();
        for at in 0..most {
            cache.put(format!("k{at}"), value.clone(), None, now);
            cache.get("k0", now);
        }
        assert!(cache.lock().bytes <= CACHE_BYTES_MAX);
        assert!(cache.get("k0", now).is_some());
        assert!(cache.get("k1", now).is_none());
        assert!(!cache.put("big".into(), vec![0; CACHE_VALUE_BYTES_MAX], None, now));
    }
}
