//! The unit of work: the effects of a call and all calls nested in it, staged in memory until they are
//! committed in one transaction.

use std::collections::BTreeMap;

use crate::{
    bounds,
    delivery::{NewDelivery, Settlement},
    name::Name,
    time::Timestamp,
};

/// A key of a plugin's own.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key {
    pub plugin: Name,
    pub key: String,
}

/// A value as it is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub value: Vec<u8>,
    /// Never the same for two values of a key; 0 only of a counter that the call itself began.
    pub version: i64,
}

/// The version of a key that has no value.
pub const ABSENT: i64 = 0;

/// What is to happen to a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    Put {
        value: Vec<u8>,
        /// From when on there is no value any more.
        expires_at: Option<Timestamp>,
    },
    Delete,
    /// To a decimal integer; to 0 where there is no value.
    Add(i64),
}

/// A staged write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Write {
    pub change: Change,
    /// The version that the key must have when it is committed; `None` is any.
    pub expected: Option<i64>,
    /// By which later calls of the same unit know the value that this write makes.
    pub version: i64,
}

/// The version of the `n`th staged value of a unit: above all that a commit gives (microseconds of this
/// century), and still a whole number where numbers are doubles.
pub fn staged_version(n: u32) -> i64 {
    (1 << 52) | i64::from(n)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    #[error("the version is not the expected one")]
    Conflict,
    #[error("the value is not an integer, or the sum is none of 64 bits")]
    NotANumber,
    #[error("{0}")]
    Limit(&'static str),
}

/// The effects of one call, relative to what it found: the calls above it, and below all the ODB.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Effects {
    pub writes: BTreeMap<Key, Write>,
    pub deliveries: Vec<NewDelivery>,
    bytes: usize,
}

impl Effects {
    pub fn is_empty(&self) -> bool {
        self.writes.is_empty() && self.deliveries.is_empty()
    }

    /// Of keys, values and payloads.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Stages a write. `seen` is the version that the call sees, where a call above staged one.
    pub fn write(&mut self, key: Key, write: Write, seen: Option<i64>) -> Result<(), Refused> {
        let seen = match self.writes.get(&key) {
            Some(own) => own.visible_version(),
            None => seen,
        };
        if let (Some(expected), Some(seen)) = (write.expected, seen)
            && expected != seen
        {
            return Err(Refused::Conflict);
        }
        self.count(key.key.len() + write.change.bytes())?;
        match self.writes.remove(&key) {
            Some(earlier) => self.writes.insert(key, earlier.then(write)?),
            None => self.writes.insert(key, write),
        };
        self.fits()
    }

    pub fn deliver(&mut self, delivery: NewDelivery) -> Result<(), Refused> {
        self.count(delivery.payload.len())?;
        self.deliveries.push(delivery);
        self.fits()
    }

    /// Takes in what a nested call staged on top of this, now that it has succeeded.
    pub fn absorb(&mut self, nested: Self) -> Result<(), Refused> {
        let mut merged = Vec::with_capacity(nested.writes.len());
        for (key, write) in nested.writes {
            let both = match self.writes.get(&key) {
                Some(earlier) => earlier.clone().then(write)?,
                None => write,
            };
            merged.push((key, both));
        }
        self.count(nested.bytes)?;
        self.writes.extend(merged);
        self.deliveries.extend(nested.deliveries);
        self.fits()
    }

    fn count(&mut self, bytes: usize) -> Result<(), Refused> {
        self.bytes = self.bytes.saturating_add(bytes);
        if self.bytes > bounds::UNIT_BYTES_MAX {
            return Err(Refused::Limit("the call has staged more bytes than a unit of work may hold"));
        }
        Ok(())
    }

    fn fits(&self) -> Result<(), Refused> {
        if self.writes.len() + self.deliveries.len() > bounds::UNIT_EFFECTS_MAX {
            return Err(Refused::Limit("the call has staged more effects than a unit of work may hold"));
        }
        Ok(())
    }
}

impl Change {
    fn bytes(&self) -> usize {
        match self {
            Self::Put { value, .. } => value.len(),
            Self::Delete | Self::Add(_) => 0,
        }
    }

    /// The value that this makes of one before.
    pub fn over(&self, before: Option<&[u8]>) -> Result<Option<Vec<u8>>, Refused> {
        match self {
            Self::Put { value, .. } => Ok(Some(value.clone())),
            Self::Delete => Ok(None),
            Self::Add(by) => add(before, *by).map(Some),
        }
    }
}

