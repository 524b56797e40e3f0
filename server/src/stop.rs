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

/// Asks the parent to stop, or its orphans where there is no parent; waits until all are gone.
pub(crate) async fn run(folder: &Path, patience: Duration) -> anyhow::Result<()> {
    let layout = Layout::existing(folder)
        .with_context(|| format!("failed to find a busbar folder at {}", folder.display()))?;
    let orphans = || async {
        Ok::<_, anyhow::Error>(
            control::living(&layout.run()).await?.into_iter().map(|s| s.pid).collect::<Vec<_>>(),
        )
    };
    let pids = match parent::running(&layout)? {
        Some(parent) => vec![parent],
        None => orphans().await?,
    };
    if pids.is_empty() {
        bail!("nothing runs in {}", layout.root().display());
    }
    for pid in &pids {
        let _ = kill(Pid::from_raw(pid.cast_signed()), Signal::SIGTERM);
    }
    let deadline = Instant::now() + patience;
    while parent::running(&layout)?.is_some() || !orphans().await?.is_empty() {
        if Instant::now() > deadline {
            bail!("processes did not stop within {} s", patience.as_secs());
        }
        sleep(LOOK_EVERY).await;
    }
    Ok(())
}
