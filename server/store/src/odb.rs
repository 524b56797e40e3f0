//! The handle to the database, and its three kinds of transaction.

use std::{
    ops::{Deref, DerefMut},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
    time::Duration,
};

use diesel::{
    connection::TransactionManager as _,
    r2d2::{Pool, PooledConnection},
};

use crate::{
    change::{By, Recorder},
    connection::AnyConnection,
    dialect,
    error::Error,
    migrate,
    pool::{Manager, pool},
    turn::Turns,
    url::Url,
};

/// How often a transaction that met a lock is tried; each try already waits for `busy_timeout`.
const ATTEMPTS: u32 = 3;
const ATTEMPT_PAUSE: Duration = Duration::from_millis(50);

/// The operational database. Clones share one pool. Every call blocks.
#[derive(Clone)]
pub struct Odb {
    pool: Pool<Manager>,
    /// Writers wait for their turn before they take a connection.
    turns: Arc<Turns>,
    /// The transaction that everything through this handle is part of, if there is one.
    within: Option<Arc<Mutex<PooledConnection<Manager>>>>,
}

/// A connection for a while: one of the pool's, or that of the transaction that the handle is within.
pub(crate) enum Lent<'a> {
    Pooled(PooledConnection<Manager>),
    Shared(MutexGuard<'a, PooledConnection<Manager>>),
}

impl Deref for Lent<'_> {
    type Target = AnyConnection;

    fn deref(&self) -> &AnyConnection {
        match self {
            Self::Pooled(connection) => connection,
            Self::Shared(connection) => connection,
        }
    }
}

impl DerefMut for Lent<'_> {
    fn deref_mut(&mut self) -> &mut AnyConnection {
        match self {
            Self::Pooled(connection) => connection,
            Self::Shared(connection) => connection,
        }
    }
}

impl std::fmt::Debug for Odb {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Odb").finish_non_exhaustive()
    }
}

impl Odb {
    /// Brings the database's tables to what this binary needs, making it if need be. One process at
    /// a time does the work, the others wait for it; run again it changes nothing.
    pub fn migrate(url: &str) -> Result<(), Error> {
        migrate::migrate(&Url::parse(url)?)
    }

    /// Whether the bus was here before: whether there are tables of its own, of whatever version.
    pub fn is_begun(url: &str) -> Result<bool, Error> {
        let url = Url::parse(url)?;
        Ok(dialect::exists(&url) && migrate::is_begun(&mut dialect::connect(&url)?)?)
    }

    /// Refuses a database that is not migrated. One that a newer binary migrated is opened.
    pub fn open(url: &str, connections_max: u32) -> Result<Self, Error> {
        let url = Url::parse(url)?;
        if !dialect::exists(&url) {
            return Err(Error::NotMigrated);
        }
        migrate::check_to_open(&mut dialect::connect(&url)?)?;
        let turns = Arc::new(Turns::of(&url)?);
        Ok(Self { pool: pool(url, connections_max), turns, within: None })
    }

    pub(crate) fn turns(&self) -> Arc<Turns> {
        Arc::clone(&self.turns)
    }

