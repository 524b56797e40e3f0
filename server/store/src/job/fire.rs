//! Firing: what is due becomes runs, each a delivery, in the transaction that moves its job on.
//!
//! Whoever moves a job on finds it as it was read, or does nothing: several may fire at once.

use std::collections::HashMap;

use busbar_model::{
    Job, Run, Timestamp, bounds,
    delivery::{NewDelivery, Policy, Properties},
    run::{Error as Reason, Outcome, Trigger},
    schedule::{Misfire, Plan, Rules},
};
use diesel::{dsl::count_star, prelude::*};
use serde_json::json;

use super::{
    WHAT, find, hold_one,
    row::{Row, signed},
    run,
    save::object,
};
use crate::{
    calendar,
    change::{Action, By},
    connection::AnyConnection,
    delivery,
    dialect::{self, hold},
    error::Error,
    id::new_id,
    key_lock,
    lease::{self, Fence},
    odb::Odb,
    schema::{calendar as calendar_table, job, job_run},
};

/// When a job that can't be read is looked at again.
const DAMAGED_AGAIN_MS: i64 = 3_600_000;

/// What firing came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fired {
    /// By how much each run that was fired is late.
    pub late_ms: Vec<u64>,
    /// Times that were not run for; of those that were missed one entry each.
    pub skipped: usize,
    /// There may be more that is due.
    pub more: bool,
}

impl Odb {
    /// Fires a part of what is due, for who has the lease.
    pub fn fire_jobs(&self, fence: Fence, now: Timestamp) -> Result<Fired, Error> {
        let due = || job::due_us.le(now.0);
        let any = job::table.filter(due()).select(job::id).first::<String>(&mut *self.connection()?);
        if any.optional()?.is_none() {
            return Ok(Fired::default());
        }
        self.write_beside(|connection| {
            let mut rows = job::table
                .left_join(calendar_table::table)
                .filter(due())
                .order(job::due_us.asc())
                .limit(bounds::JOBS_AT_ONCE)
                .select((Row::as_select(), calendar_table::name.nullable()))
                .into_boxed();
            if !dialect::has_one_writer(connection) {
                rows = rows.filter(job::id.eq_any(hold_due(connection, now)?));
            }
            let rows = rows.load::<(Row, Option<String>)>(connection)?;
            let more = i64::try_from(rows.len()).is_ok_and(|rows| rows == bounds::JOBS_AT_ONCE);
            let mut fired = Fired { more, ..Fired::default() };
            let calendars = calendars(connection, &rows)?;
            let open = open(connection, rows.iter().map(|(row, _)| row.id.as_str()))?;
            for (row, calendar) in rows {
                let rules = row.calendar_id.as_ref().and_then(|id| calendars.get(id));
                let open = open.get(&row.id).copied().unwrap_or_default();
                fire(connection, (row, calendar), rules, open, now, &mut fired)?;
            }
            lease::require(connection, fence)?;
            Ok(fired)
        })
    }

    /// A run that someone asks for, also of a job that is paused.
    pub fn run_job(&self, by: &By, id: &str) -> Result<Run, Error> {
        self.change(by, |connection, recorder| {
            let job = find(connection, id)?;
            let order = key_lock::Key::Order { target: job.draft.service.as_str(), order_key: &order(id) };
            key_lock::lock(connection, [order, key_lock::Key::Job { id }])?;
            hold_one(connection, id)?;
            let open = open(connection, [id])?.get(id).copied().unwrap_or_default();
            let name = || job.draft.name.clone();
            if open > 0 && !job.draft.overlap {
                return Err(Error::RunUnderWay { name: name() });
            }
            if open >= bounds::RUNS_OPEN_MAX {
                return Err(Error::TooManyRuns { name: name(), most: bounds::RUNS_OPEN_MAX });
            }
            let mut at = by.now;
            while run::exists(connection, id, at)? {
                at = Timestamp(at.0 + 1);
            }
            let run = begin(connection, &job, Trigger::Manual, at, by.now)?;
            recorder.record(Action::Run, object(&job), None, Some(json!({"run": run.id})));
            Ok(run)
        })
    }
}

