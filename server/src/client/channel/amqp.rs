//! What only AMQP channels have.

use std::fmt;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::NONE;
use crate::client::failure::Usage;

#[derive(Debug, clap::Args)]
#[group(id = "amqp")]
#[command(next_help_heading = "AMQP")]
pub(crate) struct Settings {
    /// The connection that its messages come in by.
    #[arg(long, value_name = "NAME")]
    connection: Option<String>,
    /// The queue that they are taken from.
    #[arg(long, value_name = "NAME")]
    queue: Option<String>,
    /// Makes the queue if it is not there; `none`: it is there already.
    #[arg(long, value_name = "KIND", value_parser = ["quorum", "classic", NONE])]
    declare: Option<String>,
    /// Where the declared queue sends what is rejected.
    #[arg(long, value_name = "EXCHANGE")]
    dead_letter_exchange: Option<String>,
    /// With which routing key; by default that of the message.
    #[arg(long, value_name = "KEY")]
    dead_letter_routing_key: Option<String>,
    /// Times that the broker hands a message out.
    #[arg(long, value_name = "N")]
    delivery_limit: Option<u32>,
    /// Messages that the declared queue holds.
    #[arg(long, value_name = "N")]
    max_length: Option<u32>,
    /// How long the declared queue holds one.
    #[arg(long, value_name = "N")]
    message_ttl_ms: Option<u32>,
    /// What the queue is bound to, EXCHANGE=ROUTING-KEY; may be given more than once; `none` for nothing.
    #[arg(long = "bind", value_name = "BINDING")]
    bindings: Vec<String>,
    /// Messages that a worker is handed before they are answered.
    #[arg(long, value_name = "N")]
    prefetch: Option<u16>,
    /// Calls at once, in each worker.
    #[arg(long, value_name = "N")]
    concurrency: Option<u16>,
    /// One message after the other, in the whole cluster.
    #[arg(long, num_args = 0..=1, default_missing_value = "true", require_equals = true, value_name = "BOOL")]
    ordered: Option<bool>,
    /// What tells that a message was taken before: message-id, none, or header=NAME.
    #[arg(long, value_name = "BY")]
    deduplicate: Option<String>,
    /// Attempts at once after the first one.
    #[arg(long, value_name = "N")]
    retry_immediate: Option<u32>,
    /// Attempts after a pause, behind those.
    #[arg(long, value_name = "N")]
    retry_attempts: Option<u32>,
    /// The first pause; doubled with each further one.
    #[arg(long, value_name = "N")]
    retry_backoff_ms: Option<u64>,
    /// The longest pause.
    #[arg(long, value_name = "N")]
    retry_backoff_max_ms: Option<u64>,
    /// Where a message goes that has failed; error-queue by default.
    #[arg(long, value_parser = ["error-queue", "dead-letter"])]
    failed: Option<String>,
}

impl Settings {
    /// The member `amqp`, if anything of it was given.
    pub(super) fn body(self) -> anyhow::Result<Option<Value>> {
        let retry = object([
            ("immediate", self.retry_immediate.map(Value::from)),
            ("attempts", self.retry_attempts.map(Value::from)),
            ("backoff_ms", self.retry_backoff_ms.map(Value::from)),
            ("backoff_max_ms", self.retry_backoff_max_ms.map(Value::from)),
        ]);
        let bindings = if self.bindings.is_empty() { None } else { Some(bindings(&self.bindings)?) };
        let deduplicate = self.deduplicate.map(|by| match by.strip_prefix("header=") {
            Some(header) => json!({"header": header}),
            None => by.into(),
        });
        let mut declared = object([
            ("dead_letter_exchange", self.dead_letter_exchange.map(Value::from)),
            ("dead_letter_routing_key", self.dead_letter_routing_key.map(Value::from)),
            ("delivery_limit", self.delivery_limit.map(Value::from)),
            ("max_length", self.max_length.map(Value::from)),
            ("message_ttl_ms", self.message_ttl_ms.map(Value::from)),
        ]);
        match self.declare.as_deref() {
            Some(NONE) if declared.is_none() => declared = Some(Value::Null),
            Some(NONE) => return Err(Usage::error("--declare none goes with nothing of a declared queue")),
            Some(kind) => {
                let mut members = declared.unwrap_or_else(|| json!({}));
                members["kind"] = kind.into();
                declared = Some(members);
            }
            None => {}
        }
        Ok(object([
            ("connection", self.connection.map(Value::from)),
            ("queue", self.queue.map(Value::from)),
            ("declare", declared),
            ("bindings", bindings),
            ("prefetch", self.prefetch.map(Value::from)),
            ("concurrency", self.concurrency.map(Value::from)),
            ("ordered", self.ordered.map(Value::from)),
            ("deduplicate", deduplicate),
            ("retry", retry),
            ("failed", self.failed.map(Value::from)),
        ]))
    }
}

/// The members that were given; `None` if none was.
fn object<const N: usize>(members: [(&str, Option<Value>); N]) -> Option<Value> {
    let given = members.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
    let given: Map<String, Value> = given.collect();
    (!given.is_empty()).then_some(Value::Object(given))
}

fn bindings(given: &[String]) -> anyhow::Result<Value> {
    if given.iter().any(|binding| binding == NONE) {
        return match given.len() {
            1 => Ok(json!([])),
            _ => Err(Usage::error("--bind none goes with no other")),
        };
    }
    let binding = |text: &String| match text.split_once('=') {
        Some((exchange, key)) => Ok(json!({"exchange": exchange, "routing_key": key})),
        None => Err(Usage::error(format!("--bind {text:?} is not EXCHANGE=ROUTING-KEY"))),
    };
    given.iter().map(binding).collect()
}

#[derive(Debug, Deserialize)]
pub(crate) struct View {
    connection: String,
    queue: String,
    declare: Option<Value>,
    prefetch: u16,
    concurrency: u16,
    ordered: bool,
    deduplicate: Value,
    failed: String,
}

impl View {
    pub(super) fn address(&self) -> String {
        format!("{} of {}", self.queue, self.connection)
    }
}

impl fmt::Display for View {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "connection {}; queue {}", self.connection, self.queue)?;
        if let Some(kind) = self.declare.as_ref().and_then(|declare| declare["kind"].as_str()) {
            write!(f, " ({kind})")?;
        }
        let order = if self.ordered { "ordered" } else { "not ordered" };
        write!(f, "; prefetch {}; concurrency {}; {order}", self.prefetch, self.concurrency)?;
        match &self.deduplicate {
            Value::String(word) => write!(f, "; deduplicate {word}")?,
            other => write!(f, "; deduplicate header {}", other["header"].as_str().unwrap_or_default())?,
        }
        write!(f, "; failed to {}", self.failed)
    }
}
