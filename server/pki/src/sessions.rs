//! A client's sessions to resume, forgotten when its certificate or its trust is replaced, and in each span of tickets.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use tokio_rustls::rustls::{
    NamedGroup,
    client::{
        ClientSessionMemoryCache, ClientSessionStore, Tls12ClientSessionValue, Tls13ClientSessionValue,
    },
    pki_types::ServerName,
};

use crate::{Credentials, TICKET_LIFETIME};

/// Tickets; rustls keeps eight per server.
const SESSIONS_MAX: usize = 512;

/// A resumed session is not verified again. So one of a server whose authority is no longer trusted must not be
/// resumed, nor one in which the client showed the certificate before. A handshake that is under way meanwhile can leave
/// one behind, and who resumes it gets the next: so all are forgotten when a span begins, whatever the server does.
pub(crate) struct Sessions {
    credentials: Arc<Credentials>,
    held: Mutex<(Era, Arc<ClientSessionMemoryCache>)>,
}

/// The generation of the credentials, and the span.
type Era = (u64, Option<u64>);

impl Sessions {
    pub(crate) fn new(credentials: &Arc<Credentials>) -> Self {
        let held = Mutex::new((era(credentials), cache()));
        Self { credentials: Arc::clone(credentials), held }
    }

    /// Those of the present certificate, trust and span.
    fn present(&self) -> Arc<ClientSessionMemoryCache> {
        let era = era(&self.credentials);
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if held.0 != era {
            *held = (era, cache());
        }
        Arc::clone(&held.1)
    }
}

fn era(credentials: &Credentials) -> Era {
    let span = credentials.clock().current_time().map(|now| now.as_secs() / TICKET_LIFETIME.as_secs());
    (credentials.current().generation, span)
}

fn cache() -> Arc<ClientSessionMemoryCache> {
    Arc::new(ClientSessionMemoryCache::new(SESSIONS_MAX))
}

impl ClientSessionStore for Sessions {
    fn set_kx_hint(&self, server: ServerName<'static>, group: NamedGroup) {
        self.present().set_kx_hint(server, group);
    }

    fn kx_hint(&self, server: &ServerName<'_>) -> Option<NamedGroup> {
        self.present().kx_hint(server)
    }

    fn set_tls12_session(&self, server: ServerName<'static>, value: Tls12ClientSessionValue) {
        self.present().set_tls12_session(server, value);
    }

    fn tls12_session(&self, server: &ServerName<'_>) -> Option<Tls12ClientSessionValue> {
        self.present().tls12_session(server)
    }

    fn remove_tls12_session(&self, server: &ServerName<'static>) {
        self.present().remove_tls12_session(server);
    }

    fn insert_tls13_ticket(&self, server: ServerName<'static>, value: Tls13ClientSessionValue) {
        self.present().insert_tls13_ticket(server, value);
    }

    fn take_tls13_ticket(&self, server: &ServerName<'static>) -> Option<Tls13ClientSessionValue> {
        self.present().take_tls13_ticket(server)
    }
}

impl fmt::Debug for Sessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sessions")
    }
}
