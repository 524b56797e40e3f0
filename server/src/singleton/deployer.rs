//! Moves deployments on: received → validated → compiled → prepared on every live server → active.
//!
//! Every server of the cluster does so for itself, by what the ODB says of it; whichever is the last to be prepared
//! makes the switch.
//!
//! Everything is read from the ODB and the workers' reports anew at each round, so a round can be lost
//! or repeated, also by a crash, and the next one goes on where things stand.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use busbar_model::{
    Deployment, DeploymentState, Digest, Name,
    bounds::{HEARTBEAT_DEAD_MS, PLUGIN_VERSIONS_KEPT},
    plugin::Description,
};
use busbar_store::{Error, LeftOut};
use tokio::time::{sleep, timeout};

use crate::{
    causes::chain,
    clock,
    settings::Unprepared,
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
        .filter(|deployment| stage(core, deployment) >= Stage::Compiled)
        .map(|deployment| deployment.digest)
        .collect();
    core.waits.keep(|id| pending.iter().any(|deployment| deployment.id == id));
    core.feed.send_if_modified(|feed| {
        let differs = feed.prepare.1 != prepare;
        if differs {
            feed.prepare = (core.workers.begin_preparing(), prepare);
        }
        differs
    });
    // What waits for other servers does not keep this one from being settled.
    let is_open = |deployment: &Deployment| {
        core.boot.development || matches!(stage(core, deployment), Stage::Begun | Stage::Compiled)
    };
    core.set_deployed(!pending.iter().any(is_open), head.version);
    for deployment in pending {
        let moved = match stage(core, &deployment) {
            Stage::Begun => {
                start_compiling(core, compiling, deployment);
                continue;
            }
            Stage::Compiled => prepare_here(core, &deployment).await,
            Stage::LeftOut | Stage::Prepared => switch(core, &deployment).await,
        };
        if let Err(error) = moved {
            // The others go on.
            tracing::warn!(deployment = deployment.id, error = %chain(&error), "deployment can't be moved on at present");
        }
    }
    Ok(())
}

/// Since when this server waits for others, by deployment.
#[derive(Default)]
pub(crate) struct Waits(Mutex<HashMap<String, Instant>>);

impl Waits {
    fn since(&self, id: &str) -> Instant {
        *self.lock().entry(id.to_owned()).or_insert_with(Instant::now)
    }

