//! The unit of work of a call: what it and the calls nested in it stage, and what they see of it.

use std::{
    ops::Bound,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
};

use busbar_model::{
    Fault, Name, bounds,
    fault::FaultKind,
    unit::{ABSENT, Change, CommitError, Effects, Entry, Key, Refused, Unit, Write, staged_version},
};
use tokio::time::Instant;

use crate::ports::{KeyRange, Ledger};

/// Where a call stages its effects: on top of the call that waits for it, at the bottom the database.
pub struct Layer {
    ledger: Arc<dyn Ledger>,
    below: Option<Arc<Self>>,
    staged: Mutex<Staged>,
    /// Counts staged writes of the whole unit; only the bottom layer's is used.
    versions: AtomicU32,
}

#[derive(Default)]
struct Staged {
    effects: Option<Box<Effects>>,
    /// The call is answered: what it still does has no effects.
    closed: bool,
}

/// Why something of `kv` can't be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KvError {
    Conflict,
    Limit(String),
    NotANumber,
    Unavailable,
}

impl From<Refused> for KvError {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Conflict => Self::Conflict,
            Refused::NotANumber => Self::NotANumber,
            Refused::Limit(text) => Self::Limit(text.to_owned()),
        }
    }
}

/// A part of a listing.
pub struct Listing {
    pub entries: Vec<(String, Entry)>,
    pub next: Option<String>,
}

impl Layer {
    pub(crate) fn new(ledger: Arc<dyn Ledger>) -> Arc<Self> {
        Arc::new(Self { ledger, below: None, staged: Mutex::default(), versions: AtomicU32::new(0) })
    }

    /// For a call nested in the one of this layer.
    pub(crate) fn above(self: &Arc<Self>) -> Arc<Self> {
        Arc::new(Self {
            ledger: Arc::clone(&self.ledger),
            below: Some(Arc::clone(self)),
            staged: Mutex::default(),
            versions: AtomicU32::new(0),
        })
    }

    /// Takes in what a nested call staged, now that it has succeeded.
    pub(crate) fn absorb(&self, nested: &Self) -> Result<(), Fault> {
        match nested.take() {
            Some(effects) => self.stage(|staged| staged.absorb(*effects)).map_err(refused),
            None => Ok(()),
        }
    }

    /// All that was staged; nothing is any more.
    pub(crate) fn take(&self) -> Option<Box<Effects>> {
        let mut staged = self.lock();
        staged.closed = true;
        staged.effects.take().filter(|effects| !effects.is_empty())
    }

    pub(crate) fn stage<T>(
        &self,
        work: impl FnOnce(&mut Effects) -> Result<T, Refused>,
    ) -> Result<T, Refused> {
        let mut staged = self.lock();
        if staged.closed {
            return Err(Refused::Limit("the call has been answered already"));
        }
        work(staged.effects.get_or_insert_default())
    }

    pub(crate) fn ledger(&self) -> &Arc<dyn Ledger> {
        &self.ledger
    }

    pub async fn get(&self, key: Key) -> Result<Option<Entry>, KvError> {
        check_key(&key.key)?;
        match self.seen(&key) {
            Seen::Value(entry) => Ok(entry),
            Seen::Added(by) => Ok(Some(sum(self.committed(key).await?, by)?)),
            Seen::Nothing => self.committed(key).await,
        }
    }

    pub fn put(
        &self,
        key: Key,
        value: Vec<u8>,
        expected: Option<i64>,
        ttl_ms: Option<u64>,
    ) -> Result<(), KvError> {
        if value.len() > bounds::KV_VALUE_BYTES_MAX {
            let text =
                format!("the value has {} bytes; allowed are {}", value.len(), bounds::KV_VALUE_BYTES_MAX);
            return Err(KvError::Limit(text));
        }
        let expires_at = match ttl_ms {
            Some(ttl_ms) if (1..=bounds::KV_TTL_MS_CEILING).contains(&ttl_ms) => {
                Some(self.ledger.now().plus_ms(i64::try_from(ttl_ms).unwrap_or(i64::MAX)))
            }
            Some(ttl_ms) => {
                let text = format!("ttl-ms is {ttl_ms}; allowed is 1 to {}", bounds::KV_TTL_MS_CEILING);
                return Err(KvError::Limit(text));
            }
            None => None,
        };
        self.write(key, Change::Put { value, expires_at }, expected)
    }

