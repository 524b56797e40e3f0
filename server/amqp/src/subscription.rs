//! What a consumer wants: a queue, how it is to be declared, how much of it at once.

use std::time::Duration;

use lapin::types::FieldTable;

use crate::{
    bounds::{BODY_BYTES_MAX, SHORT_BYTES_MAX},
    endpoint::Invalid,
    value::{Headers, Value, write_table},
};

#[derive(Clone, Debug)]
pub struct Subscription {
    pub queue: String,
    /// `None`: it is there, or will be; until then the consumer is refused.
    pub declare: Option<Queue>,
    /// Declared before the bindings. One that is there with another kind is a reason to be refused.
    pub exchanges: Vec<Exchange>,
    pub bindings: Vec<Binding>,
    /// Messages that are handed out and not settled. Up to so many bodies are in memory, and lapin puts one more
    /// together, of whatever size, before it can be refused.
    pub prefetch: u16,
    /// One message at a time, in the order of the queue, whatever happens to the connection: the next one is not
    /// handed out before the one before it is settled. Other consumers of the queue are a matter of
    /// [`Queue::single_active_consumer`].
    pub ordered: bool,
    /// A larger one is handed out without its body.
    pub body_bytes_max: usize,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum QueueKind {
    #[default]
    Quorum,
    Classic,
    /// Classic, of this connection only: gone with it.
    Private,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overflow {
    /// The oldest messages are dropped, or dead-lettered.
    DropHead,
    /// New ones are refused: [`PublishError::Nacked`](crate::PublishError::Nacked).
    RejectPublish,
}

/// A queue as it is declared. Durable, unless it is private.
#[derive(Clone, Debug, Default)]
pub struct Queue {
    pub kind: QueueKind,
    /// Where rejected and expired messages go; empty is the default exchange.
    pub dead_letter_exchange: Option<String>,
    pub dead_letter_routing_key: Option<String>,
    /// How often a message may come back before it is dead-lettered. Quorum queues only.
    pub delivery_limit: Option<u32>,
    pub single_active_consumer: bool,
    /// Messages that are ready.
    pub length_max: Option<u32>,
    pub bytes_max: Option<u64>,
    pub overflow: Option<Overflow>,
    pub message_ttl: Option<Duration>,
    /// What is not named here.
    pub arguments: Headers,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExchangeKind {
    Direct,
    Fanout,
    Topic,
    Headers,
}

/// A durable exchange.
#[derive(Clone, Debug)]
pub struct Exchange {
    pub name: String,
    pub kind: ExchangeKind,
}

/// Of the subscription's queue.
#[derive(Clone, Debug, Default)]
pub struct Binding {
    pub exchange: String,
    pub routing_key: String,
    /// For an exchange of the kind headers.
    pub arguments: Headers,
}

impl Subscription {
    /// To a queue that somebody else declares: 16 messages at once, bodies of at most 16 MiB.
    pub fn to(queue: &str) -> Self {
        Self {
            queue: queue.to_owned(),
            declare: None,
            exchanges: Vec::new(),
            bindings: Vec::new(),
            prefetch: 16,
            ordered: false,
            body_bytes_max: 16 * 1024 * 1024,
        }
    }

    /// What the broker is asked to hand out at once, and the caller gets.
    pub(crate) fn at_once(&self) -> u16 {
        if self.ordered { 1 } else { self.prefetch }
    }

    pub(crate) fn check(&self) -> Result<(), Invalid> {
        let invalid = |key, value: String, allowed| Err(Invalid { key, value, allowed });
        if self.queue.is_empty() {
            return invalid("queue", "empty".to_owned(), "a name is needed");
        }
        if self.prefetch == 0 {
            return invalid("prefetch", "0".to_owned(), "1 to 65535 are allowed");
        }
        if !(1..=BODY_BYTES_MAX).contains(&self.body_bytes_max) {
            return invalid("body_bytes_max", self.body_bytes_max.to_string(), "1 to 134217728 are allowed");
        }
        let exchanges = self.exchanges.iter().map(|exchange| ("exchange", &exchange.name));
        let bindings = self.bindings.iter().flat_map(|binding| {
            [("binding's exchange", &binding.exchange), ("routing key", &binding.routing_key)]
        });
        for (key, name) in [("queue", &self.queue)].into_iter().chain(exchanges).chain(bindings) {
            if name.len() > SHORT_BYTES_MAX {
                return invalid(key, format!("{} bytes long", name.len()), "at most 255 are allowed");
            }
        }
        let tables = self.bindings.iter().map(|binding| &binding.arguments);
        for table in tables.chain(self.declare.iter().map(|queue| &queue.arguments)) {
            if let Err(error) = write_table(table) {
                return invalid("arguments", error.to_string(), "short names, at most 32 levels are allowed");
            }
        }
        Ok(())
    }
}

impl Queue {
    pub(crate) fn table(&self) -> FieldTable {
        let mut table = self.arguments.clone();
        let kind = match self.kind {
            QueueKind::Quorum => "quorum",
            QueueKind::Classic | QueueKind::Private => "classic",
        };
        let overflow = self.overflow.map(|overflow| match overflow {
            Overflow::DropHead => "drop-head",
            Overflow::RejectPublish => "reject-publish",
        });
        let number = |number: u64| Value::Integer(i64::try_from(number).unwrap_or(i64::MAX));
        let millis = |ttl: Duration| number(u64::try_from(ttl.as_millis()).unwrap_or(u64::MAX));
        let arguments = [
            ("x-queue-type", Some(Value::from(kind))),
            ("x-dead-letter-exchange", self.dead_letter_exchange.as_deref().map(Value::from)),
            ("x-dead-letter-routing-key", self.dead_letter_routing_key.as_deref().map(Value::from)),
            ("x-delivery-limit", self.delivery_limit.map(|limit| number(limit.into()))),
            ("x-single-active-consumer", self.single_active_consumer.then_some(Value::Bool(true))),
            ("x-max-length", self.length_max.map(|length| number(length.into()))),
            ("x-max-length-bytes", self.bytes_max.map(number)),
            ("x-overflow", overflow.map(Value::from)),
            ("x-message-ttl", self.message_ttl.map(millis)),
        ];
        for (name, value) in arguments {
            if let Some(value) = value {
                table.insert(name.to_owned(), value);
            }
        }
        // They were checked when the subscription was.
        write_table(&table).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::read_table;

    #[test]
    fn a_queue_says_only_what_it_was_told() {
        let plain = read_table(&Queue::default().table());
        assert_eq!(plain, Headers::from([("x-queue-type".to_owned(), Value::from("quorum"))]));
        let full = Queue {
            kind: QueueKind::Classic,
            dead_letter_exchange: Some(String::new()),
            delivery_limit: Some(3),
            single_active_consumer: true,
            overflow: Some(Overflow::RejectPublish),
            message_ttl: Some(Duration::from_secs(2)),
            arguments: Headers::from([("x-expires".to_owned(), Value::Integer(9))]),
            ..Queue::default()
        };
        let table = read_table(&full.table());
        assert_eq!(table.len(), 7);
        assert_eq!(table["x-dead-letter-exchange"], Value::from(""));
        assert_eq!(table["x-message-ttl"], Value::Integer(2000));
        assert_eq!(table["x-overflow"], Value::from("reject-publish"));
        assert_eq!(table["x-expires"], Value::Integer(9));
    }

    #[test]
    fn what_can_not_be_is_refused() {
        let refused = |subscription: Subscription| subscription.check().unwrap_err().to_string();
        assert_eq!(Subscription::to("q").check(), Ok(()));
        assert_eq!(refused(Subscription::to("")), "queue is empty: a name is needed");
        let none = Subscription { prefetch: 0, ..Subscription::to("q") };
        assert_eq!(refused(none), "prefetch is 0: 1 to 65535 are allowed");
        let long = Binding { routing_key: "k".repeat(256), ..Binding::default() };
        let long = Subscription { bindings: vec![long], ..Subscription::to("q") };
        assert_eq!(refused(long), "routing key is 256 bytes long: at most 255 are allowed");
    }
}
