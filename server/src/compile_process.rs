//! The compiler's process: reads one order, writes one artifact, answers and ends.

use std::{io::Write as _, path::PathBuf};

use busbar_model::{Name, plugin::Description};
use busbar_wasm::{Engine, Use};
use nix::sys::{
    prctl,
    resource::{Resource, setrlimit},
    signal::Signal,
};
use serde::{Deserialize, Serialize};

use crate::{
    boot::{self, Boot},
    logging,
};

/// Memory that compiling may take. Counts what is written, not address space, of which the engine
/// reserves a lot.
const MEMORY_BYTES_MAX: u64 = 4 * 1024 * 1024 * 1024;
/// Time on all processors together. At its end comes SIGXCPU, and only a while later a SIGKILL, so that this is
/// not taken for one from outside.
const CPU_S_MAX: u64 = 300;
const CPU_S_KILL: u64 = CPU_S_MAX + 10;

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

/// The process.
pub(crate) fn run() -> anyhow::Result<()> {
    // It works for the singleton, and for nobody when that is gone.
    prctl::set_pdeathsig(Signal::SIGKILL)?;
    setrlimit(Resource::RLIMIT_DATA, MEMORY_BYTES_MAX, MEMORY_BYTES_MAX)?;
    setrlimit(Resource::RLIMIT_CPU, CPU_S_MAX, CPU_S_KILL)?;
    setrlimit(Resource::RLIMIT_CORE, 0, 0)?;
    let order: Order = boot::receive()?;
    let settings = &order.core.settings;
    logging::start(
        "compiler",
        &settings.log.dir.clone().unwrap_or_else(|| order.core.layout.logs()),
        &settings.log.level,
    )?;
    let bytes = std::fs::read(&order.source)?;
    let engine = Engine::new(Use::Compiling)?;
    let _ticker = engine.start_ticker()?;
    let outcome = match busbar_wasm::compile(&engine, &order.stem, &bytes, &order.artifact) {
        Ok(description) => Outcome::Compiled { description: Box::new(description) },
        Err(error) => Outcome::Refused { reason: error.to_string() },
    };
    let mut stdout = std::io::stdout().lock();
    serde_json::to_writer(&mut stdout, &outcome)?;
    stdout.flush()?;
    Ok(())
}
