//! The commands that ask something of a running server, each through its API alone.

mod api;
mod channel;
mod deploy;
mod deployment;
mod failure;
#[cfg(test)]
mod fake;
mod input;
mod invoke;
mod locate;
mod output;
mod plugin;
mod security;
mod service;
mod status;
mod wait;

use std::path::{Path, PathBuf};

use self::{
    api::Api,
    failure::{Doing as _, Failure},
    locate::Locator,
    output::Output,
};

#[derive(Debug, clap::Args)]
pub(crate) struct ClientArgs {
    /// The server's folder; ./.busbar if not given.
    #[arg(long, global = true, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// Prints JSON as the API gives it.
    #[arg(long, global = true)]
    json: bool,
}

impl ClientArgs {
    pub(crate) fn dir(&self) -> Option<&Path> {
        self.dir.as_deref()
    }
}

#[derive(Debug, clap::Subcommand)]
pub(crate) enum ClientCommand {
    /// Deploys plugins and waits until every worker runs them.
    Deploy(deploy::Deploy),
    /// Plugins: versions, grants and config.
    #[command(after_help = "Example:\n  busbar plugin list")]
    Plugin {
        #[command(subcommand)]
        command: plugin::Command,
    },
    /// Services and their limits.
    #[command(after_help = "Example:\n  busbar service list")]
    Service {
        #[command(subcommand)]
        command: service::Command,
    },
    /// Calls a service by its name.
    Invoke(invoke::Invoke),
    /// Channels: the ways in.
    #[command(after_help = "Example:\n  busbar channel list")]
    Channel {
        #[command(subcommand)]
        command: channel::Command,
    },
    /// Security definitions: the credentials that channels ask for.
    #[command(after_help = "Example:\n  busbar security list")]
    Security {
        #[command(subcommand)]
        command: security::Command,
    },
    /// Deployments as they progress.
    #[command(after_help = "Example:\n  busbar deployment list --state failed")]
    Deployment {
        #[command(subcommand)]
        command: deployment::Command,
    },
    /// Servers, workers, plugins and where they are reached.
    #[command(after_help = "Example:\n  busbar status --json")]
    Status,
}

/// What a command works with.
pub(crate) struct Bus<'a> {
    output: Output,
    locator: Locator<'a>,
}

impl Bus<'_> {
    fn admin(&self) -> Result<Api, Failure> {
        let target = self.locator.admin().doing(|| "find a server".to_owned())?;
        Api::admin(&target).doing(|| "use the admin API".to_owned())
    }

    fn invoker(&self) -> Result<Api, Failure> {
        let target = self.locator.http().doing(|| "find a server".to_owned())?;
        Api::invoker(&target).doing(|| "use the data plane".to_owned())
    }
}

/// Does what was asked for: 0 if it is done, 1 if it failed, 2 if it can't be meant.
pub(crate) async fn run(args: ClientArgs, command: ClientCommand) -> u8 {
    let bus = Bus { output: Output::new(args.json), locator: Locator::new(args.dir.as_deref()) };
    let outcome = match command {
        ClientCommand::Deploy(deploy) => deploy.run(&bus).await,
        ClientCommand::Plugin { command } => command.run(&bus).await,
        ClientCommand::Service { command } => command.run(&bus).await,
        ClientCommand::Invoke(invoke) => invoke.run(&bus).await,
        ClientCommand::Channel { command } => command.run(&bus).await,
        ClientCommand::Security { command } => command.run(&bus).await,
        ClientCommand::Deployment { command } => command.run(&bus).await,
        ClientCommand::Status => status::run(&bus).await,
    };
    match outcome {
        Ok(()) => 0,
        Err(failure) => {
            bus.output.failure(&failure);
            failure.exit_code()
        }
    }
}

#[cfg(test)]
mod tests;
