//! The server's metrics, shown here too.

use std::{path::Path, sync::Arc};

use axum::{
    body::Body,
    extract::State,
    http::{HeaderValue, Request, Response, header},
};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::{net::UnixStream, time::timeout};

use crate::{
    app::App,
    bounds,
    problem::{Kind, Problem},
};

pub(crate) const PATH: &str = "/metrics";

#[derive(Debug, thiserror::Error)]
enum Error {
    #[error("server's metrics socket can't be reached")]
    Connect(#[source] std::io::Error),
    #[error("server gave no metrics")]
    Http(#[from] hyper::Error),
    #[error("server's metrics can't be asked for")]
    Request(#[from] axum::http::Error),
    #[error("server's metrics ended early or are too large")]
    Body(#[source] Box<dyn std::error::Error + Send + Sync>),
    #[error("server gave no metrics in time")]
    Late,
}

pub(crate) async fn get(State(app): State<Arc<App>>) -> Result<Response<Body>, Problem> {
    let socket = app.metrics.as_deref().ok_or_else(|| {
        Problem::new(Kind::NotFound, "metrics are on the servers' own ports; there is none beside this API")
    })?;
    timeout(bounds::METRICS_TIME_MAX, fetch(socket)).await.unwrap_or(Err(Error::Late)).map_err(|error| {
        Problem::new(Kind::Unavailable, "the server's metrics are not to be had now")
            .with_code("metrics-unavailable")
            .with_header(header::RETRY_AFTER, HeaderValue::from_static("1"))
            .with_cause(error)
    })
}

async fn fetch(socket: &Path) -> Result<Response<Body>, Error> {
    let stream = UnixStream::connect(socket).await.map_err(Error::Connect)?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    // It ends when the sender is dropped; its errors arrive at the request too.
    tokio::spawn(connection);
    let request = Request::get(PATH).header(header::HOST, "localhost").body(Empty::<Bytes>::new())?;
    let (parts, body) = sender.send_request(request).await?.into_parts();
    let bytes =
        Limited::new(body, bounds::METRICS_BYTES_MAX).collect().await.map_err(Error::Body)?.to_bytes();
    let mut reply = Response::new(Body::from(bytes));
    *reply.status_mut() = parts.status;
    if let Some(kind) = parts.headers.get(header::CONTENT_TYPE) {
        reply.headers_mut().insert(header::CONTENT_TYPE, kind.clone());
    }
    Ok(reply)
}
