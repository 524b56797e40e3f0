//! Committing units of work, many in one transaction.

use busbar_model::{
    Timestamp,
    unit::{CommitError, Unit},
};
use diesel::{
    Connection as _,
    connection::TransactionManager as _,
    r2d2::{PooledConnection, R2D2Connection as _},
};

use crate::{
    connection::AnyConnection,
    delivery, dialect,
    error::Error,
    job, key_lock, kv, nonce,
    odb::{self, Odb},
    pool::Manager,
    reply,
};

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
        let mut connection = self.begin()?;
        let units = take();
        let results = commit_begun(&mut connection, &units, clock);
        let broken = results.iter().any(|result| matches!(result, Err(CommitError::Unavailable(_))));
        // A fresh one, where this one may be what is wrong.
        self.connection = (!broken).then_some(connection);
        Ok(results)
    }

    /// On a fresh connection, where the one that was kept is of no use any more.
    fn begin(&mut self) -> Result<PooledConnection<Manager>, Error> {
        if let Some(mut kept) = self.connection.take() {
            match dialect::begin_write(&mut kept).map_err(Error::from) {
                Ok(()) => return Ok(kept),
                Err(Error::Busy) => return Err(Error::Busy),
                Err(error) => {
                    tracing::debug!(%error, "the connection on which units were committed is of no use")
                }
            }
        }
        let mut connection = self.odb.pooled()?;
        dialect::begin_write(&mut connection)?;
        Ok(connection)
    }
}

