//! The pause before a process that ended is started again.

use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use crate::parent::{oom, process::End};

/// Doubles up to the longest while a process keeps dying.
const SHORTEST: Duration = Duration::from_millis(50);
const LONGEST: Duration = Duration::from_secs(10);
/// One that lived so long has not kept dying.
const LIVED: Duration = Duration::from_secs(10);

#[derive(Debug)]
pub(crate) struct Backoff {
    pause: Duration,
    begun: Instant,
    was_ready: bool,
    /// The kernel's count of processes that it killed for want of memory.
    kills: Option<u64>,
}

impl Default for Backoff {
    fn default() -> Self {
        Self { pause: SHORTEST, begun: Instant::now(), was_ready: false, kills: None }
    }
}

impl Backoff {
    pub(crate) fn begin(&mut self) {
        (self.begun, self.was_ready, self.kills) = (Instant::now(), false, oom::of_machine());
    }

    pub(crate) fn ready(&mut self) {
        self.was_ready = true;
    }

    /// How long to wait after an end.
    pub(crate) fn pause(&mut self, end: End) -> Duration {
        let from_outside = end == End::Signalled(Signal::SIGKILL) && self.kills == oom::of_machine();
        self.next(self.begun.elapsed(), from_outside)
    }

    fn next(&mut self, lived: Duration, killed_from_outside: bool) -> Duration {
        // Whoever kills what did its work says nothing about whether it would do it again.
        let keeps_dying = lived < LIVED && !(self.was_ready && killed_from_outside);
        self.pause = if keeps_dying { (self.pause * 2).min(LONGEST) } else { SHORTEST };
        self.pause
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Backoff, LIVED, LONGEST, SHORTEST};

    #[test]
    fn the_pause_grows_while_a_process_keeps_dying() {
        let mut backoff = Backoff::default();
        let mut before = SHORTEST;
        for _ in 0..20 {
            let pause = backoff.next(Duration::ZERO, true);
            assert_eq!(pause, (before * 2).min(LONGEST), "it was killed before it was ready");
            before = pause;
        }
        assert_eq!(before, LONGEST);
        assert_eq!(backoff.next(LIVED, false), SHORTEST);
        backoff.ready();
        assert_eq!(backoff.next(Duration::ZERO, false), SHORTEST * 2, "it died of itself");
        assert_eq!(backoff.next(Duration::ZERO, true), SHORTEST);
    }
}