/// The ids of jobs that are due, once nobody else fires them. Locks of keys come before rows, for everyone.
fn hold_due(connection: &mut AnyConnection, now: Timestamp) -> Result<Vec<String>, Error> {
    let found = job::table
        .filter(job::due_us.le(now.0))
        .order(job::due_us.asc())
        .limit(bounds::JOBS_AT_ONCE)
        .select((job::service, job::id))
        .load::<(String, String)>(connection)?;
    let keys: Vec<_> = found.iter().map(|(service, id)| (service, id, order(id))).collect();
    let keys = keys.iter().flat_map(|(target, id, order_key)| {
        [key_lock::Key::Order { target, order_key }, key_lock::Key::Job { id }]
    });
    key_lock::lock(connection, keys)?;
    let ids: Vec<&String> = found.iter().map(|(_, id)| id).collect();
    let due = job::table.filter(job::id.eq_any(&ids).and(job::due_us.le(now.0))).order(job::id.asc());
    Ok(hold!(connection, due.select(job::id), load::<String>)?)
}

/// The order key of a job's deliveries.
fn order(id: &str) -> String {
    format!("{WHAT}/{id}")
}

fn calendars(
    connection: &mut AnyConnection,
    rows: &[(Row, Option<String>)],
) -> Result<HashMap<String, Rules>, Error> {
    if rows.iter().all(|(row, _)| row.calendar_id.is_none()) {
        return Ok(HashMap::new());
    }
    let calendars = calendar::all(connection)?;
    Ok(calendars.into_iter().map(|calendar| (calendar.id, calendar.draft.rules)).collect())
}

/// How many runs of each job have not ended.
fn open<'i>(
    connection: &mut AnyConnection,
    jobs: impl IntoIterator<Item = &'i str>,
) -> Result<HashMap<String, usize>, Error> {
    let counted = job_run::table
        .filter(job_run::job_id.eq_any(jobs).and(job_run::ended_us.is_null()))
        .group_by(job_run::job_id)
        .select((job_run::job_id, count_star()))
        .load::<(String, i64)>(connection)?;
    Ok(counted.into_iter().map(|(job, count)| (job, usize::try_from(count).unwrap_or(usize::MAX))).collect())
}

fn fire(
    connection: &mut AnyConnection,
    (row, calendar): (Row, Option<String>),
    rules: Option<&Rules>,
    open: usize,
    now: Timestamp,
    fired: &mut Fired,
) -> Result<(), Error> {
    let (id, due_us) = (row.id.clone(), row.due_us);
    let job = match row.into_model(calendar) {
        Ok(job) => job,
        // The others are fired all the same.
        Err(error) => {
            tracing::error!(%error, "a job can't be fired");
            let again = now.plus_ms(DAMAGED_AGAIN_MS).0;
            diesel::update(job::table.find(id)).set(job::due_us.eq(again)).execute(connection)?;
            return Ok(());
        }
    };
    let planning = job.planning(rules);
    let plan = planning.at(now.to_utc());
    let refusal = refusal(&job, open);
    let (made, refused) = if refusal.is_some() { (0, plan.runs.len()) } else { (plan.runs.len(), 0) };
    let runs = job.progress.runs.saturating_add(made as u64);
    let skips = refused + usize::from(plan.missed.is_some());
    let next = planning.next(plan.after, runs).ok();
    let moved = diesel::update(job::table.find(&job.id))
        .filter(job::dealt_us.eq(job.progress.dealt_until.0).and(job::revision.eq(job.revision)))
        .filter(job::due_us.eq(due_us))
        .set((
            job::dealt_us.eq(Timestamp::from(plan.after).0),
            job::runs.eq(signed(runs)),
            job::skips.eq(job::skips + signed(skips as u64)),
            job::next_us.eq(next.map(|next| Timestamp::from(next).0)),
            job::due_us.eq(next.map(|next| Timestamp::from(planning.due_at(next)).0)),
        ))
        .execute(connection)?;
    if moved == 0 {
        return Ok(());
    }
    fired.skipped += skips;
    skip(connection, &job, &plan, refusal.as_ref(), skips, now)?;
    for scheduled in plan.runs.iter().take(made) {
        let at = Timestamp::from(*scheduled);
        if run::exists(connection, &job.id, at)? {
            continue;
        }
        begin(connection, &job, Trigger::Schedule, at, now)?;
        let late_us = now.0.saturating_sub(Timestamp::from(planning.due_at(*scheduled)).0);
        fired.late_ms.push(u64::try_from(late_us).unwrap_or(0) / 1_000);
    }
    Ok(())
}

