//! `busbar deployment`: deployments as they progress.

use super::{
    Bus,
    api::encoded,
    deploy::DEPLOYMENTS,
    failure::{Doing as _, Failure},
    wait::worker_rows,
};

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// All deployments, the newest first.
    #[command(after_help = "Example:\n  busbar deployment list --plugin greeter --state failed")]
    List {
        /// Only those of this plugin.
        #[arg(long)]
        plugin: Option<String>,
        /// Only those in this state.
        #[arg(long)]
        state: Option<String>,
    },
    /// One deployment, with what each worker runs.
    #[command(after_help = "Example:\n  busbar deployment show 01a1fbf4-e326-7083-b6f9-75dd174e9c42")]
    Show { id: String },
}

impl Command {
    pub(crate) async fn run(self, bus: &Bus<'_>) -> Result<(), Failure> {
        let api = bus.admin()?;
        match self {
            Self::List { plugin, state } => {
                let filters = [("plugin", plugin.as_deref()), ("state", state.as_deref())];
                let filters: Vec<_> =
                    filters.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
                let listed = api.list(DEPLOYMENTS, &filters).await;
                let deployments = listed.doing(|| "list deployments".to_owned())?;
                let columns = [
                    ("ID", "id"),
                    ("PLUGIN", "plugin"),
                    ("STATE", "state"),
                    ("DIGEST", "digest"),
                    ("SOURCE", "source"),
                    ("CREATED", "created_at"),
                    ("REASON", "reason"),
                ];
                bus.output.list(deployments, &columns);
            }
            Self::Show { id } => {
                let address = format!("{DEPLOYMENTS}/{}", encoded(&id));
                let shown = api.get(&address).await.doing(|| format!("show deployment {id}"))?.body;
                let members = [
                    ("id", "id"),
                    ("plugin", "plugin"),
                    ("digest", "digest"),
                    ("state", "state"),
                    ("reason", "reason"),
                    ("source", "source"),
                    ("actor", "actor"),
                    ("created", "created_at"),
                    ("activated", "activated_at"),
                ];
                bus.output.object(&shown, &members);
                if !bus.output.is_json() {
                    bus.output.table(&["SERVER", "WORKER PID", "DIGEST"], worker_rows(&shown));
                }
            }
        }
        Ok(())
    }
}
