//! One way out, as it is used.

use std::{sync::Arc, time::Duration};

use http::StatusCode;
use tokio::time::Instant;

use crate::{
    BreakerState, CallError, ErrorKind, Outside, PingMethod, Refused, Reply, Request, Secrets, Settings,
    Statistics,
    call::{self, discard},
    chain,
    outgoing::Outgoing,
    shared::Shared,
};

/// Pooled, limited and guarded. Clones are the same connection; the last one that is dropped, with the last reply,
/// closes what is open.
#[derive(Clone)]
pub struct Connection {
    shared: Arc<Shared>,
}

/// What a ping found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ping {
    pub status: StatusCode,
    pub took: Duration,
}

impl Ping {
    /// Reached, let in, and found.
    pub fn is_good(&self) -> bool {
        self.status.is_success() || self.status.is_redirection()
    }
}

impl Connection {
    /// Connects to nothing yet. Calls are to be made in a tokio runtime, all in the same.
    pub fn new(settings: Settings, secrets: &Secrets, outside: Outside) -> Result<Self, Refused> {
        Ok(Self { shared: Arc::new(Shared::new(settings, secrets, outside)?) })
    }

    /// Returns with the head of the reply, whatever its status; the body is read from it.
    pub async fn call(&self, request: Request) -> Result<Reply, CallError> {
        call::call(&self.shared, request).await
    }

    /// Tries once whether the other side answers at the configured path, past breaker and limits, and counts nowhere.
    pub async fn ping(&self) -> Result<Ping, CallError> {
        let settings = &self.shared.settings.ping;
        let method = match settings.method {
            PingMethod::Head => http::Method::HEAD,
            PingMethod::Get => http::Method::GET,
        };
        let path = settings
            .path
            .parse()
            .map_err(|_| ErrorKind::Request { text: "the ping's path is none".to_owned() }.unsent())?;
        let started = Instant::now();
        let request = Request::new(method, path);
        let deadline = started + self.shared.total;
        let outgoing = Outgoing::new(&self.shared, request, deadline, started);
        let mut outgoing = outgoing.map_err(ErrorKind::unsent)?;
        let found = chain::follow(&self.shared, &mut outgoing).await?;
        let ping = Ping { status: found.response.status(), took: started.elapsed() };
        discard(&self.shared, found, &outgoing.time).await;
        Ok(ping)
    }

    pub fn statistics(&self) -> Statistics {
        let (idle, waiting) = (self.shared.pool.idle(), self.shared.limits.waiting());
        self.shared.counters.read_out(idle, waiting, self.breaker())
    }

    /// `None`: it has no breaker.
    pub fn breaker(&self) -> Option<BreakerState> {
        let at_ms = self.shared.dialer.outside.unix_ms();
        Some(self.shared.breaker()?.read_out(Instant::now(), at_ms))
    }

    /// What another process, or one before this, has read out.
    pub fn put_back_breaker(&self, state: &BreakerState) {
        let at_ms = self.shared.dialer.outside.unix_ms();
        if let Some(mut breaker) = self.shared.breaker() {
            breaker.put_back(state, Instant::now(), at_ms);
        }
    }
}
