//! The sockets that a parent holds for its processes: bound, or taken over from others.

use std::{
    fs::File,
    io,
    net::{SocketAddr, TcpListener},
    os::unix::fs::FileExt as _,
    path::Path,
    sync::Arc,
};

use busbar_model::bounds;

use crate::{
    parent::{Ended, child::Role, memory, plan::Plan, socket::Socket},
    settings::WORKERS_MAX,
    sys,
};

/// Connections that wait to be accepted.
const BACKLOG: i32 = 4_096;

pub(crate) const HTTP: &str = "http.listen";
pub(crate) const OPS: &str = "ops.listen";
pub(crate) const ADMIN: &str = "admin.listen";

#[derive(Clone, Debug)]
pub(crate) struct Listeners {
    pub(crate) http: Arc<TcpListener>,
    pub(crate) ops: Option<Arc<TcpListener>>,
    pub(crate) admin: Option<Arc<TcpListener>>,
    /// Of each generation its own.
    pub(crate) socket: Option<Arc<Socket>>,
    /// The memory by which its workers share connections. They serve without, too.
    pub(crate) share: Option<Arc<File>>,
}

/// A socket that is there already.
#[derive(Clone, Debug)]
pub(crate) struct AtHand {
    /// What it was bound for, if that is known.
    pub(crate) key: Option<&'static str>,
    pub(crate) listener: Arc<TcpListener>,
}

impl AtHand {
    /// Port 0 takes any: one that clients know already is the best.
    fn fits(&self, key: &'static str, wanted: SocketAddr) -> bool {
        let any_port =
            |has: SocketAddr| wanted.port() == 0 && wanted.ip() == has.ip() && self.key == Some(key);
        self.listener.local_addr().is_ok_and(|has| wanted == has || any_port(has))
    }
}

impl Listeners {
    /// What the plan asks for: of what is at `hand` where it fits, else bound.
    pub(crate) fn of(plan: &Plan, hand: &[AtHand]) -> Result<Self, Ended> {
        Ok(Self {
            http: take(HTTP, plan.http, hand)?,
            ops: plan.ops.map(|address| take(OPS, address, hand)).transpose()?,
            admin: plan.admin.map(|address| take(ADMIN, address, hand)).transpose()?,
            socket: plan.socket.as_deref().map(local).transpose()?,
            share: share(),
        })
    }

    /// From now on who connects by the socket's path meets this generation.
    pub(crate) fn appear(&self) {
        if let Some(socket) = &self.socket
            && let Err(error) = socket.appear()
        {
            tracing::error!(%error, path = %socket.path.display(), "http.socket could not be put in place");
        }
    }

    /// By the section of their setting; `None` where there is to be none.
    pub(crate) fn named(&self) -> [(&'static str, Option<&TcpListener>); 3] {
        [("http", Some(&self.http)), ("ops", self.ops.as_deref()), ("admin", self.admin.as_deref())]
    }

    /// A worker that is gone has no connections.
    pub(crate) fn forget(&self, role: Role) {
        if let (Role::Worker { slot }, Some(share)) = (role, &self.share) {
            let place = u64::from(slot) * size_of::<u32>() as u64;
            if let Err(error) = share.write_all_at(&[0; size_of::<u32>()], place) {
                tracing::warn!(%error, slot, "the others will wait for a worker that is gone");
            }
        }
    }

    /// The one on which a process serves.
    pub(crate) fn of_role(&self, role: Role) -> Option<&TcpListener> {
        match role {
            Role::Worker { .. } => Some(&self.http),
            Role::Admin => self.admin.as_deref(),
            Role::Singleton => self.ops.as_deref(),
        }
    }

    pub(crate) fn at_hand(&self) -> Vec<AtHand> {
        let all = [(HTTP, Some(&self.http)), (OPS, self.ops.as_ref()), (ADMIN, self.admin.as_ref())];
        let there = all.into_iter().filter_map(|(key, listener)| Some((key, Arc::clone(listener?))));
        there.map(|(key, listener)| AtHand { key: Some(key), listener }).collect()
    }
}

fn share() -> Option<Arc<File>> {
    let made = memory::shared(c"busbar-share", WORKERS_MAX * size_of::<u32>());
    made.inspect_err(|error| tracing::warn!(%error, "workers will take connections as they come"))
        .map(Arc::new)
        .ok()
}

fn local(path: &Path) -> Result<Arc<Socket>, Ended> {
    let bound = Socket::bind(path).map(Arc::new);
    bound.map_err(|error| Ended::Usage(format!("http.socket {} can't be made: {error}", path.display())))
}

fn take(key: &'static str, wanted: SocketAddr, hand: &[AtHand]) -> Result<Arc<TcpListener>, Ended> {
    match hand.iter().find(|at_hand| at_hand.fits(key, wanted)) {
        Some(fitting) => Ok(Arc::clone(&fitting.listener)),
        None => bind(key, wanted).map(Arc::new),
    }
}

pub(crate) fn bind(key: &'static str, address: SocketAddr) -> Result<TcpListener, Ended> {
    let bound = (|| {
        use socket2::{Domain, Socket, Type};
        let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
        // A restart does not wait for the connections of its predecessor to be forgotten.
        socket.set_reuse_address(true)?;
        socket.bind(&address.into())?;
        socket.listen(BACKLOG)?;
        let listener = TcpListener::from(socket);
        sys::limit_unsent(&listener, bounds::UNSENT_BYTES_MAX)?;
        Ok(listener)
    })();
    bound.map_err(|source: io::Error| match source.kind() {
        io::ErrorKind::AddrInUse => Ended::AddressInUse { key, address },
        _ => Ended::Bind { key, address, source },
    })
}

#[cfg(test)]
mod tests {
    use std::{net::TcpListener, sync::Arc};

