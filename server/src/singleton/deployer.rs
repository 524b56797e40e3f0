//! Moves deployments on: received → validated → compiled → prepared on every live server → active.
//!
//! Everything is read from the ODB and the workers' reports anew at each round, so a round can be lost
//! or repeated, also by a crash, and the next one goes on where things stand.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use busbar_model::{
    Deployment, DeploymentState, Digest, Name,
    bounds::{HEARTBEAT_DEAD_MS, PLUGIN_VERSIONS_KEPT},
};
use busbar_store::Error;
use tokio::time::{sleep, timeout};

use crate::{
    causes::chain,
    clock,
    singleton::{
        Core,
        compiler::{self, Failure},
        contracts,
        proposals::proposals,
        workers::Preparation,
    },
};

/// A round is made at least so often.
const ROUND_EVERY: Duration = Duration::from_secs(1);

/// Pause before compiling is tried again where the machine was at fault.
const RETRY_AFTER: Duration = Duration::from_secs(5);

/// Deployments that are being compiled.
type Compiling = Arc<Mutex<HashSet<String>>>;

pub(crate) async fn run(core: Arc<Core>) -> anyhow::Result<()> {
    let compiling = Compiling::default();
    loop {
        if let Err(error) = round(&core, &compiling).await {
            tracing::warn!(error = %chain(&error), "deployments can't be moved on at present");
        }
        let _ = timeout(ROUND_EVERY, core.deploy.notified()).await;
    }
}

async fn round(core: &Arc<Core>, compiling: &Compiling) -> Result<(), Error> {
    let (pending, head) = core.odb(|odb| Ok((odb.pending_deployments()?, odb.head()?))).await?;
    let prepare: Vec<Digest> = pending
        .iter()
        .filter(|d| matches!(d.state, DeploymentState::Compiled | DeploymentState::Prepared))
        .map(|d| d.digest)
        .collect();
    core.feed.send_if_modified(|feed| {
        let differs = feed.prepare.1 != prepare;
        if differs {
            feed.prepare = (core.workers.begin_preparing(), prepare);
        }
        differs
    });
    core.set_deployed(pending.is_empty(), head.version);
    for deployment in pending {
        let moved = match deployment.state {
            DeploymentState::Compiled => prepare_here(core, &deployment).await,
            DeploymentState::Prepared => switch(core, &deployment).await,
            _ => {
                start_compiling(core, compiling, deployment);
                continue;
            }
        };
        if let Err(error) = moved {
            // The others go on.
            tracing::warn!(deployment = deployment.id, error = %chain(&error), "deployment can't be moved on at present");
        }
    }
    Ok(())
}

/// Compiling takes its time, so it goes on beside the rounds.
fn start_compiling(core: &Arc<Core>, compiling: &Compiling, deployment: Deployment) {
    let mut under_way = compiling.lock().unwrap_or_else(PoisonError::into_inner);
    if under_way.insert(deployment.id.clone()) {
        let (core, compiling) = (Arc::clone(core), Arc::clone(compiling));
        tokio::spawn(async move {
            if let Err(error) = compile(&core, &deployment).await {
                tracing::warn!(deployment = deployment.id, error = %chain(&error), "deployment could not be recorded; it is tried again");
            }
            compiling.lock().unwrap_or_else(PoisonError::into_inner).remove(&deployment.id);
            core.deploy.notify_one();
        });
    }
}

async fn compile(core: &Arc<Core>, deployment: &Deployment) -> Result<(), Error> {
    let started = std::time::Instant::now();
    let (id, digest) = (deployment.id.clone(), deployment.digest);
    // A version that was live before has an artifact and a description already.
    let known = deployment.state == DeploymentState::Validated && core.artifacts.has(&digest);
    if !known {
        let description = match compiler::compile(core, digest, deployment.plugin.clone()).await {
            Ok(description) => description,
            Err(failure @ (Failure::Refused(_) | Failure::Killed)) => {
                return fail(core, deployment, failure.to_string()).await;
            }
            Err(Failure::Temporary(reason)) => {
                tracing::warn!(deployment = deployment.id, reason, "not compiled yet; it is tried again");
                // Not at once: what is short may come back.
                sleep(RETRY_AFTER).await;
                return Ok(());
            }
        };
        if deployment.state == DeploymentState::Received {
            let described = deployment.clone();
            let outcome = core.odb(move |odb| {
                odb.described(&described.id, &description, clock::now())?;
                contracts::refusal(odb, &described)
            });
            match outcome.await {
                Err(error @ Error::ServiceTaken { .. }) => {
                    return fail(core, deployment, chain(&error)).await;
                }
                Ok(Some(reason)) => return fail(core, deployment, reason).await,
                outcome => drop(outcome?),
            }
        }
    }
    let server = core.boot.server_name.clone();
    core.odb(move |odb| {
        odb.advance(&id, DeploymentState::Compiled, clock::now())?;
        odb.set_server_state(&id, &server, DeploymentState::Compiled, None, clock::now())
    })
    .await?;
    let took_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    tracing::info!(deployment = deployment.id, plugin = %deployment.plugin, %digest, took_ms, "compiled");
    Ok(())
}

