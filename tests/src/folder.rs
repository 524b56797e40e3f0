//! The folder that a quickstart lives in, which may outlive it.

use std::{
    ffi::OsStr,
    fs::{self, OpenOptions},
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use tempfile::TempDir;

use crate::{
    artifact,
    process::{self, Guardian, MARKER},
};

/// Removed, with every process that belongs to it, when it is dropped.
#[derive(Debug)]
pub struct Folder {
    root: TempDir,
    /// After the folder is gone there is nothing left for it to do.
    _guardian: Guardian,
}

impl Default for Folder {
    fn default() -> Self {
        let root =
            tempfile::Builder::new().prefix("busbar-e2e-").tempdir().expect("a temporary folder can be made");
        let guardian = Guardian::of(root.path());
        Self { root, _guardian: guardian }
    }
}

impl Folder {
    /// Around it all: unique, so that it tells whose a process is.
    pub fn root(&self) -> &Path {
        self.root.path()
    }

    /// What `--dir` is given.
    pub fn dir(&self) -> PathBuf {
        self.root().join("dir")
    }

    /// A file of the quickstart: `admin-token`.
    pub fn path(&self, name: &str) -> PathBuf {
        self.dir().join(name)
    }

    /// The text of a file of the quickstart.
    pub fn read(&self, name: &str) -> String {
        let path = self.path(name);
        fs::read_to_string(&path).unwrap_or_else(|error| panic!("failed to read {}: {error}", path.display()))
    }

    /// Permission bits of a file of the quickstart.
    pub fn mode(&self, name: &str) -> u32 {
        let path = self.path(name);
        let metadata = fs::metadata(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        metadata.permissions().mode() & 0o777
    }

    /// A folder that holds these services, for `--services`.
    pub fn seeds(&self, services: &[&str]) -> PathBuf {
        let folder = self.root().join("seeds");
        fs::create_dir_all(&folder).expect("the seeds' folder can be made");
        for name in services {
            fs::copy(artifact::service_file(name), folder.join(format!("{name}.wasm")))
                .expect("a seed can be copied");
        }
        folder
    }

    /// `busbar`, with nothing of this process's own settings, in the folder, and known as belonging to it.
    pub fn busbar(&self) -> Command {
        self.busbar_at(&artifact::binary())
    }

    /// The same, of a binary that stands elsewhere.
    pub fn busbar_at(&self, program: &Path) -> Command {
        self.command(program)
    }

    /// The same for any program, which ends with the folder.
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        self.adjusted(Command::new(program))
    }

    /// The same under limits of `ulimit`: `-n 400`.
    pub fn busbar_under(&self, limits: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", &format!("ulimit {limits} && exec \"$0\" \"$@\"")]).arg(artifact::binary());
        self.adjusted(command)
    }

    fn adjusted(&self, mut command: Command) -> Command {
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("BUSBAR_"))
        {
            command.env_remove(name);
        }
        command.env_remove("RUST_LOG").env_remove("RUST_BACKTRACE").env_remove("NO_COLOR");
        command.env(MARKER, self.root()).current_dir(self.root()).stdin(Stdio::null());
        command
    }

    /// Where standard output and error of the quickstart go.
    pub fn console_path(&self) -> PathBuf {
        self.root().join("console.log")
    }

    pub fn console(&self) -> String {
        fs::read(self.console_path())
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
            .unwrap_or_default()
    }

    /// Opened to append: what several starts say stands there one after the other.
    pub(crate) fn console_file(&self) -> Stdio {
        let file = OpenOptions::new().create(true).append(true).open(self.console_path());
        file.expect("the console's file can be opened").into()
    }

    /// The end of what the quickstart said, for a test that failed.
    pub fn tail(&self) -> String {
        let console = self.console();
        let lines: Vec<&str> = console.lines().collect();
        lines[lines.len().saturating_sub(60)..].join("\n")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("--- the end of what busbar said ---\n{}\n---", self.tail());
        }
        process::kill_all(self.root());
    }
}
