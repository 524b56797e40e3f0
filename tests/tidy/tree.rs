//! The repository's files: those that git knows or would take.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// A file, by its path from the root.
#[derive(Debug)]
pub(crate) struct SourceFile {
    pub(crate) path: String,
    absolute: PathBuf,
}

impl SourceFile {
    pub(crate) fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or(&self.path)
    }

    /// `None` where it is no text.
    pub(crate) fn text(&self) -> Option<String> {
        fs::read(&self.absolute).ok().and_then(|bytes| String::from_utf8(bytes).ok())
    }
}

pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the crate stands in the root").to_owned()
}

/// Tracked files, and new ones that are not ignored.
pub(crate) fn files() -> Vec<SourceFile> {
    let root = root();
    let list = ["ls-files", "-z", "--cached", "--others", "--exclude-standard"];
    let output = Command::new("git").args(list).current_dir(&root).output().expect("git runs");
    assert!(output.status.success(), "git ls-files failed: {}", String::from_utf8_lossy(&output.stderr));
    let names = String::from_utf8(output.stdout).expect("paths are UTF-8");
    let mut files: Vec<SourceFile> = names
        .split('\0')
        .filter(|path| !path.is_empty())
        .map(|path| SourceFile { path: path.to_owned(), absolute: root.join(path) })
        // A file that was deleted is listed until that is committed.
        .filter(|file| file.absolute.is_file())
        .collect();
    files.sort_by(|a, b| a.path.cmp(&b.path));
    files.dedup_by(|a, b| a.path == b.path);
    assert!(files.len() > 20, "this does not look like the repository: {files:?}");
    files
}

pub(crate) fn rust_files() -> Vec<SourceFile> {
    files().into_iter().filter(|file| file.path.ends_with(".rs")).collect()
}
