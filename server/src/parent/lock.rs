//! One parent per folder.

use std::{
    fs::{File, OpenOptions, TryLockError},
    io::{Read as _, Seek as _, Write as _},
};

use anyhow::Context as _;

use crate::{
    control,
    layout::Layout,
    parent::{Ended, child::Role},
};

/// Held for as long as the parent lives; the kernel gives it back whatever happens.
pub(crate) struct Lock(#[expect(dead_code, reason = "held open, never read")] File);

/// Refuses where a parent runs, or processes of one that was killed.
pub(crate) async fn take(layout: &Layout) -> Result<Lock, Ended> {
    let taken = Ended::Running { folder: layout.root().display().to_string(), who: String::new() };
    let mut file = open(layout)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            return Err(with_who(taken, format!("process {}", holder(&mut file)?)));
        }
        Err(TryLockError::Error(error)) => {
            return Err(anyhow::Error::from(error).context("failed to lock the folder").into());
        }
    }
    let mut orphans = control::living(layout).await.map_err(anyhow::Error::from)?;
    // An admin process may well run on its own.
    orphans.retain(|status| status.role != Role::Admin.name());
    if !orphans.is_empty() {
        let pids: Vec<String> = orphans.iter().map(|status| status.pid.to_string()).collect();
        return Err(with_who(taken, format!("processes {} of a parent that was killed", pids.join(", "))));
    }
    let written =
        file.set_len(0).and_then(|()| file.rewind()).and_then(|()| write!(file, "{}", std::process::id()));
    written.context("failed to write the lock file")?;
    Ok(Lock(file))
}

fn with_who(ended: Ended, who: String) -> Ended {
    match ended {
        Ended::Running { folder, .. } => Ended::Running { folder, who },
        other => other,
    }
}

/// The parent that runs in a folder.
pub(crate) fn running(layout: &Layout) -> anyhow::Result<Option<u32>> {
    let mut file = open(layout)?;
    match file.try_lock_shared() {
        Ok(()) => Ok(None),
        Err(TryLockError::WouldBlock) => holder(&mut file).map(Some),
        Err(TryLockError::Error(error)) => Err(error).context("failed to look at the folder's lock"),
    }
}

fn open(layout: &Layout) -> anyhow::Result<File> {
    let path = layout.lock();
    let opened = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path);
    opened.with_context(|| format!("failed to open {}", path.display()))
}

fn holder(file: &mut File) -> anyhow::Result<u32> {
    let mut text = String::new();
    file.read_to_string(&mut text)?;
    text.trim().parse().context("failed to read the lock file")
}
