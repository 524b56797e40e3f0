//! Processor time of a call, and whose turn it is to use it.
//!
//! At each tick of the engine's clock a running guest gives way and its time is counted: that since it went on after
//! the tick before, if it did nothing but run in between. Where it waited for the host, it has run for less than a
//! tick, and the count goes on with the next one. Where the machine has too few processors, what the worker itself
//! waits for one counts too: a call is stopped in time all the same.
//!
//! Guests that have run for a tick go on one at a time, each for one tick: however many spin, those that have only
//! just been called wait for one tick at most.

use std::{
    future::Future,
    pin::Pin,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
    time::{Duration, Instant},
};

use pin_project_lite::pin_project;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Marks the trap that ends a call which used up its processor time.
#[derive(Debug, thiserror::Error)]
#[error("the call reached its processor limit")]
pub(crate) struct CpuLimitReached;

#[derive(Default)]
pub(crate) struct CpuBudget {
    used: Duration,
    most: Duration,
    turns: Arc<Turns>,
}

/// Why the guest had to stop, and go on.
#[derive(Default)]
pub(crate) struct Turns {
    /// It gave way to others at a tick.
    yielded: AtomicBool,
    /// It began, or went on after a wait for the host.
    resumed: AtomicBool,
    /// When it went on after it had given way; `None` if it never had to.
    since: Mutex<Option<Instant>>,
}

impl CpuBudget {
    pub(crate) fn of_ms(cpu_ms: u64) -> Self {
        Self { most: Duration::from_millis(cpu_ms), ..Self::default() }
    }

    /// The clock ticked while the guest ran; it is about to give way.
    pub(crate) fn tick(&mut self) -> Result<(), CpuLimitReached> {
        self.tick_at(Instant::now())
    }

    fn tick_at(&mut self, now: Instant) -> Result<(), CpuLimitReached> {
        let since = self.turns.went_on(now);
        self.turns.yielded.store(true, Ordering::Relaxed);
        if self.turns.resumed.swap(false, Ordering::Relaxed) {
            return Ok(());
        }
        self.used += since.map_or(Duration::ZERO, |since| now.saturating_duration_since(since));
        if self.used > self.most { Err(CpuLimitReached) } else { Ok(()) }
    }

    pub(crate) fn turns(&self) -> Arc<Turns> {
        Arc::clone(&self.turns)
    }
}

impl Turns {
    /// Sets when the guest went on last; gives the time before.
    fn went_on(&self, now: Instant) -> Option<Instant> {
        self.since.lock().unwrap_or_else(PoisonError::into_inner).replace(now)
    }
}

/// Runs a guest and notes when it goes on after a wait.
pub(crate) fn counted<F: Future>(turns: Arc<Turns>, guest: F) -> Counted<F> {
    Counted { turns, guest }
}

pin_project! {
    /// No `async` function, which would hold the guest's state twice.
    pub(crate) struct Counted<F> {
        turns: Arc<Turns>,
        #[pin]
        guest: F,
    }
}

impl<F: Future> Future for Counted<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        if !this.turns.yielded.load(Ordering::Relaxed) {
            this.turns.resumed.store(true, Ordering::Relaxed);
        }
        this.guest.poll(context)
    }
}

/// Whose turn it is among guests that have run for a tick; one for each process.
pub(crate) struct Slices {
    turn: Arc<Semaphore>,
    /// Held by the guest that runs.
    running: Mutex<Option<OwnedSemaphorePermit>>,
    is_running: AtomicBool,
}

impl Default for Slices {
    fn default() -> Self {
        Self {
            turn: Arc::new(Semaphore::new(1)),
            running: Mutex::default(),
            is_running: AtomicBool::new(false),
        }
    }
}

impl Slices {
    /// Waits until sockets and timers were looked at and it is this guest's turn.
    pub(crate) async fn wait(self: Arc<Self>, turns: Arc<Turns>) {
        // Nobody closes it.
        let permit = Arc::clone(&self.turn).acquire_owned().await.ok();
        tokio::task::yield_now().await;
        *self.running.lock().unwrap_or_else(PoisonError::into_inner) = permit;
        self.is_running.store(true, Ordering::Relaxed);
        turns.yielded.store(false, Ordering::Relaxed);
        turns.went_on(Instant::now());
    }

    /// The guest that runs stops, for whatever reason.
    pub(crate) fn end(&self) {
        if self.is_running.swap(false, Ordering::Relaxed) {
            *self.running.lock().unwrap_or_else(PoisonError::into_inner) = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        sync::{Arc, Mutex},
        time::{Duration, Instant},
    };

    use super::{CpuBudget, Slices, counted};

    const TICK: Duration = Duration::from_millis(5);

    #[tokio::test]
    async fn a_guest_that_only_runs_is_stopped_and_one_that_waits_is_not() {
        let begin = Instant::now();
        let mut spinning = CpuBudget::of_ms(50);
        let turns = spinning.turns();
        let mut ticks = 0;
        let guest = std::future::poll_fn(|context| {
            ticks += 1;
            context.waker().wake_by_ref();
            let reached = spinning.tick_at(begin + TICK * ticks).is_err();
            if reached { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
        });
        counted(turns, guest).await;
        assert_eq!(ticks, 12, "one that is free at the start, ten that count, one too many");

        let mut waiting = CpuBudget::of_ms(50);
        for tick in 0..100 {
            counted(waiting.turns(), async { waiting.tick_at(begin + TICK * tick).unwrap() }).await;
            waiting.turns().yielded.store(false, std::sync::atomic::Ordering::Relaxed);
        }
    }

    #[tokio::test]
    async fn those_that_spin_go_on_one_at_a_time_and_in_turn() {
        let (slices, order) = (Arc::new(Slices::default()), Arc::new(Mutex::new(Vec::new())));
        let spinner = |name: u32| {
            let (slices, order) = (Arc::clone(&slices), Arc::clone(&order));
            tokio::spawn(async move {
                let budget = CpuBudget::of_ms(1);
                for _ in 0..3 {
                    Arc::clone(&slices).wait(budget.turns()).await;
                    order.lock().unwrap().push(name);
                    slices.end();
                }
            })
        };
        for task in [spinner(1), spinner(2), spinner(3)] {
            task.await.unwrap();
        }
        assert_eq!(*order.lock().unwrap(), [1, 2, 3, 1, 2, 3, 1, 2, 3]);
    }

    #[tokio::test]
    async fn one_that_is_given_up_while_it_waits_holds_up_nobody() {
        let slices = Arc::new(Slices::default());
        let turns = CpuBudget::of_ms(1).turns();
        Arc::clone(&slices).wait(Arc::clone(&turns)).await;
        let waiting = Arc::clone(&slices).wait(Arc::clone(&turns));
        assert!(tokio::time::timeout(TICK, waiting).await.is_err(), "another one runs");
        slices.end();
        tokio::time::timeout(Duration::from_secs(5), Arc::clone(&slices).wait(turns)).await.unwrap();
    }
}
