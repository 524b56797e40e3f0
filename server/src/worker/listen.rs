//! Accepting connections, and letting go of them without losing a request.

use std::{future::Future, io, sync::Arc, time::Duration};

use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch,
    time::{Instant, sleep, sleep_until},
};

use crate::{
    control::ACCEPT_PAUSE,
    settings,
    trouble::{self, Trouble},
    worker::{
        connection::{Phase, serve_connection},
        http::Front,
        roster::Roster,
    },
};

/// Connections that a worker takes when it stops accepting.
const QUEUED_MAX: usize = 1_024;

/// Accepts until `stop`, then waits for the connections to end.
pub(crate) async fn serve(
    listener: std::net::TcpListener,
    front: Front,
    roster: &Arc<Roster>,
    settings: &settings::Http,
    stop: impl Future<Output = ()>,
) -> anyhow::Result<()> {
    let listener = TcpListener::from_std(listener)?;
    let (phase, phases) = watch::channel(Phase::Serving);
    let front = Arc::new(front);
    tokio::pin!(stop);
    loop {
        // Where there is no room, the others take what waits, or it waits.
        let has_room = roster.has_room();
        tokio::select! {
            () = &mut stop => break,
            outcome = listener.accept(), if has_room => match outcome {
                Ok((stream, _)) => {
                    let _ = stream.set_nodelay(true);
                    tokio::spawn(serve_connection(stream, Arc::clone(&front), roster.take(), phases.clone()));
                }
                Err(error) => refused(&error, roster).await,
            },
            () = roster.freed(), if !has_room => {}
        }
    }
    // Others may accept on the same socket; but if this one has had its time for all, what clients have
    // connected to already would be reset.
    for stream in queued(listener)? {
        let _ = stream.set_nodelay(true);
        tokio::spawn(serve_connection(stream, Arc::clone(&front), roster.take(), phases.clone()));
    }
    let started = Instant::now();
    let _ = phase.send(Phase::Draining);
    if empty_by(roster, started + Duration::from_millis(settings.drain_idle_ms)).await {
        return Ok(());
    }
    let _ = phase.send(Phase::Closing);
    if !empty_by(roster, started + Duration::from_millis(settings.drain_ms)).await {
        tracing::warn!(connections = roster.count(), "stopped before all calls were answered");
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

/// Mostly for want of descriptors, which passes: who is idle gives up his.
async fn refused(error: &io::Error, roster: &Roster) {
    trouble::note(Trouble::Descriptors, error);
    roster.make_room();
    sleep(ACCEPT_PAUSE).await;
}

async fn empty_by(roster: &Roster, deadline: Instant) -> bool {
    let empty = async {
        while roster.count() > 0 {
            sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::select! {
        () = empty => true,
        () = sleep_until(deadline) => false,
    }
}
