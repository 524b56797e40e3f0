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

use busbar_model::{Digest, Name, bounds::PLUGIN_BYTES_MAX, plugin::Description};
use tokio::{io::AsyncReadExt as _, process, sync::Semaphore, time::timeout};

use crate::{
    boot::this_binary,
    causes::chain,
    compile_process::{Order, Outcome},
    singleton::Core,
};

/// Wall time of one compilation.
const COMPILE_TIMEOUT: Duration = Duration::from_secs(180);
/// How often one compilation is begun anew because its process was killed: whoever kills says nothing about the
/// file, but the kernel may, for want of memory, and would do so for ever.
const KILLS_MAX: u32 = 5;
/// What the process may answer.
const ANSWER_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// Why there is no artifact.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The file is at fault.
    #[error("{0}")]
    Refused(String),
    /// The machine is; the same file may pass later.
    #[error("{0}")]
    Temporary(String),
}

/// One at a time: each uses all cores as it is.
static TURN: Semaphore = Semaphore::const_new(1);
static ORDERS: AtomicU64 = AtomicU64::new(0);

/// Compiles an artifact of the ODB into the cache; tells what the component says of itself, or why it
/// can't be used.
pub(crate) async fn compile(core: &Arc<Core>, digest: Digest, stem: Name) -> Result<Description, Failure> {
    let _turn = TURN.acquire().await.map_err(|error| Failure::Temporary(error.to_string()))?;
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
    let outcome = run(&order).await;
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

/// Has a process of its own obey an order; another one, where it is killed.
pub(crate) async fn run(order: &Order) -> Result<Description, Failure> {
    for _ in 0..KILLS_MAX {
        match run_once(order).await? {
            Ended::Answered(description) => return Ok(*description),
            Ended::Killed => {
                tracing::warn!(plugin = %order.stem, "the compiler was killed; it is started again")
            }
        }
    }
    Err(Failure::Refused(format!(
        "the compiler was killed {KILLS_MAX} times, which the system does when memory is short"
    )))
}

enum Ended {
    Answered(Box<Description>),
    /// By a SIGKILL: its own limits end it otherwise.
    Killed,
}

async fn run_once(order: &Order) -> Result<Ended, Failure> {
    let failed = |error: std::io::Error| Failure::Temporary(format!("the compiler can't be run: {error}"));
    let text = serde_json::to_vec(order).map_err(|error| Failure::Temporary(error.to_string()))?;
    let mut command = this_binary();
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
    match timeout(COMPILE_TIMEOUT, exchange).await {
        Err(_) => {
            Err(Failure::Refused(format!("compiling took longer than {} s", COMPILE_TIMEOUT.as_secs())))
        }
        Ok(Err(error)) => Err(failed(error)),
        Ok(Ok((answer, status))) => understand(&answer, status),
    }
}

fn understand(answer: &[u8], status: ExitStatus) -> Result<Ended, Failure> {
    match (serde_json::from_slice::<Outcome>(answer), status.signal()) {
        (Ok(Outcome::Compiled { description }), _) => Ok(Ended::Answered(description)),
        (Ok(Outcome::Refused { reason }), _) => Err(Failure::Refused(reason)),
        (Err(_), Some(libc::SIGKILL)) => Ok(Ended::Killed),
        (Err(_), Some(signal)) => Err(Failure::Refused(format!(
            "the compiler ran out of its memory or time, or crashed (signal {signal})"
        ))),
        (Err(_), None) => Err(Failure::Temporary(format!("the compiler ended without an answer ({status})"))),
    }
}
