//! Events over RabbitMQ: a topic exchange for each cluster, a queue of its own for each process.
//!
//! Queues are private, bounded and drop what is oldest: a process that was away looks at the ODB anyway. What is
//! asked of any server goes by one queue that all servers take from.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use anyhow::Context as _;
use busbar_amqp::{
    Binding, Body, Consumer, Endpoint, Exchange, ExchangeKind, Headers, Link, Outgoing, Overflow, Properties,
    Queue, QueueKind, Settlement, State, Subscription, Value as Argument,
};
use busbar_model::{
    bounds::{EVENT_BYTES_MAX, EVENT_LIFE_MS, EVENT_PATIENCE_MS, EVENTS_WAITING_MAX},
    connection::amqp,
};
use serde_json::Value;
use tokio::{
    sync::{Notify, mpsc},
    time::{Instant, timeout_at},
};
use uuid::Uuid;

use super::{CHANGED, Event, Hints, Progress};
use crate::endpoint;

/// Answers to one question that wait to be taken.
const ANSWERS_WAITING_MAX: usize = 256;
/// How long the queue of what any server may answer outlives the last of them.
const QUEUE_LIFE_MS: i64 = 60_000;

/// Whom a question is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Ask {
    /// The server of this name.
    One(String),
    /// One of them, whichever is first.
    Any,
    All,
}

impl Ask {
    fn key(&self) -> String {
        match self {
            Self::One(server) => format!("ask.server.{server}"),
            Self::Any => "ask.any".to_owned(),
            Self::All => "ask.all".to_owned(),
        }
    }
}

/// Who answers questions: the name of one and its body in, how far it is and the answer out.
pub(crate) type Answer = Arc<dyn Fn(Event, Responder) + Send + Sync>;

/// A process's hold on the exchange, which is there again whenever it can be.
pub(crate) struct Broker {
    link: Link,
    exchange: String,
    /// This process's queue.
    queue: String,
    from: String,
    changed: Arc<Notify>,
    questions: Mutex<HashMap<String, mpsc::Sender<Event>>>,
}

impl Broker {
    /// `from` names the process; `server` is set where questions to that server are answered.
    pub(crate) fn start(url: &str, cluster: &str, from: &str) -> anyhow::Result<Arc<Self>> {
        let endpoint = endpoint_of(url, from)?;
        let link = Link::start(endpoint).context("failed to use amqp.url")?;
        let exchange = format!("busbar.{cluster}");
        let queue = format!("{exchange}.{}", Uuid::now_v7());
        let from = from.to_owned();
        let broker = Arc::new(Self {
            link,
            exchange,
            queue,
            from,
            changed: Arc::new(Notify::new()),
            questions: Mutex::default(),
        });
        tokio::spawn(publish_changes(Arc::clone(&broker)));
        Ok(broker)
    }

    /// Takes what comes in for ever: `changed` is called for hints, `answer` for questions to the server. Without a
    /// server only answers to own questions come in.
    pub(crate) async fn listen(
        self: Arc<Self>,
        server: Option<&str>,
        changed: impl Fn(),
        answer: Option<Answer>,
    ) -> anyhow::Result<()> {
        let own = self.link.consume(self.own(server)).context("failed to listen to the broker")?;
        let any = match server {
            Some(_) => Some(self.link.consume(self.any()).context("failed to listen to the broker")?),
            None => None,
        };
        let mut state = self.link.state();
        loop {
            let incoming = tokio::select! {
                incoming = own.next() => incoming,
                incoming = taken(any.as_ref()) => incoming,
                // What was said while there was no connection was not heard.
                Ok(()) = state.changed() => {
                    if matches!(*state.borrow_and_update(), State::Connected) {
                        changed();
                    }
                    continue;
                }
            };
            let Some(incoming) = incoming else { anyhow::bail!("the link to the broker ended") };
            let event = match &incoming.body {
                Body::Whole(bytes) => Event::read(bytes),
                Body::Oversized { .. } => None,
            };
            incoming.settle(Settlement::Ack);
            let Some(event) = event else { continue };
            if event.from == self.from {
                continue;
            }
            if event.name == CHANGED {
                changed();
            } else if let Some(question) = &event.correlation {
                self.take_answer(question, &event);
            } else if let (Some(answer), Some(reply_to)) = (&answer, event.reply_to.clone()) {
                let responder = Responder { broker: Arc::clone(&self), reply_to, question: event.id.clone() };
                answer(event, responder);
            }
        }
    }

    /// Asks and takes what is answered within `patience`: one event from each who heard, and no more than one where
    /// one is asked. One with a progress heard the question and has not answered it.
    pub(crate) async fn ask(&self, whom: &Ask, name: &str, patience: Duration) -> Vec<Event> {
        let deadline = Instant::now() + patience;
        let event = Event { reply_to: Some(self.queue.clone()), ..Event::new(name, &self.from, Value::Null) };
        let (send, mut answers) = mpsc::channel(ANSWERS_WAITING_MAX);
        self.questions().insert(event.id.clone(), send);
        let _asked = Asked { broker: self, id: event.id.clone() };
        let mut taken: Vec<Event> = Vec::new();
        if self.publish(&self.exchange, &whom.key(), &event, deadline).await {
            while let Ok(Some(answer)) = timeout_at(deadline, answers.recv()).await {
                let is_last = answer.progress.is_none();
                taken.retain(|earlier| earlier.from != answer.from);
                taken.push(answer);
                if is_last && *whom != Ask::All {
                    break;
                }
            }
        }
        taken
    }

