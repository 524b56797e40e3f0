//! Services for the conversion of input, and for the life of an instance.

use std::sync::atomic::{AtomicU64, Ordering};

use busbar_sdk::prelude::*;

#[data]
#[serde(rename_all = "lowercase")]
pub(crate) enum Colour {
    Red,
    Green,
    Blue,
}

/// One value of each kind.
#[data]
#[serde(deny_unknown_fields)]
pub(crate) struct Types {
    id: i64,
    ratio: f64,
    active: bool,
    numbers: Vec<i32>,
    note: Option<String>,
    colour: Colour,
}

/// Answers with its typed input.
#[service(rest = "GET,POST /types/{id}")]
pub(crate) fn types(input: Types) -> Result<Types, Fault> {
    Ok(input)
}

/// Calls that this instance has served.
static CALLS: AtomicU64 = AtomicU64::new(0);

#[output]
pub(crate) struct Count {
    /// 1 in a fresh instance.
    calls: u64,
}

/// Tells how many calls this instance has served; each has a fresh one.
#[service]
pub(crate) fn count() -> Result<Count, Fault> {
    Ok(Count { calls: CALLS.fetch_add(1, Ordering::Relaxed) + 1 })
}

/// Tells how many calls this instance has served; one serves ten.
#[service(name = "faulty.count-pooled", calls_per_instance = 10)]
pub(crate) fn count_pooled() -> Result<Count, Fault> {
    count()
}
