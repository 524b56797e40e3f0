//! The handle to the database, and its three kinds of transaction.

use std::{sync::Arc, thread, time::Duration};

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

    /// Refuses a database that is not migrated, or was by a newer binary.
    pub fn open(url: &str, connections_max: u32) -> Result<Self, Error> {
        let url = Url::parse(url)?;
        if !dialect::exists(&url) {
            return Err(Error::NotMigrated);
        }
        migrate::check(&mut dialect::connect(&url)?)?;
        let turns = Arc::new(Turns::of(&url)?);
        Ok(Self { pool: pool(url, connections_max), turns })
    }

    pub(crate) fn turns(&self) -> Arc<Turns> {
        Arc::clone(&self.turns)
    }

    /// A single statement.
    pub(crate) fn connection(&self) -> Result<PooledConnection<Manager>, Error> {
        self.pool.get().map_err(|error| Error::Connections(Box::new(error)))
    }

    /// Several statements that see the database at one moment.
    pub(crate) fn read<T>(
        &self,
        mut work: impl FnMut(&mut AnyConnection) -> Result<T, Error>,
    ) -> Result<T, Error> {
        retry(|| {
            let connection = &mut *self.connection()?;
            dialect::begin_snapshot(connection)?;
            finish(connection, &mut work)
        })
    }

    /// A transaction that writes, but changes no definition. `work` may run more than once.
    pub(crate) fn write<T>(
        &self,
        mut work: impl FnMut(&mut AnyConnection) -> Result<T, Error>,
    ) -> Result<T, Error> {
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
            // The pool discards a connection that could not roll back; the first error matters.
            if let Err(rollback) = AnyConnection::rollback_transaction(connection) {
                tracing::warn!(error = %rollback, "failed to roll back");
            }
            Err(error)
        }
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
