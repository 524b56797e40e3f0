//! One AMQP channel in this worker: takes messages, calls its service, and tells the broker only when what came of
//! it is kept.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use busbar_amqp::{
    Binding, Body, Consumer, ConsumerState, Incoming, PublishError, Queue, QueueKind, Settlement,
    Subscription,
};
use busbar_engine::{
    Pipeline, Reply,
    consume::{Consumed, Message, Onwards},
};
use busbar_model::{
    Channel, Connection, Fault, Name,
    amqp::{self, Amqp, Failed, Next},
    bounds,
    correlation::CorrelationId,
    server::Consuming,
};
use tokio::{
    sync::watch,
    task::JoinSet,
    time::{Instant, timeout},
};
use uuid::Uuid;

use crate::{
    clock,
    worker::{
        brokers::{
            links::{self, Links, Way},
            message,
        },
        sender::random,
    },
};

/// For the answer to a sender that waits.
const REPLYING: Duration = Duration::from_secs(10);
/// Before a message goes back to its queue because what came of it could not be kept, or not be told.
const GIVING_BACK: Duration = Duration::from_secs(1);

/// A channel whose messages are taken.
pub(super) struct Running {
    channel: Channel,
    connection: Connection,
    consumer: Arc<Consumer>,
    ending: watch::Sender<bool>,
    hands: JoinSet<()>,
    parked: Arc<Parked>,
}

/// Messages that nothing can be done with: too large to be kept anywhere but in their queue, which says of nowhere
/// else to put them. They stay there, unacknowledged, for as long as the channel is at it.
#[derive(Default)]
struct Parked(Mutex<Vec<Incoming>>);

impl Parked {
    fn lock(&self) -> MutexGuard<'_, Vec<Incoming>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Running {
    pub(super) fn start(
        links: &Arc<Links>,
        pipeline: Arc<Pipeline>,
        channel: &Channel,
        connection: &Connection,
    ) -> Result<Self, String> {
        let amqp = channel.address.amqp().ok_or("it is no channel of AMQP")?;
        let link = links.link(connection, Way::In)?;
        let consumer = link.consume(subscription(channel, amqp)).map_err(|error| error.to_string())?;
        let consumer = Arc::new(consumer);
        let (ending, ended) = watch::channel(false);
        let (mut hands, parked) = (JoinSet::new(), Arc::new(Parked::default()));
        for _ in 0..amqp.concurrency {
            let hand = Hand {
                links: Arc::clone(links),
                consumer: Arc::clone(&consumer),
                pipeline: Arc::clone(&pipeline),
                channel: channel.name.clone(),
                amqp: amqp.clone(),
                ended: ended.clone(),
                parked: Arc::clone(&parked),
            };
            hands.spawn(hand.run());
        }
        Ok(Self { channel: channel.clone(), connection: connection.clone(), consumer, ending, hands, parked })
    }

    /// Whether another definition of them would make no difference here.
    pub(super) fn is_of(&self, channel: &Channel, connection: &Connection) -> bool {
        let same = |one: &Channel, other: &Channel| {
            one.address == other.address && one.body_bytes_max == other.body_bytes_max
        };
        same(&self.channel, channel) && links::is_same(&self.connection, connection)
    }

    /// Takes no more, and waits for what is in hand.
    pub(super) async fn end(mut self, deadline: Instant) {
        self.ending.send_replace(true);
        self.parked.lock().clear();
        let drained = self.consumer.drain(deadline).await;
        if !drained {
            tracing::warn!(channel = %self.channel.name, "messages in hand go back to their queue");
        }
        self.hands.shutdown().await;
    }

