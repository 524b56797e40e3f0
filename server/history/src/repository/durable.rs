//! Files that are whole whatever happens, and that stay their owner's.

use std::{
    fs::{self, File, OpenOptions},
    io::Write as _,
    os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, chown},
    path::Path,
};

use crate::error::Error;

/// Puts a file in place: written beside, on the disk, renamed. `partial` is on the same file system.
pub(crate) fn replace(path: &Path, partial: &Path, mode: u32, bytes: &[u8]) -> Result<(), Error> {
    let opened = OpenOptions::new().write(true).create(true).truncate(true).mode(mode).open(partial);
    let mut file = opened.map_err(Error::io(partial))?;
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(Error::io(partial))?;
    adopt(partial);
    fs::rename(partial, path).map_err(Error::io(path))?;
    sync_parent(path)
}

/// To the disk.
pub(crate) fn sync(path: &Path) -> Result<(), Error> {
    File::open(path).and_then(|file| file.sync_all()).map_err(Error::io(path))
}

/// So that the name is on the disk too.
pub(crate) fn sync_parent(path: &Path) -> Result<(), Error> {
    path.parent().map_or(Ok(()), sync)
}

/// Gives what root made to whoever owns the folder around it: a server that does not run as root goes on with
/// it. Nobody else may, or has to.
pub(crate) fn adopt(path: &Path) {
    let owner = |path: &Path| path.symlink_metadata().ok().map(|found| (found.uid(), found.gid()));
    let (Some(own), Some(wanted)) = (owner(path), path.parent().and_then(owner)) else { return };
    if own.0 != wanted.0 {
        let _ = chown(path, Some(wanted.0), Some(wanted.1));
    }
}
