//! Processes that others have replaced: they drain, and are ended if that takes too long.

use std::{sync::Arc, time::Duration};

use nix::sys::signal::Signal;
use tokio::time::timeout;

use crate::{
    layout::Layout,
    parent::{STOP_SLACK, child::Role, process::Process},
};

#[derive(Clone, Debug)]
pub(crate) struct Retired {
    pub(crate) process: Arc<Process>,
    /// As in the name of its control socket.
    pub(crate) role: String,
}

/// Asks all of them to drain; returns when all have ended, by themselves or by force.
pub(crate) async fn retire(layout: Layout, retired: Vec<Retired>, patience: Duration) {
    for retired in &retired {
        // Its server goes on: it is not to say that it ends.
        let is_singleton = retired.role == Role::Singleton.name();
        retired.process.signal(if is_singleton { Signal::SIGUSR1 } else { Signal::SIGTERM });
    }
    let ends: Vec<_> = retired
        .into_iter()
        .map(|retired| {
            let layout = layout.clone();
            tokio::spawn(async move {
                end(&retired, patience).await;
                // One that was killed leaves its control socket.
                let _ = std::fs::remove_file(layout.control_socket(&retired.role, retired.process.pid));
            })
        })
        .collect();
    for end in ends {
        let _ = end.await;
    }
}

async fn end(Retired { process, role }: &Retired, patience: Duration) {
    // A singleton serves nobody: it has nothing to drain.
    let patience = if *role == Role::Singleton.name() { STOP_SLACK } else { patience };
    if timeout(patience, process.ended()).await.is_err() {
        tracing::warn!(
            pid = process.pid,
            role,
            "a process that was replaced did not end in time; it is killed"
        );
        process.signal(Signal::SIGKILL);
        if let Err(error) = process.ended().await {
            tracing::error!(pid = process.pid, role, %error, "a process that was replaced was lost");
        }
    }
}
