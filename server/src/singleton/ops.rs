//! The ops address: metrics of the whole server, and its health. Without a login, so it stands on loopback, or asks for
//! certificates of the cluster.

use std::{convert::Infallible, net::IpAddr, sync::Arc, time::Duration};

use busbar_pki::{Acceptor, Peers, Role};
use bytes::Bytes;
use http::{Request, Response, StatusCode, header::CONTENT_TYPE};
use http_body_util::Full;
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    sync::{AcquireError, OwnedSemaphorePermit, Semaphore},
    time::timeout,
};

use crate::{
    control::{accepted, listen},
    layout::Layout,
    membership::Membership,
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
        let tls = acceptor(&core.boot.layout, listener.local_addr()?.ip())?;
        tokio::spawn(async move {
            loop {
                let slot = Arc::clone(&slots).acquire_owned().await;
                if let Some((stream, _)) = accepted(listener.accept().await).await {
                    tokio::spawn(receive(Arc::clone(&core), stream, tls.clone(), slot));
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

/// On loopback everyone is let in; elsewhere, where the server is a member of a cluster, its members.
fn acceptor(layout: &Layout, ip: IpAddr) -> anyhow::Result<Option<Arc<Acceptor>>> {
    let membership = if ip.is_loopback() { None } else { Membership::begin(layout)? };
    membership.map(|membership| membership.acceptor(Peers::required(Role::ALL))).transpose()
}

async fn receive(
    core: Arc<Core>,
    stream: TcpStream,
    tls: Option<Arc<Acceptor>>,
    slot: Result<OwnedSemaphorePermit, AcquireError>,
) {
    let Some(tls) = tls else { return connection(core, stream, slot).await };
    match timeout(HEAD_TIME_MAX, tls.accept(stream)).await {
        Ok(Ok(busbar_pki::Incoming::Tls(stream, _))) => connection(core, stream, slot).await,
        Ok(Ok(busbar_pki::Incoming::Plain(_))) => {
            tracing::debug!("an ops connection in the clear was refused")
        }
        Ok(Err(error)) => {
            tracing::debug!(reason = busbar_pki::reason(&error), "an ops connection was refused")
        }
        Err(_) => tracing::debug!("an ops connection was refused: no handshake came in time"),
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
