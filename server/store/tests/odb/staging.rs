//! Short ways to commit units of work, and to follow deliveries.

use std::sync::atomic::{AtomicI64, Ordering};

use busbar_model::{
    Timestamp,
    delivery::{Claimed, Delivery, Failure, NewDelivery, Outcome, Policy, Properties, Settlement, Target},
    unit::{Change, CommitError, Effects, Entry, Key, Unit, Write, staged_version},
};
use busbar_store::{Claiming, Claims, Odb};

use crate::fixture::{Fixture, NOW, name};

/// What an attempt may take, and what a claim on it lasts.
pub(crate) const LEASE_MS: u64 = 10_000;
pub(crate) const CLAIM_MS: i64 = 25_000;
/// The lifetime of a message.
pub(crate) const LONG_MS: i64 = 3_600_000;

/// A clock that never shows one time twice.
pub(crate) fn ticking() -> Timestamp {
    static TICKS: AtomicI64 = AtomicI64::new(0);
    Timestamp(NOW.0 + TICKS.fetch_add(1_000, Ordering::Relaxed))
}

pub(crate) fn still() -> Timestamp {
    NOW
}

pub(crate) fn after(ms: i64) -> Timestamp {
    NOW.plus_ms(ms)
}

pub(crate) fn key(key: &str) -> Key {
    Key { plugin: name("p"), key: key.to_owned() }
}

pub(crate) fn put(value: &str) -> Change {
    Change::Put { value: value.as_bytes().to_vec(), expires_at: None }
}

pub(crate) fn unit(writes: &[(&str, Change, Option<i64>)]) -> Unit {
    let mut effects = Effects::default();
    for (to, change, expected) in writes {
        let write = Write { change: change.clone(), expected: *expected, version: staged_version(1) };
        effects.write(key(to), write, None).unwrap();
    }
    Unit { effects, ..Unit::default() }
}

pub(crate) fn write(to: &str, change: Change) -> Unit {
    unit(&[(to, change, None)])
}

pub(crate) fn handing_over(deliveries: impl IntoIterator<Item = NewDelivery>) -> Unit {
    let mut effects = Effects::default();
    for delivery in deliveries {
        effects.deliver(delivery).unwrap();
    }
    Unit { effects, ..Unit::default() }
}

/// Due now; three attempts within an hour.
pub(crate) fn message(id: &str) -> NewDelivery {
    NewDelivery {
        id: id.to_owned(),
        target: name("mailer").into(),
        source: Some(name("shop")),
        content_type: Some("text/plain".to_owned()),
        properties: Properties::default(),
        payload: format!("payload of {id}").into_bytes(),
        order_key: None,
        policy: Policy { attempts_max: 3, backoff_ms: 1_000, backoff_max_ms: 60_000 },
        due_at: NOW,
        expires_at: after(LONG_MS),
        correlation_id: format!("c-{id}"),
        setback: None,
        created_at: NOW,
    }
}

pub(crate) fn ordered(id: &str) -> NewDelivery {
    NewDelivery { order_key: Some("customer-1".to_owned()), ..message(id) }
}

pub(crate) fn failure(attempt: u32, code: &str) -> Failure {
    Failure { attempt, at: NOW, code: code.to_owned(), message: format!("because of {code}") }
}

pub(crate) fn again(ms: i64, attempt: u32) -> Outcome {
    Outcome::Again { at: after(ms), failure: failure(attempt, "not-yet"), counted: true }
}

pub(crate) fn settlement(claimed: &Claimed, outcome: Outcome) -> Unit {
    let settlement =
        Settlement { id: claimed.id.clone(), claim: claimed.claim.clone(), outcome, output: None };
    Unit { settlement: Some(settlement), ..Unit::default() }
}

/// Claims as the worker `owner`, to which every target is live.
pub(crate) fn claim_as(odb: &Odb, owner: &str, ms: i64, limit: usize) -> Claims {
    let lease_ms = |_: &Target| Some(LEASE_MS);
    let (now, busy) = (after(ms), &[]);
    odb.claim(&Claiming { owner, now, limit, busy, lease_ms: &lease_ms, random: 0.0 }).unwrap()
}

pub(crate) fn ids(claimed: &[Claimed]) -> Vec<&str> {
    claimed.iter().map(|claimed| claimed.id.as_str()).collect()
}

impl Fixture {
    pub(crate) fn commit(&self, units: Vec<Unit>) -> Vec<Result<(), CommitError>> {
        self.odb.commits().commit(ticking, || units).unwrap()
    }

    pub(crate) fn commit_one(&self, unit: Unit) -> Result<(), CommitError> {
        self.commit(vec![unit]).remove(0)
    }

    pub(crate) fn entry(&self, of: &str) -> Option<Entry> {
        self.odb.kv(&key(of), NOW).unwrap()
    }

    pub(crate) fn value(&self, of: &str) -> Option<String> {
        self.entry(of).map(|entry| String::from_utf8(entry.value).unwrap())
    }

    pub(crate) fn hand_over(&self, deliveries: impl IntoIterator<Item = NewDelivery>) {
        self.commit_one(handing_over(deliveries)).unwrap();
    }

    pub(crate) fn claim(&self, ms: i64) -> Vec<Claimed> {
        claim_as(&self.odb, "one/0", ms, 10).claimed
    }

    pub(crate) fn claim_only(&self, ms: i64) -> Claimed {
        let mut claimed = self.claim(ms);
        assert_eq!(claimed.len(), 1, "{claimed:?}");
        claimed.remove(0)
    }

    /// On a clock that stands still, so that what is due later is due at a time that is known.
    pub(crate) fn settle(&self, claimed: &Claimed, outcome: Outcome) -> Result<(), CommitError> {
        let unit = settlement(claimed, outcome);
        self.odb.commits().commit(still, || vec![unit]).unwrap().remove(0)
    }

    pub(crate) fn delivery(&self, id: &str) -> Delivery {
        self.odb.delivery(id).unwrap()
    }
}
