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
    running: Arc<Semaphore>,
    waiting: AtomicU32,
    concurrency: u32,
    queue: u32,
}

/// Held while a call runs.
#[derive(Debug)]
pub struct Place {
    _permit: OwnedSemaphorePermit,
}

/// Seconds after which an overloaded caller is asked to come again.
const RETRY_AFTER_S: u32 = 1;

impl Gate {
    pub fn new(concurrency: u32, queue: u32) -> Self {
        Self {
            running: Arc::new(Semaphore::new(concurrency as usize)),
            waiting: AtomicU32::new(0),
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
        let permit = Arc::clone(&self.running).try_acquire_owned().map_err(|_| overloaded())?;
        Ok(Place { _permit: permit })
    }

    /// Waits for a place until the deadline; refused at once where too many wait already.
    pub async fn enter(&self, deadline: Instant) -> Result<Place, Fault> {
        if let Ok(place) = self.enter_now() {
            return Ok(place);
        }
        let _waiting = Waiting::join(&self.waiting, self.queue).ok_or_else(overloaded)?;
        match timeout_at(deadline, Arc::clone(&self.running).acquire_owned()).await {
            Ok(Ok(permit)) => Ok(Place { _permit: permit }),
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

    use super::Gate;

    #[tokio::test(start_paused = true)]
    async fn lets_in_so_many_queues_so_many_and_refuses_the_rest() {
        let gate = Gate::new(1, 1);
        let soon = Instant::now() + Duration::from_secs(5);
        let inside = gate.enter(soon).await.unwrap();
        let waiting = async { gate.enter(soon).await };
        let refused = async {
            tokio::time::sleep(Duration::from_secs(1)).await;
            let refusal = gate.enter(soon).await.unwrap_err();
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
        let _inside = gate.enter(Instant::now()).await.unwrap();
        for _ in 0..3 {
            let deadline = Instant::now() + Duration::from_millis(10);
            assert!(gate.enter(deadline).await.is_err());
            assert!(Instant::now() >= deadline);
        }
    }
}
