//! Making, changing and removing jobs.

use busbar_model::{
    Job, Timestamp,
    job::{Draft, Progress, Tally},
    schedule::Rules,
};
use diesel::prelude::*;
use serde_json::{Value, json};

use super::{WHAT, find, hold_one, row::Row};
use crate::{
    calendar,
    change::{Action, By, Object, ObjectKind, Recorder},
    connection::AnyConnection,
    dialect,
    error::Error,
    id::new_id,
    odb::Odb,
    schema::{job, job_run},
};

impl Odb {
    /// Its times are counted from now on.
    pub fn create_job(&self, by: &By, draft: Draft) -> Result<Job, Error> {
        self.change(by, |connection, recorder| insert(connection, recorder, by, draft.clone()))
    }

    /// As [`Odb::update_channel`]. With another schedule, calendar or jitter the times are counted from now on.
    pub fn update_job<E: From<Error>>(
        &self,
        by: &By,
        id: &str,
        expected: Option<i64>,
        mut edit: impl FnMut(Draft) -> Result<Draft, E>,
    ) -> Result<Job, E> {
        let mut refused = None;
        let done = self.change(by, |connection, recorder| {
            let before = find(connection, id)?;
            Error::check_revision(expected, before.revision)?;
            match edit(before.draft.clone()) {
                Ok(draft) => update(connection, recorder, by, before, draft),
                Err(refusal) => {
                    refused = Some(refusal);
                    Err(Error::rolled_back())
                }
            }
        });
        refused.map_or_else(|| done.map_err(E::from), Err)
    }

    /// Its runs go with it. What is under way ends, and is told to nobody.
    pub fn delete_job(&self, by: &By, id: &str, expected: Option<i64>) -> Result<(), Error> {
        self.change(by, |connection, recorder| {
            let before = find(connection, id)?;
            Error::check_revision(expected, before.revision)?;
            remove(connection, recorder, &before)
        })
    }
}

pub(crate) fn insert(
    connection: &mut AnyConnection,
    recorder: &mut Recorder,
    by: &By,
    draft: Draft,
) -> Result<Job, Error> {
    let mut job = Job {
        id: new_id(by.now),
        draft,
        progress: Progress::begin(by.now),
        tally: Tally::default(),
        revision: 1,
        created_at: by.now,
        updated_at: by.now,
    };
    refuse_taken_name(connection, &job)?;
    let row = row(connection, &mut job, by.now)?;
    diesel::insert_into(job::table).values(row).execute(connection)?;
    recorder.record(Action::Create, object(&job), None, Some(view(&job)));
    Ok(job)
}

pub(crate) fn update(
    connection: &mut AnyConnection,
    recorder: &mut Recorder,
    by: &By,
    before: Job,
    draft: Draft,
) -> Result<Job, Error> {
    if draft == before.draft {
        return Ok(before);
    }
    let before = held(connection, before)?;
    let action = match (before.draft.paused, draft.paused) {
        (false, true) if (Draft { paused: false, ..draft.clone() }) == before.draft => Action::Pause,
        (true, false) if (Draft { paused: true, ..draft.clone() }) == before.draft => Action::Resume,
        _ => Action::Update,
    };
    let progress = match draft.is_rescheduled(&before.draft) {
        true => Progress::begin(by.now),
        false => before.progress,
    };
    let mut after =
        Job { draft, progress, revision: before.revision + 1, updated_at: by.now, ..before.clone() };
    if after.draft.name != before.draft.name {
        refuse_taken_name(connection, &after)?;
    }
    let row = row(connection, &mut after, by.now)?;
    diesel::update(job::table.find(&before.id)).set(row).execute(connection)?;
    recorder.record(action, object(&after), Some(view(&before)), Some(view(&after)));
    Ok(after)
}

pub(crate) fn remove(
    connection: &mut AnyConnection,
    recorder: &mut Recorder,
    before: &Job,
) -> Result<(), Error> {
    hold_one(connection, &before.id)?;
    diesel::delete(job_run::table.filter(job_run::job_id.eq(&before.id))).execute(connection)?;
    diesel::delete(job::table.find(&before.id)).execute(connection)?;
    recorder.record(Action::Delete, object(before), Some(view(before)), None);
    Ok(())
}

/// As it is once nobody else can fire it or end its runs. Its draft is the same: only who changes definitions
/// changes that.
fn held(connection: &mut AnyConnection, job: Job) -> Result<Job, Error> {
    if dialect::has_one_writer(connection) {
        return Ok(job);
    }
    hold_one(connection, &job.id)?;
    find(connection, &job.id)
}

/// Also reckons when it is to be looked at next.
fn row(connection: &mut AnyConnection, job: &mut Job, now: Timestamp) -> Result<Row, Error> {
    let found = match &job.draft.calendar {
        Some(name) => Some(
            calendar::named(connection, name.as_str())?
                .ok_or_else(|| Error::UnknownCalendar { name: name.clone() })?,
        ),
        None => None,
    };
    let (calendar_id, rules) = found.unzip();
    let due_us = look_at(job, rules.as_ref(), now).map(|due| due.0);
    Ok(Row::of(job, calendar_id, due_us))
}

/// When a job is due, if it ever is. One that was due already stays so: what was missed is not forgotten.
fn look_at(job: &mut Job, rules: Option<&Rules>, now: Timestamp) -> Option<Timestamp> {
    let planning = job.planning(rules);
    let next = planning.next(planning.after, planning.runs).ok();
    let due = next.map(|next| Timestamp::from(planning.due_at(next)));
    job.progress.next_at = next.map(Timestamp::from);
    if job.draft.paused { None } else { due.map(|due| due.max(now)) }
}

fn refuse_taken_name(connection: &mut AnyConnection, job: &Job) -> Result<(), Error> {
    let name = &job.draft.name;
    let others = job::table
        .filter(job::name.eq(name.as_str()).and(job::id.ne(&job.id)))
        .count()
        .get_result::<i64>(connection)?;
    if others > 0 { Err(Error::NameTaken { what: WHAT, name: name.clone() }) } else { Ok(()) }
}

pub(super) fn object(job: &Job) -> Object<'_> {
    Object { kind: ObjectKind::Job, id: &job.id, name: job.draft.name.as_str() }
}

/// What the audit trail shows.
pub(super) fn view(job: &Job) -> Value {
    let draft = &job.draft;
    json!({
        "name": draft.name,
        "service": draft.service,
        "input": draft.input,
        "schedule": draft.schedule,
        "calendar": draft.calendar,
        "misfire": draft.misfire,
        "jitter_ms": draft.jitter_ms,
        "max_run_ms": draft.max_run_ms,
        "attempts": draft.attempts,
        "expires_ms": draft.expires_ms,
        "overlap": draft.overlap,
        "on_success": draft.on_success,
        "on_failure": draft.on_failure,
        "paused": draft.paused,
    })
}
