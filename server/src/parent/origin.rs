//! How this process was started: what a reload starts again.

use std::{
    env,
    ffi::OsString,
    fs, io,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
};

use crate::settings;

#[derive(Clone, Debug)]
pub(crate) struct Origin {
    /// The path of the binary: where a newer one is put.
    pub(crate) program: PathBuf,
    /// The name that it was called by, and what followed.
    pub(crate) arguments: Vec<OsString>,
}

impl Origin {
    /// As the command line has it, if that leads to this very binary: a symbolic link in it is followed
    /// anew at a reload. Else where the binary stands.
    pub(crate) fn of_this_process() -> io::Result<Self> {
        let arguments: Vec<OsString> = env::args_os().collect();
        let own = fs::metadata("/proc/self/exe").map(|meta| (meta.dev(), meta.ino()))?;
        let is_own = |path: &PathBuf| fs::metadata(path).is_ok_and(|meta| (meta.dev(), meta.ino()) == own);
        let called = arguments.first().map(PathBuf::from).unwrap_or_default();
        let program = match candidates(&called)?.into_iter().find(is_own) {
            Some(program) => program,
            None => env::current_exe()?,
        };
        Ok(Self { program, arguments })
    }
}

/// Where a program of this name would be found (execvp(3)).
fn candidates(called: &Path) -> io::Result<Vec<PathBuf>> {
    if called.as_os_str().is_empty() {
        return Ok(Vec::new());
    }
    if called.components().count() > 1 {
        return Ok(vec![std::path::absolute(called)?]);
    }
    let path = settings::search_path().unwrap_or_default();
    Ok(env::split_paths(&path)
        .filter(|folder| folder.is_absolute())
        .map(|folder| folder.join(called))
        .collect())
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use super::{Origin, candidates};

    #[test]
    fn the_program_is_this_binary() {
        let origin = Origin::of_this_process().unwrap();
        assert!(origin.program.is_absolute());
        assert_eq!(
            fs::canonicalize(origin.program).unwrap(),
            fs::canonicalize(std::env::current_exe().unwrap()).unwrap()
        );
    }

    #[test]
    fn a_name_is_looked_for_and_a_path_is_taken_as_it_is() {
        assert_eq!(candidates(Path::new("/a/b")).unwrap(), [Path::new("/a/b")]);
        assert!(candidates(Path::new("a/b")).unwrap()[0].is_absolute());
        assert!(candidates(Path::new("sh")).unwrap().iter().any(|path| path.exists()));
        assert!(candidates(Path::new("")).unwrap().is_empty());
    }
}
