//! Jobs: a schedule bound to a service and an input.

use busbar_schedule::{Misfire, Planning, Rules, Schedule, Timing, Upcoming};
use serde_json::{Value, json};

use crate::{bounds, name::Name, time::Timestamp};

#[derive(Clone, Debug, PartialEq)]
pub struct Job {
    pub id: String,
    pub draft: Draft,
    pub progress: Progress,
    pub tally: Tally,
    pub revision: i64,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// The parts of a job that its author decides.
#[derive(Clone, Debug, PartialEq)]
pub struct Draft {
    pub name: Name,
    /// Need not be deployed; runs wait for it until they expire.
    pub service: Name,
    pub input: Value,
    pub schedule: Schedule,
    /// Name of a calendar whose days are skipped.
    pub calendar: Option<Name>,
    pub misfire: Misfire,
    pub jitter_ms: u64,
    /// Time for each attempt; `None`: as long as the service's calls may take.
    pub max_run_ms: Option<u64>,
    pub attempts: u32,
    /// From when on a run that has not succeeded has failed.
    pub expires_ms: u64,
    /// Whether a run may begin while the one before has not ended.
    pub overlap: bool,
    /// Services that are told of each run that succeeded or failed.
    pub on_success: Option<Name>,
    pub on_failure: Option<Name>,
    pub paused: bool,
}

/// How far a job has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// When the schedule was saved.
    pub since: Timestamp,
    /// Times up to here have been dealt with.
    pub dealt_until: Timestamp,
    /// Runs under this schedule, those that were skipped not counted.
    pub runs: u64,
    /// The next time; `None`: there is none.
    pub next_at: Option<Timestamp>,
}

/// How its runs ended, since it was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    pub success: u64,
    pub failure: u64,
    pub skipped: u64,
}

impl Tally {
    pub fn ended(&self) -> u64 {
        self.success.saturating_add(self.failure).saturating_add(self.skipped)
    }
}

impl Draft {
    /// A job with the defaults.
    pub fn new(name: Name, service: Name, schedule: Schedule) -> Self {
        Self {
            name,
            service,
            input: json!({}),
            schedule,
            calendar: None,
            misfire: Misfire::default(),
            jitter_ms: 0,
            max_run_ms: None,
            attempts: bounds::JOB_ATTEMPTS_DEFAULT,
            expires_ms: bounds::JOB_EXPIRES_MS_DEFAULT,
            overlap: false,
            on_success: None,
            on_failure: None,
            paused: false,
        }
    }

    /// Whether its times are others than before, so that they are counted from now on.
    pub fn is_rescheduled(&self, before: &Self) -> bool {
        self.schedule != before.schedule
            || self.calendar != before.calendar
            || self.jitter_ms != before.jitter_ms
    }
}

impl Progress {
    /// Of a schedule that is saved now.
    pub fn begin(now: Timestamp) -> Self {
        Self { since: now, dealt_until: now, runs: 0, next_at: None }
    }
}

impl Job {
    pub fn planning<'a>(&'a self, calendar: Option<&'a Rules>) -> Planning<'a> {
        Planning {
            timing: self.timing(calendar),
            misfire: self.draft.misfire,
            job: &self.id,
            jitter_ms: self.draft.jitter_ms,
            after: self.progress.dealt_until.to_utc(),
            runs: self.progress.runs,
        }
    }

    /// The next times from now on, whatever was missed; those of a paused job if it were resumed.
    pub fn upcoming(&self, calendar: Option<&Rules>, now: Timestamp, count: usize) -> Upcoming {
        let after = self.progress.dealt_until.max(now);
        self.timing(calendar).upcoming(after.to_utc(), self.progress.runs, count)
    }

    fn timing<'a>(&'a self, calendar: Option<&'a Rules>) -> Timing<'a> {
        Timing { schedule: &self.draft.schedule, calendar, saved_at: self.progress.since.to_utc() }
    }
}

/// What a job gives its service. The error is for its author.
pub fn input(value: Value) -> Result<Value, String> {
    let bytes = value.to_string().len();
    if bytes > bounds::JOB_INPUT_BYTES_MAX {
        return Err(format!("has {bytes} bytes; allowed is {}", bounds::JOB_INPUT_BYTES_MAX));
    }
    Ok(value)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::input;
    use crate::bounds::JOB_INPUT_BYTES_MAX;

    #[test]
    fn an_input_has_its_limit() {
        assert!(input(json!("x".repeat(JOB_INPUT_BYTES_MAX - 2))).is_ok());
        let refused = input(json!("x".repeat(JOB_INPUT_BYTES_MAX))).unwrap_err();
        assert_eq!(refused, "has 262146 bytes; allowed is 262144");
    }
}
