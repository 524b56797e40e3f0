//! What an AMQP channel has, in a document.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::{
    amqp::{self, Amqp, Binding, Declare, Deduplicate, Failed, QueueKind, Retry, pace_default},
    bounds::{
        AMQP_CONCURRENCY_CEILING, AMQP_PREFETCH_CEILING, AMQP_RETRIES_AT_ONCE_CEILING,
        DELIVERY_ATTEMPTS_CEILING, DELIVERY_BACKOFF_MS_CEILING,
    },
    configuration::{
        members::{Members, Wrong, flag, free, parsed, shown, shown_free, text, whole},
        node::{Content, Node},
    },
    name::Name,
};

pub(super) fn read(members: &mut Members<'_, '_>) -> Option<Amqp> {
    let connection = members.required("connection", parsed(|text| text.parse::<Name>()));
    let queue = members.required("queue", parsed(amqp::queue));
    let declare = members.nested("declare", read_declare);
    let bindings = members.or("bindings", Vec::new(), bindings);
    let prefetch = members.optional("prefetch", whole(1, AMQP_PREFETCH_CEILING.into()));
    let concurrency = members.optional("concurrency", whole(1, AMQP_CONCURRENCY_CEILING.into()));
    let ordered = members.or("ordered", false, flag);
    let deduplicate = members.or("deduplicate", Deduplicate::default(), deduplicate);
    let retry = members.nested("retry", read_retry);
    let failed = members.or("failed", Failed::default(), parsed(|text| text.parse()));
    let ordered = ordered?;
    let pace = pace_default(ordered);
    Some(Amqp {
        connection: connection?,
        queue: queue?,
        declare: declare?,
        bindings: bindings?,
        prefetch: narrow(prefetch?).unwrap_or(pace.0),
        concurrency: narrow(concurrency?).unwrap_or(pace.1),
        ordered,
        deduplicate: deduplicate?,
        retry: retry?.unwrap_or_default(),
        failed: failed?,
    })
}

/// What `whole` has bounded.
fn narrow<T: TryFrom<u64>>(given: Option<u64>) -> Option<T> {
    T::try_from(given?).ok()
}

fn read_declare(members: &mut Members<'_, '_>) -> Option<Declare> {
    let kind = members.or("kind", QueueKind::default(), parsed(|text| text.parse()));
    let exchange = members.optional("dead_letter_exchange", parsed(amqp::exchange));
    let routing_key = members.optional("dead_letter_routing_key", parsed(amqp::routing_key));
    let mut count = |name| members.optional(name, whole(1, u32::MAX.into()));
    let delivery_limit = count("delivery_limit");
    let max_length = count("max_length");
    let message_ttl_ms = count("message_ttl_ms");
    Some(Declare {
        kind: kind?,
        dead_letter_exchange: exchange?,
        dead_letter_routing_key: routing_key?,
        delivery_limit: narrow(delivery_limit?),
        max_length: narrow(max_length?),
        message_ttl_ms: narrow(message_ttl_ms?),
    })
}

fn read_retry(members: &mut Members<'_, '_>) -> Option<Retry> {
    let default = Retry::default();
    let immediate =
        members.or("immediate", default.immediate.into(), whole(0, AMQP_RETRIES_AT_ONCE_CEILING.into()));
    let attempts =
        members.or("attempts", default.attempts.into(), whole(0, DELIVERY_ATTEMPTS_CEILING.into()));
    let backoff_ms = members.or("backoff_ms", default.backoff_ms, whole(1, DELIVERY_BACKOFF_MS_CEILING));
    let backoff_max_ms =
        members.or("backoff_max_ms", default.backoff_max_ms, whole(1, DELIVERY_BACKOFF_MS_CEILING));
    Some(Retry {
        immediate: narrow(Some(immediate?))?,
        attempts: narrow(Some(attempts?))?,
        backoff_ms: backoff_ms?,
        backoff_max_ms: backoff_max_ms?,
    })
}

fn bindings(node: &Node) -> Result<Vec<Binding>, Wrong> {
    let Content::List(_) = node.content else {
        return Err(format!("is {}, but must be a list", node.kind()).into());
    };
    let given: Vec<Binding> = Vec::deserialize(free(node)?)?;
    amqp::bindings(given).map_err(|(place, message)| Wrong::at(place, message))
}

fn deduplicate(node: &Node) -> Result<Deduplicate, Wrong> {
    match &node.content {
        Content::Map(members) if members.len() == 1 => {
            let (key, node) = &members[0];
            if key.text != "header" {
                return Err(Wrong::at(format!("/{}", key.text), "is not known here; known is header"));
            }
            let name = text(node).and_then(|name| amqp::header(name).map_err(Wrong::from));
            Ok(Deduplicate::Header(name.map_err(|wrong| wrong.below("header"))?))
        }
        Content::Map(_) => Err("has not one member, header".into()),
        _ => parsed(|text: String| text.parse())(node),
    }
}

pub(super) fn write(amqp: &Amqp) -> Map<String, Value> {
    let Amqp {
        connection,
        queue,
        declare,
        bindings,
        prefetch,
        concurrency,
        ordered,
        deduplicate,
        retry,
        failed,
    } = amqp;
    let pace = pace_default(*ordered);
    let other = |differs: bool, value: Value| differs.then_some(value);
    let members = [
        ("connection", Some(json!(connection))),
        ("queue", Some(shown(queue))),
        ("declare", declare.as_ref().map(|declare| Value::Object(write_declare(declare)))),
        ("bindings", other(!bindings.is_empty(), shown_free(&json!(bindings)))),
        ("prefetch", other(*prefetch != pace.0, json!(prefetch))),
        ("concurrency", other(*concurrency != pace.1, json!(concurrency))),
        ("ordered", other(*ordered, json!(true))),
        ("deduplicate", other(*deduplicate != Deduplicate::default(), shown_free(&json!(deduplicate)))),
        ("retry", other(*retry != Retry::default(), json!(retry))),
        ("failed", other(*failed != Failed::default(), json!(failed))),
    ];
    members.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
}

fn write_declare(declare: &Declare) -> Map<String, Value> {
    let members = [
        ("kind", Some(json!(declare.kind))),
        ("dead_letter_exchange", declare.dead_letter_exchange.as_deref().map(shown)),
        ("dead_letter_routing_key", declare.dead_letter_routing_key.as_deref().map(shown)),
        ("delivery_limit", declare.delivery_limit.map(Value::from)),
        ("max_length", declare.max_length.map(Value::from)),
        ("message_ttl_ms", declare.message_ttl_ms.map(Value::from)),
    ];
    members.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
}
