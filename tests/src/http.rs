//! An HTTP/1.1 client whose connections are in the test's hand: one per request, or one that is held on to.

mod connection;
mod reply;
mod request;
mod tls;

use std::time::Duration;

pub use connection::{Connection, Failure};
pub use reply::Reply;
pub use request::{Body, Request};
pub use tls::Tls;

/// Longer than anything a test waits for on purpose.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Sends each request on a connection of its own, so that requests meet all the workers.
#[derive(Clone, Debug)]
pub struct Client {
    authority: String,
    tls: Option<Tls>,
}

impl Client {
    /// `base` is `http://127.0.0.1:8080`.
    pub fn new(base: &str) -> Self {
        let authority = base.strip_prefix("http://").unwrap_or_else(|| panic!("{base:?} is not http"));
        Self { authority: authority.trim_end_matches('/').to_owned(), tls: None }
    }

    /// The same place by TLS.
    #[must_use]
    pub fn with_tls(mut self, tls: Tls) -> Self {
        self.tls = Some(tls);
        self
    }

    /// Host and port.
    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// A connection to hold on to: it stays with one worker.
    pub async fn connect(&self) -> Connection {
        self.open().await.unwrap_or_else(|failure| panic!("{failure}"))
    }

    /// # Errors
    /// [`Failure::Connect`].
    pub async fn open(&self) -> Result<Connection, Failure> {
        Connection::open_by(&self.authority, self.tls.as_ref()).await
    }

    /// The reply to `request`; panics where there is none.
    pub async fn send(&self, request: &Request) -> Reply {
        let reply = self.try_send(request).await;
        reply.unwrap_or_else(|failure| panic!("{} {}: {failure}", request.method(), request.path()))
    }

    /// # Errors
    /// Where no whole reply came.
    pub async fn try_send(&self, request: &Request) -> Result<Reply, Failure> {
        self.open().await?.try_send(request).await
    }

    pub async fn get(&self, path: &str) -> Reply {
        self.send(&Request::get(path)).await
    }
}
