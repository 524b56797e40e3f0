//! What a connection has done, in numbers.

use std::{
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Duration,
};

use serde::Serialize;

use crate::{ErrorKind, error::CODES, pool::Standing};

/// Upper ends of buckets of latency, in milliseconds; what took longer is in one more.
pub const LATENCY_BUCKETS_MS: [u64; 14] =
    [1, 2, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000];

const BUCKETS: usize = LATENCY_BUCKETS_MS.len() + 1;

/// Since the connection was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Statistics {
    /// Statements, batches of cursors, and ends of transactions; pings are not among them.
    pub calls: u64,
    /// By code, without those that never were.
    pub errors: Vec<(&'static str, u64)>,
    /// Calls by their time, with the wait for a connection: not cumulative, in the buckets of [`LATENCY_BUCKETS_MS`] and
    /// one for the rest.
    pub latency: [u64; BUCKETS],
    pub latency_sum_us: u64,
    /// Connections to the database that were opened.
    pub opened: u64,
    pub in_use: u64,
    pub idle: u64,
    /// Calls that wait for a connection.
    pub waiting: u64,
}

#[derive(Debug, Default)]
pub(crate) struct Counters {
    calls: AtomicU64,
    errors: [AtomicU64; CODES.len()],
    latency: [AtomicU64; BUCKETS],
    latency_sum_us: AtomicU64,
    pub(crate) opened: AtomicU64,
    pub(crate) waiting: AtomicU64,
}

impl Counters {
    pub(crate) fn ended(&self, took: Duration, error: Option<&ErrorKind>) {
        self.calls.fetch_add(1, Relaxed);
        let milliseconds = took.as_millis();
        let bucket = LATENCY_BUCKETS_MS.partition_point(|end| u128::from(*end) < milliseconds);
        self.latency[bucket].fetch_add(1, Relaxed);
        self.latency_sum_us.fetch_add(u64::try_from(took.as_micros()).unwrap_or(u64::MAX), Relaxed);
        if let Some(error) = error {
            self.errors[error.place()].fetch_add(1, Relaxed);
        }
    }

    pub(crate) fn read_out(&self, standing: Standing) -> Statistics {
        let errors = CODES.iter().zip(&self.errors).map(|(code, count)| (*code, count.load(Relaxed)));
        Statistics {
            calls: self.calls.load(Relaxed),
            errors: errors.filter(|(_, count)| *count > 0).collect(),
            latency: std::array::from_fn(|place| self.latency[place].load(Relaxed)),
            latency_sum_us: self.latency_sum_us.load(Relaxed),
            opened: self.opened.load(Relaxed),
            in_use: standing.in_use,
            idle: standing.idle,
            waiting: self.waiting.load(Relaxed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_in_the_bucket_of_its_time() {
        let counters = Counters::default();
        for milliseconds in [0, 1, 2, 3, 30_000, 30_001] {
            counters.ended(Duration::from_millis(milliseconds), None);
        }
        counters.ended(Duration::ZERO, Some(&ErrorKind::Busy { text: String::new() }));
        let found = counters.read_out(Standing { in_use: 1, idle: 2 });
        assert_eq!(found.latency, [3, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1]);
        assert_eq!((found.calls, found.latency_sum_us), (7, 60_007_000));
        assert_eq!(found.errors, [("busy", 1)]);
        assert_eq!((found.in_use, found.idle), (1, 2));
    }
}
