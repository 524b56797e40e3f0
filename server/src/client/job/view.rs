//! Jobs and runs as a person reads them.

use busbar_model::schedule::Schedule;
use serde::Deserialize;
use serde_json::Value;

use crate::client::{
    channel::yes_or_no,
    table::{Fields, Table},
};

#[derive(Debug, Deserialize)]
pub(super) struct View {
    id: String,
    pub(super) name: String,
    pub(super) service: String,
    input: Value,
    schedule: Value,
    calendar: Option<String>,
    misfire: String,
    jitter_ms: u64,
    max_run_ms: Option<u64>,
    attempts: u32,
    expires_ms: u64,
    overlap: bool,
    on_success: Option<String>,
    on_failure: Option<String>,
    pub(super) paused: bool,
    pub(super) next_run: Option<String>,
    pub(super) runs: Counts,
}

#[derive(Debug, Deserialize)]
pub(super) struct Counts {
    success: u64,
    failure: u64,
    skipped: u64,
}

/// Times that are to come.
#[derive(Debug, Deserialize)]
pub(super) struct Next {
    pub(super) next_runs: Vec<String>,
    never: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct RunView {
    id: String,
    trigger: String,
    scheduled_for: String,
    started_at: Option<String>,
    ended_at: Option<String>,
    outcome: Option<String>,
    duration_ms: Option<u64>,
    correlation_id: String,
    delivery: Option<String>,
    error: Option<Error>,
}

#[derive(Debug, Deserialize)]
struct Error {
    code: String,
    message: String,
}

impl View {
    /// In one line; as it came where this command does not know it.
    pub(super) fn schedule(&self) -> String {
        Schedule::read(&self.schedule).map_or_else(|_| self.schedule.to_string(), |known| known.to_string())
    }

    pub(super) fn fields(&self) -> Fields {
        let or_none = |name: &Option<String>| name.clone().unwrap_or_else(|| "none".to_owned());
        Fields::default()
            .with("id", &self.id)
            .with("name", &self.name)
            .with("service", &self.service)
            .with("input", self.input.to_string())
            .with("schedule", self.schedule())
            .with("calendar", or_none(&self.calendar))
            .with("misfire", &self.misfire)
            .with("jitter_ms", self.jitter_ms.to_string())
            .with("max_run_ms", self.max_run_ms.map(|ms| ms.to_string()).unwrap_or_default())
            .with("attempts", self.attempts.to_string())
            .with("expires_ms", self.expires_ms.to_string())
            .with("overlap", yes_or_no(self.overlap))
            .with("on_success", or_none(&self.on_success))
            .with("on_failure", or_none(&self.on_failure))
            .with("paused", yes_or_no(self.paused))
            .with("runs", self.runs.to_string())
    }
}

impl std::fmt::Display for Counts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} success, {} failure, {} skipped", self.success, self.failure, self.skipped)
    }
}

impl Next {
    pub(super) fn table(&self) -> Table {
        let mut table = Table::new(["NEXT RUN"]);
        self.next_runs.iter().for_each(|at| table.row([at.clone()]));
        table
    }

    /// Why there are no more.
    pub(super) fn end(&self) -> Option<String> {
        let why = self.never.as_ref()?;
        Some(if self.next_runs.is_empty() {
            format!("it never runs: {why}")
        } else {
            format!("no more: {why}")
        })
    }
}

impl RunView {
    fn outcome(&self) -> &str {
        match (&self.outcome, &self.started_at) {
            (Some(outcome), _) => outcome,
            (None, Some(_)) => "running",
            (None, None) => "waiting",
        }
    }

    fn error(&self) -> String {
        self.error.as_ref().map(|error| format!("{}: {}", error.code, error.message)).unwrap_or_default()
    }

    fn took(&self) -> String {
        self.duration_ms.map(|ms| format!("{ms} ms")).unwrap_or_default()
    }

    pub(super) fn fields(&self) -> Fields {
        let or_nothing = |text: &Option<String>| text.clone().unwrap_or_default();
        Fields::default()
            .with("id", &self.id)
            .with("trigger", &self.trigger)
            .with("scheduled for", &self.scheduled_for)
            .with("outcome", self.outcome())
            .with("started", or_nothing(&self.started_at))
            .with("ended", or_nothing(&self.ended_at))
            .with("duration", self.took())
            .with("correlation id", &self.correlation_id)
            .with("delivery", or_nothing(&self.delivery))
            .with("error", self.error())
    }
}

pub(super) fn runs(runs: &[RunView]) -> Table {
    let mut table =
        Table::new(["SCHEDULED FOR", "TRIGGER", "OUTCOME", "DURATION", "CORRELATION ID", "ERROR"]);
    for run in runs {
        let (at, trigger) = (run.scheduled_for.clone(), run.trigger.clone());
        table.row([
            at,
            trigger,
            run.outcome().to_owned(),
            run.took(),
            run.correlation_id.clone(),
            run.error(),
        ]);
    }
    table
}
