//! The member `amqp` of a channel: what only AMQP channels have.

mod change;
mod description;
mod given;

use busbar_model::amqp::{Amqp, Binding, Deduplicate, Retry};
use serde::Serialize;
use utoipa::ToSchema;

pub(crate) use self::{
    change::Edit,
    description::{described, new},
    given::{Patch, checked},
};

/// What an AMQP channel has: a queue, how its messages are taken, and what becomes of those that fail.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Amqp)]
pub(crate) struct View {
    /// By which messages come in.
    connection: String,
    queue: String,
    /// How the queue is made that is not there; null: it is there already.
    #[schema(required)]
    declare: Option<DeclareView>,
    /// What the queue is bound to when the channel begins.
    bindings: Vec<BindingView>,
    /// Messages that the broker hands each worker before it has an answer for them.
    prefetch: u16,
    /// Calls at once, in each worker.
    concurrency: u16,
    /// One message after the other, in the whole cluster.
    ordered: bool,
    /// What tells that a message was taken before: message-id, none or {"header": NAME}.
    #[schema(schema_with = description::deduplicate)]
    deduplicate: Deduplicate,
    retry: RetryView,
    /// Where a message goes that has failed.
    #[schema(schema_with = description::failed)]
    failed: &'static str,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AmqpDeclare)]
pub(crate) struct DeclareView {
    #[schema(schema_with = description::queue_kind)]
    kind: &'static str,
    #[schema(required)]
    dead_letter_exchange: Option<String>,
    #[schema(required)]
    dead_letter_routing_key: Option<String>,
    /// Times that the broker hands a message out.
    #[schema(required)]
    delivery_limit: Option<u32>,
    #[schema(required)]
    max_length: Option<u32>,
    #[schema(required)]
    message_ttl_ms: Option<u32>,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AmqpBinding)]
pub(crate) struct BindingView {
    exchange: String,
    routing_key: String,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AmqpRetry)]
pub(crate) struct RetryView {
    /// Attempts at once after the first one.
    immediate: u32,
    /// Attempts after a pause, behind those.
    attempts: u32,
    /// The first pause; doubled with each further one.
    backoff_ms: u64,
    /// The longest; at least the first.
    backoff_max_ms: u64,
}

impl From<Amqp> for View {
    fn from(amqp: Amqp) -> Self {
        let declare = amqp.declare.map(|declare| DeclareView {
            kind: declare.kind.as_str(),
            dead_letter_exchange: declare.dead_letter_exchange,
            dead_letter_routing_key: declare.dead_letter_routing_key,
            delivery_limit: declare.delivery_limit,
            max_length: declare.max_length,
            message_ttl_ms: declare.message_ttl_ms,
        });
        let binding = |Binding { exchange, routing_key }| BindingView { exchange, routing_key };
        let Retry { immediate, attempts, backoff_ms, backoff_max_ms } = amqp.retry;
        Self {
            connection: amqp.connection.into(),
            queue: amqp.queue,
            declare,
            bindings: amqp.bindings.into_iter().map(binding).collect(),
            prefetch: amqp.prefetch,
            concurrency: amqp.concurrency,
            ordered: amqp.ordered,
            deduplicate: amqp.deduplicate,
            retry: RetryView { immediate, attempts, backoff_ms, backoff_max_ms },
            failed: amqp.failed.as_str(),
        }
    }
}
