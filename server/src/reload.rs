//! `busbar reload`: has the server of a folder read its settings again and go on with the binary that stands at
//! its path by now.

use std::{path::Path, time::Duration};

use anyhow::{Context as _, bail};
use serde_json::json;

use crate::{
    client::Output,
    config_history::{self, Pending},
    control::{Ask, Outcome, outcome_of},
    layout::Layout,
    parent::{self, RELOAD_PLAN_MS, RELOAD_READY_MS_DEFAULT},
};

#[derive(Debug, Default, clap::Args)]
#[command(
    after_help = "Examples:\n  busbar reload\n  busbar reload --message 'two more workers' --author 'Jane Doe <jane@example.org>'\n  busbar reload --dir /var/lib/busbar --timeout 300"
)]
pub(crate) struct Args {
    /// Seconds within which all new processes must be able to take over.
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=86_400))]
    timeout: Option<u64>,
    /// Why the settings were changed, for the config history; without it and --author, a change is a manual edit.
    #[arg(long, short, value_name = "WHY")]
    message: Option<String>,
    /// Who changed them, as NAME or `NAME <EMAIL>`; whoever runs the command if only --message is given.
    #[arg(long, value_name = "WHO")]
    author: Option<String>,
}

/// What ending those that fail, and executing the new binary, may take beside.
const SLACK: Duration = Duration::from_secs(30);

pub(crate) async fn run(output: &mut Output, folder: &Path, args: &Args) -> anyhow::Result<()> {
    let layout = Layout::existing(folder)
        .with_context(|| format!("failed to find a busbar folder at {}", folder.display()))?;
    let Some(pid) = parent::running(&layout)? else {
        let folder = layout.root().display();
        bail!(
            "no server runs in {folder}; `busbar server` or `busbar quickstart` starts one, with its settings as they are by then"
        )
    };
    let ready_ms = args.timeout.map_or(RELOAD_READY_MS_DEFAULT, |seconds| seconds * 1_000);
    let patience = Duration::from_millis(ready_ms + RELOAD_PLAN_MS) + SLACK;
    let socket = layout.control_socket("parent", pid);
    let _ = Pending::take(&layout);
    if args.message.is_some() || args.author.is_some() {
        let author = config_history::author(args.author.as_deref()).to_string();
        let note = Pending { author, message: args.message.clone() };
        note.leave(&layout).context("failed to say who reloads and why")?;
    }
    let outcome = outcome_of(&socket, Ask::Reload { ready_ms }, patience)
        .await
        .with_context(|| format!("failed to hear from process {pid} how the reload went"))?;
    match outcome {
        Outcome::Refused { reason } => {
            let _ = Pending::take(&layout);
            bail!("nothing was changed: {reason}")
        }
        Outcome::Reloaded { version, workers } if output.json() => {
            output.value(&json!({"version": version, "workers": workers, "pid": pid}))?;
        }
        Outcome::Reloaded { version, workers } => {
            output.text(&format!(
                "Reloaded: version {version}, {workers} workers. Those before them finish their calls."
            ))?;
        }
    }
    Ok(())
}
