//! Runs: the history of jobs, and how a run follows the delivery that carries it.

use std::ops::Range;

use busbar_model::{
    Job, Run, Timestamp, bounds,
    delivery::{Carried, NewDelivery, Policy, Properties},
    run::{Error as Reason, Outcome, Trigger, follower},
};
use diesel::prelude::*;
use serde_json::{Value, json};

use super::{WHAT, find, hold_one, row::signed};
use crate::{
    connection::AnyConnection,
    delivery,
    dialect::{self, hold_free},
    error::Error,
    id::new_id,
    odb::Odb,
    page::{Page, Paged},
    schema::{job, job_run},
};

/// The oldest runs of a job are looked for each time that so many have ended.
const FORGET_EVERY: u64 = 64;

/// Which runs a list shows; an absent field shows all.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    pub outcome: Option<Outcome>,
    pub trigger: Option<Trigger>,
    pub correlation_id: Option<String>,
}

/// How a run ended.
pub(crate) enum Ended<'o> {
    /// `output` is what its service answered.
    Success {
        output: Option<&'o [u8]>,
    },
    Failure(Reason),
}

#[derive(Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = job_run, treat_none_as_null = true, treat_none_as_default_value = false)]
struct Row {
    id: String,
    job_id: String,
    trigger: String,
    scheduled_us: i64,
    started_us: Option<i64>,
    ended_us: Option<i64>,
    outcome: Option<String>,
    delivery_id: Option<String>,
    correlation_id: String,
    error_json: Option<String>,
}

impl Row {
    fn of(run: &Run) -> Self {
        Self {
            id: run.id.clone(),
            job_id: run.job_id.clone(),
            trigger: run.trigger.as_str().to_owned(),
            scheduled_us: run.scheduled_for.0,
            started_us: run.started_at.map(|at| at.0),
            ended_us: run.ended_at.map(|at| at.0),
            outcome: run.outcome.map(|outcome| outcome.to_string()),
            delivery_id: run.delivery.clone(),
            correlation_id: run.correlation_id.clone(),
            error_json: run.error.as_ref().map(|error| json!(error).to_string()),
        }
    }

    fn into_model(self) -> Result<Run, Error> {
        let outcome = self.outcome.as_deref().map(str::parse).transpose();
        let error = self.error_json.as_deref().map(serde_json::from_str).transpose();
        Ok(Run {
            trigger: self.trigger.parse().map_err(Error::corrupt::<String>("run", &self.id))?,
            outcome: outcome.map_err(Error::corrupt::<String>("run", &self.id))?,
            error: error.map_err(Error::corrupt("run", &self.id))?,
            scheduled_for: Timestamp(self.scheduled_us),
            started_at: self.started_us.map(Timestamp),
            ended_at: self.ended_us.map(Timestamp),
            id: self.id,
            job_id: self.job_id,
            delivery: self.delivery_id,
            correlation_id: self.correlation_id,
        })
    }
}

impl Ended<'_> {
    /// A person gave it up.
    pub(crate) fn discarded() -> Self {
        let (code, message) = ("discarded".to_owned(), "its delivery was discarded".to_owned());
        Self::Failure(Reason { code, message })
    }
}

impl Odb {
    /// A job's runs, newest first.
    pub fn job_runs(&self, job: &str, page: &Page, filter: &Filter) -> Result<Paged<Run>, Error> {
        let connection = &mut *self.connection()?;
        if job::table.find(job).select(job::id).first::<String>(connection).optional()?.is_none() {
            return Err(Error::not_found(WHAT, job));
        }
        let mut query = job_run::table
            .filter(job_run::job_id.eq(job))
            .select(Row::as_select())
            .order(job_run::id.desc())
            .limit(page.rows())
            .into_boxed();
        if let Some(before) = &page.before {
            query = query.filter(job_run::id.lt(before));
        }
        if let Some(outcome) = filter.outcome {
            query = query.filter(job_run::outcome.eq(outcome.as_str()));
        }
        if let Some(trigger) = filter.trigger {
            query = query.filter(job_run::trigger.eq(trigger.as_str()));
        }
        if let Some(correlation_id) = &filter.correlation_id {
            query = query.filter(job_run::correlation_id.eq(correlation_id));
        }
        let rows = query.load::<Row>(connection)?;
        page.cut(rows, |row| row.id.clone(), Row::into_model)
    }
}

/// `max_run_ms` is the time for each attempt.
pub(super) fn insert(
    connection: &mut AnyConnection,
    run: &Run,
    max_run_ms: Option<u64>,
) -> Result<(), Error> {
    let values = (Row::of(run), job_run::max_run_ms.eq(max_run_ms.map(signed)));
    diesel::insert_into(job_run::table).values(values).execute(connection)?;
    Ok(())
}

/// Whether a time of a job has its run.
pub(super) fn exists(connection: &mut AnyConnection, job: &str, at: Timestamp) -> Result<bool, Error> {
    let found = job_run::table
        .filter(job_run::job_id.eq(job).and(job_run::scheduled_us.eq(at.0)))
        .select(job_run::id)
        .first::<String>(connection);
    Ok(found.optional()?.is_some())
}

/// A delivery is attempted. Tells of the run that it carries, if it carries one.
pub(crate) fn begin_carried(
    connection: &mut AnyConnection,
    delivery: &str,
    now: Timestamp,
) -> Result<Option<Carried>, Error> {
    let carried = job_run::table.filter(job_run::delivery_id.eq(delivery));
    let found = carried
        .select((job_run::id, job_run::max_run_ms))
        .first::<(String, Option<i64>)>(connection)
        .optional()?;
    let Some((run, max_run_ms)) = found else { return Ok(None) };
    diesel::update(job_run::table.find(&run))
        .filter(job_run::started_us.is_null())
        .set(job_run::started_us.eq(now.0))
        .execute(connection)?;
    let max_run_ms = max_run_ms.map(u64::try_from).transpose();
    Ok(Some(Carried { max_run_ms: max_run_ms.map_err(Error::corrupt("run", &run))?, run }))
}

