//! What callers of a plugin count on, and who said to go against it.

use std::collections::HashSet;

use busbar_model::{Channel, plugin::Description};
use diesel::prelude::*;

use crate::{
    channel,
    connection::AnyConnection,
    deployment::{Row, require_row},
    error::Error,
    odb::Odb,
    schema::{deployment, forced_deployment},
};

/// What callers were last given.
#[derive(Clone, Debug, PartialEq)]
pub struct Promise {
    pub description: Description,
    /// Channels to its services.
    pub channels: Vec<Channel>,
}

impl Odb {
    /// What callers met of the deployment's plugin before: the version that is active or, after a recall,
    /// was last. `None` where there was none, where the deployment has no description yet, and where a
    /// deployment that was created later went live already.
    pub fn promise(&self, id: &str) -> Result<Option<Promise>, Error> {
        self.read(|connection| {
            let own = require_row(connection, id)?;
            let Some(description) = own.description()? else { return Ok(None) };
            let last = deployment::table
                .filter(deployment::plugin.eq(description.name.as_str()))
                .filter(deployment::activation.is_not_null())
                .order(deployment::activation.desc())
                .select(Row::as_select())
                .first::<Row>(connection)
                .optional()?;
            let Some(last) = last.filter(|last| last.ordinal < own.ordinal) else { return Ok(None) };
            let Some(description) = last.description()? else { return Ok(None) };
            let mut channels = channel::all(connection)?;
            channels
                .retain(|channel| description.services.iter().any(|service| service.name == channel.service));
            Ok(Some(Promise { description, channels }))
        })
    }
}

pub(crate) fn force(connection: &mut AnyConnection, id: &str) -> Result<(), Error> {
    diesel::insert_into(forced_deployment::table)
        .values(forced_deployment::deployment_id.eq(id))
        .execute(connection)?;
    Ok(())
}

/// Which of the deployments were forced.
pub(crate) fn forced(connection: &mut AnyConnection, ids: &[&String]) -> Result<HashSet<String>, Error> {
    let forced = forced_deployment::table
        .filter(forced_deployment::deployment_id.eq_any(ids))
        .select(forced_deployment::deployment_id)
        .load::<String>(connection)?;
    Ok(forced.into_iter().collect())
}

pub(crate) fn forget(connection: &mut AnyConnection, id: &str) -> Result<(), Error> {
    diesel::delete(forced_deployment::table.find(id)).execute(connection)?;
    Ok(())
}
