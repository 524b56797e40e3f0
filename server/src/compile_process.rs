//! The compiler's process: reads one order, writes one artifact, answers and ends.

use std::{io::Write as _, path::PathBuf};

use busbar_model::{
    Name,
    bounds::{REASON_CHARS_MAX, WORKER_MEMORY_BYTES_MAX},
    plugin::Description,
};
use busbar_wasm::{Engine, Use};
use nix::sys::{
    prctl,
    resource::{Resource, setrlimit},
    signal::Signal,
};
use serde::{Deserialize, Serialize};

use crate::{
    boot::{self, Boot},
    logging, sys,
};

/// Processor time between the signal that tells a process to end and the one that ends it.
const CPU_KILL_S: u64 = 10;

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Order {
    pub(crate) stem: Name,
    pub(crate) source: PathBuf,
    pub(crate) artifact: PathBuf,
    pub(crate) core: Boot,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Outcome {
    Compiled { description: Box<Description> },
    Refused { reason: String },
}

/// Processor time that goes with a time limit.
pub(crate) fn cpu_s(timeout_s: u64) -> u64 {
    timeout_s.saturating_mul(2)
}

/// The process.
pub(crate) fn run() -> anyhow::Result<()> {
    // It works for the singleton, and for nobody when that is gone.
    prctl::set_pdeathsig(Signal::SIGKILL)?;
    // Calls go before deployments.
    sys::give_way();
    setrlimit(Resource::RLIMIT_CORE, 0, 0)?;
    let order: Order = boot::receive()?;
    let settings = &order.core.settings;
    // Counts what is written, not address space, of which the engine reserves a lot.
    let memory_bytes = settings.compile.memory_bytes();
    setrlimit(Resource::RLIMIT_DATA, memory_bytes, memory_bytes)?;
    // On all processors together. At its end comes SIGXCPU, and only a while later a SIGKILL, so that this is not
    // taken for one from outside.
    let cpu_s = cpu_s(settings.compile.timeout_s);
    setrlimit(Resource::RLIMIT_CPU, cpu_s, cpu_s + CPU_KILL_S)?;
    logging::start(
        "compiler",
        &settings.log.dir.clone().unwrap_or_else(|| order.core.layout.logs()),
        &settings.log.level,
    )?;
    let bytes = std::fs::read(&order.source)?;
    let engine = Engine::new(Use::Compiling, WORKER_MEMORY_BYTES_MAX)?;
    let _ticker = engine.start_ticker()?;
    let outcome = match busbar_wasm::compile(&engine, &order.stem, &bytes, &order.artifact) {
        Ok(description) => Outcome::Compiled { description: Box::new(description) },
        Err(error) => Outcome::Refused { reason: clipped(&error.to_string()) },
    };
    let mut stdout = std::io::stdout().lock();
    serde_json::to_writer(&mut stdout, &outcome)?;
    stdout.flush()?;
    Ok(())
}

/// What a person can still read.
fn clipped(reason: &str) -> String {
    match reason.char_indices().nth(REASON_CHARS_MAX) {
        Some((end, _)) => format!("{} …", reason.get(..end).unwrap_or_default()),
        None => reason.to_owned(),
    }
}
