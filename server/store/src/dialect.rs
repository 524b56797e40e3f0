//! What differs between the databases: everything that matches on the variant.

pub(crate) mod copy;

use std::{fs, os::unix::fs::OpenOptionsExt as _, path::Path};

use diesel::{
    Connection as _,
    connection::{AnsiTransactionManager, SimpleConnection as _},
    result::Error as QueryError,
    sqlite::SqliteConnection,
};

use crate::{connection::AnyConnection, error::Error, url::Url};

/// How SQLite waits for another writer before it says BUSY, and what makes a commit durable.
const SQLITE_SETUP: &str = "PRAGMA busy_timeout = 5000;
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = FULL;
    PRAGMA foreign_keys = ON;";

pub(crate) fn connect(url: &Url) -> Result<AnyConnection, Error> {
    match url {
        Url::Sqlite(path) => {
            let mut connection = SqliteConnection::establish(path).map_err(|e| Error::Open(Box::new(e)))?;
            connection.batch_execute(SQLITE_SETUP)?;
            Ok(AnyConnection::Sqlite(connection))
        }
    }
}

/// Whether there is a database at all; SQLite would make an empty one.
pub(crate) fn exists(url: &Url) -> bool {
    match url {
        Url::Sqlite(path) => Path::new(path).exists(),
    }
}

/// Held while one process migrates; released when dropped, or by the system if the process dies.
#[derive(Debug)]
pub(crate) struct MigrationLock {
    _file: fs::File,
}

/// Makes the database if need be, for its owner only, and waits until nobody else migrates it.
pub(crate) fn prepare_to_migrate(url: &Url) -> Result<MigrationLock, Error> {
    match url {
        Url::Sqlite(path) => {
            let lock_path = format!("{path}.migrate-lock");
            let file = open_private(&lock_path)?;
            file.lock().map_err(|source| Error::File { path: lock_path.into(), source })?;
            open_private(path)?;
            Ok(MigrationLock { _file: file })
        }
    }
}

/// Files by which writers on one machine take turns, where the database has one writer only.
pub(crate) fn writers_line(url: &Url) -> Result<Option<(fs::File, fs::File)>, Error> {
    match url {
        Url::Sqlite(path) => Ok(Some((
            open_private(&format!("{path}.next-lock"))?,
            open_private(&format!("{path}.write-lock"))?,
        ))),
    }
}

fn open_private(path: &str) -> Result<fs::File, Error> {
    fs::OpenOptions::new()
        .create(true)
        .append(true)
        .mode(0o600)
        .open(path)
        .map_err(|source| Error::File { path: path.into(), source })
}

/// Whether a connection that lay in the pool still leads to the database. One to a file does.
pub(crate) fn check(connection: &mut AnyConnection) -> Result<(), Error> {
    match connection {
        AnyConnection::Sqlite(_) => Ok(()),
    }
}

/// Whether nobody else writes while a transaction does.
pub(crate) fn has_one_writer(connection: &AnyConnection) -> bool {
    match connection {
        AnyConnection::Sqlite(_) => true,
    }
}

/// Begins a transaction that will write. Beginning deferred and writing later fails BUSY at once in
/// SQLite where another writer came between.
pub(crate) fn begin_write(connection: &mut AnyConnection) -> Result<(), QueryError> {
    match connection {
        AnyConnection::Sqlite(sqlite) => {
            AnsiTransactionManager::begin_transaction_sql(sqlite, "BEGIN IMMEDIATE")
        }
    }
}

/// Begins a transaction that reads everything as it was at one moment.
pub(crate) fn begin_snapshot(connection: &mut AnyConnection) -> Result<(), QueryError> {
    match connection {
        AnyConnection::Sqlite(sqlite) => {
            AnsiTransactionManager::begin_transaction_sql(sqlite, "BEGIN DEFERRED")
        }
    }
}

/// Whether the statement would succeed if it were tried again later.
pub(crate) fn is_contention(error: &QueryError) -> bool {
    match error {
        // diesel gives SQLite's BUSY and LOCKED no kind of their own.
        QueryError::DatabaseError(_, information) => {
            let message = information.message();
            message.starts_with("database is locked") || message.starts_with("database table is locked")
        }
        _ => false,
    }
}

/// Whether the disk did not take what was to be written: it is full, mostly.
pub(crate) fn is_unwritable(error: &QueryError) -> bool {
    match error {
        QueryError::DatabaseError(_, information) => {
            let message = information.message();
            message.starts_with("database or disk is full") || message.starts_with("disk I/O error")
        }
        _ => false,
    }
}

pub(crate) fn is_missing_table(error: &QueryError) -> bool {
    matches!(error, QueryError::DatabaseError(_, information) if information.message().starts_with("no such table"))
}
