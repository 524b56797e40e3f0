//! What the servers that share this database are known by together.

use diesel::prelude::*;
use uuid::Uuid;

use crate::{connection::AnyConnection, error::Error, odb::Odb, schema::cluster};

const ROW: i32 = 1;

impl Odb {
    /// A UUID that stays when the database is restored: brokers that several clusters use tell them apart by it.
    pub fn cluster_id(&self) -> Result<String, Error> {
        let id = cluster::table.find(ROW).select(cluster::cluster_id).first(&mut *self.connection()?);
        id.optional()?.ok_or(Error::NotMigrated)
    }
}

/// Makes the row where there is none. Its caller alone migrates.
pub(crate) fn name(connection: &mut AnyConnection) -> Result<(), Error> {
    if cluster::table.count().get_result::<i64>(connection)? == 0 {
        diesel::insert_into(cluster::table)
            .values((cluster::id.eq(ROW), cluster::cluster_id.eq(Uuid::now_v7().to_string())))
            .execute(connection)?;
    }
    Ok(())
}
