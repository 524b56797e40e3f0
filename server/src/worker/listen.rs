//! Accepting connections, and letting go of them without losing a request.

use std::{
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch,
    time::{Instant, sleep, sleep_until},
};

use crate::{
    control::accepted,
    settings,
    worker::{
        connection::{Phase, serve_connection},
        http::Front,
    },
};

/// Connections that a worker takes when it stops accepting.
const QUEUED_MAX: usize = 1_024;

/// Accepts until `stop`, then waits for the connections to end.
pub(crate) async fn serve(
    listener: std::net::TcpListener,
    front: Front,
    settings: &settings::Http,
    stop: impl Future<Output = ()>,
) -> anyhow::Result<()> {
    let listener = TcpListener::from_std(listener)?;
    let (phase, phases) = watch::channel(Phase::Serving);
    let open = Open::default();
    let front = Arc::new(front);
    let header_timeout = Duration::from_millis(settings.header_timeout_ms);
    tokio::pin!(stop);
    loop {
        tokio::select! {
            () = &mut stop => break,
            outcome = listener.accept() => if let Some((stream, _)) = accepted(outcome).await {
                let _ = stream.set_nodelay(true);
                let connection = serve_connection(stream, Arc::clone(&front), header_timeout, phases.clone());
                let counted = open.enter();
                tokio::spawn(async move {
                    connection.await;
                    drop(counted);
                });
            }
        }
    }
    // Others may accept on the same socket; but if this one has had its time for all, what clients have
    // connected to already would be reset.
    for stream in queued(listener)? {
        let _ = stream.set_nodelay(true);
        let connection = serve_connection(stream, Arc::clone(&front), header_timeout, phases.clone());
        let counted = open.enter();
        tokio::spawn(async move {
            connection.await;
            drop(counted);
        });
    }
    let started = Instant::now();
    let _ = phase.send(Phase::Draining);
    if open.empty_by(started + Duration::from_millis(settings.drain_idle_ms)).await {
        return Ok(());
    }
    let _ = phase.send(Phase::Closing);
    if !open.empty_by(started + Duration::from_millis(settings.drain_ms)).await {
        tracing::warn!(connections = open.count(), "stopped before all calls were answered");
    }
    Ok(())
}

/// The connections that wait to be accepted.
fn queued(listener: TcpListener) -> std::io::Result<Vec<TcpStream>> {
    let listener = listener.into_std()?;
    let mut streams = Vec::new();
    // It does not block: an empty queue is an error too, and like any other the end.
    while streams.len() < QUEUED_MAX
        && let Ok((stream, _)) = listener.accept()
    {
        stream.set_nonblocking(true)?;
        streams.push(TcpStream::from_std(stream)?);
    }
    Ok(streams)
}

/// Counts open connections.
#[derive(Clone, Default)]
struct Open(Arc<AtomicUsize>);

struct Entered(Arc<AtomicUsize>);

impl Open {
    fn enter(&self) -> Entered {
        self.0.fetch_add(1, Ordering::Relaxed);
        Entered(Arc::clone(&self.0))
    }

    fn count(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }

    async fn empty_by(&self, deadline: Instant) -> bool {
        let empty = async {
            while self.count() > 0 {
                sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::select! {
            () = empty => true,
            () = sleep_until(deadline) => false,
        }
    }
}

impl Drop for Entered {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