/// Why nothing is run now of what is due.
fn refusal(job: &Job, open: usize) -> Option<Reason> {
    if open > 0 && !job.draft.overlap {
        Some(Reason::overlap())
    } else if open >= bounds::RUNS_OPEN_MAX {
        Some(Reason::crowded(bounds::RUNS_OPEN_MAX))
    } else {
        None
    }
}

/// Records what is not run: what was missed, and what is due and refused.
fn skip(
    connection: &mut AnyConnection,
    job: &Job,
    plan: &Plan,
    refusal: Option<&Reason>,
    skips: usize,
    now: Timestamp,
) -> Result<(), Error> {
    let policy: Misfire = job.draft.misfire;
    let missed = plan.missed.as_ref();
    let missed = missed.map(|missed| (missed.last, Reason::missed(missed, &policy.to_string())));
    let refused = plan.runs.iter().filter_map(|at| Some((*at, refusal?.clone())));
    for (at, reason) in missed.into_iter().chain(refused) {
        let at = Timestamp::from(at);
        if run::exists(connection, &job.id, at)? {
            continue;
        }
        let mut run = new(job, Trigger::Schedule, at, now);
        run.ended_at = Some(now);
        run.outcome = Some(Outcome::Skipped);
        run.error = Some(reason);
        run::insert(connection, &run, None)?;
    }
    let ended = job.tally.ended();
    run::forget_oldest(connection, &job.id, ended..ended.saturating_add(skips as u64))
}

fn new(job: &Job, trigger: Trigger, scheduled_for: Timestamp, now: Timestamp) -> Run {
    let id = new_id(now);
    Run {
        job_id: job.id.clone(),
        trigger,
        scheduled_for,
        started_at: None,
        ended_at: None,
        outcome: None,
        delivery: None,
        correlation_id: id.replace('-', ""),
        error: None,
        id,
    }
}

/// Records a run, and hands over what carries it.
fn begin(
    connection: &mut AnyConnection,
    job: &Job,
    trigger: Trigger,
    scheduled_for: Timestamp,
    now: Timestamp,
) -> Result<Run, Error> {
    let mut run = new(job, trigger, scheduled_for, now);
    let delivery = NewDelivery {
        id: new_id(now),
        target: job.draft.service.clone().into(),
        properties: Properties::default(),
        source: None,
        content_type: Some("application/json".to_owned()),
        payload: job.draft.input.to_string().into(),
        // So those that catch up, and those that a person has attempted again, come one after the other.
        order_key: (!job.draft.overlap).then(|| order(&job.id)),
        policy: Policy { attempts_max: job.draft.attempts, ..Policy::default() },
        due_at: now,
        expires_at: now.plus_ms(signed(job.draft.expires_ms)),
        correlation_id: run.correlation_id.clone(),
        setback: None,
        created_at: now,
    };
    run.delivery = Some(delivery.id.clone());
    run::insert(connection, &run, job.draft.max_run_ms)?;
    delivery::insert(connection, &delivery)?;
    Ok(run)
}
