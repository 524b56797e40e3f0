//! One connection to one worker.

use std::{convert::Infallible, fmt};

use bytes::Bytes;
use http_body_util::{BodyExt as _, combinators::UnsyncBoxBody};
use hyper::{
    body::Incoming,
    client::conn::http1::{Builder, SendRequest},
};
use hyper_util::rt::TokioIo;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    time::timeout,
};

use super::{PATIENCE, Reply, Request, Tls};

/// Why there is no whole reply.
#[derive(Debug)]
pub enum Failure {
    /// No connection was made.
    Connect(String),
    /// The server had closed the connection before the request went out: it may be sent again.
    NotSent(String),
    /// The connection broke under the request or its reply.
    Broken(String),
    /// Nothing came within [`PATIENCE`].
    Silent,
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connect(cause) => write!(formatter, "no connection: {cause}"),
            Self::NotSent(cause) => write!(formatter, "closed before the request: {cause}"),
            Self::Broken(cause) => write!(formatter, "closed under the request: {cause}"),
            Self::Silent => write!(formatter, "no reply within {PATIENCE:?}"),
        }
    }
}

/// Kept alive until it is dropped or the server ends it.
pub struct Connection {
    authority: String,
    sender: SendRequest<UnsyncBoxBody<Bytes, Infallible>>,
}

impl Connection {
    /// # Errors
    /// [`Failure::Connect`].
    pub async fn open(authority: &str) -> Result<Self, Failure> {
        Self::open_by(authority, None).await
    }

    pub(super) async fn open_by(authority: &str, tls: Option<&Tls>) -> Result<Self, Failure> {
        let connect = |error: &dyn fmt::Display| Failure::Connect(format!("{authority}: {error}"));
        let opening = timeout(PATIENCE, TcpStream::connect(authority)).await;
        let stream = opening.map_err(|_| Failure::Silent)?.map_err(|error| connect(&error))?;
        stream.set_nodelay(true).map_err(|error| connect(&error))?;
        let sender = match tls {
            None => speak(stream).await.map_err(|error| connect(&error))?,
            Some(tls) => {
                let shaking = timeout(PATIENCE, tls.connect(authority, stream)).await;
                let stream = shaking.map_err(|_| Failure::Silent)?.map_err(|error| connect(&error))?;
                speak(stream).await.map_err(|error| connect(&error))?
            }
        };
        Ok(Self { authority: authority.to_owned(), sender })
    }

    /// The reply to `request`; panics where there is none.
    pub async fn send(&mut self, request: &Request) -> Reply {
        let reply = self.try_send(request).await;
        reply.unwrap_or_else(|failure| panic!("{} {}: {failure}", request.method(), request.path()))
    }

    pub async fn get(&mut self, path: &str) -> Reply {
        self.send(&Request::get(path)).await
    }

    /// # Errors
    /// Where no whole reply came.
    pub async fn try_send(&mut self, request: &Request) -> Result<Reply, Failure> {
        let exchange = async {
            let response = self.start(request.to_http(&self.authority.clone())).await?;
            let (head, body) = response.into_parts();
            let body = body.collect().await.map_err(|error| Failure::Broken(chain(&error)))?;
            Ok(Reply { status: head.status.as_u16(), headers: head.headers, body: body.to_bytes() })
        };
        timeout(PATIENCE, exchange).await.unwrap_or(Err(Failure::Silent))
    }

    /// The head of the reply, while bodies may be under way in both directions.
    ///
    /// # Errors
    /// Where no head of a reply came.
    pub async fn start(
        &mut self,
        request: http::Request<UnsyncBoxBody<Bytes, Infallible>>,
    ) -> Result<http::Response<Incoming>, Failure> {
        self.sender.ready().await.map_err(|error| Failure::NotSent(chain(&error)))?;
        self.sender.try_send_request(request).await.map_err(|mut error| match error.take_message() {
            Some(_) => Failure::NotSent(chain(error.error())),
            None => Failure::Broken(chain(error.error())),
        })
    }

    /// Whether the server has ended it.
    pub fn is_closed(&self) -> bool {
        self.sender.is_closed()
    }

    pub fn authority(&self) -> &str {
        &self.authority
    }
}

async fn speak(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
) -> hyper::Result<SendRequest<UnsyncBoxBody<Bytes, Infallible>>> {
    let (sender, driver) = Builder::new().handshake(TokioIo::new(stream)).await?;
    tokio::spawn(driver);
    Ok(sender)
}

/// An error with its causes.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}
