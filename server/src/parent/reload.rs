//! A reload: the binary that stands at this one's path says what it would run, its processes are started
//! beside the present ones, and only when all of them could take over are those replaced.

use std::{process::Stdio, sync::Arc, time::Duration};

use anyhow::{Context as _, bail};
use tokio::{
    process::Command,
    time::{sleep, timeout},
};

use crate::{
    layout::Layout,
    parent::{
        RELOAD_PLAN_MS,
        family::{Family, Loss, Program, Supervisors},
        listeners::Listeners,
        origin::Origin,
        plan::Plan,
        ready, step,
    },
    settings,
};

/// A generation that could take over. Ends with all its processes if it is dropped.
pub(crate) struct Candidate {
    pub(crate) family: Arc<Family>,
    supervisors: Supervisors,
}

impl Drop for Candidate {
    fn drop(&mut self) {
        self.family.kill();
    }
}

impl Candidate {
    /// Ends it.
    pub(crate) async fn give_up(mut self) {
        self.family.kill();
        for supervisor in std::mem::take(&mut self.supervisors) {
            let _ = supervisor.await;
        }
    }
}

/// Starts a generation; fails, with nothing of it left, where it can't take over within `patience`.
pub(crate) async fn attempt(
    origin: &Origin,
    layout: &Layout,
    held: &Listeners,
    patience: Duration,
) -> anyhow::Result<Candidate> {
    let plan = plan_of(origin).await?;
    let listeners = Listeners::of(&plan, &held.at_hand()).map_err(anyhow::Error::from)?;
    tracing::info!(version = plan.version, workers = plan.workers, "reloading");
    let program = Program::At(origin.program.clone());
    let family = Family::new(plan, layout.clone(), program, Loss::Final, listeners);
    let supervisors = family.start(std::collections::HashMap::new());
    let candidate = Candidate { family: Arc::clone(&family), supervisors };
    let failure = tokio::select! {
        () = ready::able(&family) => return Ok(candidate),
        reason = family.lost() => format!("{reason} before all of the new processes were ready; the log says why"),
        () = sleep(patience) => format!("the new processes were not ready within {} s", patience.as_secs_f64()),
    };
    candidate.give_up().await;
    bail!(failure)
}

/// Asks the binary at the origin's path what it would run: it reads the settings, which may be of a kind
/// that this one does not know, and brings the ODB up to date.
async fn plan_of(origin: &Origin) -> anyhow::Result<Plan> {
    let shown = origin.program.display();
    let mut command = Command::new(&origin.program);
    if let Some((name, rest)) = origin.arguments.split_first() {
        command.arg0(name).args(rest);
    }
    command.env(settings::STEP, step::PLAN).stdin(Stdio::null()).kill_on_drop(true);
    let patience = Duration::from_millis(RELOAD_PLAN_MS);
    let output = timeout(patience, command.output())
        .await
        .with_context(|| format!("{shown} did not say within {} s what it would run", patience.as_secs()))?
        .with_context(|| format!("failed to run {shown}"))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        let said = said.trim().trim_start_matches("error: ");
        match said {
            "" => bail!("{shown} ended with {}", output.status),
            said => bail!("{said}"),
        }
    }
    serde_json::from_slice(&output.stdout)
        .with_context(|| format!("{shown} is no busbar that can follow this one"))
}
