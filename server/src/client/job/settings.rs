//! What can be given of a job.

use clap::ArgGroup;
use serde_json::{Map, Value, json};

use crate::client::{failure::Usage, invoke};

const NONE: &str = "none";
const JSON: &str = "application/json";

/// When it runs.
#[derive(Debug, clap::Args)]
#[group(id = "timing")]
#[command(next_help_heading = "When it runs", group = ArgGroup::new("kind").args(["at", "every", "cron"]))]
pub(super) struct Timing {
    /// Once, at this time: 2026-12-01T02:00:00Z.
    #[arg(long, value_name = "TIME")]
    at: Option<String>,
    /// Again and again after this time: weeks, days, hours, minutes, seconds as 1d12h.
    #[arg(long, value_name = "INTERVAL")]
    every: Option<String>,
    /// When the times that fit a cron expression come: five fields, or six with seconds first.
    #[arg(long, value_name = "EXPRESSION")]
    cron: Option<String>,
    /// The first time of an interval.
    #[arg(long, value_name = "TIME", requires = "every", conflicts_with_all = ["at", "cron"])]
    start: Option<String>,
    /// How often an interval runs in all.
    #[arg(long, value_name = "N", requires = "every", conflicts_with_all = ["at", "cron"])]
    repeats: Option<u64>,
    /// The zone of a cron expression, and of the days of a calendar; UTC if not given.
    #[arg(long, value_name = "ZONE", requires = "kind")]
    time_zone: Option<String>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Settings {
    #[command(flatten)]
    timing: Timing,
    /// What the service is called with: JSON, @FILE or - for standard input.
    #[arg(long, value_name = "INPUT")]
    input: Option<String>,
    /// The calendar whose days are skipped, or `none`.
    #[arg(long, value_name = "NAME")]
    calendar: Option<String>,
    /// What becomes of times that were missed: skip, once or all(N).
    #[arg(long, value_name = "POLICY")]
    misfire: Option<String>,
    /// The longest time by which a run is put off.
    #[arg(long, value_name = "N")]
    jitter_ms: Option<u64>,
    /// Time for each attempt.
    #[arg(long, value_name = "N")]
    max_run_ms: Option<u64>,
    /// Attempts at each run.
    #[arg(long, value_name = "N")]
    attempts: Option<u32>,
    /// After this time a run that has not succeeded has failed.
    #[arg(long, value_name = "N")]
    expires_ms: Option<u64>,
    /// A run may begin while the one before has not ended.
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    overlap: Option<bool>,
    /// A service that is told of each run that succeeded, or `none`.
    #[arg(long, value_name = "NAME")]
    on_success: Option<String>,
    /// A service that is told of each run that failed, or `none`.
    #[arg(long, value_name = "NAME")]
    on_failure: Option<String>,
}

impl Timing {
    fn schedule(self) -> Option<Value> {
        let (kind, own) = match (self.at, self.every, self.cron) {
            (Some(at), ..) => ("once", ("at", at)),
            (_, Some(every), _) => ("interval", ("every", every)),
            (.., Some(cron)) => ("cron", ("expression", cron)),
            (None, None, None) => return None,
        };
        let members = [
            ("kind", Some(json!(kind))),
            (own.0, Some(json!(own.1))),
            ("start", self.start.map(Value::from)),
            ("repeats", self.repeats.map(Value::from)),
            ("time_zone", self.time_zone.map(Value::from)),
        ];
        Some(given(members))
    }
}

impl Settings {
    /// The members that were given, beside others.
    pub(super) fn body<const N: usize>(self, others: [(&str, Option<Value>); N]) -> anyhow::Result<Value> {
        let input = self.input.map(|input| invoke::input(&input, JSON)).transpose()?;
        let input = input.map(|bytes| serde_json::from_slice::<Value>(&bytes)).transpose();
        let input = input.map_err(|error| Usage::error(format!("the input is not JSON: {error}")))?;
        let or_none = |name: Option<String>| {
            name.map(|name| if name == NONE { Value::Null } else { Value::from(name) })
        };
        let members = [
            ("input", input),
            ("schedule", self.timing.schedule()),
            ("calendar", or_none(self.calendar)),
            ("misfire", self.misfire.map(Value::from)),
            ("jitter_ms", self.jitter_ms.map(Value::from)),
            ("max_run_ms", self.max_run_ms.map(Value::from)),
            ("attempts", self.attempts.map(Value::from)),
            ("expires_ms", self.expires_ms.map(Value::from)),
            ("overlap", self.overlap.map(Value::from)),
            ("on_success", or_none(self.on_success)),
            ("on_failure", or_none(self.on_failure)),
        ];
        Ok(given(others.into_iter().chain(members)))
    }

    pub(super) fn has_schedule(&self) -> bool {
        let Timing { at, every, cron, .. } = &self.timing;
        at.is_some() || every.is_some() || cron.is_some()
    }
}

fn given<'n>(members: impl IntoIterator<Item = (&'n str, Option<Value>)>) -> Value {
    let given = members.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
    Value::Object(given.collect::<Map<_, _>>())
}
