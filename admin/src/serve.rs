//! Accepting connections, and letting them end in peace.

use std::{convert::Infallible, net::TcpListener, pin::pin, sync::Arc};

use axum::Router;
use busbar_pki::{Acceptor, Incoming};
use hyper::{
    Request,
    header::{CONNECTION, HeaderValue},
    server::conn::http1,
    service::{Service as _, service_fn},
};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::TcpStream,
    sync::{Semaphore, watch},
    task::JoinSet,
    time::{sleep, timeout},
};

use crate::{app, auth::Peer, bounds, error::Error, settings::Settings};

/// To who speaks HTTP in the clear where TLS is spoken.
const TLS_ONLY: &[u8] = b"HTTP/1.1 400 Bad Request\r\ncontent-type: text/plain; charset=utf-8\r\n\
    connection: close\r\ncontent-length: 47\r\n\r\nTLS is spoken here: the address is https://...\n";

/// Serves until `stop` completes; requests that are in flight then are finished.
pub async fn serve(
    listener: TcpListener,
    settings: Settings,
    stop: impl Future<Output = ()>,
) -> Result<(), Error> {
    let tls = settings.tls.as_ref().map(|tls| Arc::clone(&tls.acceptor));
    let router = app::router(settings)?;
    listener.set_nonblocking(true).map_err(Error::Listener)?;
    let listener = tokio::net::TcpListener::from_std(listener).map_err(Error::Listener)?;
    let (stopping, stopped) = watch::channel(false);
    let slots = Arc::new(Semaphore::new(bounds::CONNECTIONS_MAX));
    let mut connections = JoinSet::new();
    let mut stop = pin!(stop);
    loop {
        tokio::select! {
            () = &mut stop => break,
            Some(_) = connections.join_next() => {}
            (stream, slot) = accept(&listener, &slots) => {
                let (router, stopped, tls) = (router.clone(), stopped.clone(), tls.clone());
                connections.spawn(async move {
                    receive(stream, tls, router, stopped).await;
                    drop(slot);
                });
            }
        }
    }
    // Nobody listens where no connection is open.
    let _ = stopping.send(true);
    for stream in queued(listener)? {
        connections.spawn(receive(stream, tls.clone(), router.clone(), stopped.clone()));
    }
    while connections.join_next().await.is_some() {}
    Ok(())
}

async fn accept(
    listener: &tokio::net::TcpListener,
    slots: &Arc<Semaphore>,
) -> (TcpStream, Result<tokio::sync::OwnedSemaphorePermit, tokio::sync::AcquireError>) {
    let slot = slots.clone().acquire_owned().await;
    loop {
        match listener.accept().await {
            Ok((stream, _)) => return (stream, slot),
            Err(error) => {
                tracing::warn!(%error, "failed to accept a connection to the admin API");
                sleep(bounds::ACCEPT_PAUSE).await;
            }
        }
    }
}

/// The connections that clients have made already: closing the listener would reset them, with the
/// requests that they may have sent.
fn queued(listener: tokio::net::TcpListener) -> Result<Vec<TcpStream>, Error> {
    let listener = listener.into_std().map_err(Error::Listener)?;
    let mut streams = Vec::new();
    // It does not block: an empty queue is an error too, and like any other the end.
    while streams.len() < bounds::CONNECTIONS_MAX
        && let Ok((stream, _)) = listener.accept()
    {
        stream.set_nonblocking(true).map_err(Error::Listener)?;
        streams.push(TcpStream::from_std(stream).map_err(Error::Listener)?);
    }
    Ok(streams)
}

async fn receive(
    stream: TcpStream,
    tls: Option<Arc<Acceptor>>,
    router: Router,
    stopped: watch::Receiver<bool>,
) {
    // Replies are small and whole; a failure to say so costs only time.
    let _ = stream.set_nodelay(true);
    let Some(tls) = tls else { return converse(stream, None, router, stopped).await };
    match timeout(bounds::HEAD_TIME_MAX, tls.accept(stream)).await {
        Ok(Ok(Incoming::Tls(stream, identity))) => {
            converse(stream, identity.map(Peer), router, stopped).await
        }
        Ok(Ok(Incoming::Plain(mut stream))) => {
            let _ = stream.write_all(TLS_ONLY).await;
            // What it sent is read, so that it gets to the reply.
            let _ = stream.read(&mut [0; 4_096]).await;
        }
        Ok(Err(error)) => {
            tracing::debug!(reason = busbar_pki::reason(&error), "a connection was refused");
        }
        Err(_) => tracing::debug!("a connection was refused: no handshake came in time"),
    }
}

async fn converse(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    peer: Option<Peer>,
    router: Router,
    mut stopped: watch::Receiver<bool>,
) {
    let mut server = http1::Builder::new();
    server.timer(TokioTimer::new()).header_read_timeout(bounds::HEAD_TIME_MAX);
    let (app, stopping) = (TowerToHyperService::new(router), stopped.clone());
    let service = service_fn(move |mut request: Request<hyper::body::Incoming>| {
        if let Some(peer) = &peer {
            request.extensions_mut().insert(peer.clone());
        }
        let (answer, stopping) = (app.call(request), stopping.clone());
        async move {
            let mut answer = answer.await?;
            if *stopping.borrow() {
                answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
            }
            Ok::<_, Infallible>(answer)
        }
    });
    let mut connection = pin!(server.serve_connection(TokioIo::new(stream), service));
    tokio::select! {
        biased;
        outcome = connection.as_mut() => return done(outcome),
        () = told(&mut stopped) => {}
    }
    // One that is idle may have a request on its way.
    match timeout(bounds::LAST_WORDS, connection.as_mut()).await {
        Ok(outcome) => done(outcome),
        Err(_) => {
            connection.as_mut().graceful_shutdown();
            done(connection.await);
        }
    }
}

fn done(outcome: hyper::Result<()>) {
    if let Err(error) = outcome {
        tracing::debug!(%error, "connection to the admin API ended early");
    }
}

async fn told(stopped: &mut watch::Receiver<bool>) {
    // The sender lives until every connection has ended.
    let _ = stopped.wait_for(|stopped| *stopped).await;
}
