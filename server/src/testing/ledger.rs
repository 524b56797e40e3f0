//! What the ODB is to a case: the values it gives, and what is committed.

use std::{
    collections::BTreeMap,
    future::ready,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use busbar_engine::ports::{KeyRange, Ledger, LedgerFuture, Unreadable};
use busbar_model::{
    Name, Timestamp,
    delivery::NewDelivery,
    unit::{ABSENT, CommitError, Entry, Key, ReplyKey, StoredReply, Unit},
};
use tokio::time::Instant;

use crate::clock;

#[derive(Default)]
pub(super) struct MemoryLedger(Mutex<Memory>);

#[derive(Default)]
struct Memory {
    kept: BTreeMap<Key, (Entry, Option<Timestamp>)>,
    versions: i64,
    committed: Committed,
}

/// What the case's call left.
#[derive(Clone, Default)]
pub(super) struct Committed {
    /// Keys that were written; `None` was deleted.
    pub(super) written: BTreeMap<Key, Option<Vec<u8>>>,
    pub(super) deliveries: Vec<NewDelivery>,
}

impl MemoryLedger {
    /// With values that a plugin keeps.
    pub(super) fn with(plugin: &Name, values: impl Iterator<Item = (String, Vec<u8>)>) -> Arc<Self> {
        let ledger = Self::default();
        for (key, value) in values {
            ledger.lock().put(Key { plugin: plugin.clone(), key }, value, None);
        }
        Arc::new(ledger)
    }

    pub(super) fn committed(&self) -> Committed {
        self.lock().committed.clone()
    }

    fn lock(&self) -> MutexGuard<'_, Memory> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Memory {
    fn put(&mut self, key: Key, value: Vec<u8>, expires_at: Option<Timestamp>) {
        self.versions += 1;
        self.kept.insert(key, (Entry { value, version: self.versions }, expires_at));
    }

    /// A value that has not expired.
    fn live(&self, key: &Key, now: Timestamp) -> Option<&Entry> {
        let (entry, expires_at) = self.kept.get(key)?;
        expires_at.is_none_or(|at| at > now).then_some(entry)
    }

    fn commit(&mut self, unit: Unit, now: Timestamp) -> Result<(), CommitError> {
        let mut changes = Vec::new();
        for (key, write) in unit.effects.writes {
            let before = self.live(&key, now);
            let version = before.map_or(ABSENT, |entry| entry.version);
            if write.expected.is_some_and(|expected| expected != version) {
                return Err(CommitError::Conflict);
            }
            let after = write.change.over(before.map(|entry| entry.value.as_slice()));
            let after = after.map_err(|_| CommitError::NotANumber)?;
            let expires_at = match write.change {
                busbar_model::unit::Change::Put { expires_at, .. } => expires_at,
                _ => self.kept.get(&key).and_then(|(_, expires_at)| *expires_at),
            };
            changes.push((key, after, expires_at));
        }
        for (key, after, expires_at) in changes {
            self.committed.written.insert(key.clone(), after.clone());
            match after {
                Some(value) => self.put(key, value, expires_at),
                None => drop(self.kept.remove(&key)),
            }
        }
        self.committed.deliveries.extend(unit.effects.deliveries);
        Ok(())
    }
}

impl Ledger for MemoryLedger {
    fn now(&self) -> Timestamp {
        clock::now()
    }

    fn new_id(&self) -> String {
        uuid::Uuid::now_v7().to_string()
    }

    fn get(&self, key: Key) -> LedgerFuture<Result<Option<Entry>, Unreadable>> {
        Box::pin(ready(Ok(self.lock().live(&key, clock::now()).cloned())))
    }

    fn list(&self, range: KeyRange) -> LedgerFuture<Result<Vec<(String, Entry)>, Unreadable>> {
        let KeyRange { plugin, prefix, after, limit } = range;
        let (memory, now) = (self.lock(), clock::now());
        let wanted = |key: &&Key| {
            key.plugin == plugin
                && key.key.starts_with(&prefix)
                && after.as_ref().is_none_or(|after| key.key > *after)
        };
        let entries = memory.kept.keys().filter(wanted);
        let entries = entries.filter_map(|key| Some((key.key.clone(), memory.live(key, now)?.clone())));
        let entries = entries.take(limit as usize).collect();
        Box::pin(ready(Ok(entries)))
    }

    /// Of calls with an idempotency key; a case is a first one.
    fn reply(&self, _: ReplyKey) -> LedgerFuture<Result<Option<StoredReply>, Unreadable>> {
        Box::pin(ready(Ok(None)))
    }

    fn commit(&self, unit: Unit, _: Instant) -> LedgerFuture<Result<(), CommitError>> {
        Box::pin(ready(self.lock().commit(unit, clock::now())))
    }
}

#[cfg(test)]
mod tests {
    use busbar_model::{
        Timestamp,
        unit::{Change, CommitError, Effects, Key, Unit, Write},
    };

    use super::Memory;

    fn key(key: &str) -> Key {
        Key { plugin: "orders".parse().unwrap(), key: key.to_owned() }
    }

    fn unit(writes: Vec<(&str, Change, Option<i64>)>) -> Unit {
        let mut effects = Effects::default();
        for (name, change, expected) in writes {
            effects.write(key(name), Write { change, expected, version: 1 }, None).unwrap();
        }
        Unit { effects, ..Unit::default() }
    }

    #[test]
    fn a_unit_is_committed_whole_or_not_at_all() {
        let (mut memory, now) = (Memory::default(), Timestamp(0));
        memory.put(key("a"), b"4".to_vec(), None);
        let put = || Change::Put { value: b"x".to_vec(), expires_at: None };
        let conflict = unit(vec![("a", Change::Add(1), None), ("b", put(), Some(9))]);
        assert_eq!(memory.commit(conflict, now), Err(CommitError::Conflict));
        assert!(memory.committed.written.is_empty());
        let good =
            unit(vec![("a", Change::Add(1), Some(1)), ("b", put(), Some(0)), ("c", Change::Delete, None)]);
        memory.commit(good, now).unwrap();
        let written: Vec<_> = memory.committed.written.values().cloned().collect();
        assert_eq!(written, [Some(b"5".to_vec()), Some(b"x".to_vec()), None]);
        assert_eq!(memory.commit(unit(vec![("b", Change::Add(1), None)]), now), Err(CommitError::NotANumber));
    }
}
