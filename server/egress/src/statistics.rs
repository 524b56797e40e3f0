//! What a connection has done, in numbers.

use std::{
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Duration,
};

use serde::Serialize;

use crate::{BreakerState, error::CODES};

/// Upper ends of buckets of latency, in milliseconds; what took longer is in one more.
pub const LATENCY_BUCKETS_MS: [u64; 14] =
    [1, 2, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000];

const BUCKETS: usize = LATENCY_BUCKETS_MS.len() + 1;

/// Since the connection was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Statistics {
    /// That ended, with a reply or without; pings are not among them.
    pub calls: u64,
    /// By code, without those that never were.
    pub errors: Vec<(&'static str, u64)>,
    /// Replies by the first digit of their status, 1xx to 5xx.
    pub replies: [u64; 5],
    /// Calls by the time to the head of their reply, or to their error: not cumulative, in the buckets of
    /// [`LATENCY_BUCKETS_MS`] and one for the rest.
    pub latency: [u64; BUCKETS],
    pub latency_sum_us: u64,
    pub retries: u64,
    pub redirects: u64,
    /// Asked for at the token endpoint.
    pub tokens: u64,
    /// Connections that were opened.
    pub opened: u64,
    pub in_use: u64,
    pub idle: u64,
    /// Calls that wait for room, or for their time.
    pub waiting: u64,
    pub breaker: Option<BreakerState>,
}

#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) calls: AtomicU64,
    errors: [AtomicU64; CODES.len()],
    replies: [AtomicU64; 5],
    latency: [AtomicU64; BUCKETS],
    latency_sum_us: AtomicU64,
    pub(crate) retries: AtomicU64,
    pub(crate) redirects: AtomicU64,
    pub(crate) tokens: AtomicU64,
    pub(crate) opened: AtomicU64,
    /// Connections that there are now, in use or idle.
    pub(crate) open: AtomicU64,
}

pub(crate) fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Relaxed);
}

impl Counters {
    pub(crate) fn ended(&self, took: Duration) {
        count(&self.calls);
        let milliseconds = took.as_millis();
        let bucket = LATENCY_BUCKETS_MS.partition_point(|end| u128::from(*end) < milliseconds);
        count(&self.latency[bucket]);
        self.latency_sum_us.fetch_add(u64::try_from(took.as_micros()).unwrap_or(u64::MAX), Relaxed);
    }

    pub(crate) fn replied(&self, status: http::StatusCode) {
        if let Some(counter) = self.replies.get(usize::from(status.as_u16() / 100).wrapping_sub(1)) {
            count(counter);
        }
    }

    pub(crate) fn failed(&self, error: &crate::ErrorKind) {
        count(&self.errors[error.place()]);
    }

    pub(crate) fn read_out(&self, idle: u64, waiting: u64, breaker: Option<BreakerState>) -> Statistics {
        let errors = CODES.iter().zip(&self.errors).map(|(code, count)| (*code, count.load(Relaxed)));
        Statistics {
            calls: self.calls.load(Relaxed),
            errors: errors.filter(|(_, count)| *count > 0).collect(),
            replies: std::array::from_fn(|place| self.replies[place].load(Relaxed)),
            latency: std::array::from_fn(|place| self.latency[place].load(Relaxed)),
            latency_sum_us: self.latency_sum_us.load(Relaxed),
            retries: self.retries.load(Relaxed),
            redirects: self.redirects.load(Relaxed),
            tokens: self.tokens.load(Relaxed),
            opened: self.opened.load(Relaxed),
            in_use: self.open.load(Relaxed).saturating_sub(idle),
            idle,
            waiting,
            breaker,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorKind;

    #[test]
    fn a_call_is_in_the_bucket_of_its_time() {
        let counters = Counters::default();
        for milliseconds in [0, 1, 2, 3, 30_000, 30_001] {
            counters.ended(Duration::from_millis(milliseconds));
        }
        counters.failed(&ErrorKind::Auth { text: String::new() });
        counters.replied(http::StatusCode::NOT_FOUND);
        let found = counters.read_out(0, 0, None);
        assert_eq!(found.latency, [2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1]);
        assert_eq!((found.calls, found.latency_sum_us), (6, 60_007_000));
        assert_eq!(found.errors, [("auth", 1)]);
        assert_eq!(found.replies, [0, 0, 0, 1, 0]);
    }
}
