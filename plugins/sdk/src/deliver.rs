//! Guaranteed delivery. What is handed over belongs to the call's unit of work: it is on its way if, and only
//! if, the call's effects are committed. The target may get it more than once, under one idempotency key
//! (`context::idempotency_key`).

use std::time::Duration;

use serde::Serialize;

use crate::host::{deliver as bus, invoke};
use crate::{Fault, Payload, Request};

/// How hard is tried. What is not set is the bus's own choice.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Attempts until it is given up.
    pub attempts: Option<u32>,
    /// Pause after the first failed attempt; doubled with each further one, with jitter.
    pub backoff: Option<Duration>,
    /// Longest pause.
    pub backoff_max: Option<Duration>,
    /// Nothing is attempted after this time.
    pub expires: Option<Duration>,
    /// Nothing is attempted before this time.
    pub delay: Option<Duration>,
    /// Deliveries to one target with the same key are attempted one after the other.
    pub order_key: Option<String>,
}

impl Options {
    pub(crate) fn to_bus(&self) -> bus::Options {
        let ms =
            |time: Option<Duration>| time.map(|time| u64::try_from(time.as_millis()).unwrap_or(u64::MAX));
        bus::Options {
            attempts: self.attempts,
            backoff_ms: ms(self.backoff),
            backoff_max_ms: ms(self.backoff_max),
            expires_ms: ms(self.expires),
            delay_ms: ms(self.delay),
            order_key: self.order_key.clone(),
        }
    }
}

/// To a typed service, as its input, or to an exchange of a broker, as a JSON message:
/// `amqp:CONNECTION/EXCHANGE/ROUTING-KEY`, exchange and routing key percent-encoded
/// ([`amqp::hand_over`](crate::amqp::hand_over) sets headers and properties too). The result is the
/// delivery's id.
///
/// # Errors
/// `not-granted`, `service-unknown`, `connection-unknown`, limits; `failed` if the input has no JSON form.
pub fn deliver(service: &str, input: &(impl Serialize + ?Sized), options: &Options) -> Result<String, Fault> {
    deliver_raw(service, json(input)?, options)
}

/// To any service, with any payload; a stream is read to its end.
///
/// # Errors
/// `not-granted`, `service-unknown`, limits.
pub fn deliver_raw(service: &str, request: Request, options: &Options) -> Result<String, Fault> {
    bus::send(service, request, &options.to_bus()).map_err(Fault::received)
}

/// Invokes a typed service asynchronously: the call begins once this one is committed, and survives any
/// crash. The result is the delivery's id.
///
/// # Errors
/// Those of [`deliver`].
pub fn invoke_async(service: &str, input: &(impl Serialize + ?Sized)) -> Result<String, Fault> {
    invoke::start(service, json(input)?).map_err(Fault::received)
}

fn json(input: &(impl Serialize + ?Sized)) -> Result<Request, Fault> {
    let bytes = serde_json::to_vec(input)?;
    Ok(Request { content_type: Some("application/json".to_owned()), payload: Payload::Bytes(bytes) })
}