    pub(super) fn report(&self, channel: &Name) -> Consuming {
        let (state, since, reason) = match &*self.consumer.state().borrow() {
            ConsumerState::Consuming => ("consuming", None, None),
            ConsumerState::Reconnecting { since, reason } => {
                ("reconnecting", Some(*since), Some(reason.to_string()))
            }
            ConsumerState::Paused => ("paused", None, None),
            ConsumerState::Refused { since, reason } => ("refused", Some(*since), Some(reason.clone())),
            ConsumerState::Stopped => ("stopped", None, None),
        };
        let parked = self.parked.lock().len();
        let reason = reason.or_else(|| {
            (parked > 0).then(|| {
                format!(
                    "{parked} messages of more than {} bytes stay unacknowledged: their queue has no dead-letter \
                     exchange that they could go to",
                    bounds::DELIVERY_BYTES_MAX
                )
            })
        });
        Consuming { channel: channel.clone(), state: state.to_owned(), since: since.map(clock::at), reason }
    }
}

fn subscription(channel: &Channel, amqp: &Amqp) -> Subscription {
    let declare = amqp.declare.as_ref().map(|declare| Queue {
        kind: match declare.kind {
            amqp::QueueKind::Quorum => QueueKind::Quorum,
            amqp::QueueKind::Classic => QueueKind::Classic,
        },
        dead_letter_exchange: declare.dead_letter_exchange.clone(),
        dead_letter_routing_key: declare.dead_letter_routing_key.clone(),
        delivery_limit: declare.delivery_limit,
        single_active_consumer: amqp.ordered,
        length_max: declare.max_length,
        message_ttl: declare.message_ttl_ms.map(|ms| Duration::from_millis(ms.into())),
        ..Queue::default()
    });
    let binding = |binding: &amqp::Binding| Binding {
        exchange: binding.exchange.clone(),
        routing_key: binding.routing_key.clone(),
        ..Binding::default()
    };
    Subscription {
        declare,
        bindings: amqp.bindings.iter().map(binding).collect(),
        prefetch: amqp.prefetch.max(amqp.concurrency),
        ordered: amqp.ordered,
        // What is too large for the service can be kept in the error queue still.
        body_bytes_max: usize::try_from(channel.body_bytes_max.max(bounds::DELIVERY_BYTES_MAX))
            .map_or(busbar_amqp::BODY_BYTES_MAX, |most| most.min(busbar_amqp::BODY_BYTES_MAX)),
        ..Subscription::to(&amqp.queue)
    }
}

/// One of those that take messages, one after the other.
struct Hand {
    /// Answers go out by another than messages come in by, which a broker in an alarm would not read from any more.
    links: Arc<Links>,
    consumer: Arc<Consumer>,
    pipeline: Arc<Pipeline>,
    channel: Name,
    amqp: Amqp,
    ended: watch::Receiver<bool>,
    parked: Arc<Parked>,
}

/// What is to be told to the broker.
enum Fate {
    Settled(Settlement),
    /// Back to the queue, after a pause.
    Back,
    /// It stays where it is.
    Parked,
}

impl Hand {
    async fn run(mut self) {
        while let Some(incoming) = self.consumer.next().await {
            match self.take(&incoming).await {
                Fate::Settled(how) => incoming.settle(how),
                Fate::Back => {
                    self.pause(GIVING_BACK).await;
                    incoming.settle(Settlement::Requeue);
                }
                Fate::Parked => self.parked.lock().push(incoming),
            }
        }
    }

    /// It was not even read. What can't be kept elsewhere is not thrown away.
    fn oversized(&self, bytes: usize) -> Fate {
        let dead_letters = match &self.amqp.declare {
            Some(declare) => declare.dead_letter_exchange.is_some(),
            None => self.amqp.failed == Failed::DeadLetter,
        };
        let most = bounds::DELIVERY_BYTES_MAX;
        if dead_letters {
            tracing::warn!(channel = %self.channel, bytes, most, "a message is too large; it is dead-lettered");
            return Fate::Settled(Settlement::Reject);
        }
        tracing::error!(channel = %self.channel, bytes, most, "a message is too large; it stays in its queue");
        Fate::Parked
    }

