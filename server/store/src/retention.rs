//! What old versions leave behind.

use std::collections::BTreeSet;

use busbar_model::{DeploymentState, Digest, Name};
use diesel::prelude::*;

use crate::{
    artifact,
    connection::AnyConnection,
    deployment::{WHAT, pending_states},
    error::Error,
    odb::Odb,
    schema::{deployment, deployment_server, plugin},
};

/// Deployments of one plugin that are kept as history.
const DEPLOYMENTS_KEPT: i64 = 1_000;

impl Odb {
    /// Deletes the artifacts of a plugin, or of failed deployments under that name, except those
    /// of pending deployments, of the version that was last active and of the `keep` before it.
    /// Gives the digests deleted.
    pub fn prune_versions(&self, name: &Name, keep: usize) -> Result<Vec<Digest>, Error> {
        self.write(|connection| {
            let mut deleted = Vec::new();
            for digest in unneeded(connection, name, keep.saturating_add(1))? {
                if artifact::delete(connection, &digest)? {
                    deleted.push(digest.parse().map_err(Error::corrupt(WHAT, &digest))?);
                }
            }
            forget_oldest(connection, name)?;
            Ok(deleted)
        })
    }
}

/// Deletes the artifacts of a plugin that is no more, except those of others.
pub(crate) fn forget_artifacts(connection: &mut AnyConnection, name: &Name) -> Result<(), Error> {
    for digest in unneeded(connection, name, 0)? {
        artifact::delete(connection, &digest)?;
    }
    Ok(())
}

/// Digests of a plugin's artifacts, except those of the `kept_max` versions that were active last and of
/// others.
fn unneeded(connection: &mut AnyConnection, name: &Name, kept_max: usize) -> Result<BTreeSet<String>, Error> {
    let ours = deployment::plugin.eq(name.as_str());
    let activated = deployment::table
        .filter(ours.and(deployment::activation.is_not_null()))
        .order(deployment::activation.desc())
        .select(deployment::digest)
        .load::<String>(connection)?;
    let mut kept: Vec<String> = Vec::new();
    for digest in activated {
        if kept.len() >= kept_max {
            break;
        }
        if !kept.contains(&digest) {
            kept.push(digest);
        }
    }
    let mut digests: BTreeSet<String> =
        deployment::table.filter(ours).select(deployment::digest).load(connection)?.into_iter().collect();
    digests.retain(|digest| !kept.contains(digest));
    let failed = DeploymentState::Failed.as_str();
    let elsewhere = deployment::table
        .filter(deployment::digest.eq_any(&digests))
        .filter(
            deployment::state
                .eq_any(pending_states())
                .or(deployment::plugin.ne(name.as_str()).and(deployment::state.ne(failed))),
        )
        .select(deployment::digest)
        .load::<String>(connection)?;
    digests.retain(|digest| !elsewhere.contains(digest));
    Ok(digests)
}

fn forget_oldest(connection: &mut AnyConnection, name: &Name) -> Result<(), Error> {
    let ends = DeploymentState::ALL.into_iter().filter(|state| !state.is_pending());
    let active = plugin::table
        .filter(plugin::name.eq(name.as_str()))
        .select(plugin::active_deployment)
        .first::<Option<String>>(connection)
        .optional()?
        .flatten();
    let oldest = deployment::table
        .filter(deployment::plugin.eq(name.as_str()))
        .filter(deployment::state.eq_any(ends.map(DeploymentState::as_str)))
        .order(deployment::ordinal.desc())
        .offset(DEPLOYMENTS_KEPT)
        .limit(DEPLOYMENTS_KEPT)
        .select(deployment::id)
        .load::<String>(connection)?;
    for id in oldest.iter().filter(|id| Some(*id) != active.as_ref()) {
        diesel::delete(deployment_server::table.filter(deployment_server::deployment_id.eq(id)))
            .execute(connection)?;
        diesel::delete(deployment::table.find(id)).execute(connection)?;
    }
    Ok(())
}
