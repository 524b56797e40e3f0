//! The times of a schedule, one after the other, with the days of its calendar left out.
//!
//! Where clocks are put forward, a time that does not exist runs at the first instant after the gap; where they are
//! put back, a time that comes twice runs once, the first time. An expression that runs in every hour, or at every
//! step of minutes, follows elapsed time instead: nothing is made up for the hour that is left out, and the hour that
//! comes twice has its runs twice. An interval is elapsed time always.

use chrono::{DateTime, TimeDelta, Utc};

use crate::{
    bounds::EXCLUDED_MAX,
    calendar::Rules,
    never::Never,
    schedule::{Interval, Schedule},
};

/// A schedule that is under way.
#[derive(Clone, Copy, Debug)]
pub struct Timing<'a> {
    pub schedule: &'a Schedule,
    pub calendar: Option<&'a Rules>,
    /// When the schedule was saved: intervals without a start count from there.
    pub saved_at: DateTime<Utc>,
}

/// Times that are to come, and why there are no more if there are not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upcoming {
    pub times: Vec<DateTime<Utc>>,
    pub never: Option<Never>,
}

impl Timing<'_> {
    /// The first time after an instant.
    pub fn next(&self, after: DateTime<Utc>) -> Result<DateTime<Utc>, Never> {
        let mut after = after;
        for passed_over in 0..EXCLUDED_MAX {
            let found = self.next_of_schedule(after).map_err(|never| match never {
                Never::Past if passed_over > 0 => Never::Excluded,
                never => never,
            })?;
            let Some(calendar) = self.calendar else { return Ok(found) };
            let zone = self.schedule.zone();
            let day = zone.day(found);
            if !calendar.excludes(day) {
                return Ok(found);
            }
            let open = calendar.open_from(day).ok_or(Never::Excluded)?;
            // A day that its zone left out begins with the next one.
            after = zone.end_before(open).ok_or(Never::TooFar)?.max(found);
        }
        Err(Never::Excluded)
    }

    /// The last time before an instant, if there is one.
    pub fn previous(&self, before: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let mut before = before;
        for _ in 0..EXCLUDED_MAX {
            let found = self.previous_of_schedule(before)?;
            let Some(calendar) = self.calendar else { return Some(found) };
            let zone = self.schedule.zone();
            let day = zone.day(found);
            if !calendar.excludes(day) {
                return Some(found);
            }
            let open = calendar.open_until(day)?;
            before = zone.begin(open.succ_opt()?)?.min(found);
        }
        None
    }

    /// The next times. `runs` is how often it has run already.
    pub fn upcoming(&self, after: DateTime<Utc>, runs: u64, count: usize) -> Upcoming {
        let mut upcoming = Upcoming { times: Vec::new(), never: None };
        let mut after = after;
        while upcoming.times.len() < count {
            let made = runs.saturating_add(upcoming.times.len() as u64);
            match self.unless_done(made).and_then(|()| self.next(after)) {
                Ok(at) => {
                    upcoming.times.push(at);
                    after = at;
                }
                Err(never) => {
                    upcoming.never = Some(never);
                    break;
                }
            }
        }
        upcoming
    }

    pub(crate) fn unless_done(&self, runs: u64) -> Result<(), Never> {
        match self.schedule {
            Schedule::Once(_) if runs >= 1 => Err(Never::Past),
            schedule if schedule.runs_max().is_some_and(|most| runs >= most) => Err(Never::Done),
            _ => Ok(()),
        }
    }

    fn next_of_schedule(&self, after: DateTime<Utc>) -> Result<DateTime<Utc>, Never> {
        match self.schedule {
            Schedule::Once(once) => Some(once.at).filter(|at| *at > after).ok_or(Never::Past),
            Schedule::Interval(interval) => {
                let (first, step) = self.beat(interval).ok_or(Never::TooFar)?;
                if after < first {
                    return Ok(first);
                }
                let passed = (after - first).num_microseconds().ok_or(Never::TooFar)? / step;
                nth(first, step, passed + 1).ok_or(Never::TooFar)
            }
            Schedule::Cron(cron) => cron.expression.next(cron.time_zone, after).ok_or(Never::NoSuchTime),
        }
    }

    fn previous_of_schedule(&self, before: DateTime<Utc>) -> Option<DateTime<Utc>> {
        match self.schedule {
            Schedule::Once(once) => Some(once.at).filter(|at| *at < before),
            Schedule::Interval(interval) => {
                let (first, step) = self.beat(interval)?;
                let passed = (before - first).num_microseconds()?;
                // What is exactly at `before` is not before it.
                (passed > 0).then(|| nth(first, step, (passed - 1) / step)).flatten()
            }
            Schedule::Cron(cron) => cron.expression.previous(cron.time_zone, before),
        }
    }

    /// The first time of an interval, and the microseconds between its times.
    fn beat(&self, interval: &Interval) -> Option<(DateTime<Utc>, i64)> {
        let every = interval.every.delta();
        let first = interval.start.or_else(|| self.saved_at.checked_add_signed(every))?;
        Some((first, every.num_microseconds()?))
    }
}

fn nth(first: DateTime<Utc>, step: i64, n: i64) -> Option<DateTime<Utc>> {
    first.checked_add_signed(TimeDelta::microseconds(step.checked_mul(n)?))
}
