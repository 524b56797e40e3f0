//! Messages to brokers of others (AMQP 0-9-1), by a connection that the plugin is granted.
//!
//! ```no_run
//! use busbar_sdk::prelude::*;
//!
//! # fn example(order: serde_json::Value) -> Result<(), Fault> {
//! let message = amqp::Message::json("shop", "orders.new", &order)?.header("tenant", "acme").kind("order");
//! amqp::hand_over("broker", message.clone(), &DeliveryOptions::default())?;
//! amqp::publish("broker", message)
//! # }
//! ```

use std::time::Duration;

use serde::Serialize;

use crate::host::amqp as bus;
use crate::{DeliveryOptions, Fault, Payload};

/// A message. What is not set is not sent, except that the bus gives a correlation id (the call's) and a message id
/// (of its own) where there is none. Texts have at most 255 bytes, the headers 64 KiB, the body 16 MiB.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Message {
    /// The empty one leads to the queue that the routing key names.
    pub exchange: String,
    pub routing_key: String,
    pub content_type: Option<String>,
    /// No name is there twice.
    pub headers: Vec<(String, String)>,
    pub content_encoding: Option<String>,
    pub correlation_id: Option<String>,
    /// The queue for an answer.
    pub reply_to: Option<String>,
    pub message_id: Option<String>,
    /// The property `type`.
    pub kind: Option<String>,
    pub priority: Option<u8>,
    /// How long the broker keeps it.
    pub expiration: Option<Duration>,
    pub body: Vec<u8>,
}

impl Message {
    /// A value as JSON.
    ///
    /// # Errors
    /// `failed` if it has no JSON form.
    pub fn json(exchange: &str, routing_key: &str, value: &(impl Serialize + ?Sized)) -> Result<Self, Fault> {
        Ok(Self::of(exchange, routing_key, "application/json", serde_json::to_vec(value)?))
    }

    /// Text in UTF-8.
    #[must_use]
    pub fn text(exchange: &str, routing_key: &str, text: &str) -> Self {
        Self::of(exchange, routing_key, "text/plain; charset=utf-8", text.as_bytes().to_vec())
    }

    /// Any bytes.
    #[must_use]
    pub fn of(exchange: &str, routing_key: &str, content_type: &str, body: Vec<u8>) -> Self {
        Self {
            exchange: exchange.to_owned(),
            routing_key: routing_key.to_owned(),
            content_type: Some(content_type.to_owned()),
            body,
            ..Self::default()
        }
    }

    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    #[must_use]
    pub fn correlation_id(self, id: &str) -> Self {
        Self { correlation_id: Some(id.to_owned()), ..self }
    }

    #[must_use]
    pub fn reply_to(self, queue: &str) -> Self {
        Self { reply_to: Some(queue.to_owned()), ..self }
    }

    /// What consumers tell it from others by.
    #[must_use]
    pub fn message_id(self, id: &str) -> Self {
        Self { message_id: Some(id.to_owned()), ..self }
    }

    #[must_use]
    pub fn kind(self, kind: &str) -> Self {
        Self { kind: Some(kind.to_owned()), ..self }
    }

    #[must_use]
    pub fn priority(self, priority: u8) -> Self {
        Self { priority: Some(priority), ..self }
    }

    #[must_use]
    pub fn expiration(self, time: Duration) -> Self {
        Self { expiration: Some(time), ..self }
    }

    /// As a test host is given it.
    #[cfg(not(target_family = "wasm"))]
    pub(crate) fn received(message: bus::Message) -> Result<Self, Fault> {
        let bus::Message { exchange, routing_key, content_type, properties, payload } = message;
        let bus::Properties { headers, content_encoding, correlation_id, .. } = properties;
        let expiration = properties.expiration_ms.map(|ms| Duration::from_millis(ms.into()));
        Ok(Self {
            exchange,
            routing_key,
            content_type,
            headers,
            content_encoding,
            correlation_id,
            reply_to: properties.reply_to,
            message_id: properties.message_id,
            kind: properties.kind,
            priority: properties.priority,
            expiration,
            body: payload.into_bytes()?,
        })
    }

    fn into_bus(self) -> bus::Message {
        let expiration_ms = self.expiration.map(|time| u32::try_from(time.as_millis()).unwrap_or(u32::MAX));
        bus::Message {
            exchange: self.exchange,
            routing_key: self.routing_key,
            content_type: self.content_type,
            properties: bus::Properties {
                headers: self.headers,
                content_encoding: self.content_encoding,
                correlation_id: self.correlation_id,
                reply_to: self.reply_to,
                message_id: self.message_id,
                kind: self.kind,
                priority: self.priority,
                expiration_ms,
            },
            payload: if self.body.is_empty() { Payload::Empty } else { Payload::Bytes(self.body) },
        }
    }
}

/// At once, past the unit of work: what is published stays so whatever becomes of the call, and a call that is tried
/// again publishes again. Returns when the broker has confirmed that each queue has the message.
///
/// # Errors
/// `not-granted`, `connection-unknown`, `invalid-input`, `too-large`, `unroutable` (no queue gets it),
/// `broker-refused`, `broker-unavailable` and `connection-unusable` (not sent: to be tried later), `unconfirmed` (it
/// may have arrived), `invoke-limit`.
pub fn publish(connection: &str, message: Message) -> Result<(), Fault> {
    bus::publish(connection, message.into_bus()).map_err(Fault::received)
}

/// As part of the unit of work: sent once the call's effects are committed, and again until the broker confirms it.
/// The result is the delivery's id, which is the message id too if none is set.
///
/// # Errors
/// `not-granted`, `connection-unknown`, `invalid-input`, `too-large`, limits.
pub fn hand_over(connection: &str, message: Message, options: &DeliveryOptions) -> Result<String, Fault> {
    bus::hand_over(connection, message.into_bus(), &options.to_bus()).map_err(Fault::received)
}
