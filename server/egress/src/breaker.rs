//! The circuit breaker: stops calling a system that keeps failing, and tries it again with one call at a time.
//!
//! Closed, it counts calls and failures of a sliding window. When enough of them failed it opens, and calls are
//! refused at once. After its pause it is half-open: one call goes through as a probe. If that succeeds it closes,
//! else it opens again for twice as long, up to a bound.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use crate::{backoff, bounds::PROBE_PAUSE};

/// When a breaker opens, and for how long.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Fewer failures within the window never open it.
    pub failures: u32,
    /// Of all calls within the window, so many have to have failed.
    pub percent: u32,
    pub window: Duration,
    /// The first pause; each after a failed probe is twice the one before.
    pub open: Duration,
    pub open_max: Duration,
}

/// What a breaker knows, to be kept while its worker is restarted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BreakerState {
    pub phase: Phase,
    /// How often in a row it opened.
    pub opened: u32,
    /// For how long it stays open after `at_ms`.
    pub open_ms: u64,
    /// Within the window.
    pub calls: u32,
    pub failures: u32,
    /// When this was read out, in milliseconds since 1970.
    pub at_ms: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    Closed,
    Open,
    HalfOpen,
}

#[derive(Debug)]
enum State {
    Closed,
    Open { until: Instant },
    HalfOpen { is_probing: bool },
}

/// Proof that a call may go out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Admission {
    is_probe: bool,
}

impl Admission {
    /// Of a call that was let out long ago.
    pub(crate) fn ordinary() -> Self {
        Self { is_probe: false }
    }
}

#[derive(Debug)]
pub struct Breaker {
    policy: Policy,
    state: State,
    opened: u32,
    window: Window,
}

impl Breaker {
    pub fn new(policy: Policy, now: Instant) -> Self {
        let window = Window::new(policy.window, now);
        Self { policy, state: State::Closed, opened: 0, window }
    }

    /// Refused: for how long to stay away.
    pub fn admit(&mut self, now: Instant) -> Result<Admission, Duration> {
        match &mut self.state {
            State::Closed => Ok(Admission { is_probe: false }),
            State::Open { until } if now < *until => Err(*until - now),
            State::HalfOpen { is_probing: true } => Err(PROBE_PAUSE),
            State::Open { .. } | State::HalfOpen { .. } => {
                self.state = State::HalfOpen { is_probing: true };
                Ok(Admission { is_probe: true })
            }
        }
    }

    /// Whether a call would be let out then, as things are now.
    pub fn admits(&self, at: Instant) -> bool {
        match self.state {
            State::Closed => true,
            State::Open { until } => until <= at,
            State::HalfOpen { is_probing } => !is_probing,
        }
    }

    pub fn succeeded(&mut self, admission: Admission, now: Instant) {
        if admission.is_probe {
            self.state = State::Closed;
            self.opened = 0;
            self.window = Window::new(self.policy.window, now);
        } else if matches!(self.state, State::Closed) {
            self.window.count(now, false);
        }
    }

    /// True if this opened it.
    pub fn failed(&mut self, admission: Admission, now: Instant) -> bool {
        if !admission.is_probe && !matches!(self.state, State::Closed) {
            return false;
        }
        self.window.count(now, true);
        let (calls, failures) = self.window.sums(now);
        let share = u64::from(failures) * 100 >= u64::from(calls) * u64::from(self.policy.percent);
        let opens = admission.is_probe || (failures >= self.policy.failures && share);
        if opens {
            self.opened = self.opened.saturating_add(1);
            let pause = backoff::longest(self.opened, self.policy.open, self.policy.open_max);
            self.state = State::Open { until: now + pause };
        }
        opens
    }

    /// The call tells nothing about the other side: it was given up, or never went out.
    pub fn forget(&mut self, admission: Admission) {
        if admission.is_probe && matches!(self.state, State::HalfOpen { .. }) {
            self.state = State::HalfOpen { is_probing: false };
        }
    }

    pub fn read_out(&self, now: Instant, at_ms: u64) -> BreakerState {
        let (calls, failures) = self.window.sums(now);
        let (phase, open) = match self.state {
            State::Closed => (Phase::Closed, Duration::ZERO),
            State::Open { until } if now < until => (Phase::Open, until - now),
            State::Open { .. } | State::HalfOpen { .. } => (Phase::HalfOpen, Duration::ZERO),
        };
        let open_ms = u64::try_from(open.as_millis()).unwrap_or(u64::MAX);
        BreakerState { phase, opened: self.opened, open_ms, calls, failures, at_ms }
    }

    /// Time that went by since counts; a probe that was under way is not any more. A clock that was put back or
    /// forward can't keep it open for longer than the policy says.
    pub fn put_back(&mut self, kept: &BreakerState, now: Instant, at_ms: u64) {
        let passed = Duration::from_millis(at_ms.saturating_sub(kept.at_ms));
        self.opened = kept.opened;
        self.window = Window::new(self.policy.window, now);
        self.state = match kept.phase {
            Phase::Closed => {
                if passed < self.policy.window {
                    self.window.put_back(kept.calls, kept.failures);
                }
                State::Closed
            }
            Phase::Open => {
                let left = Duration::from_millis(kept.open_ms).saturating_sub(passed);
                State::Open { until: now + left.min(self.policy.open_max) }
            }
            Phase::HalfOpen => State::HalfOpen { is_probing: false },
        };
    }
}

const SLOTS: usize = 10;

/// Calls and failures of the last while, in slots that are forgotten one after the other.
#[derive(Debug)]
struct Window {
    slot: Duration,
    began: Instant,
    /// Number of the newest slot since `began`.
    newest: u64,
    /// Calls and failures.
    slots: [(u32, u32); SLOTS],
}

impl Window {
    fn new(length: Duration, now: Instant) -> Self {
        let slot = (length / SLOTS as u32).max(Duration::from_millis(1));
        Self { slot, began: now, newest: 0, slots: [(0, 0); SLOTS] }
    }

    fn number(&self, now: Instant) -> u64 {
        let passed = now.saturating_duration_since(self.began).as_nanos() / self.slot.as_nanos();
        u64::try_from(passed).unwrap_or(u64::MAX)
    }

    fn count(&mut self, now: Instant, is_failure: bool) {
        let number = self.number(now).max(self.newest);
        let gone = (number - self.newest).min(SLOTS as u64);
        for step in 1..=gone {
            self.slots[place(self.newest.wrapping_add(step))] = (0, 0);
        }
        if gone == SLOTS as u64 {
            self.slots = [(0, 0); SLOTS];
        }
        self.newest = number;
        let (calls, failures) = &mut self.slots[place(number)];
        *calls = calls.saturating_add(1);
        *failures = failures.saturating_add(u32::from(is_failure));
    }

    fn sums(&self, now: Instant) -> (u32, u32) {
        let gone = self.number(now).saturating_sub(self.newest);
        let kept = (SLOTS as u64).saturating_sub(gone);
        let slots =
            (0..kept).filter_map(|back| self.newest.checked_sub(back)).map(|slot| self.slots[place(slot)]);
        slots.fold((0, 0), |sum, slot| (sum.0 + slot.0, sum.1 + slot.1))
    }

    fn put_back(&mut self, calls: u32, failures: u32) {
        self.slots[place(self.newest)] = (calls, failures.min(calls));
    }
}

fn place(slot: u64) -> usize {
    usize::try_from(slot % SLOTS as u64).unwrap_or(0)
}

#[cfg(test)]
mod tests;
