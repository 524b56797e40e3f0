//! Bare SQLite: what the same writes cost without a bus, with the same durability on the same disk.

use std::{path::Path, time::Duration};

use rusqlite::Connection;

/// A new database, set up as the bus sets up its own.
pub(crate) fn create(path: &Path, tables: &str) -> Connection {
    let connection = open(path);
    connection.execute_batch(tables).unwrap();
    connection
}

pub(crate) fn open(path: &Path) -> Connection {
    let connection = Connection::open(path).unwrap();
    let setup = "PRAGMA busy_timeout = 5000; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;";
    connection.execute_batch(setup).unwrap();
    connection
}

pub(crate) fn transaction(connection: &Connection, work: impl FnOnce()) {
    connection.prepare_cached("BEGIN IMMEDIATE").unwrap().execute([]).unwrap();
    work();
    connection.prepare_cached("COMMIT").unwrap().execute([]).unwrap();
}

pub(crate) fn per_second(count: i64, time: Duration) -> f64 {
    f64::from(u32::try_from(count).expect("a run is shorter")) / time.as_secs_f64()
}
