//! `busbar:bus/kv`: values that a plugin keeps.

use busbar_engine::unit::KvError;
use busbar_model::unit;

use crate::{
    bindings::busbar::bus::kv::{Entry, Host, KvError as GuestError, Page},
    state::CallState,
};

impl From<KvError> for GuestError {
    fn from(error: KvError) -> Self {
        match error {
            KvError::Conflict => Self::Conflict,
            KvError::Limit(text) => Self::Limit(text),
            KvError::NotANumber => Self::NotANumber,
            KvError::Unavailable => Self::Unavailable,
        }
    }
}

impl From<unit::Entry> for Entry {
    fn from(entry: unit::Entry) -> Self {
        Self { value: entry.value, version: entry.version.cast_unsigned() }
    }
}

impl Host for CallState {
    async fn get(&mut self, key: String) -> wasmtime::Result<Result<Option<Entry>, GuestError>> {
        let key = self.key(key)?;
        let entry = self.current()?.origin.unit.get(key).await;
        Ok(entry.map(|entry| entry.map(Entry::from)).map_err(GuestError::from))
    }

    fn put(
        &mut self,
        key: String,
        value: Vec<u8>,
        expected: Option<u64>,
        ttl_ms: Option<u64>,
    ) -> wasmtime::Result<Result<(), GuestError>> {
        let key = self.key(key)?;
        let expected = expected.map(u64::cast_signed);
        Ok(self.current()?.origin.unit.put(key, value, expected, ttl_ms).map_err(GuestError::from))
    }

    fn delete(&mut self, key: String, expected: Option<u64>) -> wasmtime::Result<Result<(), GuestError>> {
        let key = self.key(key)?;
        let expected = expected.map(u64::cast_signed);
        Ok(self.current()?.origin.unit.delete(key, expected).map_err(GuestError::from))
    }

    async fn increment(&mut self, key: String, by: i64) -> wasmtime::Result<Result<i64, GuestError>> {
        let key = self.key(key)?;
        Ok(self.current()?.origin.unit.increment(key, by).await.map_err(GuestError::from))
    }

    async fn list(
        &mut self,
        prefix: String,
        after: Option<String>,
        limit: u32,
    ) -> wasmtime::Result<Result<Page, GuestError>> {
        let call = self.current()?;
        let (unit, plugin) = (&call.origin.unit, &call.origin.service.plugin_name);
        let listing = unit.list(plugin, prefix, after, limit).await;
        Ok(listing.map_err(GuestError::from).map(|listing| Page {
            entries: listing.entries.into_iter().map(|(key, entry)| (key, entry.into())).collect(),
            next: listing.next,
        }))
    }
}

impl CallState {
    /// A key of the plugin that is called: others have theirs.
    fn key(&mut self, key: String) -> wasmtime::Result<unit::Key> {
        Ok(unit::Key { plugin: self.current()?.origin.service.plugin_name.clone(), key })
    }
}
