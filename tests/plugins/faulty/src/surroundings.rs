//! Services that tell what surrounds them, within the bus and beside it.

use std::collections::BTreeMap;
use std::io;
use std::net::TcpStream;
use std::time::Duration;

use busbar_sdk::prelude::{Fault, info, input, output, service};
use busbar_sdk::serde_json::Value;
use busbar_sdk::{cache as values, config as settings, context as call};

#[input]
pub(crate) struct Log {
    lines: u32,
    text: String,
}

/// Logs the text so many times, with the line's number as a field.
#[service]
pub(crate) fn log(input: Log) -> Result<u32, Fault> {
    for line in 1..=input.lines {
        info!(line = line; "{}", input.text);
    }
    Ok(input.lines)
}

#[input]
#[serde(tag = "op", rename_all = "lowercase")]
pub(crate) enum Cache {
    Get { key: String },
    Put { key: String, value: Value, ttl_ms: Option<u64> },
    Delete { key: String },
}

/// What the cache said: the value, or whether it was put; a deletion says nothing.
#[output]
#[serde(rename_all = "lowercase")]
pub(crate) enum Cached {
    Value(Option<Value>),
    Stored(bool),
    Deleted(bool),
}

/// Gets, puts or deletes a value of the plugin's cache.
#[service]
pub(crate) fn cache(input: Cache) -> Result<Cached, Fault> {
    Ok(match input {
        Cache::Get { key } => Cached::Value(values::get_json(&key)?),
        Cache::Put { key, value, ttl_ms } => {
            Cached::Stored(values::put_json(&key, &value, ttl_ms.map(Duration::from_millis))?)
        }
        Cache::Delete { key } => {
            values::delete(&key);
            Cached::Deleted(true)
        }
    })
}

/// Answers with the plugin's whole configuration.
#[service]
pub(crate) fn config() -> Result<Value, Fault> {
    settings::all()
}

#[output]
pub(crate) struct Context {
    head: Head,
    correlation_id: String,
    caller: Option<String>,
    remaining_ms: u64,
}

#[output]
pub(crate) struct Head {
    method: String,
    path: String,
    query: Vec<(String, String)>,
    headers: Vec<(String, String)>,
    params: BTreeMap<String, String>,
}

/// Answers with all that the bus tells of a call.
#[service]
pub(crate) fn context() -> Result<Context, Fault> {
    let head = call::head();
    Ok(Context {
        head: Head {
            method: head.method,
            path: head.path,
            query: head.query,
            headers: head.headers,
            params: head.params.into_iter().collect(),
        },
        correlation_id: call::correlation_id(),
        caller: call::caller(),
        remaining_ms: u64::try_from(call::remaining().as_millis())?,
    })
}

/// What the world outside said.
#[output]
pub(crate) struct Env {
    variables: usize,
    arguments: usize,
    root: String,
    socket: String,
}

/// Tries what no service may: the environment, the file system, the network.
#[service]
pub(crate) fn env() -> Result<Env, Fault> {
    #[expect(clippy::disallowed_methods, reason = "whether there is an environment is the question")]
    let variables = std::env::vars_os().count();
    Ok(Env {
        variables,
        arguments: std::env::args_os().count(),
        root: said(std::fs::read_dir("/").map(|entries| format!("{} entries", entries.count()))),
        socket: said(TcpStream::connect(("127.0.0.1", 80)).map(|_| "connected".to_owned())),
    })
}

fn said(result: io::Result<String>) -> String {
    result.unwrap_or_else(|error| format!("error: {error}"))
}
