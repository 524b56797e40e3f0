//! What only SQLite does.

use std::{fs, os::unix::fs::OpenOptionsExt as _};

use diesel::{Connection as _, connection::SimpleConnection as _, sqlite::SqliteConnection};

use crate::error::Error;

/// How SQLite waits for another writer before it says BUSY, and what makes a commit durable.
const SETUP: &str = "PRAGMA busy_timeout = 5000;
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = FULL;
    PRAGMA foreign_keys = ON;";

/// diesel gives BUSY and LOCKED no kind of their own. How messages begin.
pub(super) const CONTENTION: &[&str] = &["database is locked", "database table is locked"];
pub(super) const UNWRITABLE: &[&str] = &["database or disk is full", "disk I/O error"];
pub(super) const MISSING_TABLE: &str = "no such table";

pub(super) fn connect(path: &str) -> Result<SqliteConnection, Error> {
    let mut connection = SqliteConnection::establish(path).map_err(|e| Error::Open(Box::new(e)))?;
    connection.batch_execute(SETUP)?;
    Ok(connection)
}

/// Makes the database if need be, for its owner only, and waits until nobody else migrates it.
pub(super) fn prepare_to_migrate(path: &str) -> Result<fs::File, Error> {
    let lock_path = format!("{path}.migrate-lock");
    let file = open_private(&lock_path)?;
    file.lock().map_err(|source| Error::File { path: lock_path.into(), source })?;
    open_private(path)?;
    Ok(file)
}

pub(super) fn writers_line(path: &str) -> Result<(fs::File, fs::File), Error> {
    Ok((open_private(&format!("{path}.next-lock"))?, open_private(&format!("{path}.write-lock"))?))
}

fn open_private(path: &str) -> Result<fs::File, Error> {
    fs::OpenOptions::new()
        .create(true)
        .append(true)
        .mode(0o600)
        .open(path)
        .map_err(|source| Error::File { path: path.into(), source })
}
