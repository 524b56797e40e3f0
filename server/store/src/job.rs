//! Jobs: definitions, what is due of them, and their runs.

mod counts;
mod fire;
mod row;
mod run;
mod save;

use busbar_model::{Job, Timestamp, schedule::Upcoming};
use diesel::prelude::*;

use self::row::Row;
pub use self::{fire::Fired, run::Filter as RunFilter};
pub(crate) use self::{
    run::{Ended, begin_carried, carried, end_carried, reopen_carried, sweep},
    save::{insert, remove, update},
};
use crate::{
    calendar,
    connection::AnyConnection,
    dialect::{self, hold},
    error::Error,
    odb::Odb,
    page::{Page, Paged},
    schema::{calendar as calendar_table, job},
};

pub(crate) const WHAT: &str = "job";

/// Which jobs a list shows; an absent field shows all.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    pub name: Option<String>,
    pub service: Option<String>,
    /// By name.
    pub calendar: Option<String>,
    pub paused: Option<bool>,
}

impl Odb {
    pub fn job(&self, id: &str) -> Result<Job, Error> {
        find(&mut *self.connection()?, id)
    }

    pub fn jobs(&self, page: &Page, filter: &Filter) -> Result<Paged<Job>, Error> {
        let mut query = job::table
            .left_join(calendar_table::table)
            .select((Row::as_select(), calendar_table::name.nullable()))
            .order(job::id.desc())
            .limit(page.rows())
            .into_boxed();
        if let Some(before) = &page.before {
            query = query.filter(job::id.lt(before));
        }
        if let Some(name) = &filter.name {
            query = query.filter(job::name.eq(name));
        }
        if let Some(service) = &filter.service {
            query = query.filter(job::service.eq(service));
        }
        if let Some(calendar) = &filter.calendar {
            query = query.filter(calendar_table::name.eq(calendar));
        }
        if let Some(paused) = filter.paused {
            query = query.filter(job::paused.eq(paused));
        }
        let rows = query.load::<(Row, Option<String>)>(&mut *self.connection()?)?;
        page.cut(rows, |(row, _)| row.id.clone(), |(row, calendar)| row.into_model(calendar))
    }

    /// A job, and its next times from now on.
    pub fn upcoming(&self, id: &str, now: Timestamp, count: usize) -> Result<(Job, Upcoming), Error> {
        self.read(|connection| {
            let job = find(connection, id)?;
            let upcoming = upcoming(connection, &job, now, count)?;
            Ok((job, upcoming))
        })
    }
}

fn upcoming(
    connection: &mut AnyConnection,
    job: &Job,
    now: Timestamp,
    count: usize,
) -> Result<Upcoming, Error> {
    let rules = match &job.draft.calendar {
        Some(name) => calendar::named(connection, name.as_str())?.map(|(_, rules)| rules),
        None => None,
    };
    Ok(job.upcoming(rules.as_ref(), now, count))
}

/// Every job, oldest first.
pub(crate) fn all(connection: &mut AnyConnection) -> Result<Vec<Job>, Error> {
    let rows = job::table
        .left_join(calendar_table::table)
        .select((Row::as_select(), calendar_table::name.nullable()))
        .order(job::id.asc())
        .load::<(Row, Option<String>)>(connection)?;
    rows.into_iter().map(|(row, calendar)| row.into_model(calendar)).collect()
}

/// Keeps others from firing, changing or ending runs of a job until the transaction ends.
fn hold_one(connection: &mut AnyConnection, id: &str) -> Result<(), Error> {
    if !dialect::has_one_writer(connection) {
        hold!(connection, job::table.find(id).select(job::id), first::<String>).optional()?;
    }
    Ok(())
}

fn find(connection: &mut AnyConnection, id: &str) -> Result<Job, Error> {
    let found = job::table
        .left_join(calendar_table::table)
        .filter(job::id.eq(id))
        .select((Row::as_select(), calendar_table::name.nullable()))
        .first::<(Row, Option<String>)>(connection)
        .optional()?;
    let (row, calendar) = found.ok_or_else(|| Error::not_found(WHAT, id))?;
    row.into_model(calendar)
}
