//! Copying a whole database, and taking over all that a copy has.

use std::path::Path;

use diesel::{
    QueryableByName, RunQueryDsl as _, prelude::*, sql_query, sql_types::Text, sqlite::SqliteConnection,
};

use crate::{connection::AnyConnection, error::Error, url::Url};

#[derive(QueryableByName)]
struct Named {
    #[diesel(sql_type = Text)]
    name: String,
}

/// The name under which a transaction sees the copy.
const COPY: &str = "copied";

/// A file that is a database.
pub(crate) fn file(path: &Path) -> Result<String, Error> {
    let absolute = std::path::absolute(path).map_err(|source| Error::File { path: path.into(), source })?;
    match absolute.to_str() {
        Some(path) => Ok(path.to_owned()),
        None => Err(Error::File { path: path.into(), source: std::io::Error::other("path is not UTF-8") }),
    }
}

/// Refuses a database that is no file: a server's has tools of its own.
pub(crate) fn require_file(url: &Url) -> Result<(), Error> {
    match url {
        Url::Sqlite(_) => Ok(()),
        #[cfg(feature = "postgres")]
        Url::Postgres(_) => Err(Error::NoCopies { database: "PostgreSQL", tool: "pg_dump" }),
        #[cfg(feature = "mysql")]
        Url::Mysql(_) => Err(Error::NoCopies { database: "MySQL or MariaDB", tool: "mariadb-dump" }),
    }
}

/// Of what `require_file` would have refused.
#[cfg(any(feature = "postgres", feature = "mysql"))]
fn no_file() -> Error {
    Error::NoCopies { database: "server's", tool: "its own tools" }
}

/// Writes all of the database, as it is at one moment, to a file that is empty or does not exist.
/// Others read and write meanwhile.
pub(crate) fn write_to(connection: &mut AnyConnection, file: &str) -> Result<(), Error> {
    match connection {
        AnyConnection::Sqlite(sqlite) => {
            sql_query("VACUUM INTO ?").bind::<Text, _>(file).execute(sqlite)?;
            Ok(())
        }
        #[cfg(any(feature = "postgres", feature = "mysql"))]
        _ => Err(no_file()),
    }
}

/// Refuses a file that is no whole database. It stays as it is.
pub(crate) fn check(path: &Path) -> Result<(), Error> {
    let file = file(path)?;
    let damaged = |finding: String| Error::Damaged { path: path.to_owned(), finding };
    let sqlite = &mut SqliteConnection::establish(&file).map_err(|error| Error::Open(Box::new(error)))?;
    let findings = sql_query("SELECT integrity_check AS name FROM pragma_integrity_check LIMIT 1")
        .load::<Named>(sqlite)
        .map_err(|error| damaged(error.to_string()))?;
    if let Some(finding) = findings.into_iter().find(|finding| finding.name != "ok") {
        return Err(damaged(finding.name));
    }
    let orphans =
        sql_query("SELECT \"table\" AS name FROM pragma_foreign_key_check LIMIT 1").load::<Named>(sqlite)?;
    match orphans.into_iter().next() {
        Some(orphan) => Err(damaged(format!("a row of {} refers to one that is not there", orphan.name))),
        None => Ok(()),
    }
}

/// Makes a copy readable beside the database. Comes before the transaction that reads it.
pub(crate) fn attach(connection: &mut AnyConnection, file: &str) -> Result<(), Error> {
    match connection {
        AnyConnection::Sqlite(sqlite) => {
            sql_query(format!("ATTACH DATABASE ? AS {COPY}")).bind::<Text, _>(file).execute(sqlite)?;
            Ok(())
        }
        #[cfg(any(feature = "postgres", feature = "mysql"))]
        _ => Err(no_file()),
    }
}

/// Within a transaction: makes the rows of every table those of the attached copy, but for the tables
/// `kept`. Both have the same tables.
pub(crate) fn take_over(connection: &mut AnyConnection, kept: &[&str]) -> Result<(), Error> {
    match connection {
        AnyConnection::Sqlite(sqlite) => {
            // The order of tables does not matter then; the commit checks all references.
            sql_query("PRAGMA defer_foreign_keys = ON").execute(sqlite)?;
            let tables = sql_query(
                "SELECT name FROM main.sqlite_master WHERE type = 'table' AND name NOT GLOB 'sqlite_*' ORDER BY name",
            );
            for Named { name: table } in tables.load::<Named>(sqlite)? {
                if !kept.contains(&table.as_str()) {
                    take_over_table(sqlite, &table)?;
                }
            }
            Ok(())
        }
        #[cfg(any(feature = "postgres", feature = "mysql"))]
        _ => Err(no_file()),
    }
}

fn take_over_table(sqlite: &mut SqliteConnection, table: &str) -> Result<(), Error> {
    let columns =
        sql_query("SELECT name FROM pragma_table_info(?)").bind::<Text, _>(table).load::<Named>(sqlite)?;
    let columns: Vec<String> = columns.iter().map(|column| quoted(&column.name)).collect();
    let (columns, table) = (columns.join(", "), quoted(table));
    sql_query(format!("DELETE FROM main.{table}")).execute(sqlite)?;
    sql_query(format!("INSERT INTO main.{table} ({columns}) SELECT {columns} FROM {COPY}.{table}"))
        .execute(sqlite)?;
    Ok(())
}

/// An identifier.
fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
