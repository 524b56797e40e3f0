//! A job as it is stored.

use busbar_model::{
    Job, Name, Timestamp,
    job::{Draft, Progress, Tally},
    schedule::Misfire,
};
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::WHAT;
use crate::{error::Error, schema::job};

#[derive(Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = job, treat_none_as_null = true, treat_none_as_default_value = false)]
pub(super) struct Row {
    pub(super) id: String,
    pub(super) name: String,
    service: String,
    input_json: String,
    schedule_json: String,
    pub(super) calendar_id: Option<String>,
    options_json: String,
    pub(super) paused: bool,
    since_us: i64,
    pub(super) dealt_us: i64,
    runs: i64,
    next_us: Option<i64>,
    pub(super) due_us: Option<i64>,
    successes: i64,
    failures: i64,
    skips: i64,
    pub(super) revision: i64,
    created_us: i64,
    updated_us: i64,
}

/// What nothing is searched by.
#[derive(Serialize, Deserialize)]
struct Options {
    misfire: Misfire,
    jitter_ms: u64,
    max_run_ms: Option<u64>,
    attempts: u32,
    expires_ms: u64,
    overlap: bool,
    on_success: Option<Name>,
    on_failure: Option<Name>,
}

impl Row {
    pub(super) fn of(job: &Job, calendar_id: Option<String>, due_us: Option<i64>) -> Self {
        let Draft { name, service, input, schedule, paused, calendar: _, .. } = &job.draft;
        let Tally { success, failure, skipped } = job.tally;
        Self {
            id: job.id.clone(),
            name: name.to_string(),
            service: service.to_string(),
            input_json: input.to_string(),
            schedule_json: json!(schedule).to_string(),
            calendar_id,
            options_json: json!(Options::of(&job.draft)).to_string(),
            paused: *paused,
            since_us: job.progress.since.0,
            dealt_us: job.progress.dealt_until.0,
            runs: signed(job.progress.runs),
            next_us: job.progress.next_at.map(|next| next.0),
            due_us,
            successes: signed(success),
            failures: signed(failure),
            skips: signed(skipped),
            revision: job.revision,
            created_us: job.created_at.0,
            updated_us: job.updated_at.0,
        }
    }

    /// `calendar` is the name of its calendar.
    pub(super) fn into_model(self, calendar: Option<String>) -> Result<Job, Error> {
        let options: Options =
            serde_json::from_str(&self.options_json).map_err(Error::corrupt(WHAT, &self.id))?;
        let calendar = calendar.map(|name| name.parse()).transpose();
        let count = |count: i64| u64::try_from(count).map_err(Error::corrupt(WHAT, &self.id));
        let tally = Tally {
            success: count(self.successes)?,
            failure: count(self.failures)?,
            skipped: count(self.skips)?,
        };
        let progress = Progress {
            since: Timestamp(self.since_us),
            dealt_until: Timestamp(self.dealt_us),
            runs: count(self.runs)?,
            next_at: self.next_us.map(Timestamp),
        };
        let draft = Draft {
            name: self.name.parse().map_err(Error::corrupt(WHAT, &self.id))?,
            service: self.service.parse().map_err(Error::corrupt(WHAT, &self.id))?,
            input: serde_json::from_str(&self.input_json).map_err(Error::corrupt(WHAT, &self.id))?,
            schedule: serde_json::from_str(&self.schedule_json).map_err(Error::corrupt(WHAT, &self.id))?,
            calendar: calendar.map_err(Error::corrupt(WHAT, &self.id))?,
            misfire: options.misfire,
            jitter_ms: options.jitter_ms,
            max_run_ms: options.max_run_ms,
            attempts: options.attempts,
            expires_ms: options.expires_ms,
            overlap: options.overlap,
            on_success: options.on_success,
            on_failure: options.on_failure,
            paused: self.paused,
        };
        Ok(Job {
            draft,
            progress,
            tally,
            id: self.id,
            revision: self.revision,
            created_at: Timestamp(self.created_us),
            updated_at: Timestamp(self.updated_us),
        })
    }
}

impl Options {
    fn of(draft: &Draft) -> Self {
        Self {
            misfire: draft.misfire,
            jitter_ms: draft.jitter_ms,
            max_run_ms: draft.max_run_ms,
            attempts: draft.attempts,
            expires_ms: draft.expires_ms,
            overlap: draft.overlap,
            on_success: draft.on_success.clone(),
            on_failure: draft.on_failure.clone(),
        }
    }
}

pub(super) fn signed(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
