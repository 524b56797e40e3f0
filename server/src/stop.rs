//! `busbar stop`: ends what runs in a folder, also what a killed parent left behind.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use anyhow::{Context as _, bail};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use tokio::time::sleep;

use crate::{control, layout::Layout, parent};

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
    others.iter().for_each(|other| terminate(other.pid));
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
        bail!("processes did not stop within {} s", patience.as_secs());
    }
    sleep(LOOK_EVERY).await;
    Ok(())
}
