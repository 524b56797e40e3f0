//! The ops address: metrics of the whole server, and its health. Without a login, so it stands on
//! loopback or a local socket.

use std::{convert::Infallible, sync::Arc, time::Duration};

use bytes::Bytes;
use http::{Request, Response, StatusCode, header::CONTENT_TYPE};
use http_body_util::Full;
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpListener,
    sync::{AcquireError, OwnedSemaphorePermit, Semaphore},
};

use crate::{
    control::{accepted, listen},
    singleton::{Core, exposition},
};

/// Connections at each of the two addresses; more wait.
const CONNECTIONS_MAX: usize = 32;
/// Until a request has come; an idle connection is closed after it.
const HEAD_TIME_MAX: Duration = Duration::from_secs(15);

pub(crate) async fn serve(core: Arc<Core>, tcp: Option<std::net::TcpListener>) -> anyhow::Result<()> {
    let slots = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    if let Some(inherited) = tcp {
        let listener = TcpListener::from_std(inherited)?;
        // Apart from those of the admin process, which are not to wait for strangers.
        let (core, slots) = (Arc::clone(&core), Arc::new(Semaphore::new(CONNECTIONS_MAX)));
        tokio::spawn(async move {
            loop {
                let slot = Arc::clone(&slots).acquire_owned().await;
                if let Some((stream, _)) = accepted(listener.accept().await).await {
                    tokio::spawn(connection(Arc::clone(&core), stream, slot));
                }
            }
        });
    }
    let listener = listen(&core.boot.layout.ops_socket())?;
    loop {
        let slot = Arc::clone(&slots).acquire_owned().await;
        if let Some((stream, _)) = accepted(listener.accept().await).await {
            tokio::spawn(connection(Arc::clone(&core), stream, slot));
        }
    }
}

async fn connection(
    core: Arc<Core>,
    stream: impl AsyncRead + AsyncWrite + Unpin,
    _slot: Result<OwnedSemaphorePermit, AcquireError>,
) {
    let service = service_fn(move |request| {
        let core = Arc::clone(&core);
        async move { Ok::<_, Infallible>(answer(&core, &request).await) }
    });
    let mut builder = http1::Builder::new();
    builder.header_read_timeout(HEAD_TIME_MAX);
    if let Err(error) = builder.timer(TokioTimer::new()).serve_connection(TokioIo::new(stream), service).await
    {
        tracing::debug!(%error, "ops connection ended early");
    }
}

async fn answer(core: &Core, request: &Request<Incoming>) -> Response<Full<Bytes>> {
    let (status, kind, text) = match request.uri().path() {
        "/metrics" => {
            let totals = core.workers.totals().await;
            let catalog_version = core.feed.borrow().catalog.as_ref().map_or(0, |catalog| catalog.version);
            let counts = core.odb_counts.get(core).await;
            let lateness = core.lateness.get();
            let workers = core.workers.list();
            let text = exposition::render(&totals, &workers, catalog_version, &counts, &lateness);
            (StatusCode::OK, "text/plain; version=0.0.4; charset=utf-8", text)
        }
        "/_busbar/live" | "/_busbar/ping" => {
            (StatusCode::OK, "application/json", r#"{"status":"ok"}"#.to_owned())
        }
        _ => (StatusCode::NOT_FOUND, "text/plain", "not found\n".to_owned()),
    };
    let mut response = Response::new(Full::new(Bytes::from(text)));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, http::HeaderValue::from_static(kind));
    response
}