    fn keep(&self, is_pending: impl Fn(&str) -> bool) {
        self.lock().retain(|id, _| is_pending(id));
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Instant>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How far this server is with a deployment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    Begun,
    /// It is not prepared, and the deployment goes on without it.
    LeftOut,
    Compiled,
    Prepared,
}

fn stage(core: &Core, deployment: &Deployment) -> Stage {
    let own = deployment.servers.iter().find(|server| server.server == core.boot.server_name);
    match own.map(|own| own.state) {
        Some(DeploymentState::Failed) => Stage::LeftOut,
        // Its artifact may be gone with the machine's cache.
        Some(DeploymentState::Compiled) if core.artifacts.has(&deployment.digest) => Stage::Compiled,
        Some(DeploymentState::Prepared) if core.artifacts.has(&deployment.digest) => Stage::Prepared,
        _ => Stage::Begun,
    }
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
    let started = Instant::now();
    let (id, digest) = (deployment.id.clone(), deployment.digest);
    // A version that was live before, or that another server has described, needs no more than an artifact.
    let known = deployment.state != DeploymentState::Received && core.artifacts.has(&digest);
    if !known {
        let description = match compiler::compile(core, digest, deployment.plugin.clone()).await {
            Ok(description) => description,
            Err(Failure::Refused(reason)) => return fail(core, deployment, reason).await,
            Err(failure @ Failure::Killed) => return unprepared(core, deployment, failure.to_string()).await,
            Err(Failure::Temporary(reason)) => {
                tracing::warn!(deployment = deployment.id, reason, "not compiled yet; it is tried again");
                // Not at once: what is short may come back.
                sleep(RETRY_AFTER).await;
                return Ok(());
            }
        };
        if deployment.state == DeploymentState::Received
            && let Some(reason) = describe(core, deployment, description).await?
        {
            return fail(core, deployment, reason).await;
        }
    }
    let server = core.boot.server_name.clone();
    overtaken(core.odb(move |odb| odb.compiled_on(&id, &server, clock::now())).await)?;
    core.deploy.notify_one();
    let took_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    tracing::info!(deployment = deployment.id, plugin = %deployment.plugin, %digest, took_ms, "compiled");
    Ok(())
}

/// Tells the ODB what the component says of itself; why that can't be, if so.
async fn describe(
    core: &Core,
    deployment: &Deployment,
    description: Description,
) -> Result<Option<String>, Error> {
    let described = deployment.clone();
    let outcome = core.odb(move |odb| {
        overtaken(odb.described(&described.id, &description, clock::now()))?;
        contracts::refusal(odb, &described)
    });
    match outcome.await {
        Err(error @ Error::ServiceTaken { .. }) => Ok(Some(chain(&error))),
        outcome => outcome,
    }
}

/// Another server moved the deployment on meanwhile: the next round sees how far it is.
fn overtaken(outcome: Result<(), Error>) -> Result<(), Error> {
    match outcome {
        Err(Error::WrongState { .. }) => Ok(()),
        other => other,
    }
}

async fn prepare_here(core: &Arc<Core>, deployment: &Deployment) -> Result<(), Error> {
    match core.workers.preparation(&deployment.digest) {
        Preparation::Waiting => Ok(()),
        Preparation::Impossible(reason) => {
            unprepared(core, deployment, format!("a worker can't load it: {reason}")).await
        }
        Preparation::Done => {
            let (id, server) = (deployment.id.clone(), core.boot.server_name.clone());
            core.odb(move |odb| odb.prepared_on(&id, &server, clock::now(), HEARTBEAT_DEAD_MS)).await?;
            core.tell_others();
            switch(core, deployment).await
        }
    }
}

/// This server can't be prepared: what becomes of the deployment is a matter of policy.
async fn unprepared(core: &Arc<Core>, deployment: &Deployment, reason: String) -> Result<(), Error> {
    let server = core.boot.server_name.clone();
    leave_out(core, deployment, vec![server], reason).await
}

async fn leave_out(
    core: &Arc<Core>,
    deployment: &Deployment,
    servers: Vec<String>,
    reason: String,
) -> Result<(), Error> {
    let told = format!("on {}: {reason}", servers.join(", "));
    if core.boot.settings.deploy.unprepared == Unprepared::LeaveOut {
        let (id, by) = (deployment.id.clone(), core.by(&deployment.actor));
        let left = core.odb(move |odb| odb.leave_out(&by, &id, &servers, &reason, HEARTBEAT_DEAD_MS)).await?;
        tracing::warn!(deployment = deployment.id, plugin = %deployment.plugin, told, "servers are left out of a deployment");
        if left == LeftOut::GoesOn {
            core.changed();
            return Ok(());
        }
    }
    fail(core, deployment, told).await
}

/// Servers that live and are not prepared are not waited for for ever.
async fn waited(core: &Arc<Core>, deployment: &Deployment, servers: Vec<String>) -> Result<(), Error> {
    let patience_s = core.boot.settings.deploy.patience_s;
    // From when this server could have switched.
    if core.waits.since(&deployment.id).elapsed() < Duration::from_secs(patience_s) {
        tracing::debug!(deployment = deployment.id, ?servers, "servers are not prepared yet");
        return Ok(());
    }
    leave_out(core, deployment, servers, format!("not prepared within {patience_s} s")).await
}

/// The one commit that lets the cluster's callers meet the new version. Whichever server comes first makes it.
async fn switch(core: &Arc<Core>, deployment: &Deployment) -> Result<(), Error> {
    let (id, by, development) = (deployment.id.clone(), core.by(&deployment.actor), core.boot.development);
    let wanted = deployment.clone();
    let switched = core.odb(move |odb| {
        // Again, since others may have gone live since it was described.
        if let Some(reason) = contracts::refusal(odb, &wanted)? {
            return Ok(Err(reason));
        }
        let proposals = match odb.description(&id)? {
            Some(description) if development => proposals(&description),
            _ => Vec::new(),
        };
        odb.activate(&by, &id, HEARTBEAT_DEAD_MS, proposals).map(Ok)
    });
    let activation = match switched.await {
        Err(Error::NotPrepared { servers }) => return waited(core, deployment, servers).await,
        Err(Error::WrongState { .. }) => return Ok(()),
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
    core.changed();
    tokio::spawn(tidy(Arc::clone(core), active.plugin));
    Ok(())
}

async fn fail(core: &Arc<Core>, deployment: &Deployment, reason: String) -> Result<(), Error> {
    tracing::warn!(deployment = deployment.id, plugin = %deployment.plugin, digest = %deployment.digest, reason, "deployment failed");
    let (id, by) = (deployment.id.clone(), core.by(&deployment.actor));
    match core.odb(move |odb| odb.fail(&by, &id, &reason)).await {
        // Another server was faster, and did better.
        Err(Error::WrongState { .. }) => {}
        outcome => drop(outcome?),
    }
    tokio::spawn(tidy(Arc::clone(core), deployment.plugin.clone()));
    core.changed();
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
