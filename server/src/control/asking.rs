//! Asking processes through their control sockets.

use std::{
    io::{self, BufRead as _, BufReader as BlockingReader, IoSliceMut, Read, Write as _},
    net::TcpListener,
    os::{fd::AsRawFd as _, unix::net::UnixStream as BlockingStream},
    path::{Path, PathBuf},
    time::Duration,
};

use nix::sys::socket::{ControlMessageOwned, MsgFlags, recvmsg};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader},
    net::UnixStream,
    time::timeout,
};

use super::{Ask, Outcome, Status, line_of};
use crate::{layout::Layout, sys};

const ANSWER_TIMEOUT: Duration = Duration::from_secs(2);
/// Bytes of an answer.
const ANSWER_BYTES_MAX: usize = 64 * 1024;

/// Asks the process behind `path`.
pub(crate) async fn ask(path: &Path, ask: Ask) -> io::Result<Status> {
    let exchange = async {
        let mut stream = BufReader::new(UnixStream::connect(path).await?);
        stream.get_mut().write_all(&line_of(&ask)?).await?;
        let mut line = String::new();
        stream.read_line(&mut line).await?;
        serde_json::from_str(&line).map_err(io::Error::other)
    };
    timeout(ANSWER_TIMEOUT, exchange).await?
}

/// Asks the parent behind `path` for a reload and waits, within `patience`, for how it went.
pub(crate) async fn outcome_of(path: &Path, reload: Ask, patience: Duration) -> io::Result<Outcome> {
    let exchange = async {
        let mut stream = BufReader::new(UnixStream::connect(path).await?);
        stream.get_mut().write_all(&line_of(&reload)?).await?;
        let mut line = String::new();
        match stream.read_line(&mut line).await? {
            0 => Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the parent ended without an answer")),
            _ => serde_json::from_str(&line).map_err(io::Error::other),
        }
    };
    timeout(patience, exchange).await?
}

