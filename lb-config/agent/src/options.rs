//! How an agent is started, and why it can't be.

use std::{io, path::PathBuf, time::Duration};

/// All that is of this host. `Options::new` has the defaults.
#[derive(Clone, Debug)]
pub struct Options {
    /// What the agent is called in its reports.
    pub name: String,
    /// Configurations, their history, and the sockets. Absolute, 70 bytes at most, and this agent's alone.
    pub folder: PathBuf,
    /// The program.
    pub haproxy: PathBuf,
    /// How often the source is asked, and reported to.
    pub poll: Duration,
    /// How long a configuration has to show that it works.
    pub verify: Duration,
    /// How long a start or reload may take before it has failed.
    pub patience: Duration,
    /// What is asked of each plain address to listen at; a server answers it with 200.
    pub canary: String,
    /// Stop HAProxy with the agent, for a balancer that is there for a while only.
    pub stop_haproxy: bool,
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{key} is {value}: {allowed}")]
    Invalid { key: &'static str, value: String, allowed: &'static str },
    #[error("another agent has the folder {0}")]
    Locked(PathBuf),
    #[error("use {path}")]
    Folder {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
}

/// A socket's path has 107 bytes, and HAProxy binds under a longer temporary name first.
const FOLDER_BYTES_MAX: usize = 70;

impl Options {
    /// Asks once a second; a configuration has 10 s to show that it works.
    pub fn new(name: &str, folder: PathBuf) -> Self {
        Self {
            name: name.to_owned(),
            folder,
            haproxy: PathBuf::from("haproxy"),
            poll: Duration::from_secs(1),
            verify: Duration::from_secs(10),
            patience: Duration::from_secs(10),
            canary: "/_busbar/ping".to_owned(),
            stop_haproxy: false,
        }
    }

    pub(crate) fn check(&self) -> Result<(), Error> {
        let invalid = |key, value: String, allowed| Err(Error::Invalid { key, value, allowed });
        let folder = self.folder.display().to_string();
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/._-+=:".contains(&byte);
        if !folder.starts_with('/') || folder.len() > FOLDER_BYTES_MAX || !folder.bytes().all(plain) {
            return invalid(
                "folder",
                folder,
                "an absolute path of 70 bytes at most, of letters, digits and any of / . _ - + = :, is allowed",
            );
        }
        let visible = self.canary.bytes().all(|byte| byte.is_ascii_graphic());
        if !self.canary.starts_with('/') || !visible {
            return invalid(
                "canary",
                self.canary.clone(),
                "a path that begins with '/', without spaces, is allowed",
            );
        }
        let times = [("poll", self.poll), ("verify", self.verify), ("patience", self.patience)];
        for (key, time) in times {
            if !(Duration::from_millis(50)..=Duration::from_secs(600)).contains(&time) {
                return invalid(key, format!("{time:?}"), "50 ms to 10 minutes are allowed");
            }
        }
        Ok(())
    }
}
