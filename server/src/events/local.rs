//! Hints on one machine: a datagram to the singleton of a folder.

use std::{io, os::unix::net::UnixDatagram, path::PathBuf};

use super::{CHANGED, Hints};
use crate::layout::Layout;

pub(crate) struct Local {
    socket: UnixDatagram,
    path: PathBuf,
}

impl Local {
    pub(crate) fn open(layout: &Layout) -> io::Result<Self> {
        let socket = UnixDatagram::unbound()?;
        socket.set_nonblocking(true)?;
        Ok(Self { socket, path: layout.hint_socket() })
    }
}

impl Hints for Local {
    /// Lost hints are made up for by the singleton's poll.
    fn changed(&self) {
        let _ = self.socket.send_to(CHANGED.as_bytes(), &self.path);
    }
}
