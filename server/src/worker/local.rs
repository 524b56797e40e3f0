//! Calls by a Unix socket: from a balancer on the same host, which the kernel says who it is.

use std::{collections::BTreeSet, io, os::unix::net::UnixListener as StdListener};

use anyhow::Context as _;
use nix::unistd::{User, geteuid};
use tokio::net::UnixStream;

use crate::worker::share::{Entrance, Share};

/// Who connects is root, the server's own user, or one that the settings name.
pub(crate) struct Local {
    entrance: Entrance<StdListener>,
    users: BTreeSet<u32>,
}

impl Local {
    pub(crate) fn new(listener: StdListener, user: Option<&str>) -> anyhow::Result<Self> {
        let mut users = BTreeSet::from([0, geteuid().as_raw()]);
        if let Some(name) = user {
            let known =
                User::from_name(name).with_context(|| format!("failed to look up the user {name:?}"))?;
            let known = known
                .with_context(|| format!("http.socket_user is {name:?}, whom this host does not know"))?;
            users.insert(known.uid.as_raw());
        }
        Ok(Self { entrance: Entrance::new(listener)?, users })
    }

    pub(crate) async fn accept(&self, share: &Share) -> io::Result<UnixStream> {
        loop {
            let stream = self.entrance.next(share, accepted).await?;
            if trusts(&self.users, &stream) {
                return Ok(stream);
            }
        }
    }

    /// The connections that wait to be accepted.
    pub(crate) fn queued(self, most: usize) -> Vec<UnixStream> {
        let mut streams = self.entrance.last(most, accepted);
        streams.retain(|stream| trusts(&self.users, stream));
        streams
    }
}

fn accepted(listener: &StdListener) -> io::Result<UnixStream> {
    let (stream, _) = listener.accept()?;
    stream.set_nonblocking(true)?;
    UnixStream::from_std(stream)
}

fn trusts(users: &BTreeSet<u32>, stream: &UnixStream) -> bool {
    let peer = stream.peer_cred().map(|peer| peer.uid());
    let trusted = peer.as_ref().is_ok_and(|uid| users.contains(uid));
    if !trusted {
        tracing::warn!(
            ?peer,
            "a connection to http.socket was refused: http.socket_user names who may come there"
        );
    }
    trusted
}
