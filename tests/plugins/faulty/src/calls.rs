//! Services that call services.

use busbar_sdk::prelude::*;
use busbar_sdk::serde_json::{self, Value};

#[data]
pub(crate) struct Depth {
    /// How many calls are above this one.
    #[serde(default)]
    depth: u32,
}

/// Invokes itself until the bus has enough, and passes that fault on.
#[service(invokes = "faulty.recurse")]
pub(crate) fn recurse(input: Depth) -> Result<Depth, Fault> {
    busbar_sdk::invoke("faulty.recurse", &Depth { depth: input.depth + 1 })
}

#[input]
pub(crate) struct Target {
    service: String,
    #[serde(default)]
    input: Value,
}

/// What came of a call.
#[output]
#[serde(rename_all = "lowercase")]
pub(crate) enum Outcome {
    Ok(Value),
    Fault { code: String, message: String },
}

impl From<Result<Value, Fault>> for Outcome {
    fn from(result: Result<Value, Fault>) -> Self {
        match result {
            Ok(output) => Self::Ok(output),
            Err(fault) => Self::Fault { code: fault.code, message: fault.message },
        }
    }
}

/// Invokes a service: answers with its output, or with `{"fault": {code, message}}`.
#[service(
    invokes = "echo",
    invokes = "greeter.greet",
    invokes = "versioned.get",
    invokes = "versioned.tree",
    invokes = "faulty.trap",
    invokes = "faulty.sleep"
)]
pub(crate) fn invoke(input: Target) -> Result<Value, Fault> {
    match Outcome::from(busbar_sdk::invoke(&input.service, &input.input)) {
        Outcome::Ok(output) => Ok(output),
        fault => Ok(serde_json::to_value(fault)?),
    }
}

#[input]
pub(crate) struct Repeat {
    service: String,
    times: u32,
}

/// Invokes a service so many times, one call after the other, with `null`; answers with the number.
#[service(invokes = "echo")]
pub(crate) fn repeat(input: Repeat) -> Result<u32, Fault> {
    for _ in 0..input.times {
        let _: Value = busbar_sdk::invoke(&input.service, &Value::Null)?;
    }
    Ok(input.times)
}

#[input]
pub(crate) struct Fan {
    targets: Vec<Target>,
}

/// Invokes services all at once: answers with `{"ok": output}` or `{"fault": {code, message}}` per target.
#[service]
pub(crate) fn fan(input: Fan) -> Result<Vec<Outcome>, Fault> {
    let targets = input.targets.into_iter().map(|target| (target.service, target.input));
    Ok(invoke_all(targets).into_iter().map(Outcome::from).collect())
}
