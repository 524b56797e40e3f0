//! The control socket of each process: `run/ROLE-PID.sock`, for the same user (or root) only.
//!
//! One JSON line asks, one answers: `{"op":"status"}`, `{"op":"drain"}`.

use std::{
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use serde::{Deserialize, Serialize};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader},
    net::{UnixListener, UnixStream},
    sync::Notify,
    time::{sleep, timeout},
};

use crate::{
    layout::Layout,
    trouble::{self, Trouble},
};

const ANSWER_TIMEOUT: Duration = Duration::from_secs(2);
/// Pause after an accept that failed.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "op", rename_all = "kebab-case")]
pub(crate) enum Ask {
    Status,
    Drain,
}

/// How a process is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Status {
    pub(crate) role: String,
    pub(crate) pid: u32,
    /// It does its work.
    pub(crate) ready: bool,
    /// Of the singleton: nothing waits to be picked up, deployed or switched to.
    pub(crate) settled: bool,
    pub(crate) catalog_version: i64,
}

/// What a process shows and obeys.
#[derive(Clone, Default)]
pub(crate) struct Control {
    status: Arc<Mutex<Status>>,
    drain: Arc<Notify>,
}

impl Control {
    /// Listens until the process ends.
    pub(crate) fn start(path: &Path, role: &str) -> io::Result<Self> {
        let control = Self::default();
        control.update(|status| (status.role, status.pid) = (role.to_owned(), std::process::id()));
        let listener = listen(path)?;
        let serving = control.clone();
        tokio::spawn(async move {
            loop {
                let Some((stream, _)) = accepted(listener.accept().await).await else { continue };
                if is_same_user(&stream) {
                    let control = serving.clone();
                    tokio::spawn(async move { control.answer(stream).await });
                }
            }
        });
        Ok(control)
    }

    pub(crate) fn update(&self, change: impl FnOnce(&mut Status)) {
        change(&mut self.status.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// Returns when someone asks the process to drain.
    pub(crate) async fn drain_asked(&self) {
        self.drain.notified().await;
    }

    async fn answer(&self, stream: UnixStream) -> io::Result<()> {
        let mut stream = BufReader::new(stream);
        let mut line = String::new();
        while stream.read_line(&mut line).await? > 0 {
            let asked: Ask = serde_json::from_str(&line).map_err(io::Error::other)?;
            if asked == Ask::Drain {
                self.drain.notify_one();
            }
            let status = self.status.lock().unwrap_or_else(PoisonError::into_inner).clone();
            let mut answer = serde_json::to_vec(&status).map_err(io::Error::other)?;
            answer.push(b'\n');
            stream.get_mut().write_all(&answer).await?;
            line.clear();
        }
        Ok(())
    }
}

/// What was accepted. A failure, mostly for want of descriptors, passes: there is a pause, and the next
/// one is accepted.
pub(crate) async fn accepted<T>(outcome: io::Result<T>) -> Option<T> {
    match outcome {
        Ok(connection) => Some(connection),
        Err(error) => {
            trouble::note(Trouble::Descriptors, error);
            sleep(ACCEPT_PAUSE).await;
            None
        }
    }
}

/// Binds a socket where an earlier process may have left one.
pub(crate) fn listen(path: &Path) -> io::Result<UnixListener> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    UnixListener::bind(path)
}

/// Whether the other side is the same user or root.
pub(crate) fn is_same_user(stream: &UnixStream) -> bool {
    let own = nix::unistd::geteuid().as_raw();
    stream.peer_cred().is_ok_and(|peer| peer.uid() == own || peer.uid() == 0)
}

/// Asks the process behind `path`.
pub(crate) async fn ask(path: &Path, ask: Ask) -> io::Result<Status> {
    let exchange = async {
        let mut stream = BufReader::new(UnixStream::connect(path).await?);
        let mut question = serde_json::to_vec(&ask).map_err(io::Error::other)?;
        question.push(b'\n');
        stream.get_mut().write_all(&question).await?;
        let mut line = String::new();
        stream.read_line(&mut line).await?;
        serde_json::from_str(&line).map_err(io::Error::other)
    };
    timeout(ANSWER_TIMEOUT, exchange).await?
}

/// The control sockets in a run folder, and removes those whose process is gone.
pub(crate) async fn living(layout: &Layout) -> io::Result<Vec<Status>> {
    let mut found = Vec::new();
    for path in sockets(layout)? {
        match ask(&path, Ask::Status).await {
            Ok(status) => found.push(status),
            Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
                drop(std::fs::remove_file(&path))
            }
            Err(_) => {}
        }
    }
    Ok(found)
}

fn sockets(layout: &Layout) -> io::Result<Vec<PathBuf>> {
    let entries = match std::fs::read_dir(layout.run()) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let is_control = |name: &String| {
        let stem = name.strip_suffix(".sock").unwrap_or_default();
        stem.rsplit_once('-').is_some_and(|(_, pid)| pid.parse::<u32>().is_ok())
    };
    let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    Ok(names.filter(is_control).map(|name| layout.socket(&name)).collect())
}
