//! Publishing: finding a time and a channel for each message.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use tokio::{
    sync::{OwnedSemaphorePermit, mpsc, oneshot},
    time::{Instant, sleep, timeout_at},
};

use crate::{
    bounds::{RESEND_PAUSE, WAITING_MAX},
    link::Shared,
    publish::{Confirmed, Outgoing, PublishError},
    reason::Reason,
    session::{NoExchange, Session},
    state::State,
};
use channel::{Failure, Job, Message};

mod book;
mod channel;

/// A pool of channels; each is opened when it is needed, and again when it broke.
pub(crate) struct Publishers {
    channels: Vec<mpsc::Sender<Job>>,
    next: AtomicUsize,
}

impl Publishers {
    pub(crate) fn start(shared: &Shared) -> Self {
        let start = |_| {
            let (jobs, waiting) = mpsc::channel(WAITING_MAX);
            tokio::spawn(channel::run(waiting));
            jobs
        };
        Self { channels: (0..shared.endpoint.publishers).map(start).collect(), next: AtomicUsize::new(0) }
    }

    pub(crate) async fn publish(
        &self,
        shared: &Shared,
        outgoing: Outgoing,
        deadline: Instant,
    ) -> Result<Confirmed, PublishError> {
        let properties = outgoing.check(&shared.endpoint)?;
        let message = Arc::new(Message { outgoing, properties });
        loop {
            let session = ready(shared, deadline).await?;
            exchange(shared, &session, &message.outgoing.exchange, deadline).await?;
            let permit = room(shared, deadline).await?;
            let (done, outcome) = oneshot::channel();
            let job = Job { message: Arc::clone(&message), session, _permit: permit, done };
            let turn = self.next.fetch_add(1, Ordering::Relaxed) % self.channels.len();
            match timeout_at(deadline, self.channels[turn].send(job)).await {
                Ok(Ok(())) => {}
                Ok(Err(_)) => return Err(PublishError::Unavailable(Reason::Stopped)),
                Err(_) => return Err(busy(shared)),
            }
            match timeout_at(deadline, outcome).await {
                Ok(Ok(Ok(confirmed))) => return Ok(confirmed),
                Ok(Ok(Err(Failure::Final(error)))) => return Err(error),
                Ok(Ok(Err(Failure::NotSent(reason)))) => {
                    if timeout_at(deadline, sleep(RESEND_PAUSE)).await.is_err() {
                        return Err(PublishError::Unavailable(reason));
                    }
                }
                Ok(Err(_)) => return Err(unconfirmed("the link ended")),
                Err(_) => return Err(unconfirmed("it was not confirmed in time")),
            }
        }
    }
}

/// A session of a broker that takes messages.
async fn ready(shared: &Shared, deadline: Instant) -> Result<Arc<Session>, PublishError> {
    let mut state = shared.state.subscribe();
    loop {
        let seen = state.borrow_and_update().clone();
        match &seen {
            State::Connected => {
                let session = shared.session.borrow().clone();
                if let Some(session) = session.filter(|session| !session.is_over()) {
                    return Ok(session);
                }
            }
            State::Stopped => return Err(PublishError::Unavailable(Reason::Stopped)),
            State::Connecting | State::Reconnecting { .. } | State::Blocked { .. } => {}
        }
        match timeout_at(deadline, state.changed()).await {
            Ok(Ok(())) => {}
            Ok(Err(_)) => return Err(PublishError::Unavailable(Reason::Stopped)),
            Err(_) => {
                return Err(match seen {
                    State::Blocked { reason, .. } => PublishError::Blocked { reason },
                    other => PublishError::Unavailable(other.reason()),
                });
            }
        }
    }
}

async fn exchange(
    shared: &Shared,
    session: &Session,
    exchange: &str,
    deadline: Instant,
) -> Result<(), PublishError> {
    match timeout_at(deadline, session.exchange(exchange)).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(NoExchange::Missing)) => Err(PublishError::NoExchange { exchange: exchange.to_owned() }),
        Ok(Err(NoExchange::Unknown(reason))) => Err(PublishError::Unavailable(reason)),
        Err(_) => Err(PublishError::Unavailable(shared.state.borrow().reason())),
    }
}

async fn room(shared: &Shared, deadline: Instant) -> Result<OwnedSemaphorePermit, PublishError> {
    match timeout_at(deadline, Arc::clone(&shared.in_flight).acquire_owned()).await {
        Ok(Ok(permit)) => Ok(permit),
        Ok(Err(_)) => Err(PublishError::Unavailable(Reason::Stopped)),
        Err(_) => Err(busy(shared)),
    }
}

fn busy(shared: &Shared) -> PublishError {
    PublishError::Busy { in_flight: shared.endpoint.in_flight_max }
}

fn unconfirmed(reason: &str) -> PublishError {
    PublishError::Unconfirmed { reason: reason.to_owned() }
}
