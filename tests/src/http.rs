//! An HTTP/1.1 client whose connections are in the test's hand: one per request, or one that is held on to.

mod connection;
mod reply;
mod request;

use std::time::Duration;

pub use connection::{Connection, Failure};
pub use reply::Reply;
pub use request::{Body, Request};

/// Longer than anything a test waits for on purpose.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Sends each request on a connection of its own, so that requests meet all the workers.
#[derive(Clone, Debug)]
pub struct Client {
    authority: String,
}

impl Client {
    /// `base` is `http://127.0.0.1:8080`.
    pub fn new(base: &str) -> Self {
        let authority = base.strip_prefix("http://").unwrap_or_else(|| panic!("{base:?} is not http"));
        Self { authority: authority.trim_end_matches('/').to_owned() }
    }

    /// Host and port.
    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// A connection to hold on to: it stays with one worker.
    pub async fn connect(&self) -> Connection {
        Connection::open(&self.authority).await.unwrap_or_else(|failure| panic!("{failure}"))
    }

    /// The reply to `request`; panics where there is none.
    pub async fn send(&self, request: &Request) -> Reply {
        let reply = self.try_send(request).await;
        reply.unwrap_or_else(|failure| panic!("{} {}: {failure}", request.method(), request.path()))
    }

    /// # Errors
    /// Where no whole reply came.
    pub async fn try_send(&self, request: &Request) -> Result<Reply, Failure> {
        Connection::open(&self.authority).await?.try_send(request).await
    }

    pub async fn get(&self, path: &str) -> Reply {
        self.send(&Request::get(path)).await
    }
}
