//! What a worker counts. The singleton collects it as differences, so that the sums of a worker that
//! died stay.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use busbar_model::fault::FaultKind;
use serde::{Deserialize, Serialize};

/// Upper bounds of the latency histogram, in microseconds.
pub const BUCKETS_US: [u64; 14] = [
    100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000,
    5_000_000,
];

/// Counts of one pair of service and channel.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Requests by status.
    pub statuses: Vec<(u16, u64)>,
    /// Requests by duration: one more than there are bounds, not cumulated.
    pub buckets: [u64; BUCKETS_US.len() + 1],
    pub sum_us: u64,
}

impl Counts {
    fn record(&mut self, status: u16, took: Duration) {
        match self.statuses.iter_mut().find(|(known, _)| *known == status) {
            Some((_, count)) => *count += 1,
            None => self.statuses.push((status, 1)),
        }
        let us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let bucket = BUCKETS_US.iter().position(|bound| us <= *bound).unwrap_or(BUCKETS_US.len());
        self.buckets[bucket] += 1;
        self.sum_us = self.sum_us.saturating_add(us);
    }

    pub fn add(&mut self, more: &Self) {
        for (status, count) in &more.statuses {
            match self.statuses.iter_mut().find(|(known, _)| known == status) {
                Some((_, sum)) => *sum += count,
                None => self.statuses.push((*status, *count)),
            }
        }
        for (sum, count) in self.buckets.iter_mut().zip(more.buckets) {
            *sum += count;
        }
        self.sum_us = self.sum_us.saturating_add(more.sum_us);
    }
}

/// Where one pair of service and channel counts.
#[derive(Debug, Default)]
pub struct Meter(Mutex<Counts>);

impl Meter {
    pub fn record(&self, status: u16, took: Duration) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).record(status, took);
    }

    fn take(&self) -> Counts {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// What was counted since the last collection.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    /// Service, channel and their counts.
    pub requests: Vec<(String, String, Counts)>,
    pub errors: Vec<(FaultKind, u64)>,
}

/// All meters of a worker.
#[derive(Debug, Default)]
pub struct Metrics {
    meters: Mutex<HashMap<(String, String), Arc<Meter>>>,
    errors: Mutex<BTreeMap<FaultKind, u64>>,
}

impl Metrics {
    /// The meter of a service and a channel; the same one for the same pair.
    pub fn meter(&self, service: &str, channel: &str) -> Arc<Meter> {
        let mut meters = self.meters.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(meters.entry((service.to_owned(), channel.to_owned())).or_default())
    }

    pub fn error(&self, kind: FaultKind) {
        *self.errors.lock().unwrap_or_else(PoisonError::into_inner).entry(kind).or_default() += 1;
    }

    pub fn take(&self) -> Difference {
        let mut meters = self.meters.lock().unwrap_or_else(PoisonError::into_inner);
        let requests = meters
            .iter()
            .map(|((service, channel), meter)| (service.clone(), channel.clone(), meter.take()))
            .filter(|(.., counts)| !counts.statuses.is_empty())
            .collect();
        // A meter that no catalog holds any more has nothing left to say.
        meters.retain(|_, meter| Arc::strong_count(meter) > 1);
        drop(meters);
        let errors = std::mem::take(&mut *self.errors.lock().unwrap_or_else(PoisonError::into_inner));
        Difference { requests, errors: errors.into_iter().collect() }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{BUCKETS_US, Counts, Metrics};

    #[test]
    fn what_was_taken_is_not_taken_again() {
        let metrics = Metrics::default();
        let meter = metrics.meter("s", "c");
        meter.record(200, Duration::from_micros(100));
        meter.record(200, Duration::from_secs(9));
        let first = metrics.take();
        let (_, _, counts) = &first.requests[0];
        assert_eq!(counts.statuses, [(200, 2)]);
        assert_eq!((counts.buckets[0], counts.buckets[BUCKETS_US.len()]), (1, 1));
        assert!(metrics.take().requests.is_empty());
        metrics.meter("s", "c").record(500, Duration::ZERO);
        let mut sum = counts.clone();
        sum.add(&metrics.take().requests[0].2);
        assert_eq!(sum.statuses, [(200, 2), (500, 1)]);
    }

    #[test]
    fn sums_are_of_all_counts() {
        let mut sum = Counts::default();
        let mut one = Counts::default();
        one.record(200, Duration::from_millis(3));
        sum.add(&one);
        sum.add(&one);
        assert_eq!((sum.sum_us, sum.buckets.iter().sum::<u64>()), (6_000, 2));
    }
}
