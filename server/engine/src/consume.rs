//! Messages of queues: each is a call of its channel's service, and what came of it is kept before the queue
//! may forget the message.
//!
//! A message with a key is taken in once: the key goes into the transaction of the call's effects, as an
//! `Idempotency-Key` of a request does. Whoever is handed the same message again learns what came of it.

use std::{sync::Arc, time::Duration};

use busbar_model::{
    Fault, Name, bounds,
    correlation::CorrelationId,
    delivery::{Failure, NewDelivery, Policy, Properties, Setback},
    fault::FaultKind,
    unit::{CommitError, Effects, ReplyKey, StoredReply, Unit},
};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header::CONTENT_TYPE};
use tokio::time::Instant;

use crate::{
    accept::accept,
    authenticate::authenticate,
    body::Body,
    idempotency::{request_hash, scope},
    invoke::{self, Inbound},
    pipeline::{Line, Noted, Pipeline},
    request::{Head, Hop, Reply, Request, Response, Target},
    route::{live, to_channel},
    unit::{commit, commit_fault, refused},
};

/// Time to record what becomes of a message.
const RECORDING: Duration = Duration::from_secs(5);

/// A message as its adapter read it. It can be tried more than once.
#[derive(Clone, Debug)]
pub struct Message {
    pub channel: Name,
    /// Of the message: content type, properties, headers of its own.
    pub headers: HeaderMap,
    pub body: Bytes,
    /// What tells it from others of its channel; `None`: it is taken in each time that it comes.
    pub key: Option<String>,
    /// 1 for the first.
    pub attempt: u32,
    /// Whether its sender waits for what the service answers. Otherwise nothing of that is kept, and an answer with
    /// the status of an error is a failure.
    pub answered: bool,
}

/// What came of a message.
pub struct Consumed {
    pub reply: Reply,
    pub fault: Option<Fault>,
}

/// How a message goes on whose call failed.
#[derive(Clone, Copy, Debug)]
pub struct Onwards {
    pub policy: Policy,
    /// After those that were made already.
    pub attempts: u32,
    /// `None`: it has failed, and waits for a person.
    pub due_in_ms: Option<u64>,
}

impl Pipeline {
    /// One attempt at a message.
    pub async fn consume(self: &Arc<Self>, message: Message, unique: u128) -> Consumed {
        let Message { channel, headers, body, key, attempt, answered } = message;
        let head = head(headers);
        let (target, body, hop) = (Target::Path, Body::from(body), Hop::Client);
        let mut request = Request { target, head, body, hop, trusted: true };
        let context = Arc::new(accept(&mut request, self.catalog(), unique));
        let Some(route) = context.catalog.queue(&channel) else {
            let line = Line::of(&request.head);
            let meter = self.unrouted();
            let noted = Noted { meter, channel: channel.as_str(), service: "", caller: None, line };
            return self.consumed(&context, noted, Err(no_channel()));
        };
        let routed = to_channel(route, Vec::new());
        let noted = Noted {
            meter: &route.meter,
            channel: routed.channel,
            service: routed.service_name,
            caller: None,
            line: Line::of(&request.head),
        };
        let outcome = async {
            let Request { mut head, body, .. } = request;
            let permit = authenticate(routed.admission, None, &mut head.headers).await?;
            let service = live(routed.service)?;
            let inbound = Inbound {
                context: &context,
                routed,
                permit,
                head,
                body,
                key,
                attempt,
                is_answered: answered,
                encode: None,
            };
            invoke::inbound(service, inbound, self).await
        }
        .await;
        self.consumed(&context, noted, outcome)
    }

    fn consumed(
        &self,
        context: &crate::accept::Context,
        noted: Noted<'_>,
        outcome: Result<Response, Fault>,
    ) -> Consumed {
        let fault = outcome.as_ref().err().cloned();
        Consumed { reply: self.finish(context, noted, outcome), fault }
    }

    /// Hands a message that failed over to the outbox; its key is taken by that, as it would be by a success. When
    /// this returns without a fault, the queue may forget the message.
    pub async fn hand_on(
        &self,
        message: &Message,
        fault: &Fault,
        correlation: &CorrelationId,
        onwards: Onwards,
    ) -> Result<(), Fault> {
        let catalog = self.catalog();
        let route = catalog.queue(&message.channel).ok_or_else(no_channel)?;
        let (now, service) = (self.ledger().now(), &route.channel.service);
        let lifetime = i64::try_from(bounds::DELIVERY_LIFETIME_MS_DEFAULT).unwrap_or(i64::MAX);
        let due_in_ms = i64::try_from(onwards.due_in_ms.unwrap_or_default()).unwrap_or(i64::MAX);
        let content_type = message.headers.get(CONTENT_TYPE).map(HeaderValue::to_str);
        let failure = Failure::of(message.attempt, fault, now);
        let delivery = NewDelivery {
            id: self.ledger().new_id(),
            target: service.clone().into(),
            properties: kept(&message.headers),
            source: Some(route.channel.name.clone()),
            content_type: content_type.and_then(Result::ok).map(str::to_owned),
            payload: message.body.to_vec(),
            order_key: None,
            policy: Policy {
                attempts_max: message.attempt.saturating_add(onwards.attempts),
                ..onwards.policy
            },
            due_at: now.plus_ms(due_in_ms),
            expires_at: now.plus_ms(lifetime.saturating_add(due_in_ms)),
            correlation_id: correlation.to_string(),
            created_at: now,
            setback: Some(Setback { failure, is_given_up: onwards.due_in_ms.is_none() }),
        };
        let mut effects = Effects::default();
        effects.deliver(delivery).map_err(refused)?;
        let reply = message.key.clone().map(|key| {
            let head = head(message.headers.clone());
            let stored = StoredReply {
                request_hash: request_hash(&head, &message.body),
                status: StatusCode::ACCEPTED.as_u16(),
                headers: Vec::new(),
                body: Vec::new(),
            };
            (ReplyKey { scope: scope(route.channel.name.as_str(), service.as_str(), None), key }, stored)
        });
        let unit = Unit { effects, reply, ..Unit::default() };
        match commit(self.ledger(), unit, Instant::now() + RECORDING).await {
            // Someone was faster with the same message.
            Ok(()) | Err(CommitError::KeyTaken) => Ok(()),
            Err(error) => Err(commit_fault(error)),
        }
    }
}

fn no_channel() -> Fault {
    Fault::new(FaultKind::NotFound, "the channel that the message came by is there no more")
}

/// What a message has of a request's head.
fn head(headers: HeaderMap) -> Head {
    Head { method: Method::POST, headers, ..Head::default() }
}

/// What the outbox keeps of a message's headers, so that a later attempt meets them too.
fn kept(headers: &HeaderMap) -> Properties {
    let text = |(name, value): (&HeaderName, &HeaderValue)| {
        Some((name.as_str().to_owned(), str::from_utf8(value.as_bytes()).ok()?.to_owned()))
    };
    Properties { headers: headers.iter().filter_map(text).collect(), ..Properties::default() }
}
