//! What a step does, and what is told of it.

use busbar_sdk::bindings::busbar::bus::{dictionaries, http, soap};
use busbar_sdk::prelude::*;
use busbar_sdk::serde_json::{self, Value, json};

use crate::rows;

#[input]
pub(crate) struct Steps {
    steps: Vec<Step>,
}

#[data]
#[serde(rename_all = "kebab-case", tag = "do")]
pub(crate) enum Step {
    Http(Http),
    Soap {
        connection: String,
        operation: String,
        input: Value,
    },
    Operations {
        connection: String,
    },
    Translate {
        dictionary: String,
        key: String,
        from: String,
        to: String,
        on: Option<String>,
    },
    Query(rows::Statement),
    Execute(rows::Statement),
    /// Reads all rows in batches and counts them.
    Cursor {
        statement: rows::Statement,
        batch: u32,
        stop_after: Option<u64>,
    },
    Transaction {
        connection: String,
        steps: Vec<rows::Statement>,
        end: rows::End,
    },
    /// Work of its own.
    Sleep {
        ms: u64,
    },
    /// Ends the call.
    Fail,
}

#[data]
pub(crate) struct Http {
    connection: String,
    method: String,
    path: String,
    #[serde(default)]
    headers: Vec<(String, String)>,
    #[serde(default)]
    body: String,
    timeout_ms: Option<u64>,
    /// Only the length of the reply is told.
    #[serde(default)]
    counted: bool,
}

/// Does one after the other; what each came to is told in their order.
#[service]
pub(crate) fn run(input: Steps) -> Result<Value, Fault> {
    let mut told = Vec::new();
    for step in input.steps {
        told.push(match one(step) {
            Ok(value) => value,
            Err(Some(fault)) => failed(fault),
            Err(None) => return Err(Fault::fail("asked to fail")),
        });
    }
    Ok(json!({"told": told}))
}

type Told = Result<Value, Option<Fault>>;

fn one(step: Step) -> Told {
    match step {
        Step::Http(step) => Ok(send(step)?),
        Step::Soap { connection, operation, input } => called(&connection, &operation, &input),
        Step::Operations { connection } => {
            let found = soap::operations(&connection).map_err(Fault::from)?;
            Ok(json!(found.into_iter().map(|one| one.name).collect::<Vec<_>>()))
        }
        Step::Translate { dictionary, key, from, to, on } => {
            let found = dictionaries::translate(&dictionary, &key, &from, &to, on.as_deref());
            Ok(json!(found.map_err(Fault::from)?))
        }
        Step::Query(statement) => Ok(statement.query()?),
        Step::Execute(statement) => Ok(statement.execute()?),
        Step::Cursor { statement, batch, stop_after } => Ok(statement.count(batch, stop_after)?),
        Step::Transaction { connection, steps, end } => Ok(rows::transaction(&connection, steps, end)?),
        Step::Sleep { ms } => {
            std::thread::sleep(std::time::Duration::from_millis(ms));
            Ok(Value::Null)
        }
        Step::Fail => Err(None),
    }
}

fn send(step: Http) -> Result<Value, Fault> {
    let payload = if step.body.is_empty() { Payload::Empty } else { Payload::Bytes(step.body.into_bytes()) };
    let request = http::Request {
        method: step.method,
        path: step.path,
        headers: step.headers,
        content_type: Some("application/json".to_owned()).filter(|_| !matches!(payload, Payload::Empty)),
        payload,
        timeout_ms: step.timeout_ms,
    };
    let reply = http::send(&step.connection, request)?;
    let streamed = matches!(reply.payload, Payload::Stream(_));
    let body = reply.payload.into_bytes()?;
    let headers: serde_json::Map<String, Value> =
        reply.headers.into_iter().map(|(name, value)| (name, value.into())).collect();
    let mut told =
        json!({"status": reply.status, "headers": headers, "streamed": streamed, "bytes": body.len()});
    if !step.counted {
        told["body"] = String::from_utf8_lossy(&body).into();
    }
    Ok(told)
}

fn called(connection: &str, operation: &str, input: &Value) -> Told {
    match soap::call(connection, operation, &input.to_string()) {
        Ok(output) => Ok(serde_json::from_str(&output).map_err(|_| Fault::fail("no JSON"))?),
        Err(soap::SoapError::Bus(fault)) => Err(Some(fault.into())),
        Err(soap::SoapError::Partner(fault)) => Ok(json!({"partner": {
            "code": fault.code, "message": fault.message, "detail": fault.detail, "described": fault.described,
        }})),
    }
}

fn failed(fault: Fault) -> Value {
    let wire: busbar_sdk::bindings::busbar::bus::types::Fault = fault.into();
    json!({"fault": wire.code, "message": wire.message})
}

/// The body goes out to the connection `partner` as it comes in, and its reply likewise.
#[service]
pub(crate) fn pass(request: Request) -> Result<Response, Fault> {
    let request = http::Request {
        method: "POST".to_owned(),
        path: "/count".to_owned(),
        headers: Vec::new(),
        content_type: request.content_type,
        payload: request.payload,
        timeout_ms: None,
    };
    Ok(http::send("partner", request)?)
}
