//! The files of a log folder.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

const ENDING: &str = ".jsonl";
/// One that has grown large and was set aside.
const ENDING_ASIDE: &str = ".jsonl.1";
const ACCESS: &str = "access-";

#[derive(Debug)]
pub(super) struct LogFile {
    pub(super) path: PathBuf,
    /// Whose it is: `worker-0`, and `access-0` for its access log.
    pub(super) process: Arc<str>,
}

impl LogFile {
    fn of(path: PathBuf) -> Option<Self> {
        let name = path.file_name()?.to_str()?;
        let process = name.strip_suffix(ENDING).or_else(|| name.strip_suffix(ENDING_ASIDE))?;
        Some(Self { process: process.into(), path })
    }

    pub(super) fn is_access(&self) -> bool {
        self.process.starts_with(ACCESS)
    }
}

/// In the order of their names; what was set aside comes before what goes on.
pub(super) fn files(folder: &Path) -> io::Result<Vec<LogFile>> {
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_file() {
            paths.push(entry.path());
        }
    }
    paths.sort_by(|a, b| b.cmp(a));
    Ok(paths.into_iter().filter_map(LogFile::of).collect())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::files;

    #[test]
    fn only_logs_are_read_and_what_was_set_aside_first() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["worker-0.jsonl", "worker-0.jsonl.1", "access-0.jsonl", "core", "x.jsonl.gz"] {
            fs::write(folder.path().join(name), "").unwrap();
        }
        fs::create_dir(folder.path().join("folder.jsonl")).unwrap();
        let found = files(folder.path()).unwrap();
        let names: Vec<_> =
            found.iter().map(|file| file.path.file_name().unwrap().to_str().unwrap()).collect();
        assert_eq!(names, ["worker-0.jsonl.1", "worker-0.jsonl", "access-0.jsonl"]);
        assert_eq!(found[0].process, found[1].process);
        assert!(found[2].is_access() && !found[0].is_access());
    }
}
