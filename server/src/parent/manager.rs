//! The service manager that a server may run under: what systemd is told (sd_notify(3)) and what it keeps, the
//! listening sockets (sd_listen_fds(3)), for a start after all processes have died.

use std::{
    ffi::OsStr,
    io::{self, IoSlice},
    net::TcpListener,
    os::{
        fd::AsRawFd as _,
        linux::net::SocketAddrExt as _,
        unix::{
            ffi::OsStrExt as _,
            net::{SocketAddr, UnixDatagram},
        },
    },
    sync::Arc,
};

use nix::sys::socket::{ControlMessage, MsgFlags, sendmsg};

use crate::{
    parent::listeners::{AtHand, Listeners},
    settings,
    sys::owned,
};

/// The first descriptor that is handed over.
const FIRST: i32 = 3;
/// Descriptors that are looked at.
const HANDED_MAX: i32 = 64;

/// Where there is none, nothing is said.
pub(crate) struct Manager(Option<UnixDatagram>);

impl Manager {
    pub(crate) fn of_environment() -> Self {
        Self::at(settings::notify_socket().as_deref())
    }

    fn at(address: Option<&OsStr>) -> Self {
        let connected = address.map(|address| {
            let socket = UnixDatagram::unbound()?;
            let address = match address.as_bytes() {
                [b'@', name @ ..] => SocketAddr::from_abstract_name(name)?,
                _ => SocketAddr::from_pathname(address)?,
            };
            socket.connect_addr(&address)?;
            socket.set_nonblocking(true)?;
            Ok::<_, io::Error>(socket)
        });
        match connected.transpose() {
            Ok(socket) => Self(socket),
            Err(error) => {
                tracing::warn!(%error, "the service manager can't be told anything");
                Self(None)
            }
        }
    }

    /// All of it is up; the sockets are to be kept, and none that were kept before.
    pub(crate) fn ready(&self, listeners: &Listeners) {
        for (name, listener) in listeners.named() {
            self.say(&format!("FDSTOREREMOVE=1\nFDNAME={name}"), None);
            if let Some(listener) = listener {
                self.say(&format!("FDSTORE=1\nFDNAME={name}"), Some(listener));
            }
        }
        self.say("READY=1\nSTATUS=serving", None);
    }

    pub(crate) fn stopping(&self) {
        self.say("STOPPING=1\nSTATUS=calls under way finish", None);
    }

    /// One that does not listen any more is not waited for.
    fn say(&self, text: &str, descriptor: Option<&TcpListener>) {
        let Some(socket) = &self.0 else { return };
        let descriptors: Vec<_> = descriptor.iter().map(|listener| listener.as_raw_fd()).collect();
        let rights = [ControlMessage::ScmRights(&descriptors)];
        let rights = if descriptors.is_empty() { &[][..] } else { &rights[..] };
        let parts = [IoSlice::new(text.as_bytes())];
        if let Err(error) = sendmsg::<()>(socket.as_raw_fd(), &parts, rights, MsgFlags::MSG_NOSIGNAL, None) {
            tracing::warn!(%error, text, "the service manager could not be told");
        }
    }
}

/// The listening sockets that the service manager hands to this process. To be called once, first thing.
pub(crate) fn handed() -> Vec<AtHand> {
    let (pid, count) = settings::handed_descriptors();
    if pid != Some(std::process::id()) {
        return Vec::new();
    }
    let numbers = FIRST..FIRST + i32::try_from(count.unwrap_or(0)).unwrap_or(0).min(HANDED_MAX);
    let listeners = numbers.filter_map(|number| {
        let descriptor = owned(number).ok()?;
        let flags = nix::fcntl::FcntlArg::F_SETFD(nix::fcntl::FdFlag::FD_CLOEXEC);
        nix::fcntl::fcntl(&descriptor, flags).ok()?;
        let listener = TcpListener::from(descriptor);
        // Tells what is a socket of the network from what is not.
        listener.local_addr().ok().map(|_| AtHand { key: None, listener: Arc::new(listener) })
    });
    listeners.collect()
}

#[cfg(test)]
mod tests {
    use std::{net::TcpListener, os::unix::net::UnixDatagram, sync::Arc};

    use super::Manager;
    use crate::parent::listeners::Listeners;

    #[test]
    fn systemd_is_told_and_given_the_sockets() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notify");
        let listening = UnixDatagram::bind(&path).unwrap();
        listening.set_read_timeout(Some(std::time::Duration::from_secs(5))).unwrap();
        let http = Arc::new(TcpListener::bind("127.0.0.1:0").unwrap());
        let manager = Manager::at(Some(path.as_os_str()));
        manager.ready(&Listeners { http, ops: None, admin: None, socket: None, share: None });
        manager.stopping();
        let mut said = Vec::new();
        for _ in 0..6 {
            let mut text = [0; 256];
            let bytes = listening.recv(&mut text).unwrap();
            said.push(String::from_utf8_lossy(&text[..bytes]).into_owned());
        }
        assert_eq!(said[0], "FDSTOREREMOVE=1\nFDNAME=http");
        assert_eq!(said[1], "FDSTORE=1\nFDNAME=http");
        assert_eq!(said[2..4].concat(), "FDSTOREREMOVE=1\nFDNAME=opsFDSTOREREMOVE=1\nFDNAME=admin");
        assert!(said[4].starts_with("READY=1\n") && said[5].starts_with("STOPPING=1\n"), "{said:?}");
        Manager::at(None).stopping();
        Manager::at(Some("/no/such/socket".as_ref())).stopping();
    }
}
