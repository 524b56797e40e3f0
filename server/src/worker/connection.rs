//! One client's connection.

use std::{convert::Infallible, sync::Arc, time::Duration};

use hyper::{server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{net::TcpStream, sync::watch};

use crate::worker::http::Front;

/// Bytes of a request's head.
const HEAD_BYTES_MAX: usize = 64 * 1024;
/// Header fields of a request.
const HEADERS_MAX: usize = 128;

/// What connections are told when the worker drains.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    Serving,
    /// Idle connections may still bring one request.
    Draining,
    /// Idle connections are closed.
    Closing,
}

pub(crate) async fn serve_connection(
    stream: TcpStream,
    front: Arc<Front>,
    header_timeout: Duration,
    mut phase: watch::Receiver<Phase>,
) {
    let service = service_fn(move |request| {
        let front = Arc::clone(&front);
        async move { Ok::<_, Infallible>(front.handle(request).await) }
    });
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(header_timeout)
        .max_buf_size(HEAD_BYTES_MAX)
        .max_headers(HEADERS_MAX);
    let connection = builder.serve_connection(TokioIo::new(stream), service);
    let mut connection = std::pin::pin!(connection);
    let closing = async { phase.wait_for(|phase| *phase == Phase::Closing).await.map(drop) };
    tokio::select! {
        outcome = connection.as_mut() => return done(outcome),
        _ = closing => {}
    }
    // Closes an idle connection at once and a busy one after its reply.
    connection.as_mut().graceful_shutdown();
    done(connection.await);
}

fn done(outcome: hyper::Result<()>) {
    if let Err(error) = outcome {
        tracing::debug!(%error, "connection ended early");
    }
}
