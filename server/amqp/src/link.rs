//! A connection that is there again whenever it can be.

use std::sync::Arc;

use tokio::{
    sync::{Semaphore, watch},
    time::{Duration, Instant, timeout_at},
};

use crate::{
    consumer::Consumer,
    endpoint::{Endpoint, Invalid},
    publish::{Confirmed, Outgoing, PublishError},
    publisher::Publishers,
    reason::Reason,
    session::Session,
    state::State,
    subscription::Subscription,
    supervisor,
};

/// One supervised connection, on which messages are published and consumed. Clones are the same link; the last one
/// that is dropped ends it, and the consumers with it.
///
/// A broker in an alarm stops reading from connections that publish, so that acknowledgements of consumers on the
/// same connection wait too: who does both a lot uses two links.
#[derive(Clone)]
pub struct Link {
    shared: Arc<Shared>,
    _owner: Arc<Owner>,
}

/// What the link, its supervisor, publishers and consumers have in common.
pub(crate) struct Shared {
    pub(crate) endpoint: Endpoint,
    pub(crate) state: watch::Sender<State>,
    /// The live session, if there is one.
    pub(crate) session: watch::Sender<Option<Arc<Session>>>,
    pub(crate) stopping: watch::Sender<bool>,
    /// Of messages that are given to the broker.
    pub(crate) in_flight: Arc<Semaphore>,
}

/// Tells the supervisor when the last link is gone.
struct Owner {
    shared: Arc<Shared>,
    publishers: Publishers,
}

impl Drop for Owner {
    fn drop(&mut self) {
        self.shared.stopping.send_replace(true);
    }
}

impl Link {
    /// Begins to connect, in the tokio runtime that this is called in, and goes on for ever.
    pub fn start(endpoint: Endpoint) -> Result<Self, Invalid> {
        endpoint.check()?;
        let shared = Arc::new(Shared {
            in_flight: Arc::new(Semaphore::new(endpoint.in_flight_max)),
            state: watch::Sender::new(State::Connecting),
            session: watch::Sender::new(None),
            stopping: watch::Sender::new(false),
            endpoint,
        });
        tokio::spawn(supervisor::run(Arc::clone(&shared)));
        let publishers = Publishers::start(&shared);
        let owner = Owner { shared: Arc::clone(&shared), publishers };
        Ok(Self { shared, _owner: Arc::new(owner) })
    }

    pub fn state(&self) -> watch::Receiver<State> {
        self.shared.state.subscribe()
    }

    /// Waits for the connection if there is none, and for an answer of the broker's; how long that answer took.
    pub async fn ping(&self, deadline: Instant) -> Result<Duration, Reason> {
        let session = self.shared.connected(deadline).await?;
        let started = Instant::now();
        session.ping(deadline).await?;
        Ok(started.elapsed())
    }

    /// Returns when the broker has taken responsibility for the message: it is in all queues that it goes to, on
    /// disk where it is persistent and they are durable.
    ///
    /// Waits for a connection, for room among those in flight, and while the broker is in an alarm, until the
    /// deadline. What was certainly not sent is sent again by itself; what may have been is not
    /// ([`PublishError::Unconfirmed`]).
    pub async fn publish(&self, outgoing: Outgoing, deadline: Instant) -> Result<Confirmed, PublishError> {
        self._owner.publishers.publish(&self.shared, outgoing, deadline).await
    }

    /// Consumes for as long as the consumer, and a link, are there: what it needs is declared again on each new
    /// connection.
    pub fn consume(&self, subscription: Subscription) -> Result<Consumer, Invalid> {
        Consumer::start(&self.shared, subscription)
    }

    /// Ends the link and its consumers. What is in flight has until the deadline to be confirmed.
    pub async fn stop(&self, deadline: Instant) {
        let all = u32::try_from(self.shared.endpoint.in_flight_max).unwrap_or(u32::MAX);
        let _ = timeout_at(deadline, self.shared.in_flight.acquire_many(all)).await;
        self.shared.stopping.send_replace(true);
        let mut state = self.state();
        // The supervisor bounds its own end.
        let _ = state.wait_for(|state| matches!(state, State::Stopped)).await;
    }
}

impl Shared {
    /// The live session, as soon as there is one.
    pub(crate) async fn connected(&self, deadline: Instant) -> Result<Arc<Session>, Reason> {
        let mut sessions = self.session.subscribe();
        let wait = async {
            tokio::select! {
                session = sessions.wait_for(Option::is_some) => session.ok().and_then(|session| session.clone()),
                () = self.stopped() => None,
            }
        };
        match timeout_at(deadline, wait).await {
            Ok(Some(session)) => Ok(session),
            Ok(None) => Err(Reason::Stopped),
            Err(_) => Err(self.state.borrow().reason()),
        }
    }

    pub(crate) async fn stopped(&self) {
        let mut stopping = self.stopping.subscribe();
        let _ = stopping.wait_for(|stopping| *stopping).await;
    }
}
