//! One parent per folder.

use std::{
    fs::{File, OpenOptions, TryLockError},
    io::{Read as _, Seek as _, Write as _},
    os::fd::{AsFd, BorrowedFd, OwnedFd},
};

use anyhow::Context as _;

use crate::{layout::Layout, parent::Ended};

/// Held for as long as the parent lives, also when it executes itself anew; the kernel gives it back
/// whatever happens.
#[derive(Debug)]
pub(crate) struct Lock(File);

impl Lock {
    /// Of a descriptor that was kept over an `exec`.
    pub(crate) fn kept(descriptor: OwnedFd) -> Self {
        Self(descriptor.into())
    }
}

impl AsFd for Lock {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// Refuses where a parent runs.
pub(crate) fn take(layout: &Layout) -> Result<Lock, Ended> {
    let mut file = open(layout)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let folder = layout.root().display().to_string();
            return Err(Ended::Running { folder, who: format!("process {}", holder(&mut file)?) });
        }
        Err(TryLockError::Error(error)) => {
            return Err(anyhow::Error::from(error).context("failed to lock the folder").into());
        }
    }
    let written =
        file.set_len(0).and_then(|()| file.rewind()).and_then(|()| write!(file, "{}", std::process::id()));
    written.context("failed to write the lock file")?;
    Ok(Lock(file))
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
