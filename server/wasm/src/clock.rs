//! The clock that interrupts running guests.
//!
//! It ticks for as long as calls are under way, and stands still soon after the last one: an idle worker is to wake
//! nobody.

use std::{
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, AtomicU64, Ordering::SeqCst},
    },
    thread,
    time::Duration,
};

/// How often running guests are interrupted to let others run and to count their time.
pub(crate) const TICK: Duration = Duration::from_millis(5);
/// Without calls for so many ticks the clock stops until the next call.
const IDLE_TICKS: u32 = 20;
/// How soon a clock that stands still notices that it is no longer wanted.
const STANDSTILL_MAX: Duration = Duration::from_secs(1);

#[derive(Default)]
pub(crate) struct Clock {
    /// Calls under way.
    calls: AtomicU64,
    /// Whoever finds that it does not tick starts it.
    ticking: AtomicBool,
    thread: OnceLock<thread::Thread>,
}

impl Clock {
    /// To be held while a guest may run: the clock ticks for as long. Either this sees that the clock
    /// stands still, or the clock sees the call before it does: a guest that spins is always interrupted.
    pub(crate) fn enter(self: &Arc<Self>) -> Running {
        self.calls.fetch_add(1, SeqCst);
        if !self.ticking.load(SeqCst)
            && let Some(thread) = self.thread.get()
        {
            self.ticking.store(true, SeqCst);
            thread.unpark();
        }
        Running(Arc::clone(self))
    }

    /// Calls `tick` at each tick, on a thread of its own.
    pub(crate) fn start(self: &Arc<Self>, tick: impl Fn() + Send + 'static) -> std::io::Result<Ticker> {
        let stop = Arc::new(AtomicBool::new(false));
        let (clock, stopped) = (Arc::clone(self), Arc::clone(&stop));
        self.ticking.store(true, SeqCst);
        let handle =
            thread::Builder::new().name("epoch".to_owned()).spawn(move || clock.run(&stopped, tick))?;
        let thread = handle.thread().clone();
        let _ = self.thread.set(thread.clone());
        Ok(Ticker { stop, thread })
    }

    fn run(&self, stopped: &AtomicBool, tick: impl Fn()) {
        let mut idle = 0;
        while !stopped.load(SeqCst) {
            thread::sleep(TICK);
            tick();
            idle = if self.calls.load(SeqCst) > 0 { 0 } else { idle + 1 };
            if idle == IDLE_TICKS {
                idle = 0;
                self.stand_still(stopped);
            }
        }
    }

    fn stand_still(&self, stopped: &AtomicBool) {
        loop {
            // Each time: the call that started it may be over by now, and the next one is to start it again.
            self.ticking.store(false, SeqCst);
            if self.calls.load(SeqCst) > 0 || stopped.load(SeqCst) {
                break;
            }
            thread::park_timeout(STANDSTILL_MAX);
        }
        self.ticking.store(true, SeqCst);
    }
}

/// A call under way.
pub(crate) struct Running(Arc<Clock>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.calls.fetch_sub(1, SeqCst);
    }
}

/// Keeps the clock running.
pub struct Ticker {
    stop: Arc<AtomicBool>,
    thread: thread::Thread,
}

impl Drop for Ticker {
    fn drop(&mut self) {
        self.stop.store(true, SeqCst);
        self.thread.unpark();
    }
}

#[cfg(test)]
mod tests {
    use std::{
        sync::{
            Arc,
            atomic::{AtomicU32, Ordering::SeqCst},
        },
        thread::sleep,
        time::{Duration, Instant},
    };

    use super::{Clock, IDLE_TICKS, STANDSTILL_MAX, TICK, Ticker};

    fn start() -> (Arc<Clock>, Arc<AtomicU32>, Ticker) {
        let (clock, ticks) = (Arc::new(Clock::default()), Arc::new(AtomicU32::new(0)));
        let counted = Arc::clone(&ticks);
        let ticker = clock
            .start(move || {
                counted.fetch_add(1, SeqCst);
            })
            .unwrap();
        (clock, ticks, ticker)
    }

    fn until_it_stands_still(clock: &Clock) {
        let deadline = Instant::now() + Duration::from_secs(10);
        while clock.ticking.load(SeqCst) {
            assert!(Instant::now() < deadline, "it goes on and on");
            sleep(TICK);
        }
    }

    #[test]
    fn it_ticks_while_there_are_calls() {
        let (clock, ticks, ticker) = start();
        let running = clock.enter();
        let began = Instant::now();
        while ticks.load(SeqCst) < 2 * IDLE_TICKS {
            assert!(began.elapsed() < Duration::from_secs(10), "{} ticks", ticks.load(SeqCst));
            sleep(TICK);
        }
        drop(running);
        until_it_stands_still(&clock);
        let before = ticks.load(SeqCst);
        sleep(4 * TICK);
        assert_eq!(ticks.load(SeqCst), before);
        drop(ticker);
    }

    #[test]
    fn a_call_that_is_over_before_the_clock_has_seen_it_does_not_hide_the_next_one() {
        let (clock, ticks, _ticker) = start();
        for round in 0..5 {
            drop(clock.enter());
            until_it_stands_still(&clock);
            drop(clock.enter());
            // It has been told, and has found nothing.
            sleep(2 * TICK);
            let before = ticks.load(SeqCst);
            let _running = clock.enter();
            let began = Instant::now();
            while ticks.load(SeqCst) < before + 2 {
                assert!(began.elapsed() < STANDSTILL_MAX / 2, "round {round}: no tick");
                sleep(TICK);
            }
        }
    }
}
