//! RabbitMQ, by AMQP 0-9-1: the only crate with lapin, which does not show outside.
//!
//! A [`Link`] is one connection to one virtual host of a broker, by one user ([`Endpoint`]). A task of its own
//! (`supervisor`) connects it, and when anything is wrong drops all that belongs to the connection and connects again,
//! for ever, after pauses of random length. Each connection has a generation; what was handed out by one that is gone
//! can't be settled on another.
//!
//! [`Link::publish`] returns when the broker has the message, or says what is known: it reached no queue, it was
//! refused, it was certainly not sent, or the broker may have it ([`PublishError`]).
//!
//! [`Link::consume`] gives a [`Consumer`], which declares what it needs on each new connection and hands out
//! [`Incoming`] messages. Each is settled once, by being used up: acknowledged when its work is done and committed,
//! sent back, or rejected. What is dropped goes back.
//!
//! ```text
//! let link = Link::start(Endpoint::new("localhost", 5672, "/", "guest", "guest"))?;
//! let orders = Subscription { declare: Some(Queue::default()), ..Subscription::to("orders") };
//! let consumer = link.consume(orders)?;
//! link.publish(Outgoing { routing_key: "orders".into(), mandatory: true, ..Outgoing::default() }, deadline).await?;
//! while let Some(incoming) = consumer.next().await {
//!     work(&incoming).await;
//!     incoming.settle(Settlement::Ack);
//! }
//! ```
//!
//! What comes in is bounded. A consumer holds at most its prefetch of messages, each of at most
//! [`Subscription::body_bytes_max`]; a larger one comes without its body, which lapin has put together by then: once
//! per consumer, up to twice what the broker lets pass (`max_message_size`, 128 MiB by default). Frames are looked
//! at before lapin reads them (`frames`), since it can be made to overflow its stack.

mod backoff;
mod bounds;
mod connect;
mod consumer;
mod endpoint;
mod frames;
mod incoming;
mod json;
mod link;
mod ping;
mod properties;
mod publish;
mod publisher;
mod reactor;
mod reason;
mod session;
mod state;
mod subscription;
mod supervisor;
mod value;
mod wire;

pub use bounds::BODY_BYTES_MAX;
pub use consumer::{Consumer, ConsumerState};
pub use endpoint::{Endpoint, Identity, Invalid, Tls};
pub use incoming::{Body, Incoming, Settlement};
pub use link::Link;
pub use ping::ping;
pub use properties::{BadProperties, Properties};
pub use publish::{Confirmed, Outgoing, PublishError};
pub use reason::Reason;
pub use state::State;
pub use subscription::{Binding, Exchange, ExchangeKind, Overflow, Queue, QueueKind, Subscription};
pub use value::{Headers, Unsayable, Value};
