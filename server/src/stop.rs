//! `busbar stop`: ends what runs in a folder, also what a killed parent left behind.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use anyhow::{Context as _, anyhow, bail};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use tokio::time::{sleep, timeout};

use crate::{
    control,
    layout::Layout,
    parent::{self, Process},
};

const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Asks the parent to stop, then what else runs in the folder: an admin process of its own, or the
/// orphans of a parent that was killed. Waits until all are gone.
pub(crate) async fn run(folder: &Path, patience: Duration) -> anyhow::Result<()> {
    let layout = Layout::existing(folder)
        .with_context(|| format!("failed to find a busbar folder at {}", folder.display()))?;
    let deadline = Instant::now() + patience;
    let parent = parent::running(&layout)?;
    if let Some(pid) = parent {
        terminate(pid);
        while parent::running(&layout)?.is_some() {
            pause(deadline, patience).await?;
        }
    }
    let others = control::living(&layout).await?;
    if parent.is_none() && others.is_empty() {
        bail!("nothing runs in {}", layout.root().display());
    }
    // A process takes its control socket away before it has ended.
    let others: Vec<_> = others.iter().filter_map(|other| Process::open(other.pid).ok()).collect();
    others.iter().for_each(|other| other.signal(Signal::SIGTERM));
    for other in &others {
        let left = deadline.saturating_duration_since(Instant::now());
        timeout(left, other.ended()).await.map_err(|_| late(patience))??;
    }
    while !control::living(&layout).await?.is_empty() {
        pause(deadline, patience).await?;
    }
    Ok(())
}

fn terminate(pid: u32) {
    // One that is gone already has done what it was to do.
    let _ = kill(Pid::from_raw(pid.cast_signed()), Signal::SIGTERM);
}

async fn pause(deadline: Instant, patience: Duration) -> anyhow::Result<()> {
    if Instant::now() > deadline {
        return Err(late(patience));
    }
    sleep(LOOK_EVERY).await;
    Ok(())
}

fn late(patience: Duration) -> anyhow::Error {
    anyhow!("processes did not stop within {} s", patience.as_secs())
}
