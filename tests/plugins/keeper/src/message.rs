//! A target of deliveries that fails on demand and keeps account of what it got.

use busbar_sdk::kv;
use busbar_sdk::prelude::*;
use busbar_sdk::serde_json::{Value, json};

#[input]
pub(crate) struct Message {
    /// What it is accounted under.
    name: String,
    /// Attempts that fail before one succeeds.
    #[serde(default)]
    fail: u32,
    /// It is refused for good.
    #[serde(default)]
    reject: bool,
    /// Work that it makes.
    #[serde(default)]
    sleep_ms: u64,
    /// Bytes to be carried along.
    #[serde(default)]
    ballast: String,
}

/// Counts the message under its name, in the same unit of work that confirms it.
#[service]
pub(crate) fn receive(message: Message) -> Result<Value, Fault> {
    if message.reject {
        return Err(Fault::reject("refused", "asked to refuse"));
    }
    std::thread::sleep(std::time::Duration::from_millis(message.sleep_ms));
    if context::attempt() <= message.fail {
        return Err(Fault::fail("asked to fail").code("not-yet"));
    }
    let name = &message.name;
    kv::increment(&format!("received/{name}"), 1)?;
    kv::put(&format!("last/{name}"), context::idempotency_key().unwrap_or_default().as_bytes())?;
    Ok(json!({"bytes": message.ballast.len()}))
}

#[input]
pub(crate) struct Name {
    name: String,
}

/// How often a message was counted, and the key that it came under.
#[service]
pub(crate) fn received(input: Name) -> Result<Value, Fault> {
    let text = |key: String| {
        Ok::<_, Fault>(kv::get(&key)?.map(|entry| String::from_utf8_lossy(&entry.value).into_owned()))
    };
    let count = text(format!("received/{}", input.name))?;
    let count: i64 = count.map_or(Ok(0), |count| count.parse())?;
    Ok(json!({"count": count, "key": text(format!("last/{}", input.name))?}))
}
