//! Runs of jobs: what became of each time, and what the services are told that follow one.

use std::{fmt, str::FromStr};

use busbar_schedule::{Missed, bounds::MISSED_COUNTED_MAX};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{job::Job, name::Name, time::Timestamp};

/// Why there is a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trigger {
    Schedule,
    /// Someone asked for it.
    Manual,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    Success,
    Failure,
    /// It was not made; the error says why.
    Skipped,
}

/// Why a run failed or was skipped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Error {
    pub code: String,
    pub message: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    pub id: String,
    pub job_id: String,
    pub trigger: Trigger,
    /// What the schedule says, without jitter. Of several that were skipped together the last one.
    pub scheduled_for: Timestamp,
    /// The first attempt; `None` before it.
    pub started_at: Option<Timestamp>,
    /// `None`: it waits or is under way.
    pub ended_at: Option<Timestamp>,
    pub outcome: Option<Outcome>,
    /// That carries it; `None` of one that was skipped.
    pub delivery: Option<String>,
    pub correlation_id: String,
    pub error: Option<Error>,
}

impl Trigger {
    pub const ALL: [Self; 2] = [Self::Schedule, Self::Manual];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Schedule => "schedule",
            Self::Manual => "manual",
        }
    }
}

impl FromStr for Trigger {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|trigger| trigger.as_str() == text)
            .ok_or_else(|| format!("trigger {text:?} is none of {}", Self::ALL.map(Self::as_str).join(", ")))
    }
}

impl Outcome {
    pub const ALL: [Self; 3] = [Self::Success, Self::Failure, Self::Skipped];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Failure => "failure",
            Self::Skipped => "skipped",
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Outcome {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|outcome| outcome.as_str() == text)
            .ok_or_else(|| format!("outcome {text:?} is none of {}", Self::ALL.map(Self::as_str).join(", ")))
    }
}

impl Error {
    /// The run before has not ended.
    pub fn overlap() -> Self {
        Self { code: "overlap".to_owned(), message: "the run before it had not ended".to_owned() }
    }

    /// Too many runs wait.
    pub fn crowded(most: usize) -> Self {
        let message = format!("{most} runs before it had not ended");
        Self { code: "too-many-runs".to_owned(), message }
    }

    /// Times that are not made up for.
    pub fn missed(missed: &Missed, policy: &str) -> Self {
        let (first, last) = (Timestamp::from(missed.first), Timestamp::from(missed.last));
        let count = match missed.count {
            1 => return Self::of_missed(format!("its time was missed; the misfire policy is {policy}")),
            MISSED_COUNTED_MAX => format!("{MISSED_COUNTED_MAX} times or more"),
            count => format!("{count} times"),
        };
        let text = format!("{count} from {first} to {last} were missed; the misfire policy is {policy}");
        Self::of_missed(text)
    }

    fn of_missed(message: String) -> Self {
        Self { code: "missed".to_owned(), message }
    }
}

impl Run {
    /// From the first attempt to the end, pauses included.
    pub fn duration_ms(&self) -> Option<u64> {
        let us = self.ended_at?.0.checked_sub(self.started_at?.0)?;
        Some(u64::try_from(us).unwrap_or(0) / 1_000)
    }

    /// What the service that follows it is told. `output` is what the job's service answered.
    pub fn report(&self, job: &Job, output: Option<&Value>) -> Value {
        json!({
            "job": job.draft.name,
            "run": self.id,
            "service": job.draft.service,
            "trigger": self.trigger.as_str(),
            "outcome": self.outcome,
            "scheduled_for": self.scheduled_for,
            "started_at": self.started_at,
            "ended_at": self.ended_at,
            "duration_ms": self.duration_ms(),
            "correlation_id": self.correlation_id,
            "output": output,
            "error": self.error,
        })
    }
}

/// The service that follows a run which ended so.
pub fn follower(job: &Job, outcome: Outcome) -> Option<&Name> {
    match outcome {
        Outcome::Success => job.draft.on_success.as_ref(),
        Outcome::Failure => job.draft.on_failure.as_ref(),
        Outcome::Skipped => None,
    }
}

#[cfg(test)]
mod tests {
    use busbar_schedule::Missed;

    use super::{Error, Outcome, Trigger};

    #[test]
    fn words_are_read_as_they_are_written() {
        for outcome in Outcome::ALL {
            assert_eq!(outcome.as_str().parse(), Ok(outcome));
        }
        for trigger in Trigger::ALL {
            assert_eq!(trigger.as_str().parse(), Ok(trigger));
        }
        assert!("lost".parse::<Outcome>().unwrap_err().contains("success, failure, skipped"));
    }

    #[test]
    fn what_was_missed_is_told_with_how_often_and_when() {
        let (first, last) =
            ("2026-06-01T00:00:00Z".parse().unwrap(), "2026-06-01T05:00:00Z".parse().unwrap());
        let told = |count| Error::missed(&Missed { first, last, count }, "skip").message;
        assert_eq!(told(1), "its time was missed; the misfire policy is skip");
        assert!(
            told(6).starts_with("6 times from 2026-06-01T00:00:00.000000Z to 2026-06-01T05"),
            "{}",
            told(6)
        );
        assert!(told(1_000).starts_with("1000 times or more from"), "{}", told(1_000));
    }
}
