//! Placeholder while the commands are written.
use std::path::{Path, PathBuf};
#[derive(Debug, clap::Args)]
pub(crate) struct ClientArgs {
    #[arg(long, global = true)]
    dir: Option<PathBuf>,
}
impl ClientArgs {
    pub(crate) fn dir(&self) -> Option<&Path> {
        self.dir.as_deref()
    }
}
#[derive(Debug, clap::Subcommand)]
pub(crate) enum ClientCommand {
    Status,
}
pub(crate) async fn run(_: ClientArgs, _: ClientCommand) -> u8 {
    0
}
