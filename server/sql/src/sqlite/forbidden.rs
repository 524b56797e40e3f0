//! Which files no connection may open: the bus's own. A process that closes a file lets go of all its locks on it
//! (fcntl(2)), whoever holds them, so that all of this looks at names and numbers and opens nothing.

use std::{
    ffi::OsString,
    fs,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
};

use crate::{ErrorKind, SqlError};

/// What SQLite opens beside a file.
const SIBLINGS: [&str; 3] = ["-wal", "-shm", "-journal"];
/// Folders within folders that are looked through for another name of a file.
const DEPTH_MAX: usize = 16;

type Identity = (u64, u64);

/// The path to open, without symbolic links.
pub(super) fn allowed(file: &Path, forbidden: &[PathBuf]) -> Result<PathBuf, SqlError> {
    let unreachable = |text: String| Err(ErrorKind::Unreachable { text }.undone());
    let real = match file.canonicalize() {
        Ok(real) => real,
        Err(error) => return unreachable(format!("{}: {error}", file.display())),
    };
    // What is opened beside it counts as much.
    let wanted: Vec<PathBuf> = with_siblings(real.clone()).iter().map(|path| resolved(path)).collect();
    let is_own = |path: &PathBuf| forbidden.iter().any(|own| is_within(path, own));
    if wanted.iter().any(is_own) {
        return unreachable(format!("{} is a file of the bus itself", file.display()));
    }
    Ok(real)
}

/// By its name, or as another name of the same file.
fn is_within(path: &Path, own: &Path) -> bool {
    let mut names = with_siblings(own.to_owned());
    names.extend(with_siblings(resolved(own)));
    if names.iter().any(|name| path.starts_with(resolved(name))) {
        return true;
    }
    let Ok(found) = path.metadata() else { return false };
    let identity = (found.dev(), found.ino());
    names.iter().any(|name| is_same(name, identity)) || (found.nlink() > 1 && holds(own, identity, DEPTH_MAX))
}

fn is_same(path: &Path, identity: Identity) -> bool {
    path.metadata().is_ok_and(|found| (found.dev(), found.ino()) == identity)
}

/// Whether a file has a name in the folder.
fn holds(folder: &Path, identity: Identity, depth: usize) -> bool {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut paths = entries.map(|entry| (entry.file_type().is_ok_and(|kind| kind.is_dir()), entry.path()));
    paths.any(|(is_folder, path)| {
        if is_folder { depth > 0 && holds(&path, identity, depth - 1) } else { is_same(&path, identity) }
    })
}

/// Where nothing is there yet, what its folder resolves to.
fn resolved(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| match (path.parent().map(Path::canonicalize), path.file_name()) {
        (Some(Ok(folder)), Some(name)) => folder.join(name),
        _ => path.to_owned(),
    })
}

fn with_siblings(path: PathBuf) -> Vec<PathBuf> {
    let beside = SIBLINGS.iter().map(|ending| {
        let mut name = OsString::from(&path);
        name.push(ending);
        PathBuf::from(name)
    });
    let mut paths: Vec<PathBuf> = beside.collect();
    paths.push(path);
    paths
}
