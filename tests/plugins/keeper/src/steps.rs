//! A service that does what its input lists.

use std::time::{Duration, Instant};

use busbar_sdk::kv::{self, Put};
use busbar_sdk::prelude::*;
use busbar_sdk::serde_json::{self, Value, json};

#[data]
#[serde(tag = "do", rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Step {
    Get {
        key: String,
    },
    Put {
        key: String,
        value: String,
        expected: Option<u64>,
        ttl_ms: Option<u64>,
    },
    /// A value of so many bytes.
    Fill {
        key: String,
        bytes: usize,
    },
    Delete {
        key: String,
        expected: Option<u64>,
    },
    Increment {
        key: String,
        by: i64,
    },
    List {
        prefix: String,
        after: Option<String>,
        limit: u32,
    },
    Deliver {
        service: String,
        input: Value,
        #[serde(default)]
        options: Options,
    },
    /// To a broker: at once, or as a delivery.
    Publish(Message),
    HandOver(Message),
    Start {
        service: String,
        input: Value,
    },
    Invoke {
        service: String,
        input: Value,
    },
    /// All at once, each with an input of its own.
    All {
        service: String,
        inputs: Vec<Value>,
    },
    Sleep {
        ms: u64,
    },
    Fail {
        code: String,
    },
    Reject {
        code: String,
        status: Option<u16>,
    },
    Trap,
}

#[data]
#[derive(Default)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Options {
    attempts: Option<u32>,
    backoff_ms: Option<u64>,
    backoff_max_ms: Option<u64>,
    expires_ms: Option<u64>,
    delay_ms: Option<u64>,
    order_key: Option<String>,
}

#[data]
#[serde(deny_unknown_fields)]
pub(crate) struct Message {
    connection: String,
    #[serde(default)]
    exchange: String,
    routing_key: String,
    input: Value,
    #[serde(default)]
    headers: Vec<(String, String)>,
    reply_to: Option<String>,
    kind: Option<String>,
    priority: Option<u8>,
    expiration_ms: Option<u64>,
}

impl Message {
    fn known(self) -> Result<amqp::Message, Fault> {
        Ok(amqp::Message {
            headers: self.headers,
            reply_to: self.reply_to,
            kind: self.kind,
            priority: self.priority,
            expiration: self.expiration_ms.map(Duration::from_millis),
            ..amqp::Message::json(&self.exchange, &self.routing_key, &self.input)?
        })
    }
}

#[input]
pub(crate) struct Run {
    steps: Vec<Step>,
    /// Whether the fault of a step ends the call.
    strict: Option<bool>,
}

/// What came of each step.
#[output]
pub(crate) struct Done {
    results: Vec<Value>,
}

/// Does the steps in their order; a fault of a step is its result, but for `fail`, `reject` and `trap`, which
/// end the call as every fault does if it is strict.
#[service(invokes = "keeper.run", invokes = "keeper.receive", rest = "POST /keeper")]
pub(crate) fn run(input: Run) -> Result<Done, Fault> {
    let strict = input.strict.unwrap_or_default();
    let results = input.steps.into_iter().map(|next| step(next, strict)).collect::<Result<_, _>>()?;
    Ok(Done { results })
}

/// The same for a body of any kind, which is kept under `raw`.
#[service(rest = "PUT /keeper/raw")]
pub(crate) fn raw(request: Request) -> Result<Response, Fault> {
    let bytes = request.payload.into_bytes()?;
    kv::put("raw", &bytes)?;
    Ok(Response::new(Some("text/plain".to_owned()), Payload::Bytes(bytes.len().to_string().into_bytes())))
}

fn step(step: Step, strict: bool) -> Result<Value, Fault> {
    match step {
        Step::Fail { code } => Err(Fault::fail("asked to fail").code(code)),
        Step::Reject { code, status } => {
            let fault = Fault::reject(code, "asked to reject");
            Err(match status {
                Some(status) => fault.status(status),
                None => fault,
            })
        }
        Step::Trap => std::process::abort(),
        other if strict => effect(other),
        other => Ok(effect(other).unwrap_or_else(|fault| json!({"fault": fault.code}))),
    }
}

fn effect(step: Step) -> Result<Value, Fault> {
    match step {
        Step::Get { key } => {
            Ok(kv::get(&key)?.map_or(Value::Null, |entry| shown(&entry.value, entry.version)))
        }
        Step::Put { key, value, expected, ttl_ms } => {
            kv::put_with(&key, value.as_bytes(), Put { expected, ttl: ttl_ms.map(Duration::from_millis) })?;
            Ok(json!("put"))
        }
        Step::Fill { key, bytes } => {
            kv::put(&key, &vec![b'x'; bytes])?;
            Ok(json!("put"))
        }
        Step::Delete { key, expected } => {
            match expected {
                Some(version) => kv::delete_version(&key, version)?,
                None => kv::delete(&key)?,
            }
            Ok(json!("deleted"))
        }
        Step::Increment { key, by } => Ok(json!(kv::increment(&key, by)?)),
        Step::List { prefix, after, limit } => {
            let page = kv::list(&prefix, after.as_deref(), limit)?;
            let entries = page.entries.iter();
            let entries: Vec<Value> =
                entries.map(|(key, entry)| json!([key, shown(&entry.value, entry.version)])).collect();
            Ok(json!({"entries": entries, "next": page.next}))
        }
        Step::Deliver { service, input, options } => {
            let ms = |ms: Option<u64>| ms.map(Duration::from_millis);
            let options = DeliveryOptions {
                attempts: options.attempts,
                backoff: ms(options.backoff_ms),
                backoff_max: ms(options.backoff_max_ms),
                expires: ms(options.expires_ms),
                delay: ms(options.delay_ms),
                order_key: options.order_key,
            };
            Ok(json!(deliver(&service, &input, &options)?))
        }
        Step::Publish(message) => {
            let connection = message.connection.clone();
            amqp::publish(&connection, message.known()?)?;
            Ok(json!("published"))
        }
        Step::HandOver(message) => {
            let connection = message.connection.clone();
            Ok(json!(amqp::hand_over(&connection, message.known()?, &DeliveryOptions::default())?))
        }
        Step::Start { service, input } => Ok(json!(invoke_async(&service, &input)?)),
        Step::Invoke { service, input } => busbar_sdk::invoke(&service, &input),
        Step::All { service, inputs } => {
            let results = invoke_all::<Value>(inputs.into_iter().map(|input| (service.clone(), input)));
            let shown = results.into_iter().map(|r| r.unwrap_or_else(|fault| json!({"fault": fault.code})));
            Ok(Value::Array(shown.collect()))
        }
        Step::Sleep { ms } => {
            let until = Instant::now() + Duration::from_millis(ms);
            std::thread::sleep(until.saturating_duration_since(Instant::now()));
            Ok(Value::Null)
        }
        Step::Fail { .. } | Step::Reject { .. } | Step::Trap => Ok(Value::Null),
    }
}

/// A value that is long is told by its length.
fn shown(value: &[u8], version: u64) -> Value {
    let text = String::from_utf8_lossy(value);
    let value =
        if value.len() > 1_000 { json!(value.len()) } else { serde_json::Value::String(text.into_owned()) };
    json!({"value": value, "version": version})
}
