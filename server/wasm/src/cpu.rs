//! Processor time of a call, counted in ticks of the engine's clock.
//!
//! A tick counts where the guest ran all the time since the one before. Where it waited for the host
//! in between, it has run for less than a tick, and the count goes on with the next one.

use std::{
    future::{Future, poll_fn},
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use crate::engine::TICK;

/// Marks the trap that ends a call which used up its processor time.
#[derive(Debug, thiserror::Error)]
#[error("the call reached its processor limit")]
pub(crate) struct CpuLimitReached;

#[derive(Default)]
pub(crate) struct CpuBudget {
    ticks: u64,
    ticks_max: u64,
    turns: Arc<Turns>,
}

/// Why the guest had to stop, and go on.
#[derive(Default)]
pub(crate) struct Turns {
    /// It gave way to others at a tick.
    yielded: AtomicBool,
    /// It began, or went on after a wait for the host.
    resumed: AtomicBool,
}

impl CpuBudget {
    pub(crate) fn of_ms(cpu_ms: u64) -> Self {
        let tick_ms = u64::try_from(TICK.as_millis()).unwrap_or(1);
        Self { ticks_max: cpu_ms / tick_ms, ..Self::default() }
    }

    /// The clock ticked while the guest ran; it is about to give way.
    pub(crate) fn tick(&mut self) -> Result<(), CpuLimitReached> {
        self.turns.yielded.store(true, Ordering::Relaxed);
        if self.turns.resumed.swap(false, Ordering::Relaxed) {
            return Ok(());
        }
        self.ticks += 1;
        if self.ticks > self.ticks_max { Err(CpuLimitReached) } else { Ok(()) }
    }

    pub(crate) fn turns(&self) -> Arc<Turns> {
        Arc::clone(&self.turns)
    }
}

/// Runs a guest and notes when it goes on after a wait.
pub(crate) async fn counted<F: Future>(turns: Arc<Turns>, guest: F) -> F::Output {
    let mut guest = pin!(guest);
    poll_fn(|context| {
        if !turns.yielded.swap(false, Ordering::Relaxed) {
            turns.resumed.store(true, Ordering::Relaxed);
        }
        guest.as_mut().poll(context)
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::{CpuBudget, counted};

    #[tokio::test]
    async fn a_guest_that_only_runs_is_stopped_and_one_that_waits_is_not() {
        let mut spinning = CpuBudget::of_ms(50);
        let turns = spinning.turns();
        let mut ticks = 0;
        let guest = std::future::poll_fn(|context| {
            ticks += 1;
            context.waker().wake_by_ref();
            if spinning.tick().is_err() { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
        });
        counted(turns, guest).await;
        assert_eq!(ticks, 12, "one that is free at the start, ten that count, one too many");

        let mut waiting = CpuBudget::of_ms(50);
        for _ in 0..100 {
            counted(waiting.turns(), async { waiting.tick().unwrap() }).await;
            waiting.turns().yielded.store(false, std::sync::atomic::Ordering::Relaxed);
        }
    }
}
