//! How far each server is with a deployment, and whether all that live are ready for the switch.

use busbar_model::{DeploymentState, Timestamp};
use diesel::prelude::*;

use crate::{
    change::By,
    connection::AnyConnection,
    deployment::{require_row, set_state},
    error::Error,
    odb::Odb,
    schema::deployment_server,
    server,
};

/// What becomes of a deployment that a server can't be prepared for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LeftOut {
    /// Others are, or may be.
    GoesOn,
    /// No server that lives is, nor will be.
    NobodyIsLeft,
}

impl Odb {
    /// The server has compiled it. The deployment follows where it is not further.
    pub fn compiled_on(&self, id: &str, server: &str, now: Timestamp) -> Result<(), Error> {
        self.write(|connection| {
            let row = require_row(connection, id)?;
            let state = row.state()?;
            if state == DeploymentState::Validated {
                set_state(connection, id, DeploymentState::Compiled, None, now)?;
            } else if !matches!(state, DeploymentState::Compiled | DeploymentState::Prepared) {
                return Err(Error::WrongState { id: row.id, from: state, to: DeploymentState::Compiled });
            }
            set_server_state(connection, id, server, (DeploymentState::Compiled, None), now)
        })
    }

    /// The server is prepared. The deployment is when every server is whose heartbeat is newer than
    /// `dead_after_ms` ago.
    pub fn prepared_on(
        &self,
        id: &str,
        server: &str,
        now: Timestamp,
        dead_after_ms: i64,
    ) -> Result<(), Error> {
        self.write(|connection| {
            let row = require_row(connection, id)?;
            set_server_state(connection, id, server, (DeploymentState::Prepared, None), now)?;
            if row.state()? == DeploymentState::Compiled
                && require(connection, id, now, dead_after_ms).is_ok()
            {
                set_state(connection, id, DeploymentState::Prepared, None, now)?;
            }
            Ok(())
        })
    }

    /// The deployment is to go on without these servers, for that reason.
    pub fn leave_out(
        &self,
        by: &By,
        id: &str,
        servers: &[String],
        reason: &str,
        dead_after_ms: i64,
    ) -> Result<LeftOut, Error> {
        self.write(|connection| {
            let state = require_row(connection, id)?.state()?;
            if !state.is_pending() {
                return Ok(LeftOut::GoesOn);
            }
            let before = states(connection, id)?;
            let is_prepared = |server: &String| {
                before
                    .iter()
                    .any(|(name, state)| name == server && *state == DeploymentState::Prepared.as_str())
            };
            // One may have become so a moment ago.
            for server in servers.iter().filter(|server| !is_prepared(server)) {
                set_server_state(connection, id, server, (DeploymentState::Failed, Some(reason)), by.now)?;
            }
            let states = states(connection, id)?;
            let failed = |server: &String| {
                states
                    .iter()
                    .any(|(name, state)| name == server && *state == DeploymentState::Failed.as_str())
            };
            let live = server::live(connection, by.now, dead_after_ms)?;
            Ok(if live.iter().all(failed) { LeftOut::NobodyIsLeft } else { LeftOut::GoesOn })
        })
    }
}

/// Fails unless every live server is prepared or left out.
pub(crate) fn require(
    connection: &mut AnyConnection,
    id: &str,
    now: Timestamp,
    dead_after_ms: i64,
) -> Result<(), Error> {
    let done = [DeploymentState::Prepared.as_str(), DeploymentState::Failed.as_str()];
    let mut states = states(connection, id)?;
    states.retain(|(_, state)| done.contains(&state.as_str()));
    let mut waited_for = server::live(connection, now, dead_after_ms)?;
    waited_for.retain(|live| !states.iter().any(|(server, _)| server == live));
    if waited_for.is_empty() { Ok(()) } else { Err(Error::NotPrepared { servers: waited_for }) }
}

fn states(connection: &mut AnyConnection, id: &str) -> Result<Vec<(String, String)>, Error> {
    Ok(deployment_server::table
        .filter(deployment_server::deployment_id.eq(id))
        .select((deployment_server::server, deployment_server::state))
        .load(connection)?)
}

fn set_server_state(
    connection: &mut AnyConnection,
    id: &str,
    server: &str,
    (state, reason): (DeploymentState, Option<&str>),
    now: Timestamp,
) -> Result<(), Error> {
    let values = (
        deployment_server::state.eq(state.as_str()),
        deployment_server::reason.eq(reason),
        deployment_server::updated_us.eq(now.0),
    );
    let row = deployment_server::table.find((id, server));
    if diesel::update(row).set(values).execute(connection)? == 0 {
        let key = (deployment_server::deployment_id.eq(id), deployment_server::server.eq(server));
        diesel::insert_into(deployment_server::table).values((key, values)).execute(connection)?;
    }
    Ok(())
}
