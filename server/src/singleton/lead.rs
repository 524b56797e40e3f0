//! One singleton at a time leads: it takes in files, compiles what is deployed, moves deployments on and speaks
//! for the server. For a moment there are two, when one generation of processes replaces another.

use std::{
    fs::{File, OpenOptions, TryLockError},
    time::Duration,
};

use anyhow::Context as _;
use tokio::time::sleep;

use crate::layout::Layout;

/// Between two looks whether the one before is gone.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// Given back when it is dropped, or when the process ends, however that comes about.
#[derive(Debug)]
pub(crate) struct Lead(File);

impl Lead {
    /// Holds it until the process ends: what was begun on other threads may outlast who waits for it.
    pub(crate) fn keep(self) {
        std::mem::forget(self.0);
    }
}

/// Returns when no other singleton of the folder leads.
pub(crate) async fn take(layout: &Layout) -> anyhow::Result<Lead> {
    let path = layout.lead_lock();
    let opened = OpenOptions::new().write(true).create(true).truncate(false).open(&path);
    let file = opened.with_context(|| format!("failed to open {}", path.display()))?;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(Lead(file)),
            Err(TryLockError::WouldBlock) => sleep(LOOK_EVERY).await,
            Err(TryLockError::Error(error)) => {
                return Err(error).with_context(|| format!("failed to lock {}", path.display()));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::timeout;

    use super::take;
    use crate::layout::Layout;

    #[tokio::test]
    async fn one_leads_and_the_next_one_waits() {
        let folder = tempfile::tempdir().unwrap();
        let layout = Layout::create(folder.path()).unwrap();
        let first = take(&layout).await.unwrap();
        assert!(timeout(Duration::from_millis(50), take(&layout)).await.is_err());
        drop(first);
        take(&layout).await.unwrap();
    }
}
