//! How many calls of one service run at once in this worker, and how many may wait for it.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use busbar_model::{Fault, fault::FaultKind};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Instant, timeout_at},
};

#[derive(Debug)]
pub struct Gate {
    running: Line,
    /// Calls whose body still arrives: what their senders take their time over is not to take every place.
    streaming: Line,
    concurrency: u32,
    queue: u32,
}

/// How a call's body comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrival {
    /// All of it is here.
    Whole,
    /// The service reads it while it arrives.
    Streaming,
}

/// Held while a call runs.
#[derive(Debug)]
pub struct Place {
    _permit: OwnedSemaphorePermit,
    _streaming: Option<OwnedSemaphorePermit>,
}

/// Seconds after which an overloaded caller is asked to come again.
const RETRY_AFTER_S: u32 = 1;

impl Gate {
    /// Bodies that still arrive take half of the places, and of those that wait, at most.
    pub fn new(concurrency: u32, queue: u32) -> Self {
        Self {
            running: Line::new(concurrency, queue),
            streaming: Line::new((concurrency / 2).max(1), queue / 2),
            concurrency,
            queue,
        }
    }

    pub fn has(&self, concurrency: u32, queue: u32) -> bool {
        self.concurrency == concurrency && self.queue == queue
    }

    /// Takes a place if one is free. For a call whose own tree holds places already: were it to wait,
    /// it might wait for itself.
    pub fn enter_now(&self) -> Result<Place, Fault> {
        Ok(Place { _permit: self.running.enter_now()?, _streaming: None })
    }

    /// Waits for a place until the deadline; refused at once where too many wait already.
    pub async fn enter(&self, deadline: Instant, arrival: Arrival) -> Result<Place, Fault> {
        let streaming = match arrival {
            Arrival::Whole => None,
            Arrival::Streaming => Some(self.streaming.enter(deadline).await?),
        };
        Ok(Place { _permit: self.running.enter(deadline).await?, _streaming: streaming })
    }
}

/// Places, and those who wait for one.
#[derive(Debug)]
struct Line {
    places: Arc<Semaphore>,
    waiting: AtomicU32,
    waiting_max: u32,
}

impl Line {
    fn new(places: u32, waiting_max: u32) -> Self {
        Self { places: Arc::new(Semaphore::new(places as usize)), waiting: AtomicU32::new(0), waiting_max }
    }

    fn enter_now(&self) -> Result<OwnedSemaphorePermit, Fault> {
        Arc::clone(&self.places).try_acquire_owned().map_err(|_| overloaded())
    }

    async fn enter(&self, deadline: Instant) -> Result<OwnedSemaphorePermit, Fault> {
        if let Ok(permit) = self.enter_now() {
            return Ok(permit);
        }
        let _waiting = Waiting::join(&self.waiting, self.waiting_max).ok_or_else(overloaded)?;
        match timeout_at(deadline, Arc::clone(&self.places).acquire_owned()).await {
            Ok(Ok(permit)) => Ok(permit),
            _ => Err(overloaded()),
        }
    }
}

fn overloaded() -> Fault {
    Fault::new(FaultKind::Overloaded, "the service has all the calls it can take")
        .with_retry_after_s(RETRY_AFTER_S)
}

/// Counts one that waits, also when its future is dropped.
struct Waiting<'g>(&'g AtomicU32);

impl<'g> Waiting<'g> {
    fn join(waiting: &'g AtomicU32, most: u32) -> Option<Self> {
        waiting
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |n| (n < most).then_some(n + 1))
            .ok()
            .map(|_| Self(waiting))
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use busbar_model::fault::FaultKind;
    use tokio::time::Instant;

    use super::{
        Arrival::{Streaming, Whole},
        Gate,
    };

    #[tokio::test(start_paused = true)]
    async fn lets_in_so_many_queues_so_many_and_refuses_the_rest() {
        let gate = Gate::new(1, 1);
        let soon = Instant::now() + Duration::from_secs(5);
        let inside = gate.enter(soon, Whole).await.unwrap();
        let waiting = async { gate.enter(soon, Whole).await };
        let refused = async {
            tokio::time::sleep(Duration::from_secs(1)).await;
            let refusal = gate.enter(soon, Whole).await.unwrap_err();
            drop(inside);
            refusal
        };
        let (waited, refusal) = tokio::join!(waiting, refused);
        assert_eq!((refusal.kind, refusal.retry_after_s), (FaultKind::Overloaded, Some(1)));
        assert!(waited.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn one_that_gave_up_waiting_leaves_the_queue() {
        let gate = Gate::new(1, 1);
        let _inside = gate.enter(Instant::now(), Whole).await.unwrap();
        for _ in 0..3 {
            let deadline = Instant::now() + Duration::from_millis(10);
            assert!(gate.enter(deadline, Whole).await.is_err());
            assert!(Instant::now() >= deadline);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn bodies_that_still_arrive_leave_places_for_others() {
        let gate = Gate::new(4, 2);
        let soon = Instant::now() + Duration::from_millis(10);
        let mut streaming = Vec::new();
        for _ in 0..2 {
            streaming.push(gate.enter(soon, Streaming).await.unwrap());
        }
        assert!(gate.enter(soon, Streaming).await.is_err());
        let whole = gate.enter(soon, Whole).await.unwrap();
        let _last = gate.enter(soon, Whole).await.unwrap();
        streaming.pop();
        assert!(gate.enter(soon, Streaming).await.is_ok());
        drop((streaming, whole));
    }
}
