//! What becomes of the member `amqp` that there is.

use busbar_model::{
    Name,
    amqp::{Amqp, Binding, Declare, Deduplicate, Failed, QueueKind, Retry, pace_default},
    fault::FieldError,
};

use crate::{
    check::{Check, REQUIRED},
    problem::Problem,
};

/// A checked patch of the whole member.
#[derive(Debug)]
pub(crate) enum Edit {
    Keep,
    Remove,
    Change(Box<Change>),
}

/// `None` leaves a field as it is.
#[derive(Debug)]
pub(crate) struct Change {
    pub(super) connection: Option<Name>,
    pub(super) queue: Option<String>,
    pub(super) declare: Option<Option<DeclareChange>>,
    pub(super) bindings: Option<Vec<Binding>>,
    /// The inner `None`: the default.
    pub(super) prefetch: Option<Option<u16>>,
    pub(super) concurrency: Option<Option<u16>>,
    pub(super) ordered: Option<bool>,
    pub(super) deduplicate: Option<Deduplicate>,
    pub(super) retry: RetryChange,
    pub(super) failed: Option<Failed>,
}

#[derive(Debug)]
pub(super) struct DeclareChange {
    pub(super) kind: Option<QueueKind>,
    pub(super) dead_letter_exchange: Option<Option<String>>,
    pub(super) dead_letter_routing_key: Option<Option<String>>,
    pub(super) delivery_limit: Option<Option<u32>>,
    pub(super) max_length: Option<Option<u32>>,
    pub(super) message_ttl_ms: Option<Option<u32>>,
}

#[derive(Debug, Default)]
pub(super) struct RetryChange {
    pub(super) immediate: Option<u32>,
    pub(super) attempts: Option<u32>,
    pub(super) backoff_ms: Option<u64>,
    pub(super) backoff_max_ms: Option<u64>,
}

impl RetryChange {
    pub(super) fn of(retry: Retry) -> Self {
        let Retry { immediate, attempts, backoff_ms, backoff_max_ms } = retry;
        Self {
            immediate: Some(immediate),
            attempts: Some(attempts),
            backoff_ms: Some(backoff_ms),
            backoff_max_ms: Some(backoff_max_ms),
        }
    }
}

impl Edit {
    /// Refuses one for a new channel that lacks what has no default.
    pub(crate) fn check_new(&self, check: &mut Check) {
        if let Self::Change(change) = self {
            for (path, absent) in
                [("/amqp/connection", change.connection.is_none()), ("/amqp/queue", change.queue.is_none())]
            {
                // What is there and wrong was refused before.
                if absent && !check.has(path) {
                    check.refuse(path, REQUIRED);
                }
            }
        }
    }

    pub(crate) fn apply(&self, before: Option<Amqp>) -> Result<Option<Amqp>, Problem> {
        match self {
            Self::Keep => Ok(before),
            Self::Remove => Ok(None),
            Self::Change(change) => change.apply(before).map(Some),
        }
    }
}

impl Change {
    fn apply(&self, before: Option<Amqp>) -> Result<Amqp, Problem> {
        let before = match (before, &self.connection, &self.queue) {
            (Some(before), ..) => before,
            (None, Some(connection), Some(queue)) => Amqp::new(connection.clone(), queue.clone()),
            (None, connection, _) => {
                let member = if connection.is_none() { "connection" } else { "queue" };
                let error = FieldError { path: format!("/amqp/{member}"), message: REQUIRED.to_owned() };
                return Err(Problem::conflict("protocol-conflict", vec![error]));
            }
        };
        let ordered = self.ordered.unwrap_or(before.ordered);
        let default = pace_default(ordered);
        // Where the order changes, what is not said has its default again.
        let pace = if ordered == before.ordered { (before.prefetch, before.concurrency) } else { default };
        let set = |given: Option<Option<u16>>, default: u16, kept: u16| match given {
            None => kept,
            Some(given) => given.unwrap_or(default),
        };
        Ok(Amqp {
            connection: self.connection.clone().unwrap_or(before.connection),
            queue: self.queue.clone().unwrap_or(before.queue),
            declare: match &self.declare {
                None => before.declare,
                Some(None) => None,
                Some(Some(change)) => Some(change.apply(before.declare)),
            },
            bindings: self.bindings.clone().unwrap_or(before.bindings),
            prefetch: set(self.prefetch, default.0, pace.0),
            concurrency: set(self.concurrency, default.1, pace.1),
            ordered,
            deduplicate: self.deduplicate.clone().unwrap_or(before.deduplicate),
            retry: Retry {
                immediate: self.retry.immediate.unwrap_or(before.retry.immediate),
                attempts: self.retry.attempts.unwrap_or(before.retry.attempts),
                backoff_ms: self.retry.backoff_ms.unwrap_or(before.retry.backoff_ms),
                backoff_max_ms: self.retry.backoff_max_ms.unwrap_or(before.retry.backoff_max_ms),
            },
            failed: self.failed.unwrap_or(before.failed),
        })
    }
}

impl DeclareChange {
    fn apply(&self, before: Option<Declare>) -> Declare {
        let before = before.unwrap_or_default();
        Declare {
            kind: self.kind.unwrap_or(before.kind),
            dead_letter_exchange: self.dead_letter_exchange.clone().unwrap_or(before.dead_letter_exchange),
            dead_letter_routing_key: self
                .dead_letter_routing_key
                .clone()
                .unwrap_or(before.dead_letter_routing_key),
            delivery_limit: self.delivery_limit.unwrap_or(before.delivery_limit),
            max_length: self.max_length.unwrap_or(before.max_length),
            message_ttl_ms: self.message_ttl_ms.unwrap_or(before.message_ttl_ms),
        }
    }
}
