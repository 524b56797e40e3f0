//! `busbar deployment`: versions of plugins on their way to being live.

use anyhow::Context as _;
use busbar_model::DeploymentState;
use serde::Deserialize;

use super::{
    Session,
    answer::{view, views},
    api::{encoded, whole_list},
    channel::yes_or_no,
    table::{Fields, Table},
};

pub(crate) const PATH: &str = "/api/v1/deployments";

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Lists deployments, newest first.
    #[command(
        after_help = "Examples:\n  busbar deployment list --plugin orders\n  busbar deployment list --state failed"
    )]
    List {
        /// Only of this plugin.
        #[arg(long, value_name = "NAME")]
        plugin: Option<String>,
        /// Only in this state.
        #[arg(long, value_name = "STATE", value_parser = state)]
        state: Option<DeploymentState>,
    },
    /// Shows a deployment with its state on each server and worker.
    #[command(after_help = "Example:\n  busbar deployment show 01934b5c-0000-7000-8000-000000000000")]
    Show {
        /// What `deployment list` shows.
        id: String,
    },
}

fn state(text: &str) -> Result<DeploymentState, String> {
    let allowed = || DeploymentState::ALL.map(DeploymentState::as_str).join(", ");
    text.parse().map_err(|_| format!("allowed is {}", allowed()))
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct View {
    pub(crate) id: String,
    pub(crate) plugin: String,
    pub(crate) digest: String,
    pub(crate) state: DeploymentState,
    pub(crate) reason: Option<String>,
    #[serde(default)]
    pub(crate) source: String,
    #[serde(default)]
    pub(crate) actor: String,
    #[serde(default)]
    pub(crate) created_at: String,
    pub(crate) activated_at: Option<String>,
    #[serde(default)]
    pub(crate) forced: bool,
    #[serde(default)]
    pub(crate) servers: Vec<ServerView>,
}

/// A deployment as one server sees it.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct ServerView {
    pub(crate) server: String,
    pub(crate) state: DeploymentState,
    pub(crate) reason: Option<String>,
    #[serde(default)]
    pub(crate) workers: Vec<WorkerView>,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct WorkerView {
    pub(crate) pid: u32,
    /// Of the version that new calls meet, if there is one.
    pub(crate) digest: Option<String>,
}

impl View {
    pub(crate) fn fields(&self) -> Fields {
        Fields::default()
            .with("id", &self.id)
            .with("plugin", &self.plugin)
            .with("digest", &self.digest)
            .with("state", self.state.as_str())
            .with("reason", self.reason.as_deref().unwrap_or_default())
            .with("source", &self.source)
            .with("forced", yes_or_no(self.forced))
            .with("actor", &self.actor)
            .with("created", &self.created_at)
            .with("activated", self.activated_at.as_deref().unwrap_or_default())
    }

    fn workers(&self) -> Table {
        let mut table = Table::new(["SERVER", "STATE", "PID", "DIGEST", "REASON"]);
        for server in &self.servers {
            let mut row = |pid: String, digest: String| {
                let reason = server.reason.clone().unwrap_or_default();
                table.row([server.server.clone(), server.state.to_string(), pid, digest, reason]);
            };
            if server.workers.is_empty() {
                row(String::new(), String::new());
            }
            for worker in &server.workers {
                row(worker.pid.to_string(), worker.digest.clone().unwrap_or_default());
            }
        }
        table
    }
}

pub(crate) fn table(deployments: &[View]) -> Table {
    let mut table = Table::new(["ID", "PLUGIN", "DIGEST", "STATE", "SOURCE", "CREATED", "REASON"]);
    for deployment in deployments.iter().cloned() {
        table.row([
            deployment.id,
            deployment.plugin,
            deployment.digest,
            deployment.state.to_string(),
            deployment.source,
            deployment.created_at,
            deployment.reason.unwrap_or_default(),
        ]);
    }
    table
}

/// The list, narrowed.
pub(crate) fn filtered(plugin: Option<&str>, state: Option<DeploymentState>) -> String {
    let plugin = plugin.map(|plugin| format!("plugin={}", encoded(plugin)));
    let state = state.map(|state| format!("state={state}"));
    let query = plugin.into_iter().chain(state).collect::<Vec<_>>().join("&");
    if query.is_empty() { PATH.to_owned() } else { format!("{PATH}?{query}") }
}

pub(crate) async fn run(session: &mut Session, command: Command) -> anyhow::Result<()> {
    let api = session.admin()?;
    let output = &mut session.output;
    match command {
        Command::List { plugin, state } => {
            let items =
                api.list(&filtered(plugin.as_deref(), state)).await.context("failed to list deployments")?;
            if output.json() {
                return Ok(output.value(&whole_list(items))?);
            }
            Ok(output.table(&table(&views(&items)?))?)
        }
        Command::Show { id } => {
            let path = format!("{PATH}/{}", encoded(&id));
            let value = api.get(path).await.with_context(|| format!("failed to show deployment {id}"))?;
            if output.json() {
                return Ok(output.value(&value)?);
            }
            let deployment: View = view(&value)?;
            output.fields(&deployment.fields())?;
            output.gap()?;
            Ok(output.table(&deployment.workers())?)
        }
    }
}

#[cfg(test)]
mod tests {
    use busbar_model::DeploymentState;
    use serde_json::json;

    use super::{Command, filtered, run};
    use crate::client::fake::Fake;

    #[test]
    fn filters_are_encoded() {
        assert_eq!(filtered(None, None), "/api/v1/deployments");
        let both = filtered(Some("a&b"), Some(DeploymentState::Failed));
        assert_eq!(both, "/api/v1/deployments?plugin=a%26b&state=failed");
    }

    #[tokio::test]
    async fn shows_servers_and_workers() {
        let fake = Fake::start(|_| {
            let workers = json!([{"pid": 7, "digest": "sha256:aa"}, {"pid": 8, "digest": null}]);
            let servers = json!([{"server": "one", "state": "prepared", "reason": null, "workers": workers},
                {"server": "two", "state": "failed", "reason": "no room", "workers": []}]);
            (
                200,
                json!({"id": "1", "plugin": "orders", "digest": "sha256:aa", "state": "failed",
                "reason": "no room on two", "servers": servers}),
            )
        })
        .await;
        let (mut session, out, _) = fake.session(false);
        run(&mut session, Command::Show { id: "1".to_owned() }).await.unwrap();
        let text = out.text();
        assert!(text.contains("reason\tno room on two\n"), "{text}");
        assert!(
            text.ends_with(
                "one\tprepared\t7\tsha256:aa\t-\none\tprepared\t8\t-\t-\ntwo\tfailed\t-\t-\tno room\n"
            ),
            "{text}"
        );
    }
}
