//! By how much runs are late when they are fired.

use std::sync::{Mutex, PoisonError};

/// Upper bounds of the histogram's buckets; the last bucket has none.
pub(crate) const BUCKETS_MS: [u64; 9] = [100, 250, 500, 750, 1_000, 1_250, 2_500, 10_000, 60_000];

#[derive(Default)]
pub(crate) struct Lateness(Mutex<Counts>);

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    /// Each for itself.
    pub(crate) buckets: [u64; BUCKETS_MS.len() + 1],
    pub(crate) sum_ms: u64,
}

impl Lateness {
    pub(crate) fn record(&self, late_ms: &[u64]) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for late in late_ms {
            counts.buckets[BUCKETS_MS.partition_point(|bound| bound < late)] += 1;
            counts.sum_ms = counts.sum_ms.saturating_add(*late);
        }
    }

    pub(crate) fn get(&self) -> Counts {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[cfg(test)]
mod tests {
    use super::Lateness;

    #[test]
    fn each_falls_into_the_first_bucket_that_holds_it() {
        let lateness = Lateness::default();
        lateness.record(&[0, 100, 101, 1_000, 1_000_000]);
        let counts = lateness.get();
        assert_eq!(counts.buckets, [2, 1, 0, 0, 1, 0, 0, 0, 0, 1]);
        assert_eq!(counts.sum_ms, 1_001_201);
    }
}