    pub fn delete(&self, key: Key, expected: Option<i64>) -> Result<(), KvError> {
        self.write(key, Change::Delete, expected)
    }

    /// The sum as this call sees it.
    pub async fn increment(&self, key: Key, by: i64) -> Result<i64, KvError> {
        let before = self.get(key.clone()).await?;
        let after = sum(before, by)?;
        self.write(key, Change::Add(by), None)?;
        Ok(busbar_model::unit::number(&after.value)?)
    }

    pub async fn list(
        &self,
        plugin: &Name,
        prefix: String,
        after: Option<String>,
        limit: u32,
    ) -> Result<Listing, KvError> {
        if prefix.len() > bounds::KV_KEY_BYTES_MAX {
            return Err(KvError::Limit("the prefix is longer than a key may be".to_owned()));
        }
        let limit = limit.clamp(1, bounds::KV_PAGE_ITEMS_MAX);
        let staged = self.staged_keys(plugin, &prefix, after.as_deref());
        // Each staged deletion may hide one.
        let asked = limit.saturating_add(u32::try_from(staged.len()).unwrap_or(u32::MAX)).saturating_add(1);
        let range = KeyRange { plugin: plugin.clone(), prefix, after, limit: asked };
        let committed = self.ledger.list(range).await.map_err(|_| KvError::Unavailable)?;
        let complete = committed.len() < asked as usize;
        let last = committed.last().map(|(key, _)| key.clone()).unwrap_or_default();
        let mut entries: std::collections::BTreeMap<String, Entry> = committed.into_iter().collect();
        for key in staged.into_iter().filter(|key| complete || key.key <= last) {
            let visible = match self.seen(&key) {
                Seen::Value(entry) => entry,
                Seen::Added(by) => Some(sum(entries.remove(&key.key), by)?),
                Seen::Nothing => continue,
            };
            match visible {
                Some(entry) => entries.insert(key.key, entry),
                None => entries.remove(&key.key),
            };
        }
        Ok(page(entries, limit as usize, complete))
    }

    fn write(&self, key: Key, change: Change, expected: Option<i64>) -> Result<(), KvError> {
        check_key(&key.key)?;
        let seen = match self.below.as_ref().map_or(Seen::Nothing, |below| below.seen(&key)) {
            Seen::Value(entry) => Some(entry.map_or(ABSENT, |entry| entry.version)),
            Seen::Added(_) | Seen::Nothing => None,
        };
        let version = staged_version(self.next_version());
        Ok(self.stage(|staged| staged.write(key, Write { change, expected, version }, seen))?)
    }

    fn next_version(&self) -> u32 {
        match &self.below {
            Some(below) => below.next_version(),
            None => self.versions.fetch_add(1, Ordering::Relaxed) + 1,
        }
    }

    async fn committed(&self, key: Key) -> Result<Option<Entry>, KvError> {
        self.ledger.get(key).await.map_err(|_| KvError::Unavailable)
    }

    /// What is staged for a key, from here down.
    fn seen(&self, key: &Key) -> Seen {
        let own = self.lock().effects.as_ref().and_then(|staged| staged.writes.get(key).cloned());
        let below = || self.below.as_ref().map_or(Seen::Nothing, |below| below.seen(key));
        match own {
            None => below(),
            Some(Write { change: Change::Put { value, .. }, version, .. }) => {
                Seen::Value(Some(Entry { value, version }))
            }
            Some(Write { change: Change::Delete, .. }) => Seen::Value(None),
            Some(Write { change: Change::Add(by), version, .. }) => match below() {
                Seen::Nothing => Seen::Added(by),
                Seen::Added(more) => Seen::Added(more.saturating_add(by)),
                Seen::Value(entry) => {
                    Seen::Value(sum(entry, by).ok().map(|entry| Entry { version, ..entry }))
                }
            },
        }
    }

