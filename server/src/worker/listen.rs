//! Accepting connections, and letting go of them without losing a request.

use std::{
    future::{Future, poll_fn},
    io,
    net::TcpListener,
    pin::pin,
    sync::Arc,
    task::Poll,
    time::Duration,
};

use busbar_engine::request::Hop;
use busbar_pki::{Acceptor, Incoming, Role};
use tokio::{
    net::{TcpStream, UnixStream},
    sync::watch,
    time::{Instant, sleep, sleep_until},
};

use crate::{
    control::ACCEPT_PAUSE,
    settings,
    trouble::{self, Trouble},
    worker::{
        connection::{Phase, serve_connection},
        cork::{Cork, Corked},
        http::Front,
        local::Local,
        roster::{Roster, Seated},
        seat::Seat,
        share::{Entrance, Share},
        transport::{Socket, Transport},
        wire::Wire,
    },
};

/// Connections that a worker takes when it stops accepting.
const QUEUED_MAX: usize = 1_024;

/// Accepts until `stop`, then waits for the connections to end.
pub(crate) async fn serve(
    Doors { tcp, tls, local }: Doors,
    front: Front,
    roster: &Arc<Roster>,
    settings: &settings::Http,
    stop: impl Future<Output = ()>,
) -> anyhow::Result<()> {
    let entrance = Entrance::new(tcp)?;
    let share = &roster.share;
    share.enter();
    let (phase, phases) = watch::channel(Phase::Serving);
    let cork = Cork::new();
    tokio::spawn(Arc::clone(&cork).run());
    let door = Door { front: Arc::new(front), cork, tls };
    tokio::pin!(stop);
    loop {
        // Where there is no room, the others take what waits, or it waits.
        let has_room = roster.has_room();
        tokio::select! {
            () = &mut stop => break,
            outcome = entrance.next(share, accepted), if has_room => match outcome {
                Ok(stream) => drop(tokio::spawn(door.clone().let_in(stream, roster.take(), phases.clone()))),
                Err(error) => refused(&error, roster).await,
            },
            outcome = by_socket(local.as_ref(), share), if has_room => match outcome {
                Ok(stream) => drop(tokio::spawn(door.clone().let_near(stream, roster.take(), phases.clone()))),
                Err(error) => refused(&error, roster).await,
            },
            () = roster.freed(), if !has_room => {}
        }
    }
    share.leave();
    // Others may accept on the same socket; but if this one has had its time for all, what clients have
    // connected to already would be reset.
    for stream in entrance.last(QUEUED_MAX, accepted) {
        tokio::spawn(door.clone().let_in(stream, roster.take(), phases.clone()));
    }
    for stream in local.map(|local| local.queued(QUEUED_MAX)).into_iter().flatten() {
        tokio::spawn(door.clone().let_near(stream, roster.take(), phases.clone()));
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

/// Where connections come in.
pub(crate) struct Doors {
    pub(crate) tcp: TcpListener,
    /// In the clear without.
    pub(crate) tls: Option<Arc<Acceptor>>,
    pub(crate) local: Option<Local>,
}

async fn by_socket(local: Option<&Local>, share: &Share) -> io::Result<UnixStream> {
    match local {
        Some(local) => local.accept(share).await,
        None => std::future::pending().await,
    }
}

/// How connections come in.
#[derive(Clone)]
struct Door {
    front: Arc<Front>,
    cork: Arc<Cork>,
    tls: Option<Arc<Acceptor>>,
}

impl Door {
    /// From this host, by who is trusted to be a balancer.
    async fn let_near(self, stream: UnixStream, seated: Seated, phase: watch::Receiver<Phase>) {
        let corked = Corked::new(Socket::Unix(stream), Arc::clone(&seated.seat));
        let wire = self.wire(Transport::Bare(corked), &seated);
        serve_connection(wire, Hop::Balancer, self.front, seated, phase).await;
    }

    async fn let_in(self, stream: TcpStream, seated: Seated, phase: watch::Receiver<Phase>) {
        let _ = stream.set_nodelay(true);
        let corked = |stream| Transport::Bare(Corked::new(Socket::Tcp(stream), Arc::clone(&seated.seat)));
        let Some(tls) = &self.tls else {
            let wire = self.wire(corked(stream), &seated);
            return serve_connection(wire, Hop::Client, self.front, seated, phase).await;
        };
        // Apart, so that a connection in the clear does not carry what a handshake needs.
        let shaken = Box::pin(handshake(tls, stream, &seated.seat, phase.clone())).await;
        match shaken {
            Some(Ok(Incoming::Tls(stream, identity))) => {
                let is_balancer = identity.is_some_and(|identity| identity.role == Role::Balancer);
                let hop = if is_balancer { Hop::Balancer } else { Hop::Client };
                let wire = self.wire(Transport::Tls(stream), &seated);
                serve_connection(wire, hop, self.front, seated, phase).await;
            }
            Some(Ok(Incoming::Plain(stream))) => {
                self.wire(corked(stream), &seated).refuse_plain().await;
            }
            Some(Err(error)) => {
                tracing::debug!(reason = busbar_pki::reason(&error), "a connection was refused")
            }
            None => tracing::debug!("a connection was refused: no handshake came in time"),
        }
    }

    fn wire(&self, stream: Transport, seated: &Seated) -> Wire {
        let unrouted = Arc::clone(self.front.unrouted());
        Wire::new(stream, Arc::clone(&self.cork), Arc::clone(&seated.seat), unrouted)
    }
}

/// `None`: it took too long, or others need its place, or the worker goes. Until it is done, its time is that of a
/// request's head.
async fn handshake(
    tls: &Acceptor,
    stream: TcpStream,
    seat: &Seat,
    mut phase: watch::Receiver<Phase>,
) -> Option<io::Result<Incoming>> {
    let mut accepting = pin!(tls.accept(stream));
    let shaken = poll_fn(|context| {
        if let Poll::Ready(shaken) = accepting.as_mut().poll(context) {
            return Poll::Ready(Some(shaken));
        }
        seat.register(context.waker());
        if seat.is_open() { Poll::Pending } else { Poll::Ready(None) }
    });
    tokio::select! {
        shaken = shaken => shaken,
        _ = phase.wait_for(|phase| *phase == Phase::Closing) => None,
    }
}

fn accepted(listener: &TcpListener) -> io::Result<TcpStream> {
    let (stream, _) = listener.accept()?;
    stream.set_nonblocking(true)?;
    TcpStream::from_std(stream)
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
