//! How servers stand: what they say of themselves, and what people want of them.

use std::collections::HashMap;

use busbar_model::server::{Condition, Standing, WEIGHT_DEFAULT, Wanted};
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
    weight: i64,
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
            weight: u16::try_from(self.weight).map_err(Error::corrupt(WHAT, &self.server_id))?,
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
    let found = existing(connection, id)?;
    let same = found.condition == reported.condition
        && found.reason == reported.reason
        && found.address == reported.address;
    if !same {
        diesel::update(dsl::server_standing.find(id)).set(own).execute(connection)?;
    }
    Ok(found.wanted)
}

/// How a server stands; one that has said nothing yet begins to.
pub(crate) fn existing(connection: &mut AnyConnection, id: &str) -> Result<Standing, Error> {
    match find(connection, id)? {
        Some(found) => Ok(found),
        None => {
            begin(connection, id)?;
            Ok(Standing::default())
        }
    }
}

pub(crate) fn want(connection: &mut AnyConnection, id: &str, wanted: Wanted) -> Result<(), Error> {
    let set = server_standing::wanted.eq(wanted.as_str());
    diesel::update(dsl::server_standing.find(id)).set(set).execute(connection)?;
    Ok(())
}

pub(crate) fn weigh(connection: &mut AnyConnection, id: &str, weight: u16) -> Result<(), Error> {
    let set = server_standing::weight.eq(i64::from(weight));
    diesel::update(dsl::server_standing.find(id)).set(set).execute(connection)?;
    Ok(())
}

fn begin(connection: &mut AnyConnection, id: &str) -> Result<(), Error> {
    let values = (
        server_standing::server_id.eq(id),
        server_standing::wanted.eq(Wanted::default().as_str()),
        server_standing::condition_word.eq(Condition::default().as_str()),
        server_standing::weight.eq(i64::from(WEIGHT_DEFAULT)),
    );
    diesel::insert_into(dsl::server_standing).values(values).execute(connection)?;
    Ok(())
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
