//! The one row that numbers changes and tells incarnations apart.

use diesel::prelude::*;
use uuid::Uuid;

use crate::{cluster, connection::AnyConnection, error::Error, odb::Odb, schema::meta};

const ROW: i32 = 1;

/// Where the database stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// Renewed when the database is restored; versions of two incarnations do not compare.
    pub incarnation: String,
    /// The number of the last change of a definition; 0 before the first.
    pub version: i64,
}

impl Odb {
    /// One statement on one row: fit for polling.
    pub fn head(&self) -> Result<Head, Error> {
        head(&mut *self.connection()?)
    }
}

pub(crate) fn head(connection: &mut AnyConnection) -> Result<Head, Error> {
    let row = meta::table
        .find(ROW)
        .select((meta::incarnation, meta::change_head))
        .first::<(String, i64)>(connection)
        .optional()?;
    let (incarnation, version) = row.ok_or(Error::NotMigrated)?;
    Ok(Head { incarnation, version })
}

/// Makes the row where there is none. Its caller alone migrates.
pub(crate) fn begin_incarnation(connection: &mut AnyConnection) -> Result<(), Error> {
    if matches!(head(connection), Err(Error::NotMigrated)) {
        diesel::insert_into(meta::table)
            .values((
                meta::id.eq(ROW),
                meta::incarnation.eq(Uuid::now_v7().to_string()),
                meta::change_head.eq(0_i64),
                meta::deployment_head.eq(0_i64),
            ))
            .execute(connection)?;
    }
    cluster::name(connection)
}

/// Tells readers that what they know may never have been: they read everything again.
pub(crate) fn renew_incarnation(connection: &mut AnyConnection) -> Result<(), Error> {
    diesel::update(meta::table.find(ROW))
        .set(meta::incarnation.eq(Uuid::now_v7().to_string()))
        .execute(connection)?;
    Ok(())
}

/// Takes the next `count` change numbers and gives the first. The row is locked until the commit: from here on,
/// or since the transaction began (`dialect::lock_definitions`).
pub(crate) fn take_changes(connection: &mut AnyConnection, count: i64) -> Result<i64, Error> {
    diesel::update(meta::table.find(ROW))
        .set(meta::change_head.eq(meta::change_head + count))
        .execute(connection)?;
    let last = meta::table.find(ROW).select(meta::change_head).first::<i64>(connection)?;
    Ok(last - count + 1)
}

/// Takes the next place in the order of deployments.
pub(crate) fn take_deployment(connection: &mut AnyConnection) -> Result<i64, Error> {
    diesel::update(meta::table.find(ROW))
        .set(meta::deployment_head.eq(meta::deployment_head + 1_i64))
        .execute(connection)?;
    Ok(meta::table.find(ROW).select(meta::deployment_head).first::<i64>(connection)?)
}
