//! Committing units of work, many in one transaction.

use busbar_model::{
    Timestamp,
    unit::{CommitError, Unit},
};
use diesel::{Connection as _, connection::TransactionManager as _, r2d2::PooledConnection};

use crate::{connection::AnyConnection, delivery, dialect, error::Error, kv, odb::Odb, pool::Manager, reply};

/// Why a unit stops.
#[derive(Debug)]
pub(crate) enum Stop {
    /// It alone: the others of its transaction go on.
    Refused(CommitError),
    /// The transaction.
    Failed(Error),
}

impl From<diesel::result::Error> for Stop {
    fn from(error: diesel::result::Error) -> Self {
        Self::Failed(error.into())
    }
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

/// A connection on which units are committed.
pub struct Commits {
    odb: Odb,
    connection: Option<PooledConnection<Manager>>,
}

impl Odb {
    pub fn commits(&self) -> Commits {
        Commits { odb: self.clone(), connection: None }
    }
}

impl Commits {
    /// Commits the units that `take` gives, which is asked only once the database is this transaction's
    /// alone. A result per unit, in their order. An error: nothing was taken.
    pub fn commit(
        &mut self,
        clock: fn() -> Timestamp,
        take: impl FnOnce() -> Vec<Unit>,
    ) -> Result<Vec<Result<(), CommitError>>, Error> {
        let turns = self.odb.turns();
        let _turn = turns.wait();
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => self.odb.pooled()?,
        };
        dialect::begin_write(&mut connection)?;
        let units = take();
        let outcome = commit_all(&mut connection, &units, clock());
        let results = match outcome {
            Ok(results) => results,
            // One of them may be at fault: the others need not suffer.
            Err(error) if units.len() > 1 => {
                tracing::warn!(%error, units = units.len(), "units could not be committed together");
                units.iter().map(|unit| commit_one(&mut connection, unit, clock())).collect()
            }
            Err(error) => vec![Err(unavailable(&error))],
        };
        let broken = results.iter().any(|result| matches!(result, Err(CommitError::Unavailable(_))));
        // A fresh one, where this one may be what is wrong.
        self.connection = (!broken).then_some(connection);
        Ok(results)
    }
}

fn unavailable(error: &Error) -> CommitError {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    CommitError::Unavailable(text)
}

fn commit_one(connection: &mut AnyConnection, unit: &Unit, now: Timestamp) -> Result<(), CommitError> {
    let done = dialect::begin_write(connection).map_err(Error::from);
    let outcome = done.and_then(|()| commit_all(connection, std::slice::from_ref(unit), now));
    match outcome {
        Ok(mut results) => results.pop().unwrap_or(Ok(())),
        Err(Error::Busy) => Err(CommitError::Busy),
        Err(error) => Err(unavailable(&error)),
    }
}

/// In the transaction that has begun, to its end.
fn commit_all(
    connection: &mut AnyConnection,
    units: &[Unit],
    now: Timestamp,
) -> Result<Vec<Result<(), CommitError>>, Error> {
    let mut results = Vec::with_capacity(units.len());
    let mut failed = None;
    for unit in units {
        // What is refused halfway leaves nothing behind.
        match connection.transaction(|connection| apply(connection, unit, now)) {
            Ok(()) => results.push(Ok(())),
            Err(Stop::Refused(refused)) => results.push(Err(refused)),
            Err(Stop::Failed(error)) => {
                failed = Some(error);
                break;
            }
        }
    }
    let committed = match failed {
        None => AnyConnection::commit_transaction(connection).map_err(Error::from),
        Some(error) => Err(error),
    };
    match committed {
        Ok(()) => Ok(results),
        Err(error) => {
            if let Err(rollback) = AnyConnection::rollback_transaction(connection) {
                tracing::debug!(error = %rollback, "failed to roll back");
            }
            Err(error)
        }
    }
}

fn apply(connection: &mut AnyConnection, unit: &Unit, now: Timestamp) -> Result<(), Stop> {
    if let Some((key, reply)) = &unit.reply {
        reply::keep(connection, key, reply, now)?;
    }
    for (key, write) in &unit.effects.writes {
        kv::apply(connection, key, write, now)?;
    }
    for delivery in &unit.effects.deliveries {
        delivery::insert(connection, delivery)?;
    }
    if let Some(settlement) = &unit.settlement {
        delivery::settle(connection, settlement, now)?;
    }
    Ok(())
}
