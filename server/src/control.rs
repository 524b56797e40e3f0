//! The control socket of each process: `run/ROLE-PID.sock`, for the same user (or root) only.
//!
//! One JSON line asks, one answers: `{"op":"status"}`, `{"op":"drain"}`. `{"op":"listener"}` is answered
//! by the status, and with it comes a descriptor of the socket that the process listens on, if it does:
//! so a new parent gets it from what a killed one left behind. `{"op":"reload"}` is the parent's alone,
//! and answered by an `Outcome`.

mod asking;

use std::{
    io::{self, IoSlice},
    os::fd::{AsRawFd as _, OwnedFd},
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use nix::sys::socket::{ControlMessage, MsgFlags, sendmsg};
use serde::{Deserialize, Serialize};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Interest},
    net::{UnixListener, UnixStream},
    sync::{Notify, mpsc},
    time::sleep,
};

pub(crate) use self::asking::{Connection, ask, connect, living, outcome_of, paths};
use crate::trouble::{self, Trouble};

/// Pause after an accept that failed.
pub(crate) const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// Reloads that wait for the parent to be told that there is one already.
const RELOADS_MAX: usize = 4;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "op", rename_all = "kebab-case")]
pub(crate) enum Ask {
    Status,
    Drain,
    Listener,
    Reload { ready_ms: u64 },
}

/// How a process is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Status {
    pub(crate) role: String,
    pub(crate) pid: u32,
    /// It does its work; of the singleton: it feeds a catalog.
    pub(crate) ready: bool,
    /// Of the singleton: it is the one that takes in files and moves deployments on.
    pub(crate) leads: bool,
    /// Of the singleton: nothing waits to be picked up, deployed or switched to.
    pub(crate) settled: bool,
    pub(crate) catalog_version: i64,
}

/// How a reload went.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "kebab-case")]
pub(crate) enum Outcome {
    Reloaded { version: String, workers: u32 },
    Refused { reason: String },
}

/// Someone asks for a reload, and waits for its outcome.
#[derive(Debug)]
pub(crate) struct Reload {
    pub(crate) ready: Duration,
    pub(crate) stream: UnixStream,
}

/// What a process shows and obeys.
#[derive(Clone, Default)]
pub(crate) struct Control {
    status: Arc<Mutex<Status>>,
    drain: Arc<Notify>,
    listener: Arc<Mutex<Option<OwnedFd>>>,
    reloads: Option<mpsc::Sender<Reload>>,
}

impl Control {
    /// Listens until the process ends.
    pub(crate) fn start(path: &Path, role: &str) -> io::Result<Self> {
        let control = Self::default();
        control.serve(path, role)?;
        Ok(control)
    }

    /// The parent's: it is asked for reloads too.
    pub(crate) fn start_parent(path: &Path) -> io::Result<(Self, mpsc::Receiver<Reload>)> {
        let (send, receive) = mpsc::channel(RELOADS_MAX);
        let control = Self { reloads: Some(send), ..Self::default() };
        control.serve(path, "parent")?;
        Ok((control, receive))
    }

    fn serve(&self, path: &Path, role: &str) -> io::Result<()> {
        self.update(|status| (status.role, status.pid) = (role.to_owned(), std::process::id()));
        let listener = listen(path)?;
        let serving = self.clone();
        tokio::spawn(async move {
            loop {
                let Some((stream, _)) = accepted(listener.accept().await).await else { continue };
                if is_same_user(&stream) {
                    let control = serving.clone();
                    tokio::spawn(async move { control.answer(stream).await });
                }
            }
        });
        Ok(())
    }

    pub(crate) fn update(&self, change: impl FnOnce(&mut Status)) {
        change(&mut locked(&self.status));
    }

    /// The socket to be handed to a new parent.
    pub(crate) fn hold(&self, listener: &std::net::TcpListener) -> io::Result<()> {
        *locked(&self.listener) = Some(listener.try_clone()?.into());
        Ok(())
    }

    /// The process listens no more.
    pub(crate) fn release(&self) {
        drop(locked(&self.listener).take());
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
            if let Ask::Reload { ready_ms } = asked {
                let Some(reloads) = &self.reloads else { return Err(io::Error::other("no parent")) };
                let reload = Reload { ready: Duration::from_millis(ready_ms), stream: stream.into_inner() };
                return reloads.send(reload).await.map_err(io::Error::other);
            }
            if asked == Ask::Drain {
                self.drain.notify_one();
            }
            let answer = line_of(&*locked(&self.status))?;
            let listener = match asked {
                Ask::Listener => locked(&self.listener).as_ref().map(OwnedFd::try_clone).transpose()?,
                _ => None,
            };
            match listener {
                Some(listener) => send_with(stream.get_ref(), &answer, &listener).await?,
                None => stream.get_mut().write_all(&answer).await?,
            }
            line.clear();
        }
        Ok(())
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// JSON in one line.
pub(crate) fn line_of<T: Serialize>(message: &T) -> io::Result<Vec<u8>> {
    let mut line = serde_json::to_vec(message).map_err(io::Error::other)?;
    line.push(b'\n');
    Ok(line)
}

/// Sends a line and, in the same message, a descriptor (unix(7), `SCM_RIGHTS`). A line is far below what
/// a socket takes at once.
async fn send_with(stream: &UnixStream, line: &[u8], descriptor: &OwnedFd) -> io::Result<()> {
    let descriptors = [descriptor.as_raw_fd()];
    let rights = [ControlMessage::ScmRights(&descriptors)];
    let send = || {
        let sent =
            sendmsg::<()>(stream.as_raw_fd(), &[IoSlice::new(line)], &rights, MsgFlags::MSG_NOSIGNAL, None);
        Ok(sent?)
    };
    let sent = stream.async_io(Interest::WRITABLE, send).await?;
    if sent == line.len() { Ok(()) } else { Err(io::ErrorKind::WriteZero.into()) }
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