/// The sum as decimal text.
fn add(before: Option<&[u8]>, by: i64) -> Result<Vec<u8>, Refused> {
    let before = match before {
        Some(text) => number(text)?,
        None => 0,
    };
    Ok(before.checked_add(by).ok_or(Refused::NotANumber)?.to_string().into_bytes())
}

/// A value as the integer that it stands for.
pub fn number(value: &[u8]) -> Result<i64, Refused> {
    std::str::from_utf8(value).ok().and_then(|text| text.parse().ok()).ok_or(Refused::NotANumber)
}

impl Write {
    /// What a call that sees this write takes for the key's version; `None` where that is the one below.
    pub fn visible_version(&self) -> Option<i64> {
        match self.change {
            Change::Put { .. } => Some(self.version),
            Change::Delete => Some(ABSENT),
            Change::Add(_) => None,
        }
    }

    /// This write and then a later one of the same key, as one.
    fn then(self, later: Self) -> Result<Self, Refused> {
        let expected = match (self.visible_version(), later.expected) {
            (_, None) => self.expected,
            (Some(seen), Some(expected)) if seen == expected => self.expected,
            (None, Some(expected)) if self.expected.is_none_or(|own| own == expected) => Some(expected),
            _ => return Err(Refused::Conflict),
        };
        let change = match (&self.change, later.change) {
            (Change::Put { value, expires_at }, Change::Add(by)) => {
                Change::Put { value: add(Some(value), by)?, expires_at: *expires_at }
            }
            (Change::Delete, Change::Add(by)) => Change::Put { value: add(None, by)?, expires_at: None },
            (Change::Add(first), Change::Add(by)) => {
                Change::Add(first.checked_add(by).ok_or(Refused::NotANumber)?)
            }
            (_, change) => change,
        };
        Ok(Self { change, expected, version: later.version })
    }
}

/// A reply that is kept under a caller's `Idempotency-Key`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredReply {
    /// Of the request that it answers.
    pub request_hash: String,
    pub status: u16,
    pub headers: Vec<(String, Vec<u8>)>,
    pub body: Vec<u8>,
}

/// Where a reply is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplyKey {
    /// The channel and the caller: keys of different callers have nothing to do with each other.
    pub scope: String,
    pub key: String,
}

/// That a message was received. Whoever sends it again is refused (WSS UsernameToken Profile 1.1, section 3.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NonceClaim {
    /// Id of the security definition whose nonce it is.
    pub security: String,
    /// SHA-256 of the nonce, hexadecimal.
    pub nonce_sha256: String,
    /// From when on the message is refused for its age alone.
    pub expires_at: Timestamp,
}

/// What one call from outside commits.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Unit {
    pub effects: Effects,
    pub reply: Option<(ReplyKey, StoredReply)>,
    /// Of the delivery that the call is an attempt of.
    pub settlement: Option<Settlement>,
    pub nonce: Option<NonceClaim>,
}

impl Unit {
    pub fn is_empty(&self) -> bool {
        self.effects.is_empty() && self.reply.is_none() && self.settlement.is_none() && self.nonce.is_none()
    }
}

