//! Short ways to jobs and calendars.

use busbar_model::{Job, Run, Timestamp, job::Draft, run::Outcome, schedule::Schedule};
use busbar_store::{By, Fence, Fired, Odb, Page, RunFilter};
use serde_json::{Value, json};

use crate::{
    fixture::{Fixture, NOW, by, name},
    staging::after,
};

pub(crate) const SECOND: i64 = 1_000;
pub(crate) const HOUR: i64 = 3_600_000;

pub(crate) fn every(job: &str, every: &str) -> Draft {
    scheduled(job, json!({"kind": "interval", "every": every}))
}

pub(crate) fn scheduled(job: &str, schedule: Value) -> Draft {
    Draft::new(name(job), name("summary"), Schedule::read(&schedule).unwrap())
}

pub(crate) fn by_at(ms: i64) -> By {
    By { now: after(ms), ..by() }
}

/// Fires until nothing is due.
pub(crate) fn fire_all(odb: &Odb, fence: Fence, now: Timestamp) -> Fired {
    let mut all = Fired::default();
    loop {
        let fired = odb.fire_jobs(fence, now).unwrap();
        all.late_ms.extend(fired.late_ms);
        all.skipped += fired.skipped;
        if !fired.more {
            return all;
        }
    }
}

/// When runs were scheduled for, in seconds, and how they ended; oldest first.
pub(crate) fn shown(runs: &[Run]) -> Vec<(i64, Option<Outcome>)> {
    let mut shown: Vec<_> =
        runs.iter().map(|run| ((run.scheduled_for.0 - NOW.0) / 1_000_000, run.outcome)).collect();
    shown.sort_by_key(|(at, _)| *at);
    shown
}

impl Fixture {
    pub(crate) fn job(&self, draft: Draft) -> Job {
        self.odb.create_job(&by(), draft).unwrap()
    }

    pub(crate) fn job_now(&self, job: &Job) -> Job {
        self.odb.job(&job.id).unwrap()
    }

    pub(crate) fn fire(&self, ms: i64) -> Fired {
        fire_all(&self.odb, self.fence, after(ms))
    }

    pub(crate) fn runs(&self, job: &Job) -> Vec<Run> {
        self.odb.job_runs(&job.id, &Page::first(500), &RunFilter::default()).unwrap().items
    }

    pub(crate) fn shown(&self, job: &Job) -> Vec<(i64, Option<Outcome>)> {
        shown(&self.runs(job))
    }
}