async fn prepare_here(core: &Arc<Core>, deployment: &Deployment) -> Result<(), Error> {
    match core.workers.preparation(&deployment.digest) {
        Preparation::Waiting => Ok(()),
        Preparation::Impossible(reason) => {
            fail(core, deployment, format!("a worker can't load it: {reason}")).await
        }
        Preparation::Done => {
            let (id, server) = (deployment.id.clone(), core.boot.server_name.clone());
            core.odb(move |odb| {
                odb.set_server_state(&id, &server, DeploymentState::Prepared, None, clock::now())?;
                odb.advance(&id, DeploymentState::Prepared, clock::now())
            })
            .await?;
            switch(core, deployment).await
        }
    }
}

/// The one commit that lets the cluster's callers meet the new version.
async fn switch(core: &Arc<Core>, deployment: &Deployment) -> Result<(), Error> {
    let (id, by, development) = (deployment.id.clone(), core.by(&deployment.actor), core.boot.development);
    let wanted = deployment.clone();
    let dead_ms = i64::try_from(HEARTBEAT_DEAD_MS).unwrap_or(i64::MAX);
    let switched = core.odb(move |odb| {
        // Again, since others may have gone live since it was described.
        if let Some(reason) = contracts::refusal(odb, &wanted)? {
            return Ok(Err(reason));
        }
        let proposals = match odb.description(&id)? {
            Some(description) if development => proposals(&description),
            _ => Vec::new(),
        };
        odb.activate(&by, &id, dead_ms, proposals).map(Ok)
    });
    let activation = match switched.await {
        Err(Error::NotPrepared { servers }) => {
            tracing::debug!(deployment = deployment.id, ?servers, "servers are not prepared yet");
            return Ok(());
        }
        Err(error @ Error::ServiceTaken { .. }) => return fail(core, deployment, chain(&error)).await,
        Ok(Err(reason)) => return fail(core, deployment, reason).await,
        Ok(Ok(activation)) => activation,
        Err(error) => return Err(error),
    };
    let active = activation.deployment;
    tracing::info!(deployment = active.id, plugin = %active.plugin, digest = %active.digest, state = %active.state, "deployed");
    for reason in activation.skipped {
        tracing::warn!(plugin = %active.plugin, reason, "a proposed channel was not made");
    }
    core.follow.notify_one();
    core.put_away.notify_one();
    core.deploy.notify_one();
    tokio::spawn(tidy(Arc::clone(core), active.plugin));
    Ok(())
}

async fn fail(core: &Arc<Core>, deployment: &Deployment, reason: String) -> Result<(), Error> {
    tracing::warn!(deployment = deployment.id, plugin = %deployment.plugin, digest = %deployment.digest, reason, "deployment failed");
    let (id, by) = (deployment.id.clone(), core.by(&deployment.actor));
    core.odb(move |odb| odb.fail(&by, &id, &reason)).await?;
    tokio::spawn(tidy(Arc::clone(core), deployment.plugin.clone()));
    core.put_away.notify_one();
    core.deploy.notify_one();
    Ok(())
}

/// Forgets versions that nobody will go back to.
async fn tidy(core: Arc<Core>, plugin: Name) {
    let pruned = core.odb(move |odb| odb.prune_versions(&plugin, PLUGIN_VERSIONS_KEPT)).await;
    match pruned {
        Ok(digests) => {
            for digest in digests {
                let _ = std::fs::remove_file(core.artifacts.path(&digest));
            }
        }
        Err(error) => tracing::warn!(error = %chain(&error), "old versions can't be deleted at present"),
    }
}
