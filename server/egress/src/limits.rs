//! How many calls are under way at once, and how many begin in a second.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use busbar_model::connection::http as settings;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Instant, sleep_until, timeout_at},
};

use crate::{ErrorKind, Limit};

/// When a call that found no room should come again; how long others take is not known.
const ROOM_PAUSE: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub(crate) struct Limits {
    room: Arc<Semaphore>,
    bucket: Option<Mutex<Bucket>>,
    wait: Duration,
    waiting: AtomicU32,
    waiting_max: u32,
}

impl Limits {
    pub(crate) fn new(limits: &settings::Limits, now: Instant) -> Self {
        let bucket = |per_second| Bucket::new(per_second, limits.burst.unwrap_or(per_second), now);
        Self {
            room: Arc::new(Semaphore::new(limits.concurrent as usize)),
            bucket: limits.per_second.map(bucket).map(Mutex::new),
            wait: Duration::from_millis(limits.wait_ms),
            waiting: AtomicU32::new(0),
            waiting_max: limits.waiting,
        }
    }

    /// Calls that wait now.
    pub(crate) fn waiting(&self) -> u64 {
        self.waiting.load(Ordering::Relaxed).into()
    }

    /// Room for a call until what is returned is dropped. Waits no longer than to the deadline.
    pub(crate) async fn enter(
        &self,
        now: Instant,
        deadline: Instant,
    ) -> Result<OwnedSemaphorePermit, ErrorKind> {
        let until = (now + self.wait).min(deadline);
        let permit = match Arc::clone(&self.room).try_acquire_owned() {
            Ok(permit) => permit,
            Err(_) => self.wait_for_room(until).await?,
        };
        self.begin(now, until).await?;
        Ok(permit)
    }

    /// Waits until a request may go out.
    pub(crate) async fn begin(&self, now: Instant, until: Instant) -> Result<(), ErrorKind> {
        let Some(bucket) = &self.bucket else { return Ok(()) };
        let take = |now| bucket.lock().unwrap_or_else(PoisonError::into_inner).take(now, until);
        match take(now) {
            Ok(at) if at <= now => Ok(()),
            Ok(at) => {
                let _place = self.place(Limit::Rate, at - now)?;
                sleep_until(at).await;
                Ok(())
            }
            Err(retry_after) => Err(ErrorKind::OverLimit { limit: Limit::Rate, retry_after }),
        }
    }

    async fn wait_for_room(&self, until: Instant) -> Result<OwnedSemaphorePermit, ErrorKind> {
        let over = ErrorKind::OverLimit { limit: Limit::Concurrency, retry_after: ROOM_PAUSE };
        let _place = self.place(Limit::Concurrency, ROOM_PAUSE)?;
        match timeout_at(until, Arc::clone(&self.room).acquire_owned()).await {
            Ok(Ok(permit)) => Ok(permit),
            _ => Err(over),
        }
    }

    fn place(&self, limit: Limit, retry_after: Duration) -> Result<Place<'_>, ErrorKind> {
        if self.waiting.fetch_add(1, Ordering::Relaxed) >= self.waiting_max {
            self.waiting.fetch_sub(1, Ordering::Relaxed);
            return Err(ErrorKind::OverLimit { limit, retry_after });
        }
        Ok(Place(&self.waiting))
    }
}

/// Of one that waits.
struct Place<'a>(&'a AtomicU32);

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Requests are spaced by an interval; a pause saves up for so many at once. Who may wait gets its time in advance, so
/// that those that wait go one after the other.
#[derive(Debug)]
struct Bucket {
    interval: Duration,
    /// What may have been saved up.
    slack: Duration,
    /// When the next one would be due if none had been saved.
    next: Instant,
}

impl Bucket {
    fn new(per_second: u32, burst: u32, now: Instant) -> Self {
        let interval = Duration::from_secs(1) / per_second.max(1);
        let slack = interval.saturating_mul(burst.saturating_sub(1));
        Self { interval, slack, next: now }
    }

    /// When this request may go out, at the latest at `until`; else how long to stay away.
    fn take(&mut self, now: Instant, until: Instant) -> Result<Instant, Duration> {
        let next = self.next.max(now);
        let at = next.checked_sub(self.slack).map_or(now, |at| at.max(now));
        if at > until.max(now) {
            return Err(at - now);
        }
        self.next = next + self.interval;
        Ok(at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(start: Instant, milliseconds: u64) -> Instant {
        start + Duration::from_millis(milliseconds)
    }

    #[test]
    fn a_burst_goes_out_at_once_and_then_one_by_one() {
        let start = Instant::now();
        let mut bucket = Bucket::new(10, 3, start);
        for _ in 0..3 {
            assert_eq!(bucket.take(start, start), Ok(start));
        }
        assert_eq!(bucket.take(start, start), Err(Duration::from_millis(100)));
        assert_eq!(bucket.take(after(start, 100), start), Ok(after(start, 100)));
        assert!(bucket.take(after(start, 100), start).is_err());
        for _ in 0..3 {
            assert!(bucket.take(after(start, 10_000), start).is_ok(), "no more than a burst is saved up");
        }
        assert!(bucket.take(after(start, 10_000), start).is_err());
    }

    #[test]
    fn those_that_wait_have_times_of_their_own() {
        let start = Instant::now();
        let mut bucket = Bucket::new(10, 1, start);
        let until = after(start, 250);
        let times = [0, 100, 200].map(|milliseconds| after(start, milliseconds));
        assert_eq!(times.map(|_| bucket.take(start, until).unwrap()), times);
        assert_eq!(
            bucket.take(start, until),
            Err(Duration::from_millis(300)),
            "and takes no time from others"
        );
        assert_eq!(bucket.take(start, after(start, 300)), Ok(after(start, 300)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_waits_for_room_no_longer_than_it_may() {
        let settings =
            settings::Limits { concurrent: 1, wait_ms: 50, waiting: 1, ..settings::Limits::default() };
        let now = Instant::now();
        let limits = Limits::new(&settings, now);
        let far = after(now, 60_000);
        let held = limits.enter(now, far).await.unwrap();
        let over = limits.enter(now, far).await.unwrap_err();
        assert!(matches!(over, ErrorKind::OverLimit { limit: Limit::Concurrency, .. }), "{over}");
        let (waits, refused) = tokio::join!(limits.enter(Instant::now(), far), async {
            let refused = limits.enter(Instant::now(), far).await;
            drop(held);
            refused
        });
        assert!(waits.is_ok() && refused.is_err(), "one waits, the next is refused at once");
    }
}
