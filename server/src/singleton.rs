//! The singleton: the work of a server that can't be parallel. It follows the ODB, feeds the workers,
//! takes in files, compiles, moves deployments on, and fires jobs.

mod breakers;
pub(crate) mod compiler;
mod contracts;
mod core;
mod deaths;
mod deployer;
mod exposition;
mod feeding;
mod follower;
mod heartbeat;
mod lead;
mod leadership;
mod membership;
mod messaging;
mod odb_counts;
mod ops;
mod pickup;
mod proposals;
mod scheduler;
mod standing;
mod sweeper;
mod workers;

use std::sync::Arc;

use anyhow::Context as _;
use tokio::{
    signal::unix::{SignalKind, signal},
    task::JoinSet,
};

pub(crate) use self::{core::Core, messaging::STATUS};
use crate::{
    boot::{self, Boot, LISTENER_FD},
    control::Control,
    logging, sys,
};

/// The process.
pub(crate) fn run() -> anyhow::Result<()> {
    let boot = boot::receive_as_child().context("failed to read what the parent says")?;
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().max_blocking_threads(16).build()?;
    let outcome = runtime.block_on(serve(boot));
    runtime.shutdown_timeout(std::time::Duration::from_millis(500));
    outcome
}

async fn serve(boot: Boot) -> anyhow::Result<()> {
    let logs = boot.settings.log.dir.clone().unwrap_or_else(|| boot.layout.logs());
    logging::start("singleton", &logs, &boot.settings.log.level)?;
    // A lease that is broken announces itself by this signal, which would end the process.
    let _lease_breaks = signal(SignalKind::io())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut replaced = signal(SignalKind::user_defined1())?;
    let control_path = boot.layout.control_socket("singleton", std::process::id());
    let control = Control::start(&control_path, "singleton").context("failed to open the control socket")?;
    let ops = match boot.development {
        true => None,
        false => Some(sys::inherited_listener(LISTENER_FD).context("failed to take over the ops socket")?),
    };
    if let Some(ops) = &ops {
        control.hold(ops)?;
    }
    boot::let_go()?;
    let core = Core::open(boot, control.clone()).await?;
    // What a generation needs to be fed: also while the singleton of another one leads.
    let mut parts = JoinSet::new();
    parts.spawn(feeding::serve(Arc::clone(&core)));
    parts.spawn(follower::run(Arc::clone(&core)));
    parts.spawn(standing::run(Arc::clone(&core)));
    parts.spawn(lead(Arc::clone(&core), ops));
    tokio::select! {
        _ = terminate.recv() => {
            parts.shutdown().await;
            leadership::depart(&core).await;
        }
        // Another singleton of this server takes its place.
        _ = replaced.recv() => {}
        () = control.drain_asked() => {}
        Some(outcome) = parts.join_next() => outcome.context("a part of the singleton ended badly")??,
    }
    let _ = std::fs::remove_file(control_path);
    Ok(())
}

/// Waits for its turn and does what one singleton at a time may do.
async fn lead(core: Arc<Core>, ops: Option<std::net::TcpListener>) -> anyhow::Result<()> {
    lead::take(&core.boot.layout).await?.keep();
    core.begin_to_lead()?;
    tracing::info!(pid = std::process::id(), "singleton leads");
    let mut parts = JoinSet::new();
    parts.spawn(ops::serve(Arc::clone(&core), ops));
    parts.spawn(follower::listen_for_hints(Arc::clone(&core)));
    parts.spawn(messaging::run(Arc::clone(&core)));
    parts.spawn(leadership::run(Arc::clone(&core)));
    parts.spawn(heartbeat::run(Arc::clone(&core)));
    parts.spawn(pickup::run(Arc::clone(&core)));
    parts.spawn(deployer::run(Arc::clone(&core)));
    parts.spawn(deaths::run(Arc::clone(&core)));
    parts.spawn(sweeper::run(Arc::clone(&core)));
    parts.spawn(scheduler::run(Arc::clone(&core)));
    parts.spawn(membership::run(Arc::clone(&core)));
    match parts.join_next().await {
        Some(outcome) => outcome.context("a part of the singleton ended badly")?,
        None => Ok(()),
    }
}