    fn staged_keys(&self, plugin: &Name, prefix: &str, after: Option<&str>) -> Vec<Key> {
        let mut keys =
            self.below.as_ref().map_or_else(Vec::new, |below| below.staged_keys(plugin, prefix, after));
        if let Some(staged) = self.lock().effects.as_ref() {
            let from = Key { plugin: plugin.clone(), key: prefix.to_owned() };
            let own = staged.writes.range((Bound::Included(from), Bound::Unbounded)).map(|(key, _)| key);
            let own = own.take_while(|key| key.plugin == *plugin && key.key.starts_with(prefix));
            keys.extend(own.filter(|key| after.is_none_or(|after| key.key.as_str() > after)).cloned());
        }
        keys.sort();
        keys.dedup();
        keys
    }

    fn lock(&self) -> MutexGuard<'_, Staged> {
        self.staged.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a unit makes of a key.
enum Seen {
    Value(Option<Entry>),
    /// To what is committed.
    Added(i64),
    Nothing,
}

fn sum(before: Option<Entry>, by: i64) -> Result<Entry, Refused> {
    let value = Change::Add(by).over(before.as_ref().map(|entry| entry.value.as_slice()))?;
    Ok(Entry { value: value.unwrap_or_default(), version: before.map_or(ABSENT, |entry| entry.version) })
}

/// As many as fit.
fn page(entries: std::collections::BTreeMap<String, Entry>, limit: usize, complete: bool) -> Listing {
    let (mut taken, mut bytes, mut more) = (Vec::new(), 0, !complete);
    for (key, entry) in entries {
        bytes += key.len() + entry.value.len();
        if taken.len() == limit || (bytes > bounds::KV_PAGE_BYTES_MAX && !taken.is_empty()) {
            more = true;
            break;
        }
        taken.push((key, entry));
    }
    let next = if more { taken.last().map(|(key, _)| key.clone()) } else { None };
    Listing { entries: taken, next }
}

fn check_key(key: &str) -> Result<(), KvError> {
    if (1..=bounds::KV_KEY_BYTES_MAX).contains(&key.len()) && !key.contains('\0') {
        return Ok(());
    }
    let text = format!(
        "a key has 1 to {} bytes and no NUL; this one has {} bytes",
        bounds::KV_KEY_BYTES_MAX,
        key.len()
    );
    Err(KvError::Limit(text))
}

pub(crate) fn refused(refused: Refused) -> Fault {
    match refused {
        Refused::Conflict => conflict(),
        Refused::NotANumber => Fault::internal(FaultKind::Failed).with_code("not-a-number"),
        Refused::Limit(text) => Fault::new(FaultKind::OutputLimit, text).with_code("unit-limit"),
    }
}

fn conflict() -> Fault {
    Fault::new(FaultKind::Conflict, "another call changed what this one was based on; try again")
}

/// Commits what there is. Until this returns nothing of it is visible to anyone, and afterwards all of it.
pub(crate) async fn commit(
    ledger: &Arc<dyn Ledger>,
    unit: Unit,
    deadline: Instant,
) -> Result<(), CommitError> {
    if unit.is_empty() {
        return Ok(());
    }
    ledger.commit(unit, deadline).await
}

/// What the caller is told of a commit that failed.
pub(crate) fn commit_fault(error: CommitError) -> Fault {
    match error {
        CommitError::Conflict => conflict(),
        CommitError::KeyTaken | CommitError::ClaimLost => {
            Fault::new(FaultKind::Conflict, "the same request was answered meanwhile").with_retry_after_s(1)
        }
        CommitError::Replayed => Fault::new(FaultKind::Unauthenticated, "the message was received before"),
        CommitError::NotANumber => {
            tracing::error!("a value to be incremented is no integer");
            Fault::internal(FaultKind::Failed).with_code("not-a-number")
        }
        CommitError::Busy => unavailable(),
        CommitError::Unavailable(cause) => {
            tracing::error!(cause, "effects of a call could not be committed");
            unavailable()
        }
    }
}

pub(crate) fn unavailable() -> Fault {
    Fault::new(FaultKind::OdbUnavailable, "the effects of the call can't be kept at present; none was")
        .with_retry_after_s(1)
}

#[cfg(test)]
mod tests;