/// Why a unit was not committed. Nothing of it was.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CommitError {
    #[error("another call changed what this one was based on")]
    Conflict,
    #[error("a value to be incremented is not an integer")]
    NotANumber,
    /// A reply is kept under this key already.
    #[error("another request with the same idempotency key was answered meanwhile")]
    KeyTaken,
    /// The nonce is claimed already.
    #[error("the message was received before")]
    Replayed,
    /// Someone else took the delivery over.
    #[error("the claim on the delivery has expired")]
    ClaimLost,
    #[error("the database was busy until the call's time was up")]
    Busy,
    #[error("the database can't be written: {0}")]
    Unavailable(String),
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::{Change, Effects, Key, Refused, Write, staged_version};
    use crate::bounds;

    fn key(key: &str) -> Key {
        Key { plugin: "p".parse().unwrap(), key: key.to_owned() }
    }

    fn put(value: &str) -> Change {
        Change::Put { value: value.as_bytes().to_vec(), expires_at: None }
    }

    fn of<'e>(effects: &'e Effects, name: &str) -> &'e Write {
        &effects.writes[&key(name)]
    }

    /// Stages as a call does that sees nothing staged above it.
    fn stage(
        effects: &mut Effects,
        name: &str,
        change: Change,
        expected: Option<i64>,
    ) -> Result<i64, Refused> {
        stage_over(effects, name, change, expected, None)
    }

    fn stage_over(
        effects: &mut Effects,
        name: &str,
        change: Change,
        expected: Option<i64>,
        seen: Option<i64>,
    ) -> Result<i64, Refused> {
        static STAGED: AtomicU32 = AtomicU32::new(1);
        let version = staged_version(STAGED.fetch_add(1, Ordering::Relaxed));
        effects.write(key(name), Write { change, expected, version }, seen)?;
        Ok(version)
    }

    #[test]
    fn the_first_expectation_is_that_of_the_commit() {
        let mut effects = Effects::default();
        let staged = stage(&mut effects, "a", put("1"), Some(7)).unwrap();
        stage(&mut effects, "a", put("2"), Some(staged)).unwrap();
        stage(&mut effects, "a", Change::Delete, None).unwrap();
        stage(&mut effects, "a", put("3"), Some(0)).unwrap();
        assert_eq!((of(&effects, "a").expected, &of(&effects, "a").change), (Some(7), &put("3")));
        assert_eq!(stage(&mut effects, "a", put("4"), Some(7)), Err(Refused::Conflict));
    }

    #[test]
    fn increments_add_up() {
        let mut effects = Effects::default();
        stage(&mut effects, "n", Change::Add(2), None).unwrap();
        stage(&mut effects, "n", Change::Add(3), None).unwrap();
        assert_eq!(of(&effects, "n").change, Change::Add(5));
        stage(&mut effects, "m", put("40"), None).unwrap();
        stage(&mut effects, "m", Change::Add(2), None).unwrap();
        assert_eq!(of(&effects, "m").change, put("42"));
        stage(&mut effects, "m", Change::Delete, None).unwrap();
        stage(&mut effects, "m", Change::Add(-1), None).unwrap();
        assert_eq!(of(&effects, "m").change, put("-1"));
        stage(&mut effects, "t", put("text"), None).unwrap();
        assert_eq!(stage(&mut effects, "t", Change::Add(1), None), Err(Refused::NotANumber));
    }

    #[test]
    fn what_was_read_of_a_counter_is_expected_of_the_database() {
        let mut effects = Effects::default();
        stage(&mut effects, "n", Change::Add(2), None).unwrap();
        stage(&mut effects, "n", put("9"), Some(5)).unwrap();
        assert_eq!(of(&effects, "n").expected, Some(5));
    }

    #[test]
    fn an_integer_that_overflows_is_refused() {
        let mut effects = Effects::default();
        stage(&mut effects, "n", Change::Add(i64::MAX), None).unwrap();
        assert_eq!(stage(&mut effects, "n", Change::Add(1), None), Err(Refused::NotANumber));
    }

    #[test]
    fn a_nested_call_expects_what_it_saw() {
        let mut above = Effects::default();
        let seen = stage(&mut above, "a", put("1"), None).ok();
        let mut nested = Effects::default();
        stage_over(&mut nested, "a", put("2"), seen, seen).unwrap();
        assert_eq!(stage_over(&mut nested, "a", put("3"), seen, seen), Err(Refused::Conflict));
        let mut sibling = Effects::default();
        stage_over(&mut sibling, "a", put("4"), seen, seen).unwrap();
        above.absorb(nested).unwrap();
        assert_eq!(of(&above, "a").change, put("2"));
        let before = above.clone();
        assert_eq!(above.absorb(sibling), Err(Refused::Conflict));
        assert_eq!(above.writes, before.writes);
    }

    #[test]
    fn a_unit_is_bounded() {
        let mut effects = Effects::default();
        for number in 0..bounds::UNIT_EFFECTS_MAX {
            stage(&mut effects, &number.to_string(), Change::Delete, None).unwrap();
        }
        let over = stage(&mut effects, "one more", Change::Delete, None);
        assert!(matches!(over, Err(Refused::Limit(_))), "{over:?}");
        let large = Change::Put { value: vec![0; bounds::UNIT_BYTES_MAX], expires_at: None };
        assert!(matches!(stage(&mut Effects::default(), "k", large, None), Err(Refused::Limit(_))));
    }
}
