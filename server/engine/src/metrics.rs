//! What a worker counts. The singleton collects it as differences, so that the sums of a worker that
//! died stay.

use std::{
    borrow::Cow,
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

/// How a call by a connection ended: `ok`, or the code of its fault.
pub type Outcome = Cow<'static, str>;

/// Counts of one pair of service and channel, by status; or of one connection, by [`Outcome`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts<K = u16> {
    /// Requests by status.
    pub statuses: Vec<(K, u64)>,
    /// Requests by duration: one more than there are bounds, not cumulated.
    pub buckets: [u64; BUCKETS_US.len() + 1],
    pub sum_us: u64,
}

impl<K> Default for Counts<K> {
    fn default() -> Self {
        Self { statuses: Vec::new(), buckets: [0; BUCKETS_US.len() + 1], sum_us: 0 }
    }
}

impl<K: PartialEq + Clone> Counts<K> {
    /// Counts a status alone: of a call that was counted already, and ended otherwise.
    pub fn note(&mut self, status: K) {
        match self.statuses.iter_mut().find(|(known, _)| *known == status) {
            Some((_, count)) => *count += 1,
            None => self.statuses.push((status, 1)),
        }
    }

    pub fn record(&mut self, status: K, took: Duration) {
        self.note(status);
        let us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let bucket = BUCKETS_US.iter().position(|bound| us <= *bound).unwrap_or(BUCKETS_US.len());
        self.buckets[bucket] += 1;
        self.sum_us = self.sum_us.saturating_add(us);
    }

    pub fn add(&mut self, more: &Self) {
        for (status, count) in &more.statuses {
            match self.statuses.iter_mut().find(|(known, _)| known == status) {
                Some((_, sum)) => *sum += count,
                None => self.statuses.push((status.clone(), *count)),
            }
        }
        for (sum, count) in self.buckets.iter_mut().zip(more.buckets) {
            *sum += count;
        }
        self.sum_us = self.sum_us.saturating_add(more.sum_us);
    }

    pub fn count(&self) -> u64 {
        self.buckets.iter().sum()
    }

    /// So many microseconds, or less, this share of the calls took; as near as the buckets tell. Those beyond the last
    /// bound count as that.
    pub fn within_us(&self, percent: u64) -> u64 {
        let wanted = (self.count() * percent).div_ceil(100);
        let mut below = 0;
        for (bound, count) in BUCKETS_US.iter().zip(self.buckets) {
            below += count;
            if below >= wanted {
                return if wanted == 0 { 0 } else { *bound };
            }
        }
        BUCKETS_US[BUCKETS_US.len() - 1]
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
    /// Connections and their counts.
    #[serde(default)]
    pub outgoing: Vec<(String, Counts<Outcome>)>,
}

/// All meters of a worker.
#[derive(Debug, Default)]
pub struct Metrics {
    meters: Mutex<HashMap<(String, String), Arc<Meter>>>,
    errors: Mutex<BTreeMap<FaultKind, u64>>,
    outgoing: Mutex<HashMap<String, Counts<Outcome>>>,
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

    /// A call by a connection; of one whose reply broke off later, only its outcome.
    pub fn outgoing(&self, connection: &str, outcome: Outcome, took: Option<Duration>) {
        let mut outgoing = self.outgoing.lock().unwrap_or_else(PoisonError::into_inner);
        if !outgoing.contains_key(connection) {
            outgoing.insert(connection.to_owned(), Counts::default());
        }
        let Some(counts) = outgoing.get_mut(connection) else { return };
        match took {
            Some(took) => counts.record(outcome, took),
            None => counts.note(outcome),
        }
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
        let outgoing = std::mem::take(&mut *self.outgoing.lock().unwrap_or_else(PoisonError::into_inner));
        Difference {
            requests,
            errors: errors.into_iter().collect(),
            outgoing: outgoing.into_iter().collect(),
        }
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
    fn calls_by_connections_are_counted_by_their_outcome() {
        let metrics = Metrics::default();
        for ms in 1..=100 {
            metrics.outgoing("prices", "ok".into(), Some(Duration::from_millis(ms)));
        }
        metrics.outgoing("prices", "unreachable".into(), Some(Duration::from_secs(9)));
        let taken = metrics.take().outgoing;
        let (connection, counts) = &taken[0];
        assert_eq!((connection.as_str(), counts.count()), ("prices", 101));
        assert_eq!(counts.statuses, [("ok".into(), 100), ("unreachable".into(), 1)]);
        assert_eq!([50, 95, 100].map(|percent| counts.within_us(percent)), [100_000, 100_000, 5_000_000]);
        assert_eq!(Counts::<u16>::default().within_us(99), 0);
        assert!(metrics.take().outgoing.is_empty());
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
