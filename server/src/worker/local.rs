//! Calls by a Unix socket: from a balancer on the same host, which the kernel says who it is.

use std::{collections::BTreeSet, io, os::unix::net::UnixListener as StdListener};

use anyhow::Context as _;
use nix::unistd::{User, geteuid};
use tokio::net::{UnixListener, UnixStream};

/// Who connects is root, the server's own user, or one that the settings name.
pub(crate) struct Local {
    listener: UnixListener,
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
        Ok(Self { listener: UnixListener::from_std(listener)?, users })
    }

    pub(crate) async fn accept(&self) -> io::Result<UnixStream> {
        loop {
            let (stream, _) = self.listener.accept().await?;
            if trusts(&self.users, &stream) {
                return Ok(stream);
            }
        }
    }

    /// The connections that wait to be accepted.
    pub(crate) fn queued(self, most: usize) -> io::Result<Vec<UnixStream>> {
        let listener = self.listener.into_std()?;
        let mut streams = Vec::new();
        // It does not block: an empty queue is an error too, and like any other the end.
        while streams.len() < most
            && let Ok((stream, _)) = listener.accept()
        {
            stream.set_nonblocking(true)?;
            let stream = UnixStream::from_std(stream)?;
            if trusts(&self.users, &stream) {
                streams.push(stream);
            }
        }
        Ok(streams)
    }
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
