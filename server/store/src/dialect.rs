//! What differs between the databases: everything that matches on the variant.

pub(crate) mod copy;
mod hold;
#[cfg(feature = "mysql")]
mod mysql;
#[cfg(feature = "postgres")]
mod postgres;
mod sqlite;
#[cfg(any(feature = "postgres", feature = "mysql"))]
mod waiting;

use std::{fs, path::Path, time::Duration};

#[cfg(feature = "mysql")]
use diesel::connection::SimpleConnection as _;
#[cfg(any(feature = "postgres", feature = "mysql"))]
use diesel::r2d2::R2D2Connection as _;
use diesel::{
    connection::AnsiTransactionManager,
    result::{DatabaseErrorKind, Error as QueryError},
};
use diesel_migrations::{EmbeddedMigrations, embed_migrations};

pub(crate) use self::hold::{hold, hold_free, lock_definitions, lock_keys};
use crate::{connection::AnyConnection, error::Error, url::Url};

const SQLITE: EmbeddedMigrations = embed_migrations!("../../migrations/sqlite");
#[cfg(feature = "postgres")]
const POSTGRES: EmbeddedMigrations = embed_migrations!("../../migrations/postgres");
#[cfg(feature = "mysql")]
const MYSQL: EmbeddedMigrations = embed_migrations!("../../migrations/mysql");

pub(crate) fn connect(url: &Url) -> Result<AnyConnection, Error> {
    match url {
        Url::Sqlite(path) => sqlite::connect(path).map(AnyConnection::Sqlite),
        #[cfg(feature = "postgres")]
        Url::Postgres(url) => postgres::connect(url).map(AnyConnection::Postgres),
        #[cfg(feature = "mysql")]
        Url::Mysql(url) => mysql::connect(url).map(AnyConnection::Mysql),
    }
}

/// Whether there is a database at all; SQLite would make an empty one. Servers tell when they are asked.
pub(crate) fn exists(url: &Url) -> bool {
    match url {
        Url::Sqlite(path) => Path::new(path).exists(),
        #[cfg(any(feature = "postgres", feature = "mysql"))]
        _ => true,
    }
}

/// How long a caller waits for a connection before it is told that the database is busy. Where SQLite's are in
/// use their owners wait for each other; a server may be away.
pub(crate) fn connection_wait(url: &Url) -> Duration {
    match url {
        Url::Sqlite(_) => Duration::from_secs(20),
        #[cfg(any(feature = "postgres", feature = "mysql"))]
        _ => Duration::from_secs(8),
    }
}

pub(crate) fn migrations(connection: &AnyConnection) -> EmbeddedMigrations {
    match connection {
        AnyConnection::Sqlite(_) => SQLITE,
        #[cfg(feature = "postgres")]
        AnyConnection::Postgres(_) => POSTGRES,
        #[cfg(feature = "mysql")]
        AnyConnection::Mysql(_) => MYSQL,
    }
}

/// Whether tables are made in a transaction, all or none. Where they are not, each statement is a commit.
pub(crate) fn migrates_in_transaction(connection: &AnyConnection) -> bool {
    match connection {
        #[cfg(feature = "mysql")]
        AnyConnection::Mysql(_) => false,
        _ => true,
    }
}

