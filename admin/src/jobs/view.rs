//! Jobs and their runs as they are shown.

use busbar_model::{
    Job, Name, Run, Timestamp, run,
    schedule::{Misfire, Schedule, Upcoming},
};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::PATH;
use crate::describe;

/// A service that is called by a schedule.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Job)]
pub(crate) struct View {
    id: String,
    name: String,
    service: String,
    #[schema(schema_with = describe::input)]
    input: Value,
    #[schema(schema_with = describe::schedule)]
    schedule: Schedule,
    /// Name of the calendar whose days are skipped.
    #[schema(required)]
    calendar: Option<String>,
    #[schema(schema_with = describe::misfire)]
    misfire: Misfire,
    jitter_ms: u64,
    /// Null: what the service's calls may take.
    #[schema(required)]
    max_run_ms: Option<u64>,
    attempts: u32,
    expires_ms: u64,
    overlap: bool,
    #[schema(required)]
    on_success: Option<String>,
    #[schema(required)]
    on_failure: Option<String>,
    paused: bool,
    /// The next time; null where there is none.
    #[schema(required, value_type = Option<String>, format = DateTime)]
    next_run: Option<Timestamp>,
    runs: Counts,
    /// The next times as from now, of a paused job those that it would have; not in lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Vec<String>, required = false)]
    next_runs: Option<Vec<Timestamp>>,
    /// Why there are no more, null where there are; not in lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, required = false)]
    never: Option<Option<String>>,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    updated_at: Timestamp,
    href: String,
}

/// How runs ended since the job was made.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = JobRunCounts)]
pub(crate) struct Counts {
    success: u64,
    failure: u64,
    skipped: u64,
}

/// Times that are to come.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = JobNext)]
pub(crate) struct Next {
    #[schema(value_type = Vec<String>)]
    next_runs: Vec<Timestamp>,
    /// Why there are no more; null where there are.
    #[schema(required)]
    never: Option<String>,
}

/// What became of one time of a job.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = JobRun)]
pub(crate) struct RunView {
    id: String,
    /// schedule or manual.
    trigger: &'static str,
    /// Of several times that were skipped together the last one.
    #[schema(value_type = String, format = DateTime)]
    scheduled_for: Timestamp,
    /// The first attempt; null before it.
    #[schema(required, value_type = Option<String>, format = DateTime)]
    started_at: Option<Timestamp>,
    #[schema(required, value_type = Option<String>, format = DateTime)]
    ended_at: Option<Timestamp>,
    /// success, failure or skipped; null while it waits or is under way.
    #[schema(required)]
    outcome: Option<&'static str>,
    /// From the first attempt to the end.
    #[schema(required)]
    duration_ms: Option<u64>,
    correlation_id: String,
    /// The id of the delivery that carries it; null where it was skipped.
    #[schema(required)]
    delivery: Option<String>,
    /// Why it failed or was skipped.
    #[schema(required)]
    error: Option<ErrorView>,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = JobRunError)]
pub(crate) struct ErrorView {
    code: String,
    message: String,
}

pub(super) fn href(id: &str) -> String {
    format!("{PATH}/{id}")
}

impl From<Job> for View {
    fn from(job: Job) -> Self {
        let Job { id, draft, progress, tally, .. } = job;
        Self {
            href: href(&id),
            id,
            name: draft.name.into(),
            service: draft.service.into(),
            input: draft.input,
            schedule: draft.schedule,
            calendar: draft.calendar.map(Name::into),
            misfire: draft.misfire,
            jitter_ms: draft.jitter_ms,
            max_run_ms: draft.max_run_ms,
            attempts: draft.attempts,
            expires_ms: draft.expires_ms,
            overlap: draft.overlap,
            on_success: draft.on_success.map(Name::into),
            on_failure: draft.on_failure.map(Name::into),
            paused: draft.paused,
            next_run: progress.next_at,
            runs: Counts { success: tally.success, failure: tally.failure, skipped: tally.skipped },
            next_runs: None,
            never: None,
            created_at: job.created_at,
            updated_at: job.updated_at,
        }
    }
}

impl View {
    pub(super) fn with_next(job: Job, upcoming: Upcoming) -> Self {
        let Next { next_runs, never } = upcoming.into();
        Self { next_runs: Some(next_runs), never: Some(never), ..Self::from(job) }
    }
}

impl From<Upcoming> for Next {
    fn from(upcoming: Upcoming) -> Self {
        Self {
            next_runs: upcoming.times.into_iter().map(Timestamp::from).collect(),
            never: upcoming.never.map(|never| never.to_string()),
        }
    }
}

impl From<Run> for RunView {
    fn from(run: Run) -> Self {
        Self {
            trigger: run.trigger.as_str(),
            scheduled_for: run.scheduled_for,
            started_at: run.started_at,
            ended_at: run.ended_at,
            outcome: run.outcome.map(run::Outcome::as_str),
            duration_ms: run.duration_ms(),
            id: run.id,
            correlation_id: run.correlation_id,
            delivery: run.delivery,
            error: run.error.map(|run::Error { code, message }| ErrorView { code, message }),
        }
    }
}