    /// A single statement.
    pub(crate) fn connection(&self) -> Result<Lent<'_>, Error> {
        match &self.within {
            Some(shared) => Ok(Lent::Shared(shared.lock().unwrap_or_else(PoisonError::into_inner))),
            None => self.pooled().map(Lent::Pooled),
        }
    }

    /// A connection that has no part in the transaction that this handle may be within.
    pub(crate) fn pooled(&self) -> Result<PooledConnection<Manager>, Error> {
        self.pool.get().map_err(|error| Error::Connections(Box::new(error)))
    }

    /// Makes one transaction of everything that `work` does through the handle it is given: all of it
    /// is committed if `work` succeeds, nothing if it fails. Transactions in it become savepoints.
    pub(crate) fn together<T, E: From<Error>>(
        &self,
        work: impl FnOnce(&Self) -> Result<T, E>,
    ) -> Result<T, E> {
        let _turn = self.turns.wait();
        // Once begun it is alone in writing, so that only the beginning can meet contention.
        let connection = retry(|| {
            let mut connection = self.pooled()?;
            dialect::begin_write(&mut connection)?;
            dialect::lock_definitions(&mut connection)?;
            Ok(connection)
        })?;
        let shared = Arc::new(Mutex::new(connection));
        let done = work(&Self { within: Some(Arc::clone(&shared)), ..self.clone() });
        let mut connection = shared.lock().unwrap_or_else(PoisonError::into_inner);
        match done {
            Ok(done) => {
                AnyConnection::commit_transaction(&mut connection).map_err(Error::from)?;
                Ok(done)
            }
            Err(error) => {
                roll_back(&mut connection);
                Err(error)
            }
        }
    }

    /// Several statements that see the database at one moment.
    pub(crate) fn read<T>(
        &self,
        mut work: impl FnMut(&mut AnyConnection) -> Result<T, Error>,
    ) -> Result<T, Error> {
        if self.within.is_some() {
            return nested(&mut *self.connection()?, &mut work);
        }
        retry(|| {
            let connection = &mut *self.connection()?;
            dialect::begin_snapshot(connection)?;
            finish(connection, &mut work)
        })
    }

    /// A transaction that writes while nobody changes definitions, as if it were alone; others that write
    /// [beside](Self::write_beside) each other do so meanwhile. `work` may run more than once.
    pub(crate) fn write<T>(
        &self,
        mut work: impl FnMut(&mut AnyConnection) -> Result<T, Error>,
    ) -> Result<T, Error> {
        if self.within.is_some() {
            return nested(&mut *self.connection()?, &mut work);
        }
        self.write_beside(|connection| {
            dialect::lock_definitions(connection)?;
            work(connection)
        })
    }

    /// A transaction that writes and holds what it decides about (`hold!`, `key_lock::lock`): others write at the
    /// same time, where the database takes more than one writer. `work` may run more than once.
    pub(crate) fn write_beside<T>(
        &self,
        mut work: impl FnMut(&mut AnyConnection) -> Result<T, Error>,
    ) -> Result<T, Error> {
        if self.within.is_some() {
            return nested(&mut *self.connection()?, &mut work);
        }
        retry(|| {
            let _turn = self.turns.wait();
            write(&mut *self.connection()?, &mut work)
        })
    }

    /// A transaction that changes definitions: what `work` records is numbered last, just before
    /// the commit, so that numbers become visible in order and without gaps.
    pub(crate) fn change<T>(
        &self,
        by: &By,
        mut work: impl FnMut(&mut AnyConnection, &mut Recorder) -> Result<T, Error>,
    ) -> Result<T, Error> {
        self.write(|connection| {
            let mut recorder = Recorder::default();
            let done = work(connection, &mut recorder)?;
            recorder.write(connection, by)?;
            Ok(done)
        })
    }
}

/// A transaction that writes. Contention is for the caller to meet by `retry`.
pub(crate) fn write<T>(
    connection: &mut AnyConnection,
    work: &mut impl FnMut(&mut AnyConnection) -> Result<T, Error>,
) -> Result<T, Error> {
    dialect::begin_write(connection)?;
    finish(connection, work)
}

/// A savepoint of a transaction that is under way.
fn nested<T>(
    connection: &mut AnyConnection,
    work: &mut impl FnMut(&mut AnyConnection) -> Result<T, Error>,
) -> Result<T, Error> {
    AnyConnection::begin_transaction(connection)?;
    finish(connection, work)
}

fn finish<T>(
    connection: &mut AnyConnection,
    work: &mut impl FnMut(&mut AnyConnection) -> Result<T, Error>,
) -> Result<T, Error> {
    match work(connection) {
        Ok(done) => {
            AnyConnection::commit_transaction(connection)?;
            Ok(done)
        }
        Err(error) => {
            roll_back(connection);
            Err(error)
        }
    }
}

/// The pool discards a connection that could not roll back; the error before matters.
fn roll_back(connection: &mut AnyConnection) {
    if let Err(error) = AnyConnection::rollback_transaction(connection) {
        tracing::warn!(%error, "failed to roll back");
    }
}

pub(crate) fn retry<T>(mut attempt: impl FnMut() -> Result<T, Error>) -> Result<T, Error> {
    for number in 1..ATTEMPTS {
        match attempt() {
            Err(Error::Busy) => thread::sleep(ATTEMPT_PAUSE * number),
            done => return done,
        }
    }
    attempt()
}

#[cfg(test)]
mod tests {
    use super::{ATTEMPTS, retry};
    use crate::error::Error;

    #[test]
    fn contention_is_met_by_trying_again_but_not_for_ever() {
        let mut tried = 0;
        let done = retry(|| {
            tried += 1;
            if tried < ATTEMPTS { Err(Error::Busy) } else { Ok(tried) }
        });
        assert_eq!(done.unwrap(), ATTEMPTS);
        let mut tried = 0;
        let given_up: Result<(), Error> = retry(|| {
            tried += 1;
            Err(Error::Busy)
        });
        assert!(matches!(given_up, Err(Error::Busy)));
        assert_eq!(tried, ATTEMPTS);
    }

    #[test]
    fn another_error_is_not_tried_again() {
        let mut tried = 0;
        let refused: Result<(), Error> = retry(|| {
            tried += 1;
            Err(Error::NotMigrated)
        });
        assert!(refused.is_err());
        assert_eq!(tried, 1);
    }
}