/// Held while one process migrates; released when dropped, or by the system if the process dies.
pub(crate) struct MigrationLock(#[expect(dead_code, reason = "it is held")] Holder);

#[expect(dead_code, reason = "they are held")]
enum Holder {
    File(fs::File),
    #[cfg(any(feature = "postgres", feature = "mysql"))]
    Connection(Box<AnyConnection>),
}

/// Makes the database if need be, for its owner only, and waits until nobody else migrates it.
pub(crate) fn prepare_to_migrate(url: &Url) -> Result<MigrationLock, Error> {
    let holder = match url {
        Url::Sqlite(path) => Holder::File(sqlite::prepare_to_migrate(path)?),
        #[cfg(feature = "postgres")]
        Url::Postgres(url) => {
            let mut connection = postgres::connect(url)?;
            postgres::lock_to_migrate(&mut connection)?;
            Holder::Connection(Box::new(AnyConnection::Postgres(connection)))
        }
        #[cfg(feature = "mysql")]
        Url::Mysql(url) => {
            let mut connection = mysql::connect(url)?;
            mysql::lock_to_migrate(&mut connection)?;
            Holder::Connection(Box::new(AnyConnection::Mysql(connection)))
        }
    };
    Ok(MigrationLock(holder))
}

/// Files by which writers on one machine take turns, where the database has one writer only.
pub(crate) fn writers_line(url: &Url) -> Result<Option<(fs::File, fs::File)>, Error> {
    match url {
        Url::Sqlite(path) => sqlite::writers_line(path).map(Some),
        #[cfg(any(feature = "postgres", feature = "mysql"))]
        _ => Ok(None),
    }
}

/// Whether a transaction that writes is the only one that does: what it reads stays so until its end.
pub(crate) fn has_one_writer(connection: &AnyConnection) -> bool {
    match connection {
        AnyConnection::Sqlite(_) => true,
        #[cfg(any(feature = "postgres", feature = "mysql"))]
        _ => false,
    }
}

/// Whether a connection that lay in the pool still leads to the database. One to a file does.
pub(crate) fn check(connection: &mut AnyConnection) -> Result<(), Error> {
    match connection {
        AnyConnection::Sqlite(_) => Ok(()),
        #[cfg(any(feature = "postgres", feature = "mysql"))]
        _ => Ok(connection.ping()?),
    }
}

/// Begins a transaction that will write. Beginning deferred and writing later fails BUSY at once in
/// SQLite where another writer came between. Elsewhere each statement sees what is committed when it begins.
pub(crate) fn begin_write(connection: &mut AnyConnection) -> Result<(), QueryError> {
    match connection {
        AnyConnection::Sqlite(sqlite) => {
            AnsiTransactionManager::begin_transaction_sql(sqlite, "BEGIN IMMEDIATE")
        }
        #[cfg(feature = "postgres")]
        AnyConnection::Postgres(connection) => {
            AnsiTransactionManager::begin_transaction_sql(connection, postgres::BEGIN_WRITE)
        }
        #[cfg(feature = "mysql")]
        AnyConnection::Mysql(connection) => {
            AnsiTransactionManager::begin_transaction_sql(connection, mysql::BEGIN_WRITE)
        }
    }
}

/// Begins a transaction that reads everything as it was at one moment.
pub(crate) fn begin_snapshot(connection: &mut AnyConnection) -> Result<(), QueryError> {
    match connection {
        AnyConnection::Sqlite(sqlite) => {
            AnsiTransactionManager::begin_transaction_sql(sqlite, "BEGIN DEFERRED")
        }
        #[cfg(feature = "postgres")]
        AnyConnection::Postgres(connection) => {
            AnsiTransactionManager::begin_transaction_sql(connection, postgres::BEGIN_SNAPSHOT)
        }
        #[cfg(feature = "mysql")]
        AnyConnection::Mysql(connection) => {
            // Of the next transaction only.
            connection.batch_execute(mysql::SNAPSHOT_LEVEL)?;
            AnsiTransactionManager::begin_transaction_sql(connection, mysql::BEGIN_SNAPSHOT)
        }
    }
}

/// How messages begin, which is all that diesel gives of many errors.
#[derive(Clone, Copy)]
enum Family {
    Contention,
    Unwritable,
    Lost,
}

fn is_of(family: Family, message: &str) -> bool {
    let mut beginnings: Vec<&[&str]> = Vec::new();
    match family {
        Family::Contention => beginnings.push(sqlite::CONTENTION),
        Family::Unwritable => beginnings.push(sqlite::UNWRITABLE),
        Family::Lost => {}
    }
    #[cfg(feature = "postgres")]
    beginnings.push(match family {
        Family::Contention => postgres::CONTENTION,
        Family::Unwritable => postgres::UNWRITABLE,
        Family::Lost => postgres::LOST,
    });
    #[cfg(feature = "mysql")]
    beginnings.push(match family {
        Family::Contention => mysql::CONTENTION,
        Family::Unwritable => mysql::UNWRITABLE,
        Family::Lost => mysql::LOST,
    });
    beginnings.into_iter().flatten().any(|beginning| message.starts_with(beginning))
}

fn tells(error: &QueryError, family: Family) -> bool {
    matches!(error, QueryError::DatabaseError(_, information) if is_of(family, information.message()))
}

/// Whether the statement would succeed if it were tried again later.
pub(crate) fn is_contention(error: &QueryError) -> bool {
    match error {
        QueryError::DatabaseError(DatabaseErrorKind::SerializationFailure, _) => true,
        QueryError::RollbackErrorOnCommit { commit_error, .. } => is_contention(commit_error),
        _ => tells(error, Family::Contention),
    }
}

/// Whether the disk did not take what was to be written: it is full, mostly.
pub(crate) fn is_unwritable(error: &QueryError) -> bool {
    tells(error, Family::Unwritable)
}

/// Whether the connection is of no use any more: the server went, or ended it.
pub(crate) fn is_lost(error: &QueryError) -> bool {
    match error {
        QueryError::DatabaseError(DatabaseErrorKind::ClosedConnection, _)
        | QueryError::BrokenTransactionManager => true,
        QueryError::RollbackErrorOnCommit { commit_error, rollback_error } => {
            is_lost(commit_error) || is_lost(rollback_error)
        }
        _ => tells(error, Family::Lost),
    }
}

pub(crate) fn is_missing_table(error: &QueryError) -> bool {
    let QueryError::DatabaseError(_, information) = error else { return false };
    let message = information.message();
    if message.starts_with(sqlite::MISSING_TABLE) {
        return true;
    }
    // PostgreSQL: `relation "x" does not exist`; MySQL: `Table 'x' doesn't exist`.
    (cfg!(feature = "postgres") && message.starts_with("relation ") && message.ends_with(" does not exist"))
        || (cfg!(feature = "mysql") && message.starts_with("Table ") && message.ends_with(" doesn't exist"))
}
