//! The command line, run to its end.

use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::Value;
use tokio::time::timeout;

use crate::{folder::Folder, quickstart::Quickstart};

/// A deploy that waits for the compiler is the longest.
const BOUND: Duration = Duration::from_secs(90);

/// What a command left.
#[derive(Debug)]
pub struct Finished {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Finished {
    #[track_caller]
    pub fn expect(&self, code: i32) -> &Self {
        assert_eq!(self.code, Some(code), "{self:?}");
        self
    }

    /// Standard output of a command that was asked for JSON.
    #[track_caller]
    pub fn json(&self) -> Value {
        self.expect(0);
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

impl Folder {
    /// Runs `busbar` with these arguments.
    pub async fn run(&self, arguments: &[&str]) -> Finished {
        self.run_with(arguments, |_| {}).await
    }

    /// The same, with the command adjusted.
    pub async fn run_with(&self, arguments: &[&str], adjust: impl FnOnce(&mut Command)) -> Finished {
        self.finished(arguments, BOUND, adjust).await
    }

    /// The same of what takes long: to compile an interpreter, for one.
    pub async fn run_within(&self, arguments: &[&str], bound: Duration) -> Finished {
        self.finished(arguments, bound, |_| {}).await
    }

    async fn finished(
        &self,
        arguments: &[&str],
        bound: Duration,
        adjust: impl FnOnce(&mut Command),
    ) -> Finished {
        let mut command = self.busbar();
        command.args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped());
        adjust(&mut command);
        let mut command = tokio::process::Command::from(command);
        let output = timeout(bound, command.kill_on_drop(true).output()).await;
        let output = output.unwrap_or_else(|_| panic!("busbar {arguments:?} took longer than {bound:?}"));
        let output = output.expect("busbar starts");
        Finished {
            code: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

impl Quickstart {
    /// Runs `busbar` with these arguments and this quickstart's `--dir`.
    pub async fn cli(&self, arguments: &[&str]) -> Finished {
        let dir = self.folder().dir();
        let dir = dir.to_str().expect("the folder's name is text");
        self.folder().run(&[arguments, &["--dir", dir]].concat()).await
    }
}