/// The jobs whose runs these deliveries carry.
pub(crate) fn carried(connection: &mut AnyConnection, deliveries: &[&str]) -> Result<Vec<String>, Error> {
    if deliveries.is_empty() {
        return Ok(Vec::new());
    }
    let runs = job_run::table.filter(job_run::delivery_id.eq_any(deliveries.iter().map(|id| Some(*id))));
    Ok(runs.select(job_run::job_id).load(connection)?)
}

/// A delivery has ended: so has the run that it carries, if it carries one, and the service that follows it is told.
/// Of a job that was deleted nothing is left to do.
pub(crate) fn end_carried(
    connection: &mut AnyConnection,
    delivery: &str,
    ended: Ended<'_>,
    now: Timestamp,
) -> Result<(), Error> {
    let carried = || job_run::table.filter(job_run::delivery_id.eq(delivery));
    if !dialect::has_one_writer(connection) {
        // The job comes before its runs, for everyone.
        let job = carried().select(job_run::job_id).first::<String>(connection).optional()?;
        let Some(job) = job else { return Ok(()) };
        hold_one(connection, &job)?;
    }
    let found = carried().select(Row::as_select()).first(connection).optional()?;
    let Some(mut run) = found.map(Row::into_model).transpose()? else { return Ok(()) };
    // One that had failed and is given up then has failed once.
    if run.ended_at.is_some() {
        return Ok(());
    }
    let (outcome, output, error) = match ended {
        Ended::Success { output } => (Outcome::Success, output, None),
        Ended::Failure(error) => (Outcome::Failure, None, Some(error)),
    };
    run.ended_at = Some(now);
    run.outcome = Some(outcome);
    run.error = error;
    diesel::update(job_run::table.find(&run.id)).set(Row::of(&run)).execute(connection)?;
    match outcome {
        Outcome::Success => diesel::update(job::table.find(&run.job_id))
            .set(job::successes.eq(job::successes + 1))
            .execute(connection)?,
        _ => diesel::update(job::table.find(&run.job_id))
            .set(job::failures.eq(job::failures + 1))
            .execute(connection)?,
    };
    let job = find(connection, &run.job_id)?;
    let ended = job.tally.ended();
    forget_oldest(connection, &job.id, ended.saturating_sub(1)..ended)?;
    tell(connection, &job, &run, output, now)
}

/// A person has a delivery attempted again: the run that it carries has not ended after all.
pub(crate) fn reopen_carried(connection: &mut AnyConnection, delivery: &str) -> Result<(), Error> {
    diesel::update(job_run::table.filter(job_run::delivery_id.eq(delivery)))
        .set((
            job_run::ended_us.eq(None::<i64>),
            job_run::outcome.eq(None::<String>),
            job_run::error_json.eq(None::<String>),
        ))
        .execute(connection)?;
    Ok(())
}

/// Hands over to the service that follows a run.
fn tell(
    connection: &mut AnyConnection,
    job: &Job,
    run: &Run,
    output: Option<&[u8]>,
    now: Timestamp,
) -> Result<(), Error> {
    let Some(target) = run.outcome.and_then(|outcome| follower(job, outcome)) else { return Ok(()) };
    let output = output.and_then(|output| serde_json::from_slice::<Value>(output).ok());
    let delivery = NewDelivery {
        id: new_id(now),
        target: target.clone().into(),
        properties: Properties::default(),
        source: None,
        content_type: Some("application/json".to_owned()),
        payload: run.report(job, output.as_ref()).to_string().into(),
        order_key: None,
        policy: Policy::default(),
        due_at: now,
        expires_at: now.plus_ms(signed(bounds::DELIVERY_LIFETIME_MS_DEFAULT)),
        correlation_id: run.correlation_id.clone(),
        setback: None,
        created_at: now,
    };
    delivery::insert(connection, &delivery)
}

/// Now and then: a job's ended runs beyond those that are kept of each.
/// `ended` is how many had ended before and have by now.
pub(super) fn forget_oldest(
    connection: &mut AnyConnection,
    job: &str,
    ended: Range<u64>,
) -> Result<(), Error> {
    if ended.start / FORGET_EVERY == ended.end / FORGET_EVERY {
        return Ok(());
    }
    let newest_forgotten = job_run::table
        .filter(job_run::job_id.eq(job))
        .order(job_run::id.desc())
        .offset(bounds::RUNS_KEPT_PER_JOB)
        .limit(1)
        .select(job_run::id)
        .first::<String>(connection)
        .optional()?;
    if let Some(id) = newest_forgotten {
        let old = job_run::table.filter(job_run::job_id.eq(job).and(job_run::id.le(id)));
        diesel::delete(old.filter(job_run::ended_us.is_not_null())).execute(connection)?;
    }
    Ok(())
}

/// Deletes some of the runs that ended before a time; tells how many.
pub(crate) fn sweep(connection: &mut AnyConnection, before: Timestamp, most: i64) -> Result<usize, Error> {
    let old = job_run::table.filter(job_run::ended_us.lt(before.0)).select(job_run::id).limit(most);
    let old = hold_free!(connection, old, load::<String>)?;
    diesel::delete(job_run::table.filter(job_run::id.eq_any(&old))).execute(connection)?;
    Ok(old.len())
}