    /// Tries until it is known what becomes of the message.
    async fn take(&mut self, incoming: &Incoming) -> Fate {
        let body = match &incoming.body {
            Body::Whole(body) => body,
            Body::Oversized { bytes } => return self.oversized(*bytes),
        };
        let mut message = Message {
            channel: self.channel.clone(),
            headers: message::headers(incoming),
            body: body.clone(),
            key: message::key(incoming, &self.amqp.deduplicate),
            attempt: 1,
            answered: incoming.properties.reply_to.is_some(),
        };
        loop {
            let unique = Uuid::now_v7().as_u128();
            let Consumed { reply, fault } = self.pipeline.consume(message.clone(), unique).await;
            let Some(fault) = fault else { return self.done(incoming, reply).await };
            let correlation = reply.correlation.clone();
            match self.amqp.after_failure(message.attempt, &fault, random(unique)) {
                Next::Again { after_ms, counted } => {
                    if !self.pause(Duration::from_millis(after_ms)).await {
                        return Fate::Settled(Settlement::Requeue);
                    }
                    message.attempt += u32::from(counted);
                }
                // Who waits for an answer gets this one.
                Next::Later { .. } | Next::Failed if message.answered => {
                    return self.done(incoming, reply).await;
                }
                Next::Later { after_ms } => {
                    return self.hand_on(&message, &fault, &correlation, Some(after_ms)).await;
                }
                Next::Failed if self.amqp.failed == Failed::DeadLetter => {
                    self.note(&correlation, &fault, "dead-lettered");
                    return Fate::Settled(Settlement::Reject);
                }
                Next::Failed => return self.hand_on(&message, &fault, &correlation, None).await,
            }
        }
    }

    /// The call's effects are committed: the answer goes out, if anyone waits for one, and the queue may forget.
    async fn done(&self, incoming: &Incoming, reply: Reply) -> Fate {
        if incoming.properties.reply_to.is_none() {
            return Fate::Settled(Settlement::Ack);
        }
        let (head, body) = message::parts(reply);
        let Ok(body) = body.collect(bounds::BODY_BYTES_DEFAULT).await else {
            tracing::warn!(channel = %self.channel, "a reply ended early; its request is taken again");
            return Fate::Back;
        };
        let Some(outgoing) = message::reply(&incoming.properties, &head, body) else {
            return Fate::Settled(Settlement::Ack);
        };
        let Some(Ok(link)) = self.links.outgoing(&self.amqp.connection) else { return Fate::Back };
        match link.publish(outgoing, Instant::now() + REPLYING).await {
            Ok(_) => Fate::Settled(Settlement::Ack),
            Err(error) if error.is_temporary() && !error.may_have_arrived() => Fate::Back,
            // Who waited has gone, or has it.
            Err(error) => {
                let channel = &self.channel;
                match error {
                    PublishError::Unroutable { .. } => {
                        tracing::debug!(%channel, %error, "nobody waits for the answer to a message any more");
                    }
                    _ => tracing::warn!(%channel, %error, "the answer to a message could not be delivered"),
                }
                Fate::Settled(Settlement::Ack)
            }
        }
    }

    async fn hand_on(
        &self,
        message: &Message,
        fault: &Fault,
        correlation: &CorrelationId,
        due_in_ms: Option<u64>,
    ) -> Fate {
        if message.body.len() as u64 > bounds::DELIVERY_BYTES_MAX {
            return self.oversized(message.body.len());
        }
        if due_in_ms.is_none() {
            self.note(correlation, fault, "to the error queue");
        }
        let onwards = Onwards { policy: self.amqp.policy(), attempts: self.amqp.retry.attempts, due_in_ms };
        match self.pipeline.hand_on(message, fault, correlation, onwards).await {
            Ok(()) => Fate::Settled(Settlement::Ack),
            Err(error) => {
                let (channel, error) = (&self.channel, error.message);
                tracing::warn!(%channel, error, "a message that failed can't be kept at present");
                Fate::Back
            }
        }
    }

    fn note(&self, correlation: &CorrelationId, fault: &Fault, went: &str) {
        tracing::warn!(
            channel = %self.channel,
            correlation_id = correlation.as_str(),
            code = fault.code,
            went,
            "a message was given up"
        );
    }

    /// Whether the pause went by, and the channel is to go on.
    async fn pause(&mut self, pause: Duration) -> bool {
        // Nobody is there any more who could say so: it has ended.
        timeout(pause, self.ended.wait_for(|ended| *ended)).await.is_err()
    }
}