    use super::{ADMIN, AtHand, HTTP, Listeners};
    use crate::parent::{Ended, plan::Plan};

    fn plan(http: &str, admin: Option<&str>) -> Plan {
        Plan {
            boot: serde_json::Value::Null,
            version: String::new(),
            server: String::new(),
            http: http.parse().unwrap(),
            ops: None,
            socket: None,
            admin: admin.map(|address| address.parse().unwrap()),
            workers: 1,
            drain_ms: 0,
            settings_text: None,
        }
    }

    #[test]
    fn a_port_that_does_not_matter_fits_any_of_its_own() {
        let listener = Arc::new(TcpListener::bind("127.0.0.1:0").unwrap());
        let port = listener.local_addr().unwrap().port();
        let of = |key| AtHand { key, listener: Arc::clone(&listener) };
        let address = |text: &str, port: u16| format!("{text}:{port}").parse().unwrap();
        assert!(of(Some(HTTP)).fits(HTTP, address("127.0.0.1", 0)));
        assert!(!of(Some(HTTP)).fits(ADMIN, address("127.0.0.1", 0)), "what clients know as another one");
        assert!(!of(None).fits(HTTP, address("127.0.0.1", 0)));
        assert!(!of(Some(HTTP)).fits(HTTP, address("0.0.0.0", 0)));
        for key in [None, Some(HTTP), Some(ADMIN)] {
            assert!(of(key).fits(HTTP, address("127.0.0.1", port)));
            assert!(!of(key).fits(HTTP, address("127.0.0.1", port ^ 1)));
        }
    }

    #[test]
    fn what_is_at_hand_is_kept_and_the_rest_is_bound() {
        let held = Arc::new(TcpListener::bind("127.0.0.1:0").unwrap());
        let address = held.local_addr().unwrap();
        let own = plan(&address.to_string(), Some("127.0.0.1:0"));
        let hand = [AtHand { key: Some(HTTP), listener: Arc::clone(&held) }];
        let listeners = Listeners::of(&own, &hand).unwrap();
        assert!(Arc::ptr_eq(&listeners.http, &held));
        let admin = listeners.admin.as_ref().unwrap();
        assert_ne!(admin.local_addr().unwrap(), address, "one socket is not taken for two");
        assert_eq!(
            listeners.at_hand().iter().map(|at_hand| at_hand.key).collect::<Vec<_>>(),
            [Some(HTTP), Some(ADMIN)]
        );
        let Err(Ended::AddressInUse { key, address: named }) = Listeners::of(&own, &[]) else {
            panic!("it is bound by this test")
        };
        assert_eq!((key, named), ("http.listen", address));
    }
}
