//! Bringing the tables to what this binary needs.

use std::collections::BTreeSet;

use diesel::{migration::MigrationSource, prelude::*, result::Error as QueryError};
use diesel_migrations::MigrationHarness as _;

use crate::{
    connection::{AnyConnection, MultiBackend},
    dialect,
    error::Error,
    meta, odb,
    schema::__diesel_schema_migrations as applied_migration,
    url::Url,
};

pub(crate) fn migrate(url: &Url) -> Result<(), Error> {
    let _lock = dialect::prepare_to_migrate(url)?;
    let connection = &mut dialect::connect(url)?;
    match check(connection) {
        Err(Error::NotMigrated) => {}
        done => return done,
    }
    // In one transaction where the database has transactional DDL, and waiting for writers that
    // still run on the tables as they were. Elsewhere what stops half-way is run again.
    let in_transaction = dialect::migrates_in_transaction(connection);
    odb::retry(|| match in_transaction {
        true => odb::write(connection, &mut run),
        false => run(connection),
    })
}

fn run(connection: &mut AnyConnection) -> Result<(), Error> {
    let source = dialect::migrations(connection);
    connection.run_pending_migrations(source).map_err(|error| match error.downcast::<QueryError>() {
        Ok(error) => Error::from(*error),
        Err(error) => Error::Migration(error),
    })?;
    meta::begin_incarnation(connection)
}

/// Whether what this binary needs is there. A newer binary's migrations may be there too: they add before they
/// take away, so that processes of the version before go on, and start again, until a reload replaces them.
pub(crate) fn check_to_open(connection: &mut AnyConnection) -> Result<(), Error> {
    match check(connection) {
        Err(Error::Newer { version }) => {
            tracing::warn!(version, "database was migrated by a newer version of Busbar");
            meta::head(connection).map(drop)
        }
        other => other,
    }
}

/// Whether exactly this binary's migrations were applied, and completely.
fn check(connection: &mut AnyConnection) -> Result<(), Error> {
    let known = versions(connection)?;
    let applied = match applied_migration::table.select(applied_migration::version).load::<String>(connection)
    {
        Err(error) if dialect::is_missing_table(&error) => return Err(Error::NotMigrated),
        other => other?,
    };
    if let Some(version) = applied.iter().find(|version| !known.contains(*version)) {
        return Err(Error::Newer { version: version.clone() });
    }
    if applied.len() < known.len() {
        return Err(Error::NotMigrated);
    }
    meta::head(connection).map(drop)
}

/// Whether this is a database of the bus, of whatever version.
pub(crate) fn is_begun(connection: &mut AnyConnection) -> Result<bool, Error> {
    match applied_migration::table.count().get_result::<i64>(connection) {
        Err(error) if dialect::is_missing_table(&error) => Ok(false),
        other => other.map(|_| true).map_err(Error::from),
    }
}

fn versions(connection: &AnyConnection) -> Result<BTreeSet<String>, Error> {
    let migrations = MigrationSource::<MultiBackend>::migrations(&dialect::migrations(connection))
        .map_err(Error::Migration)?;
    Ok(migrations.iter().map(|migration| migration.name().version().to_string()).collect())
}
