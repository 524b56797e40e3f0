//! One publishing channel: sends what it is given at once and tells each sender what became of it.

use std::sync::Arc;

use futures_util::{StreamExt as _, stream::FuturesUnordered};
use lapin::{
    BasicProperties, Channel, Confirmation,
    message::BasicReturnMessage,
    options::{BasicPublishOptions, ConfirmSelectOptions},
    types::ShortString,
};
use tokio::{
    sync::{OwnedSemaphorePermit, mpsc, oneshot},
    time::timeout,
};

use crate::{
    bounds::ANSWER_BOUND,
    publish::{Confirmed, Outgoing, PublishError},
    publisher::book::{Book, Returned, Verdict},
    reason::{Reason, refusal},
    session::Session,
};

pub(crate) struct Message {
    pub(crate) outgoing: Outgoing,
    pub(crate) properties: BasicProperties,
}

pub(crate) struct Job {
    pub(crate) message: Arc<Message>,
    pub(crate) session: Arc<Session>,
    pub(crate) _permit: OwnedSemaphorePermit,
    pub(crate) done: oneshot::Sender<Result<Confirmed, Failure>>,
}

pub(crate) enum Failure {
    /// Nothing of it has left; it can be sent again.
    NotSent(Reason),
    Final(PublishError),
}

/// What lapin says of one message.
enum Outcome {
    /// Without its channel; whether all of it had been sent.
    Lost(lapin::Error, bool),
    Acked(Option<Returned>),
    Nacked(Option<Returned>),
}

/// The channel that is open, and which of all that were.
struct Open {
    generation: u64,
    number: u64,
    channel: Channel,
}

/// Until nobody can send jobs any more and all that are under way have come to their end.
pub(crate) async fn run(mut jobs: mpsc::Receiver<Job>) {
    let (mut open, mut opened) = (None, 0);
    let (mut under_way, mut book) = (FuturesUnordered::new(), Book::default());
    loop {
        tokio::select! {
            biased;
            // Outcomes come in the order in which lapin learned of them, on which the book relies: what becomes
            // ready is woken, and taken here, first in, first out.
            Some((number, outcome)) = under_way.next(), if !under_way.is_empty() => {
                conclude(&mut book, number, outcome);
            }
            job = jobs.recv() => {
                let Some(job) = job else { break };
                if job.done.is_closed() {
                    continue;
                }
                match channel(&mut open, &mut opened, &job.session).await {
                    Ok(open) => {
                        let (channel, message) = (open.channel.clone(), Arc::clone(&job.message));
                        let number = book.enter(open.number, Arc::clone(&message), job);
                        under_way.push(async move { (number, send(&channel, &message).await) });
                    }
                    Err(reason) => {
                        let _ = job.done.send(Err(Failure::NotSent(reason)));
                    }
                }
            }
        }
    }
    while let Some((number, outcome)) = under_way.next().await {
        conclude(&mut book, number, outcome);
    }
}

async fn channel<'a>(
    open: &'a mut Option<Open>,
    opened: &mut u64,
    session: &Session,
) -> Result<&'a Open, Reason> {
    let usable =
        open.take().filter(|open| open.generation == session.generation && open.channel.status().connected());
    if let Some(usable) = usable {
        return Ok(open.insert(usable));
    }
    let made = async {
        let channel = session.channel().await?;
        channel.confirm_select(ConfirmSelectOptions::default()).await?;
        Ok(channel)
    };
    let silent = Reason::Silent { bound_s: ANSWER_BOUND.as_secs() };
    let channel = tokio::select! {
        made = timeout(ANSWER_BOUND, made) => {
            made.map_err(|_| silent)?.map_err(|error: lapin::Error| Reason::of(&error))?
        }
        reason = session.ended() => return Err(reason),
    };
    *opened += 1;
    Ok(open.insert(Open { generation: session.generation, number: *opened, channel }))
}

async fn send(channel: &Channel, message: &Message) -> Outcome {
    let Message { outgoing, properties } = message;
    // Both were measured before.
    let name = |text: &str| ShortString::try_new(text).unwrap_or_default();
    let options = BasicPublishOptions { mandatory: outgoing.mandatory, ..BasicPublishOptions::default() };
    let (exchange, key) = (name(&outgoing.exchange), name(&outgoing.routing_key));
    // It returns when the last byte was written to the socket, so if it fails, the broker has no whole message.
    let sent = channel.basic_publish(exchange, key, options, &outgoing.body, properties.clone()).await;
    let confirm = match sent {
        Ok(confirm) => confirm,
        Err(error) => return Outcome::Lost(error, false),
    };
    match confirm.await {
        Ok(Confirmation::Ack(returned)) => Outcome::Acked(returned.map(read)),
        Ok(Confirmation::Nack(returned)) => Outcome::Nacked(returned.map(read)),
        // Of a channel without confirms, which these are not.
        Ok(Confirmation::NotRequested) => Outcome::Nacked(None),
        Err(error) => Outcome::Lost(error, true),
    }
}

fn read(message: BasicReturnMessage) -> Returned {
    Returned {
        code: message.reply_code,
        text: message.reply_text.to_string(),
        exchange: message.delivery.exchange.to_string(),
        routing_key: message.delivery.routing_key.to_string(),
        properties: message.delivery.properties,
        body: message.delivery.data,
    }
}

fn conclude(book: &mut Book<Job>, number: u64, outcome: Outcome) {
    let confirmed = match outcome {
        Outcome::Acked(returned) => book.confirm(number, true, returned),
        Outcome::Nacked(returned) => book.confirm(number, false, returned),
        Outcome::Lost(error, sent) => {
            let (owner, doubtful) = book.lose(number);
            if let Some((job, verdict)) = owner {
                let failure = match verdict {
                    Verdict::Returned { code, text } => {
                        Failure::Final(PublishError::Unroutable { code, text })
                    }
                    _ if sent => Failure::Final(lost(&job, &error)),
                    _ => Failure::NotSent(Reason::of(&error)),
                };
                tell(job, Err(failure));
            }
            doubtful
        }
    };
    for (job, accepted, verdict) in confirmed {
        let result = match verdict {
            Verdict::Returned { code, text } => Err(PublishError::Unroutable { code, text }),
            _ if !accepted => Err(PublishError::Nacked),
            Verdict::Kept => Ok(Confirmed {}),
            Verdict::Unknown => {
                let reason = "the channel was lost before it was known whether the message was returned";
                Err(PublishError::Unconfirmed { reason: reason.to_owned() })
            }
        };
        tell(job, result.map_err(Failure::Final));
    }
}

fn tell(job: Job, result: Result<Confirmed, Failure>) {
    // Who has stopped waiting has said that the outcome is not known.
    let _ = job.done.send(result);
}

/// The message was sent and its channel is gone. If the broker closed it for this message's exchange, that is why.
fn lost(job: &Job, error: &lapin::Error) -> PublishError {
    let exchange = &job.message.outgoing.exchange;
    let named = if exchange.is_empty() { "amq.default" } else { exchange };
    match refusal(error) {
        Some(text) if text.contains(&format!("exchange '{named}'")) => {
            job.session.forget_exchange(exchange);
            if text.starts_with("NOT_FOUND") {
                PublishError::NoExchange { exchange: exchange.clone() }
            } else {
                PublishError::Refused { text }
            }
        }
        Some(text) => PublishError::Unconfirmed { reason: format!("the channel was closed: {text}") },
        None => PublishError::Unconfirmed { reason: Reason::of(error).to_string() },
    }
}
