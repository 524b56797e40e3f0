//! Logs of a process: for people on a terminal, else JSON lines, on standard error; and as JSON lines
//! in the log folder.

use std::{io::IsTerminal as _, path::Path};

use anyhow::Context as _;
use tracing_subscriber::{
    EnvFilter, Layer as _, fmt, layer::SubscriberExt as _, util::SubscriberInitExt as _,
};

use crate::log_file::LogFile;

/// Targets that are quiet unless asked for by name. lapin would log what comes back with its body.
const QUIET: &str = "wasmtime=warn,wasmtime_wasi=warn,wasmtime_wasi_http=error,cranelift=warn,hyper=warn,\
    tokio_cron_scheduler=warn,lapin=off";

/// Sets up logs of the process `name`.
pub(crate) fn start(name: &str, folder: &Path, level: &str) -> anyhow::Result<()> {
    std::fs::create_dir_all(folder)
        .with_context(|| format!("log folder {} can't be made", folder.display()))?;
    let path = folder.join(format!("{name}.jsonl"));
    let file =
        LogFile::open(&path).with_context(|| format!("log file {} can't be opened", path.display()))?;
    let filter = filter(level)?;
    let to_file = fmt::layer().json().flatten_event(true).with_current_span(false).with_writer(file);
    let to_stderr = match std::io::stderr().is_terminal() {
        true => fmt::layer().compact().with_target(false).with_writer(std::io::stderr).boxed(),
        false => fmt::layer()
            .json()
            .flatten_event(true)
            .with_current_span(false)
            .with_writer(std::io::stderr)
            .boxed(),
    };
    tracing_subscriber::registry().with(filter).with(to_file).with(to_stderr).try_init()?;
    Ok(())
}

/// Which lines are written at a level, as the settings name it.
pub(crate) fn filter(level: &str) -> anyhow::Result<EnvFilter> {
    EnvFilter::try_new(format!("{QUIET},{level}"))
        .with_context(|| format!("log.level {level:?} is not valid"))
}
