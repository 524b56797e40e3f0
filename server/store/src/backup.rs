//! Copies of the whole database, and putting one in the place of what is there.

use std::path::Path;

use busbar_model::DeploymentState;
use diesel::prelude::*;

use crate::{
    connection::AnyConnection,
    deployment::pending_states,
    dialect::{self, copy},
    error::Error,
    meta::{self, Head},
    migrate, odb,
    odb::Odb,
    schema::{deployment, deployment_server},
    turn::Turns,
    url::Url,
};

/// Tables that tell what is the case now and here, which no copy knows. Of the nonces those count that were used
/// since: a copy's have expired.
const KEPT: [&str; 8] = [
    "__diesel_schema_migrations",
    "balancer_report",
    "cluster",
    "lease",
    "server",
    "server_standing",
    "server_worker",
    "used_nonce",
];

impl Odb {
    /// Writes a copy of a database, as it is at one moment, to a file that is empty or does not exist
    /// yet. Others read and write meanwhile. The copy is whole, or there is an error. A server's database is
    /// copied by its own tools.
    pub fn copy(url: &str, to: &Path) -> Result<Head, Error> {
        let url = Url::parse(url)?;
        copy::require_file(&url)?;
        if !dialect::exists(&url) {
            return Err(Error::NotMigrated);
        }
        let file = copy::file(to)?;
        let head = {
            let connection = &mut dialect::connect(&url)?;
            odb::retry(|| copy::write_to(connection, &file))?;
            meta::head(connection)?
        };
        copy::check(to)?;
        Ok(head)
    }

    /// Makes a database, which is made if need be, what a copy is, in one transaction. Who reads it
    /// meets another incarnation from then on. A copy by an older version is migrated first, where it
    /// is; one by a newer version is refused.
    pub fn replace(url: &str, copy: &Path) -> Result<Head, Error> {
        let url = Url::parse(url)?;
        copy::require_file(&url)?;
        let file = copy::file(copy)?;
        let copied = Url::Sqlite(file.clone());
        copy::check(copy)?;
        if !migrate::is_begun(&mut dialect::connect(&copied)?)? {
            return Err(Error::NotMigrated);
        }
        migrate::migrate(&copied)?;
        migrate::migrate(&url)?;
        let connection = &mut dialect::connect(&url)?;
        copy::attach(connection, &file)?;
        let turns = Turns::of(&url)?;
        odb::retry(|| {
            let _turn = turns.wait();
            odb::write(connection, &mut |connection| {
                copy::take_over(connection, &KEPT)?;
                prepare_again(connection)?;
                meta::renew_incarnation(connection)?;
                meta::head(connection)
            })
        })
    }
}

/// What workers had prepared when the copy was made they may not have now: deployments that were under
/// way begin again where it does not matter.
fn prepare_again(connection: &mut AnyConnection) -> Result<(), Error> {
    let pending = deployment::table.filter(deployment::state.eq_any(pending_states()));
    let ids = pending.select(deployment::id).load::<String>(connection)?;
    diesel::delete(deployment_server::table.filter(deployment_server::deployment_id.eq_any(ids)))
        .execute(connection)?;
    let described = [DeploymentState::Compiled, DeploymentState::Prepared].map(DeploymentState::as_str);
    diesel::update(deployment::table.filter(deployment::state.eq_any(described)))
        .set(deployment::state.eq(DeploymentState::Validated.as_str()))
        .execute(connection)?;
    Ok(())
}
