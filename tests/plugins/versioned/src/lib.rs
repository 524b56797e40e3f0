//! A plugin of which any number of versions can be had from one build: its version is six digits in the file,
//! and a test that needs another version patches them there. For tests only.

mod label;
mod marker;

use std::thread;
use std::time::Duration;

use busbar_sdk::prelude::*;

use crate::marker::version;

/// The version that answered.
#[data]
struct Version {
    version: u32,
}

/// Answers with its version.
#[service(rest = "GET /version")]
fn get() -> Result<Version, Fault> {
    Ok(Version { version: version() })
}

#[input]
struct Tree {
    /// Levels of calls under this one: 1 if it is not given.
    depth: Option<u32>,
    /// Calls on each level: 3 if it is not given.
    times: Option<u32>,
    /// Before each call: none if it is not given.
    pause_ms: Option<u64>,
}

/// How a nested tree is asked for.
#[output]
struct Branch {
    depth: u32,
    times: u32,
    pause_ms: u64,
}

/// The version that was called, and those that it met.
#[data]
struct Versions {
    outer: u32,
    inner: Vec<u32>,
}

/// Answers with its version and those of the services that it invokes, which must all be the same.
#[service(rest = "GET /version/tree", invokes = "versioned.get", invokes = "versioned.tree")]
fn tree(input: Tree) -> Result<Versions, Fault> {
    let outer = version();
    let (depth, times) = (input.depth.unwrap_or(1), input.times.unwrap_or(3));
    let pause_ms = input.pause_ms.unwrap_or(0);
    let mut inner = Vec::new();
    for _ in 0..times {
        thread::sleep(Duration::from_millis(pause_ms));
        if depth > 1 {
            let branch = Branch { depth: depth - 1, times, pause_ms };
            let versions: Versions = invoke("versioned.tree", &branch)?;
            inner.push(versions.outer);
            inner.extend(versions.inner);
        } else {
            inner.push(invoke::<Version>("versioned.get", &())?.version);
        }
    }
    Ok(Versions { outer, inner })
}

#[input]
struct Slow {
    ms: u64,
}

/// Waits, then answers with its version.
#[service(rest = "GET /version/slow")]
fn slow(input: Slow) -> Result<Version, Fault> {
    thread::sleep(Duration::from_millis(input.ms));
    get()
}

plugin!(get, tree, slow, label::label; version = format!("{}.0.0", version()));
