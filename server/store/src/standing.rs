//! How servers stand: what they say of themselves, and what people want of them.

use std::collections::HashMap;

use busbar_model::server::{Condition, Standing, Wanted};
use diesel::prelude::*;

use crate::{
    connection::AnyConnection,
    error::Error,
    schema::server_standing::{self, dsl},
    server::WHAT,
};

#[derive(Queryable, Selectable)]
#[diesel(table_name = server_standing)]
struct Row {
    server_id: String,
    wanted: String,
    condition_word: String,
    reason: Option<String>,
    address: Option<String>,
}

impl Row {
    fn into_model(self) -> Result<(String, Standing), Error> {
        let standing = Standing {
            wanted: self.wanted.parse().map_err(Error::corrupt::<String>(WHAT, &self.server_id))?,
            condition: self
                .condition_word
                .parse()
                .map_err(Error::corrupt::<String>(WHAT, &self.server_id))?,
            reason: self.reason,
            address: self.address,
        };
        Ok((self.server_id, standing))
    }
}

/// Of every server that has one.
pub(crate) fn all(connection: &mut AnyConnection) -> Result<HashMap<String, Standing>, Error> {
    let rows = server_standing::table.select(Row::as_select()).load(connection)?;
    rows.into_iter().map(Row::into_model).collect()
}

/// Stores what a server says of itself, and gives what is wanted of it, which is not its own to say.
pub(crate) fn report(connection: &mut AnyConnection, id: &str, reported: &Standing) -> Result<Wanted, Error> {
    let own = (
        server_standing::condition_word.eq(reported.condition.as_str()),
        server_standing::reason.eq(&reported.reason),
        server_standing::address.eq(&reported.address),
    );
    match find(connection, id)? {
        Some(found) => {
            let same = found.condition == reported.condition
                && found.reason == reported.reason
                && found.address == reported.address;
            if !same {
                diesel::update(dsl::server_standing.find(id)).set(own).execute(connection)?;
            }
            Ok(found.wanted)
        }
        None => {
            let wanted = Wanted::default();
            let key = (server_standing::server_id.eq(id), server_standing::wanted.eq(wanted.as_str()));
            diesel::insert_into(dsl::server_standing).values((key, own)).execute(connection)?;
            Ok(wanted)
        }
    }
}

/// Gives what was wanted before.
pub(crate) fn want(connection: &mut AnyConnection, id: &str, wanted: Wanted) -> Result<Wanted, Error> {
    if let Some(found) = find(connection, id)? {
        let set = server_standing::wanted.eq(wanted.as_str());
        diesel::update(dsl::server_standing.find(id)).set(set).execute(connection)?;
        return Ok(found.wanted);
    }
    let values = (
        server_standing::server_id.eq(id),
        server_standing::wanted.eq(wanted.as_str()),
        server_standing::condition_word.eq(Condition::default().as_str()),
    );
    diesel::insert_into(dsl::server_standing).values(values).execute(connection)?;
    Ok(Wanted::default())
}

pub(crate) fn stopped(connection: &mut AnyConnection, id: &str) -> Result<(), Error> {
    let set = (
        server_standing::condition_word.eq(Condition::Stopped.as_str()),
        server_standing::reason.eq(None::<String>),
    );
    diesel::update(dsl::server_standing.find(id)).set(set).execute(connection)?;
    Ok(())
}

pub(crate) fn forget(connection: &mut AnyConnection, id: &str) -> Result<(), Error> {
    diesel::delete(dsl::server_standing.find(id)).execute(connection)?;
    Ok(())
}

fn find(connection: &mut AnyConnection, id: &str) -> Result<Option<Standing>, Error> {
    let row = dsl::server_standing.find(id).select(Row::as_select()).first(connection).optional()?;
    Ok(row.map(Row::into_model).transpose()?.map(|(_, standing)| standing))
}
