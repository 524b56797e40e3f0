//! What the pipeline needs of the outside.

use std::{future::Future, pin::Pin, sync::Arc, time::Duration};

use busbar_model::{
    Digest, Fault, Name, Secret, Security, Timestamp,
    correlation::CorrelationId,
    delivery::{Claimed, Properties, Target},
    router::Parameters,
    unit::{CommitError, Entry, Key, ReplyKey, StoredReply, Unit},
};
use bytes::Bytes;
use tokio::time::Instant;

use crate::{
    accept::Context,
    catalog::BoundService,
    gate,
    publish::Message,
    request::{Head, Input, Response},
    unit::Layer,
    ways::Ways,
};

pub type CallFuture = Pin<Box<dyn Future<Output = Result<Response, Fault>> + Send>>;

/// One call of a service, on its way into a plugin. Boxed, since all who wait for it would be larger by it.
pub struct Call {
    pub context: Arc<Context>,
    pub service: Arc<BoundService>,
    /// When the call is stopped.
    pub deadline: Instant,
    /// 0 for a channel's own call; one more with each `invoke`.
    pub depth: u32,
    /// The calls that wait for this one, from the nearest on.
    pub above: Option<Arc<Above>>,
    /// The security definition, or the plugin, that the call comes from.
    pub caller: Option<Name>,
    /// `None` where a service calls.
    pub head: Option<Head>,
    pub params: Parameters,
    pub input: Input,
    /// For calls of other services.
    pub invoker: Arc<dyn Invoker>,
    /// Where its effects are staged.
    pub unit: Arc<Layer>,
    /// What tells attempts at the same thing from other calls.
    pub attempt: Attempt,
    /// The call's place among the service's concurrent calls; dropped when its instance is done.
    pub place: gate::Place,
}

/// Which attempt at something a call is.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// 1 for the first, and for what is no delivery.
    pub number: u32,
    /// The same for all attempts.
    pub key: Option<Arc<str>>,
}

impl Default for Attempt {
    fn default() -> Self {
        Self { number: 1, key: None }
    }
}

/// A loaded version of a plugin.
pub trait Plugin: Send + Sync {
    fn digest(&self) -> Digest;
    /// Runs the service within its limits. The future may be dropped at any time: the call ends then.
    fn call(&self, call: Box<Call>) -> CallFuture;
}

/// Calls of services by services.
pub trait Invoker: Send + Sync {
    fn invoke(self: Arc<Self>, from: Origin, service: String, input: Input) -> CallFuture;
    /// Gets a message to a broker before anything else happens.
    fn publish(self: Arc<Self>, from: Origin, message: Message) -> OutletFuture;
    /// By what services reach systems of others; `None`: by nothing.
    fn ways(&self) -> Option<&Arc<dyn Ways>>;
}

/// The call that invokes another.
#[derive(Clone)]
pub struct Origin {
    pub context: Arc<Context>,
    pub service: Arc<BoundService>,
    pub deadline: Instant,
    pub depth: u32,
    pub above: Option<Arc<Above>>,
    pub unit: Arc<Layer>,
    pub attempt: Attempt,
}

/// A call that waits for one that it made.
pub struct Above {
    pub service: Name,
    pub above: Option<Arc<Self>>,
}

impl Origin {
    /// Whether this call, or one that waits for it, holds a place of the service.
    pub(crate) fn holds(&self, service: &Name) -> bool {
        let mut above = self.above.as_ref();
        while let Some(call) = above {
            if call.service == *service {
                return true;
            }
            above = call.above.as_ref();
        }
        self.service.name == *service
    }
}

/// Opens secrets, which are sealed in the definitions as they are in the ODB.
pub trait Opener: Send + Sync {
    fn open(&self, secret: &Secret) -> Result<String, Unopened>;
    /// The password of a definition of the kind ws-security.
    fn open_password(&self, security: &Security) -> Result<String, Unopened>;
}

/// Why a secret could not be opened; tells nothing of its value.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
#[error("{0}")]
pub struct Unopened(pub String);

/// One line of the access log.
#[derive(Debug)]
pub struct Access<'a> {
    pub correlation: &'a CorrelationId,
    pub trace_id: Option<u128>,
    pub method: &'a str,
    /// Raw, without the query, which may carry secrets.
    pub path: &'a str,
    pub channel: &'a str,
    pub service: &'a str,
    pub caller: Option<&'a str>,
    pub status: u16,
    /// `None` where the reply is streamed.
    pub bytes: Option<u64>,
    pub took: Duration,
    pub fault: Option<&'a str>,
}

pub trait AccessLog: Send + Sync {
    fn record(&self, access: &Access<'_>);
}

/// Which values a listing gives.
#[derive(Clone, Debug)]
pub struct KeyRange {
    pub plugin: Name,
    pub prefix: String,
    /// Only keys behind this one.
    pub after: Option<String>,
    pub limit: u32,
}

/// What is kept can't be read at present; the cause is in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("what is kept can't be read at present")]
pub struct Unreadable;

pub type OutletFuture = Pin<Box<dyn Future<Output = Result<(), Fault>> + Send>>;

/// A message for an exchange of a broker.
#[derive(Clone, Debug)]
pub struct Outbound {
    /// What tells it from others, unless its sender named something else.
    pub id: String,
    pub connection: Name,
    pub exchange: String,
    pub routing_key: String,
    pub content_type: Option<String>,
    pub properties: Properties,
    pub payload: Bytes,
    pub correlation_id: String,
    /// When nobody waits for its confirmation any more.
    pub deadline: Instant,
}

impl Outbound {
    /// What is to be delivered; `None`: not to a broker.
    pub fn of(delivery: Claimed, deadline: Instant) -> Option<Self> {
        let Target::Amqp { connection, exchange, routing_key } = delivery.target else { return None };
        let Claimed { id, content_type, properties, payload, correlation_id, .. } = delivery;
        let payload = payload.into();
        Some(Self {
            id,
            connection,
            exchange,
            routing_key,
            content_type,
            properties,
            payload,
            correlation_id,
            deadline,
        })
    }
}

/// What gets messages to systems of others.
pub trait Outlet: Send + Sync {
    /// Ends once the target has confirmed that it has the message. The future may be dropped at any time: whether
    /// the target has it is unknown then.
    fn send(&self, message: Outbound) -> OutletFuture;
}

pub type LedgerFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// What outlives calls.
pub trait Ledger: Send + Sync {
    fn now(&self) -> Timestamp;
    /// An id that no other delivery has.
    fn new_id(&self) -> String;
    fn get(&self, key: Key) -> LedgerFuture<Result<Option<Entry>, Unreadable>>;
    /// In the order of the keys' bytes.
    fn list(&self, range: KeyRange) -> LedgerFuture<Result<Vec<(String, Entry)>, Unreadable>>;
    fn reply(&self, key: ReplyKey) -> LedgerFuture<Result<Option<StoredReply>, Unreadable>>;
    /// All of it or nothing. What was not begun by the deadline never is.
    fn commit(&self, unit: Unit, deadline: Instant) -> LedgerFuture<Result<(), CommitError>>;
}
