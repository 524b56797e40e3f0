//! Compiling, in a process of its own that is limited in memory and time.

use std::{
    os::unix::process::ExitStatusExt as _,
    process::{ExitStatus, Stdio},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use busbar_model::{
    Digest, Name,
    bounds::{COMPILATIONS_MAX, COMPILE_ALONE_MS, DESCRIPTION_BYTES_MAX, PLUGIN_BYTES_MAX},
    plugin::Description,
};
use nix::sys::signal::Signal;
use tokio::{
    io::AsyncReadExt as _,
    process,
    sync::{AcquireError, Semaphore},
    time::timeout,
};

use crate::{
    boot::this_binary,
    causes::chain,
    compile_process::{Order, Outcome, cpu_s},
    settings::Compile,
    singleton::Core,
};

/// What the process may answer: more than a description may have.
const ANSWER_BYTES_MAX: u64 = 2 * DESCRIPTION_BYTES_MAX as u64;

/// Why there is no artifact.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The file is at fault.
    #[error("{0}")]
    Refused(String),
    /// The compiler was killed: by someone, or since the machine had no memory left.
    #[error("the compiler was killed each time it was tried")]
    Killed,
    /// The machine is; the same file may pass later.
    #[error("{0}")]
    Temporary(String),
}

/// A file whose compiler is killed so often is taken for what kills it.
const TRIES: u32 = 6;
/// One after the other, as far as they are quick: each uses all cores as it is.
static TURN: Semaphore = Semaphore::const_new(1);
/// One that takes its time keeps its seat, while others have their turn.
static SEATS: Semaphore = Semaphore::const_new(COMPILATIONS_MAX);
static ORDERS: AtomicU64 = AtomicU64::new(0);

/// Compiles an artifact of the ODB into the cache; tells what the component says of itself, or why it
/// can't be used.
pub(crate) async fn compile(core: &Arc<Core>, digest: Digest, stem: Name) -> Result<Description, Failure> {
    let closed = |error: AcquireError| Failure::Temporary(error.to_string());
    let _seat = SEATS.acquire().await.map_err(closed)?;
    let turn = TURN.acquire().await.map_err(closed)?;
    let work = compile_now(core, digest, stem);
    tokio::pin!(work);
    match timeout(Duration::from_millis(COMPILE_ALONE_MS), &mut work).await {
        Ok(outcome) => outcome,
        Err(_) => {
            drop(turn);
            work.await
        }
    }
}

async fn compile_now(core: &Arc<Core>, digest: Digest, stem: Name) -> Result<Description, Failure> {
    let bytes = core
        .odb(move |odb| odb.artifact(&digest))
        .await
        .map_err(|error| Failure::Temporary(chain(&error)))?;
    if bytes.len() as u64 > PLUGIN_BYTES_MAX {
        return Err(Failure::Refused(format!("the file is larger than {PLUGIN_BYTES_MAX} bytes")));
    }
    // Quick, so that what is no component at all costs no process.
    busbar_wasm::validate(&bytes).map_err(|error| Failure::Refused(error.to_string()))?;
    let partial = core.artifacts.partial_path(&digest);
    let number = ORDERS.fetch_add(1, Ordering::Relaxed);
    let source = partial.with_extension(format!("{number}.partial"));
    let failed =
        |error: std::io::Error| Failure::Temporary(format!("the artifact folder can't be used: {error}"));
    tokio::fs::write(&source, bytes).await.map_err(failed)?;
    let order = Order { stem, source: source.clone(), artifact: partial.clone(), core: core.boot.clone() };
    let mut outcome = run(&order).await;
    for _ in 1..TRIES {
        if matches!(outcome, Err(Failure::Killed)) {
            outcome = run(&order).await;
        }
    }
    let _ = tokio::fs::remove_file(&source).await;
    match outcome {
        Ok(description) => {
            tokio::fs::rename(&partial, core.artifacts.path(&digest)).await.map_err(failed)?;
            Ok(description)
        }
        Err(reason) => {
            let _ = tokio::fs::remove_file(&partial).await;
            Err(reason)
        }
    }
}

/// Has a process of its own obey an order.
pub(crate) async fn run(order: &Order) -> Result<Description, Failure> {
    let failed = |error: std::io::Error| Failure::Temporary(format!("the compiler can't be run: {error}"));
    let text = serde_json::to_vec(order).map_err(|error| Failure::Temporary(error.to_string()))?;
    let mut command = this_binary();
    // The limit on memory counts what is mapped to be written, and the allocator maps a GiB at once unless told.
    command.env("MIMALLOC_ARENA_EAGER_COMMIT", "0");
    command.arg("compile").stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = process::Command::from(command).kill_on_drop(true).spawn().map_err(failed)?;
    let exchange = async {
        if let Some(mut stdin) = child.stdin.take() {
            // One that died at once is told by its status.
            let _ = tokio::io::AsyncWriteExt::write_all(&mut stdin, &text).await;
        }
        let mut answer = Vec::new();
        if let Some(stdout) = child.stdout.take() {
            stdout.take(ANSWER_BYTES_MAX).read_to_end(&mut answer).await?;
        }
        Ok::<_, std::io::Error>((answer, child.wait().await?))
    };
    let limits = &order.core.settings.compile;
    match timeout(Duration::from_secs(limits.timeout_s), exchange).await {
        // Dropped with the exchange, which kills it.
        Err(_) => Err(Failure::Refused(format!("compiling took longer than {} s", limits.timeout_s))),
        Ok(Err(error)) => Err(failed(error)),
        Ok(Ok((answer, status))) => understand(&answer, status, limits),
    }
}

fn understand(answer: &[u8], status: ExitStatus, limits: &Compile) -> Result<Description, Failure> {
    if answer.len() as u64 >= ANSWER_BYTES_MAX {
        return Err(Failure::Refused("the compiler's answer is larger than a description may be".to_owned()));
    }
    match (serde_json::from_slice::<Outcome>(answer), status.signal()) {
        (Ok(Outcome::Compiled { description }), _) => Ok(*description),
        (Ok(Outcome::Refused { reason }), _) => Err(Failure::Refused(reason)),
        (Err(_), Some(signal)) => killed(signal, limits),
        (Err(_), None) => Err(Failure::Temporary(format!("the compiler ended without an answer ({status})"))),
    }
}

fn killed(signal: i32, limits: &Compile) -> Result<Description, Failure> {
    match Signal::try_from(signal) {
        Ok(Signal::SIGXCPU) => Err(Failure::Refused(format!(
            "compiling took more than {} s of processor time",
            cpu_s(limits.timeout_s)
        ))),
        Ok(Signal::SIGKILL | Signal::SIGTERM) => Err(Failure::Killed),
        _ => Err(Failure::Refused(format!(
            "the compiler crashed (signal {signal}), as it does when it needs more than its {} bytes of memory",
            limits.memory_bytes()
        ))),
    }
}
