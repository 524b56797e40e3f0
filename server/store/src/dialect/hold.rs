//! Keeping others from what a transaction has read, where others write at the same time.

#[cfg(any(feature = "postgres", feature = "mysql"))]
use diesel::{QueryableByName, sql_types::BigInt};
#[cfg(any(feature = "postgres", feature = "mysql"))]
use diesel::{RunQueryDsl as _, sql_query};

use crate::{connection::AnyConnection, error::Error};

/// Runs a query for rows that nobody else changes before the transaction ends; waits for who holds one.
macro_rules! hold {
    ($connection:expr, $query:expr, $($run:tt)+) => {
        match $connection {
            $crate::connection::AnyConnection::Sqlite(connection) => $query.$($run)+(connection),
            #[cfg(feature = "postgres")]
            $crate::connection::AnyConnection::Postgres(connection) => {
                $query.for_update().$($run)+(connection)
            }
            #[cfg(feature = "mysql")]
            $crate::connection::AnyConnection::Mysql(connection) => $query.for_update().$($run)+(connection),
        }
    };
}

/// The same without waiting: rows that others hold are left out.
macro_rules! hold_free {
    ($connection:expr, $query:expr, $($run:tt)+) => {
        match $connection {
            $crate::connection::AnyConnection::Sqlite(connection) => $query.$($run)+(connection),
            #[cfg(feature = "postgres")]
            $crate::connection::AnyConnection::Postgres(connection) => {
                $query.for_update().skip_locked().$($run)+(connection)
            }
            #[cfg(feature = "mysql")]
            $crate::connection::AnyConnection::Mysql(connection) => {
                $query.for_update().skip_locked().$($run)+(connection)
            }
        }
    };
}

pub(crate) use {hold, hold_free};

#[cfg(any(feature = "postgres", feature = "mysql"))]
#[derive(QueryableByName)]
struct Held {
    #[diesel(sql_type = BigInt)]
    #[expect(dead_code, reason = "they are counted")]
    number: i64,
}

/// Keeps all others from changing definitions until the transaction ends.
pub(crate) fn lock_definitions(connection: &mut AnyConnection) -> Result<(), Error> {
    #[cfg(any(feature = "postgres", feature = "mysql"))]
    const LOCK: &str = "SELECT change_head FROM meta WHERE id = 1 FOR UPDATE";
    match connection {
        AnyConnection::Sqlite(_) => {}
        #[cfg(feature = "postgres")]
        AnyConnection::Postgres(connection) => drop(sql_query(LOCK).execute(connection)?),
        #[cfg(feature = "mysql")]
        AnyConnection::Mysql(connection) => drop(sql_query(LOCK).execute(connection)?),
    }
    Ok(())
}

/// Keeps all others from these rows of `key_lock` until the transaction ends. `numbers` are sorted, so that two who want some of
/// the same ones wait for each other and never both.
pub(crate) fn lock_keys(connection: &mut AnyConnection, numbers: &[u32]) -> Result<(), Error> {
    #[cfg(not(any(feature = "postgres", feature = "mysql")))]
    let _ = numbers;
    #[cfg(any(feature = "postgres", feature = "mysql"))]
    let statement = |index: &str| {
        let numbers: Vec<String> = numbers.iter().map(ToString::to_string).collect();
        let numbers = numbers.join(",");
        sql_query(format!(
            "SELECT number FROM key_lock {index} WHERE number IN ({numbers}) ORDER BY number FOR UPDATE"
        ))
    };
    #[cfg(any(feature = "postgres", feature = "mysql"))]
    let held: Vec<Held> = match connection {
        AnyConnection::Sqlite(_) => return Ok(()),
        #[cfg(feature = "postgres")]
        AnyConnection::Postgres(connection) => statement("").load(connection)?,
        // By the index, so that no row is locked in passing.
        #[cfg(feature = "mysql")]
        AnyConnection::Mysql(connection) => statement("FORCE INDEX (PRIMARY)").load(connection)?,
    };
    #[cfg(any(feature = "postgres", feature = "mysql"))]
    if held.len() != numbers.len() {
        return Err(Error::NotMigrated);
    }
    #[cfg(not(any(feature = "postgres", feature = "mysql")))]
    match connection {
        AnyConnection::Sqlite(_) => {}
    }
    Ok(())
}
