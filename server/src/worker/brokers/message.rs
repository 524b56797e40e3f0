//! Messages of AMQP as calls of services, and replies as messages.
//!
//! A service meets a message's properties as headers: `content-type` and `content-encoding`, and
//! `amqp-message-id`, `amqp-correlation-id`, `amqp-reply-to`, `amqp-type`, `amqp-app-id`, `amqp-user-id`,
//! `amqp-priority`, `amqp-timestamp` (seconds since 1970), `amqp-exchange`, `amqp-routing-key` and
//! `amqp-redelivered`. Headers of the message keep their names, in lower case; what is no text or number is JSON.

use busbar_amqp::{Headers, Incoming, Outgoing, Properties, Value};
use busbar_engine::{Body, accept::CORRELATION_HEADER, request::Reply};
use busbar_model::{amqp::Deduplicate, correlation::CorrelationId};
use bytes::Bytes;
use http::{
    HeaderMap, HeaderName, HeaderValue, StatusCode,
    header::{CONTENT_ENCODING, CONTENT_TYPE},
};

/// Of a reply: what it would be over HTTP.
const STATUS: &str = "status";
/// What asks the bus itself for something over HTTP asks for nothing here.
const OF_HTTP: [&str; 4] = ["prefer", "idempotency-key", "host", "content-length"];

/// What the service is told of a message beside its body.
pub(super) fn headers(incoming: &Incoming) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in &incoming.headers {
        let Ok(name) = HeaderName::try_from(name.as_str()) else { continue };
        if OF_HTTP.contains(&name.as_str()) || name.as_str().starts_with("amqp-") {
            continue;
        }
        insert(&mut headers, name, Some(text(value)));
    }
    let Properties {
        content_type,
        content_encoding,
        correlation_id,
        reply_to,
        message_id,
        timestamp_s,
        kind,
        app_id,
        user_id,
        priority,
        ..
    } = incoming.properties.clone();
    // What the sender matches replies by serves for the log too, unless it names another.
    if !headers.contains_key(CORRELATION_HEADER) {
        let own = correlation_id.as_deref().filter(|own| CorrelationId::parse(own).is_some());
        insert(&mut headers, CORRELATION_HEADER, own.map(str::to_owned));
    }
    insert(&mut headers, CONTENT_TYPE, content_type);
    insert(&mut headers, CONTENT_ENCODING, content_encoding);
    for (name, value) in [
        ("amqp-correlation-id", correlation_id),
        ("amqp-reply-to", reply_to),
        ("amqp-message-id", message_id),
        ("amqp-type", kind),
        ("amqp-app-id", app_id),
        ("amqp-user-id", user_id),
        ("amqp-priority", priority.map(|priority| priority.to_string())),
        ("amqp-timestamp", timestamp_s.map(|seconds| seconds.to_string())),
        ("amqp-exchange", Some(incoming.exchange.clone())),
        ("amqp-routing-key", Some(incoming.routing_key.clone())),
        ("amqp-redelivered", Some(incoming.redelivered.to_string())),
    ] {
        insert(&mut headers, HeaderName::from_static(name), value);
    }
    headers
}

/// What can't stand in a header is left out.
fn insert(headers: &mut HeaderMap, name: HeaderName, value: Option<String>) {
    if let Some(value) = value.and_then(|value| HeaderValue::from_bytes(value.as_bytes()).ok()) {
        headers.insert(name, value);
    }
}

fn text(value: &Value) -> String {
    match value {
        Value::Text(text) => text.clone(),
        other => serde_json::Value::from(other.clone()).to_string(),
    }
}

/// What tells the message from others; `None`: it says nothing of the kind, or is not to be told from them.
pub(super) fn key(incoming: &Incoming, deduplicate: &Deduplicate) -> Option<String> {
    let key = match deduplicate {
        Deduplicate::MessageId => incoming.properties.message_id.clone(),
        Deduplicate::Header(name) => incoming.headers.get(name).map(text),
        Deduplicate::None => None,
    };
    key.filter(|key| !key.is_empty())
}

/// A reply without its body.
pub(super) struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    correlation: CorrelationId,
}

pub(super) fn parts(reply: Reply) -> (Answer, Body) {
    let Reply { status, headers, body, correlation } = reply;
    (Answer { status, headers, correlation }, body)
}

/// The answer to a message whose sender waits for one. `status` and, of problems, the content type tell how the
/// call went.
pub(super) fn reply(to: &Properties, reply: &Answer, body: Bytes) -> Option<Outgoing> {
    let content_type = reply.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let mut headers = Headers::new();
    headers.insert(STATUS.to_owned(), Value::Integer(reply.status.as_u16().into()));
    headers.insert(CORRELATION_HEADER.to_string(), Value::Text(reply.correlation.to_string()));
    Some(Outgoing {
        exchange: String::new(),
        routing_key: to.reply_to.clone()?,
        properties: Properties {
            content_type: content_type.map(str::to_owned),
            correlation_id: to.correlation_id.clone().or_else(|| to.message_id.clone()),
            // It is worth something only to who waits.
            transient: true,
            ..Properties::default()
        },
        headers,
        body,
        mandatory: true,
    })
}
