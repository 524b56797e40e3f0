//! What is due: which runs are to be made now, which have missed their time, and when to look again.

use chrono::{DateTime, TimeDelta, Utc};

use crate::{
    bounds::{MISFIRE_AFTER_MS, MISSED_COUNTED_MAX},
    jitter::jitter_ms,
    misfire::Misfire,
    never::Never,
    timing::Timing,
};

/// A job as it is to be looked at.
#[derive(Clone, Copy, Debug)]
pub struct Planning<'a> {
    pub timing: Timing<'a>,
    pub misfire: Misfire,
    /// What the jitter is made from.
    pub job: &'a str,
    pub jitter_ms: u64,
    /// Times up to this one have been dealt with.
    pub after: DateTime<Utc>,
    /// How often it has run under its schedule.
    pub runs: u64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Times to be run for, oldest first.
    pub runs: Vec<DateTime<Utc>>,
    /// Those before them that are not.
    pub missed: Option<Missed>,
    /// Times up to this one have been dealt with then. It never goes back.
    pub after: DateTime<Utc>,
    /// The next time.
    pub next: Result<DateTime<Utc>, Never>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missed {
    pub first: DateTime<Utc>,
    pub last: DateTime<Utc>,
    /// No more than `MISSED_COUNTED_MAX` are counted.
    pub count: u64,
}

impl Planning<'_> {
    /// The work is bounded, however long ago `after` is.
    pub fn at(&self, now: DateTime<Utc>) -> Plan {
        let idle = |next| Plan { runs: Vec::new(), missed: None, after: self.after, next };
        let first = match self.next(self.after, self.runs) {
            Ok(first) if self.due_at(first) <= now => first,
            next => return idle(next),
        };
        let last = self.last_due(first, now);
        let mut runs = Vec::new();
        let mut at = Some(last);
        while let Some(punctual) = at.filter(|at| *at >= first && !self.is_late(*at, now)) {
            runs.push(punctual);
            at = self.timing.previous(punctual);
        }
        for _ in 0..self.misfire.makes_up(!runs.is_empty()) {
            let Some(late) = at.filter(|at| *at >= first) else { break };
            runs.push(late);
            at = self.timing.previous(late);
        }
        runs.reverse();
        let missed = at.filter(|at| *at >= first).map(|last| self.missed(first, last));
        if let Some(most) = self.timing.schedule.runs_max() {
            let left = usize::try_from(most.saturating_sub(self.runs)).unwrap_or(usize::MAX);
            runs.truncate(left);
        }
        let next = self.next(last, self.runs.saturating_add(runs.len() as u64));
        Plan { runs, missed, after: last, next }
    }

    /// When a time is due: with its jitter.
    pub fn due_at(&self, scheduled: DateTime<Utc>) -> DateTime<Utc> {
        let jitter = jitter_ms(self.job, scheduled, self.jitter_ms);
        let jitter = TimeDelta::milliseconds(i64::try_from(jitter).unwrap_or(i64::MAX));
        scheduled.checked_add_signed(jitter).unwrap_or(scheduled)
    }

    /// The first time after an instant, of a job that ran so often.
    pub fn next(&self, after: DateTime<Utc>, runs: u64) -> Result<DateTime<Utc>, Never> {
        self.timing.unless_done(runs).and_then(|()| self.timing.next(after))
    }

    fn is_late(&self, scheduled: DateTime<Utc>, now: DateTime<Utc>) -> bool {
        now - self.due_at(scheduled) > TimeDelta::milliseconds(MISFIRE_AFTER_MS)
    }

    /// The last time before the first one that is not due yet. `first` is due.
    fn last_due(&self, first: DateTime<Utc>, now: DateTime<Utc>) -> DateTime<Utc> {
        let longest = TimeDelta::milliseconds(i64::try_from(self.jitter_ms).unwrap_or(i64::MAX));
        // All up to here are due whatever their jitter is.
        let surely = now.checked_sub_signed(longest).unwrap_or(now) + TimeDelta::microseconds(1);
        let mut last = self.timing.previous(surely).filter(|at| *at > first).unwrap_or(first);
        if self.jitter_ms == 0 {
            return last;
        }
        while let Ok(next) = self.timing.next(last)
            && self.due_at(next) <= now
        {
            last = next;
        }
        last
    }

    fn missed(&self, first: DateTime<Utc>, last: DateTime<Utc>) -> Missed {
        let mut count = 1;
        let mut at = first;
        while at < last && count < MISSED_COUNTED_MAX {
            let Ok(next) = self.timing.next(at) else { break };
            at = next;
            count += 1;
        }
        Missed { first, last, count }
    }
}