    /// In words: `connected`, or why it is not.
    pub(crate) fn state(&self) -> String {
        match &*self.link.state().borrow() {
            State::Connected => "connected".to_owned(),
            State::Connecting => "connecting".to_owned(),
            State::Reconnecting { reason, .. } => format!("reconnecting: {reason}"),
            State::Blocked { reason, .. } => format!("blocked: {reason}"),
            State::Stopped => "stopped".to_owned(),
        }
    }

    fn take_answer(&self, question: &str, event: &Event) {
        if let Some(asked) = self.questions().get(question) {
            // Who does not take them has enough.
            let _ = asked.try_send(event.clone());
        }
    }

    async fn publish(&self, exchange: &str, routing_key: &str, event: &Event, deadline: Instant) -> bool {
        let Ok(body) = serde_json::to_vec(event) else { return false };
        let outgoing = Outgoing {
            exchange: exchange.to_owned(),
            routing_key: routing_key.to_owned(),
            properties: Properties {
                content_type: Some("application/json".to_owned()),
                expiration_ms: Some(EVENT_LIFE_MS),
                transient: true,
                ..Properties::default()
            },
            body: body.into(),
            ..Outgoing::default()
        };
        match self.link.publish(outgoing, deadline).await {
            Ok(_) => true,
            Err(error) => {
                tracing::debug!(%error, event = event.name, "an event was not published");
                false
            }
        }
    }

    fn own(&self, server: Option<&str>) -> Subscription {
        let keys = match server {
            Some(server) => {
                vec![CHANGED.to_owned(), Ask::All.key(), Ask::One(server.to_owned()).key()]
            }
            None => Vec::new(),
        };
        let queue = Queue {
            kind: QueueKind::Private,
            length_max: Some(EVENTS_WAITING_MAX),
            overflow: Some(Overflow::DropHead),
            ..Queue::default()
        };
        self.subscription(&self.queue, queue, keys)
    }

    fn any(&self) -> Subscription {
        let queue = Queue {
            kind: QueueKind::Classic,
            length_max: Some(EVENTS_WAITING_MAX),
            overflow: Some(Overflow::DropHead),
            message_ttl: Some(Duration::from_millis(EVENT_LIFE_MS)),
            arguments: Headers::from([("x-expires".to_owned(), Argument::Integer(QUEUE_LIFE_MS))]),
            ..Queue::default()
        };
        self.subscription(&format!("{}.any", self.exchange), queue, vec![Ask::Any.key()])
    }

    fn subscription(&self, queue: &str, declare: Queue, keys: Vec<String>) -> Subscription {
        let bind =
            |routing_key| Binding { exchange: self.exchange.clone(), routing_key, ..Binding::default() };
        Subscription {
            declare: Some(declare),
            exchanges: vec![Exchange { name: self.exchange.clone(), kind: ExchangeKind::Topic }],
            bindings: keys.into_iter().map(bind).collect(),
            body_bytes_max: EVENT_BYTES_MAX,
            ..Subscription::to(queue)
        }
    }

    fn questions(&self) -> MutexGuard<'_, HashMap<String, mpsc::Sender<Event>>> {
        self.questions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Answers are expected until it is dropped, however that comes about.
struct Asked<'a> {
    broker: &'a Broker,
    id: String,
}

impl Drop for Asked<'_> {
    fn drop(&mut self) {
        self.broker.questions().remove(&self.id);
    }
}

impl Hints for Broker {
    fn changed(&self) {
        self.changed.notify_one();
    }
}

/// What was changed while one hint was on its way is told by the next one.
async fn publish_changes(broker: Arc<Broker>) {
    loop {
        broker.changed.notified().await;
        let event = Event::new(CHANGED, &broker.from, Value::Null);
        let deadline = Instant::now() + Duration::from_millis(EVENT_PATIENCE_MS);
        broker.publish(&broker.exchange, CHANGED, &event, deadline).await;
    }
}

/// The way back to who asked.
pub(crate) struct Responder {
    broker: Arc<Broker>,
    reply_to: String,
    question: String,
}

impl Responder {
    pub(crate) async fn progress(&self, progress: Progress) {
        self.send(Some(progress), Value::Null).await;
    }

    pub(crate) async fn answer(self, body: Value) {
        self.send(None, body).await;
    }

    async fn send(&self, progress: Option<Progress>, body: Value) {
        let event = Event {
            correlation: Some(self.question.clone()),
            progress,
            ..Event::new("answer", &self.broker.from, body)
        };
        let deadline = Instant::now() + Duration::from_millis(EVENT_PATIENCE_MS);
        self.broker.publish("", &self.reply_to, &event, deadline).await;
    }
}

async fn taken(consumer: Option<&Consumer>) -> Option<busbar_amqp::Incoming> {
    match consumer {
        Some(consumer) => consumer.next().await,
        None => std::future::pending().await,
    }
}

fn endpoint_of(url: &str, name: &str) -> anyhow::Result<Endpoint> {
    let amqp::Address { tls, host, port, vhost, username, password } =
        amqp::parse_url(url).map_err(anyhow::Error::msg).context("amqp.url")?;
    let (username, password) = username.zip(password).context("amqp.url has no user and password")?;
    let new = amqp::Amqp::new(host, username, password, tls);
    let (port, vhost) = (port.unwrap_or(new.port), vhost.unwrap_or_else(|| new.vhost.clone()));
    Ok(endpoint::of(amqp::Amqp { port, vhost, publishers: 1, ..new }, &format!("busbar events {name}")))
}
