//! What a step does, and what is told of it.

use std::time::Duration;

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
            let found = soap::operations(&connection)?;
            Ok(json!(found.into_iter().map(|one| one.name).collect::<Vec<_>>()))
        }
        Step::Translate { dictionary, key, from, to, on } => {
            let found = match on {
                Some(day) => dictionaries::on(day).translate(&dictionary, &key, &from, &to),
                None => dictionaries::translate(&dictionary, &key, &from, &to),
            };
            Ok(json!(found?))
        }
        Step::Query(statement) => Ok(statement.query()?),
        Step::Execute(statement) => Ok(statement.execute()?),
        Step::Cursor { statement, batch, stop_after } => Ok(statement.count(batch, stop_after)?),
        Step::Transaction { connection, steps, end } => Ok(rows::transaction(&connection, steps, end)?),
        Step::Sleep { ms } => {
            std::thread::sleep(Duration::from_millis(ms));
            Ok(Value::Null)
        }
        Step::Fail => Err(None),
    }
}

fn send(step: Http) -> Result<Value, Fault> {
    let mut request = http::Request::new(&step.method, &step.path);
    request.headers = step.headers;
    request.timeout = step.timeout_ms.map(Duration::from_millis);
    if !step.body.is_empty() {
        request = request.bytes("application/json", step.body.into_bytes());
    }
    let reply = request.send(&step.connection)?;
    let headers: serde_json::Map<String, Value> =
        reply.headers().iter().map(|(name, value)| (name.clone(), value.as_str().into())).collect();
    let status = reply.status();
    let payload = reply.body();
    let streamed = matches!(payload, Payload::Stream(_));
    let body = payload.into_bytes()?;
    let mut told = json!({"status": status, "headers": headers, "streamed": streamed, "bytes": body.len()});
    if !step.counted {
        told["body"] = String::from_utf8_lossy(&body).into();
    }
    Ok(told)
}

fn called(connection: &str, operation: &str, input: &Value) -> Told {
    match soap::call(connection, operation, input) {
        Ok(output) => Ok(output),
        Err(soap::Error::Bus(fault)) => Err(Some(fault)),
        Err(soap::Error::Partner(fault)) => Ok(json!({"partner": {
            "code": fault.code, "message": fault.message, "detail": fault.detail, "described": fault.described,
        }})),
    }
}

fn failed(fault: Fault) -> Value {
    json!({"fault": fault.code, "message": fault.message})
}

/// The body goes out to the connection `partner` as it comes in, and its reply likewise.
#[service]
pub(crate) fn pass(request: Request) -> Result<Response, Fault> {
    let request = http::Request::post("/count").body(request.content_type, request.payload);
    Ok(request.send("partner")?.into())
}