/// In the transaction that has begun, or in others where that one comes to nothing.
fn commit_begun(
    connection: &mut AnyConnection,
    units: &[Unit],
    clock: fn() -> Timestamp,
) -> Vec<Result<(), CommitError>> {
    let mut has_begun = true;
    let outcome = odb::retry(|| {
        if !std::mem::take(&mut has_begun) {
            dialect::begin_write(connection)?;
        }
        commit_all(connection, units, clock())
    });
    match outcome {
        Ok(results) => results,
        // Whether it was committed nobody knows: what is done again might be done twice.
        Err(error) if matches!(error, Error::Lost(_)) || connection.ping().is_err() => {
            units.iter().map(|_| Err(unavailable(&error))).collect()
        }
        // One of them may be at fault: the others need not suffer.
        Err(error) if units.len() > 1 => {
            tracing::warn!(%error, units = units.len(), "units could not be committed together");
            units.iter().map(|unit| commit_one(connection, unit, clock)).collect()
        }
        Err(Error::Busy) => vec![Err(CommitError::Busy)],
        Err(error) => vec![Err(unavailable(&error))],
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

fn commit_one(
    connection: &mut AnyConnection,
    unit: &Unit,
    clock: fn() -> Timestamp,
) -> Result<(), CommitError> {
    let outcome = odb::retry(|| {
        dialect::begin_write(connection)?;
        commit_all(connection, std::slice::from_ref(unit), clock())
    });
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
    let mut failed = lock(connection, units).err();
    for unit in units {
        if failed.is_some() {
            break;
        }
        // SQLite ends the transaction by itself where the disk is full, and rolling back then only says so.
        let mut cause = None;
        let outcome = if dialect::has_one_writer(connection) && is_refused_before_it_writes(unit) {
            apply(connection, unit, now)
        } else {
            connection.transaction(|connection| {
                apply(connection, unit, now).map_err(|stop| match stop {
                    Stop::Failed(error) => {
                        cause = Some(error);
                        Stop::Failed(Error::rolled_back())
                    }
                    refused @ Stop::Refused(_) => refused,
                })
            })
        };
        match outcome {
            Ok(()) => results.push(Ok(())),
            // What is refused halfway leaves nothing behind.
            Err(Stop::Refused(refused)) => results.push(Err(refused)),
            Err(Stop::Failed(error)) => {
                failed = Some(cause.unwrap_or(error));
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

/// All keys that the units decide about, at once.
fn lock(connection: &mut AnyConnection, units: &[Unit]) -> Result<(), Error> {
    if dialect::has_one_writer(connection) {
        return Ok(());
    }
    let settled = units.iter().filter_map(|unit| Some(unit.settlement.as_ref()?.id.as_str()));
    let settled: Vec<&str> = settled.collect();
    let jobs = job::carried(connection, &settled)?;
    let jobs = jobs.iter().map(|id| key_lock::Key::Job { id });
    let orders = delivery::orders(connection, &settled)?;
    let orders = orders.iter().map(|(target, order_key)| key_lock::Key::Order { target, order_key });
    let handed_over = units.iter().flat_map(|unit| &unit.effects.deliveries);
    let targets: Vec<_> = handed_over
        .filter_map(|delivery| Some((delivery.target.to_string(), delivery.order_key.as_deref()?)))
        .collect();
    let new_orders = targets.iter().map(|(target, order_key)| key_lock::Key::Order { target, order_key });
    let keys = units.iter().flat_map(|unit| {
        let nonce = unit
            .nonce
            .iter()
            .map(|claim| key_lock::Key::Nonce { security: &claim.security, nonce: &claim.nonce_sha256 });
        let reply =
            unit.reply.iter().map(|(key, _)| key_lock::Key::Reply { scope: &key.scope, key: &key.key });
        let values = unit
            .effects
            .writes
            .keys()
            .map(|key| key_lock::Key::Value { plugin: key.plugin.as_str(), key: &key.key });
        nonce.chain(reply).chain(values)
    });
    key_lock::lock(connection, keys.chain(new_orders).chain(orders).chain(jobs))
}

/// Nothing of such a unit has to be undone alone: it needs no savepoint, which copies each page that it touches.
fn is_refused_before_it_writes(unit: &Unit) -> bool {
    let Unit { effects, nonce, reply, settlement } = unit;
    let settles_only = reply.is_none() && effects.deliveries.is_empty();
    nonce.is_none() && effects.writes.is_empty() && (settlement.is_none() || settles_only)
}

fn apply(connection: &mut AnyConnection, unit: &Unit, now: Timestamp) -> Result<(), Stop> {
    if let Some(claim) = &unit.nonce {
        nonce::claim(connection, claim, now)?;
    }
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

#[cfg(test)]
mod tests {
    use busbar_model::{
        Timestamp,
        unit::{Change, CommitError, Effects, Key, Unit, Write, staged_version},
    };
    use diesel::{connection::SimpleConnection as _, prelude::*, sql_types::BigInt};

    use super::Commits;
    use crate::odb::Odb;

    const NOW: Timestamp = Timestamp(1_800_000_000_000_000);

    fn key(key: &str) -> Key {
        Key { plugin: "p".parse().unwrap(), key: key.to_owned() }
    }

    fn unit(of: &str, bytes: usize) -> Unit {
        let mut effects = Effects::default();
        let change = Change::Put { value: vec![b'x'; bytes], expires_at: None };
        effects.write(key(of), Write { change, expected: None, version: staged_version(1) }, None).unwrap();
        Unit { effects, ..Unit::default() }
    }

    fn commit(commits: &mut Commits, units: Vec<Unit>) -> Vec<Result<(), CommitError>> {
        commits.commit(|| NOW, || units).unwrap()
    }

    /// The database can't grow through this connection.
    fn fill(commits: &mut Commits) {
        let connection = commits.connection.as_mut().unwrap();
        let pages = diesel::dsl::sql::<BigInt>("SELECT page_count FROM pragma_page_count");
        let pages: i64 = pages.get_result(connection).unwrap();
        connection.batch_execute(&format!("PRAGMA max_page_count = {pages}")).unwrap();
    }

    fn make_room(odb: &Odb) {
        let both = [odb.connection().unwrap(), odb.connection().unwrap()];
        for mut connection in both {
            connection.batch_execute("PRAGMA max_page_count = 1000000").unwrap();
        }
    }

    #[test]
    fn a_full_disk_costs_the_units_that_need_room_and_no_more() {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", folder.path().join("odb.sqlite").display());
        Odb::migrate(&url).unwrap();
        let odb = Odb::open(&url, 2).unwrap();
        let mut commits = odb.commits();
        assert_eq!(commit(&mut commits, vec![unit("small", 1)]), [Ok(())]);
        fill(&mut commits);
        let full = |outcome: &Result<(), CommitError>| matches!(outcome, Err(CommitError::Unavailable(cause)) if cause.contains("full"));
        let outcomes =
            commit(&mut commits, vec![unit("big", 900_000), unit("small", 2), unit("large", 900_000)]);
        assert!(full(&outcomes[0]) && full(&outcomes[2]), "{outcomes:?}");
        assert_eq!(outcomes[1], Ok(()));
        let bytes = |of: &str| odb.kv(&key(of), NOW).unwrap().map(|entry| entry.value.len());
        assert_eq!((bytes("big"), bytes("small"), bytes("large")), (None, Some(2), None));
        make_room(&odb);
        assert_eq!(commit(&mut commits, vec![unit("big", 900_000)]), [Ok(())]);
        assert_eq!(bytes("big"), Some(900_000));
        fill(&mut commits);
        let outcomes = commit(&mut commits, vec![unit("large", 900_000)]);
        assert!(full(&outcomes[0]), "{outcomes:?}");
        assert_eq!(bytes("large"), None);
        make_room(&odb);
        assert_eq!(commit(&mut commits, vec![unit("large", 900_000)]), [Ok(())]);
    }
}