/// The processes that answer in a run folder. Sockets whose process is gone are removed.
pub(crate) async fn living(layout: &Layout) -> io::Result<Vec<Status>> {
    let mut found = Vec::new();
    for path in paths(layout)? {
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

/// The control sockets in a run folder.
pub(crate) fn paths(layout: &Layout) -> io::Result<Vec<PathBuf>> {
    let entries = match std::fs::read_dir(layout.run()) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    Ok(names.filter(|name| parts(name).is_some()).map(|name| layout.socket(&name)).collect())
}

/// The role and the process id in a control socket's name.
fn parts(name: &str) -> Option<(&str, u32)> {
    let (role, pid) = name.strip_suffix(".sock")?.rsplit_once('-')?;
    Some((role, pid.parse().ok()?))
}

/// A connection to a process that may not answer.
#[derive(Debug)]
pub(crate) struct Connection {
    stream: BlockingStream,
    /// As the socket's name says.
    pub(crate) role: String,
    /// As the kernel says.
    pub(crate) pid: u32,
}

/// Connects to the process behind `path`; `None` where it is gone, and then the socket is removed. Blocks.
pub(crate) fn connect(path: &Path) -> io::Result<Option<Connection>> {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let Some((role, named)) = parts(name) else { return Ok(None) };
    let stream = match BlockingStream::connect(path) {
        Ok(stream) => stream,
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
            let _ = std::fs::remove_file(path);
            return Ok(None);
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let peer = nix::sys::socket::getsockopt(&stream, nix::sys::socket::sockopt::PeerCredentials)?;
    let own = nix::unistd::geteuid().as_raw();
    if peer.uid() != own && peer.uid() != 0 {
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, "the process is another user's"));
    }
    let pid = u32::try_from(peer.pid()).unwrap_or_default();
    if pid != named {
        return Err(io::Error::other("the process is of another process id namespace, or of another host"));
    }
    stream.set_read_timeout(Some(ANSWER_TIMEOUT))?;
    stream.set_write_timeout(Some(ANSWER_TIMEOUT))?;
    Ok(Some(Connection { stream, role: role.to_owned(), pid }))
}

impl Connection {
    /// Whether the process lives, also when it does not answer: the kernel closes what one that ended had
    /// open.
    pub(crate) fn is_alive(&self) -> io::Result<bool> {
        let mut byte = [0];
        let flags = MsgFlags::MSG_PEEK | MsgFlags::MSG_DONTWAIT;
        match nix::sys::socket::recv(self.stream.as_raw_fd(), &mut byte, flags) {
            Ok(0) | Err(nix::errno::Errno::ECONNRESET) => Ok(false),
            Ok(_) | Err(nix::errno::Errno::EAGAIN) => Ok(true),
            Err(error) => Err(error.into()),
        }
    }

    /// Asks for the socket that the process listens on; `None` where it has none. Blocks.
    pub(crate) fn listener(&mut self) -> io::Result<Option<TcpListener>> {
        self.stream.write_all(&line_of(&Ask::Listener)?)?;
        let (mut first, mut descriptors) = ([0; 1024], Vec::new());
        let bytes = {
            let mut space = nix::cmsg_space!([std::os::fd::RawFd; 4]);
            let mut parts = [IoSliceMut::new(&mut first)];
            let descriptor = self.stream.as_raw_fd();
            let flags = MsgFlags::MSG_CMSG_CLOEXEC;
            let message = recvmsg::<()>(descriptor, &mut parts, Some(&mut space), flags)?;
            for control in message.cmsgs()? {
                if let ControlMessageOwned::ScmRights(received) = control {
                    descriptors.extend(received);
                }
            }
            message.bytes
        };
        // Owned at once, so that none is left open.
        let mut listeners =
            descriptors.into_iter().map(sys::owned).collect::<io::Result<Vec<_>>>()?.into_iter();
        if !first[..bytes].contains(&b'\n') {
            let mut rest = Vec::new();
            let limited = (&self.stream).take(ANSWER_BYTES_MAX as u64);
            BlockingReader::new(limited).read_until(b'\n', &mut rest)?;
            if rest.is_empty() {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        Ok(listeners.next().map(TcpListener::from))
    }
}

#[cfg(test)]
mod tests {
    use std::{net::TcpListener, os::fd::AsRawFd as _};

    use super::{Ask, ask, connect, living, parts};
    use crate::{control::Control, layout::Layout};

    #[test]
    fn names_of_control_sockets() {
        assert_eq!(parts("worker-12.sock"), Some(("worker", 12)));
        assert_eq!(parts("admin-process-7.sock"), Some(("admin-process", 7)));
        for other in ["feed.8a6e0804.sock", "hint.sock", "worker-12", "worker-x.sock", "lock"] {
            assert_eq!(parts(other), None, "{other}");
        }
    }

    #[tokio::test]
    async fn a_listener_is_handed_over_while_it_is_held() {
        let folder = tempfile::tempdir().unwrap();
        let layout = Layout::create(folder.path()).unwrap();
        let path = layout.control_socket("worker", std::process::id());
        let control = Control::start(&path, "worker").unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        control.hold(&listener).unwrap();
        let asked = path.clone();
        let (mut connection, received) = tokio::task::spawn_blocking(move || {
            let mut connection = connect(&asked).unwrap().unwrap();
            let received = connection.listener().unwrap().unwrap();
            (connection, received)
        })
        .await
        .unwrap();
        assert_eq!((connection.role.as_str(), connection.pid), ("worker", std::process::id()));
        assert_ne!(received.as_raw_fd(), listener.as_raw_fd());
        drop(listener);
        assert_eq!(received.local_addr().unwrap(), address);
        control.release();
        let none = tokio::task::spawn_blocking(move || {
            assert!(connection.is_alive().unwrap());
            connection.listener()
        });
        assert!(none.await.unwrap().unwrap().is_none());
        assert_eq!(ask(&path, Ask::Status).await.unwrap().role, "worker");
    }

    #[tokio::test]
    async fn what_a_process_left_is_removed() {
        let folder = tempfile::tempdir().unwrap();
        let layout = Layout::create(folder.path()).unwrap();
        for role in ["worker", "singleton"] {
            drop(std::os::unix::net::UnixListener::bind(layout.control_socket(role, 1)).unwrap());
        }
        assert!(connect(&layout.control_socket("worker", 1)).unwrap().is_none());
        assert!(!layout.control_socket("worker", 1).exists());
        assert!(living(&layout).await.unwrap().is_empty());
        assert!(!layout.control_socket("singleton", 1).exists());
    }
}
