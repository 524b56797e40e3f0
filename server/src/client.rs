//! Commands that ask something of a running bus, through its admin API and its data plane.

mod answer;
mod api;
mod bounds;
mod channel;
mod delivery;
mod deploy;
mod deployment;
mod failure;
mod invoke;
mod locate;
mod lookup;
mod output;
mod password;
mod plugin;
mod progress;
mod security;
mod server;
mod service;
mod status;
mod table;
mod text;
mod watch;

#[cfg(test)]
mod fake;

use std::path::{Path, PathBuf};

use self::{api::Api, locate::Locator, output::Output};

/// Which server is meant, and how to answer.
#[derive(Debug, clap::Args)]
pub(crate) struct ClientArgs {
    /// The server's folder.
    ///
    /// Default: ./.busbar. Where the folder was not named and no server runs in it, the environment
    /// says where one is: BUSBAR_ADMIN_URL and BUSBAR_ADMIN_TOKEN, for `invoke` BUSBAR_HTTP_URL and
    /// BUSBAR_INVOKER_KEY.
    #[arg(long, global = true, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// Answers with the JSON of the API.
    #[arg(long, global = true)]
    json: bool,
}

impl ClientArgs {
    /// The folder, if it was named.
    pub(crate) fn dir(&self) -> Option<&Path> {
        self.dir.as_deref()
    }
}

#[derive(Debug, clap::Subcommand)]
pub(crate) enum ClientCommand {
    /// Puts plugins into service, one after the other.
    Deploy(deploy::Args),
    /// What carries services: list, show, roll back, recall, grants and config.
    #[command(subcommand)]
    Plugin(plugin::Command),
    /// What can be called: list, show and limits.
    #[command(subcommand)]
    Service(service::Command),
    /// Calls a service by name.
    Invoke(invoke::Args),
    /// Ways in.
    #[command(subcommand)]
    Channel(channel::Command),
    /// Credentials that channels ask for.
    #[command(subcommand)]
    Security(security::Command),
    /// Versions of plugins on their way to being live.
    #[command(subcommand)]
    Deployment(deployment::Command),
    /// Messages on their way to their targets, and the error queue.
    #[command(subcommand)]
    Delivery(delivery::Command),
    /// The bus at a glance: servers, workers and what they run.
    #[command(after_help = "Examples:\n  busbar status\n  busbar status --json")]
    Status,
}

/// What a command works with.
struct Session {
    locator: Locator,
    output: Output,
}

impl Session {
    /// The admin API of the server that is meant.
    fn admin(&self) -> anyhow::Result<Api> {
        Ok(Api::admin(self.locator.admin()?)?)
    }
}

/// Obeys one command. Returns the process's exit code: 0 done, 1 failed, 2 asked for in a wrong way.
pub(crate) async fn run(args: ClientArgs, command: ClientCommand) -> u8 {
    let locator = Locator::new(args.dir, locate::environment);
    let mut session = Session { locator, output: Output::standard(args.json) };
    let outcome = obey(&mut session, command).await;
    failure::conclude(&mut session.output, outcome)
}

async fn obey(session: &mut Session, command: ClientCommand) -> anyhow::Result<()> {
    match command {
        ClientCommand::Deploy(args) => deploy::run(session, args).await,
        ClientCommand::Plugin(command) => plugin::run(session, command).await,
        ClientCommand::Service(command) => service::run(session, command).await,
        ClientCommand::Invoke(args) => invoke::run(session, args).await,
        ClientCommand::Channel(command) => channel::run(session, command).await,
        ClientCommand::Security(command) => security::run(session, command).await,
        ClientCommand::Deployment(command) => deployment::run(session, command).await,
        ClientCommand::Delivery(command) => delivery::run(session, command).await,
        ClientCommand::Status => status::run(session).await,
    }
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory as _, Parser, Subcommand};

    use super::{ClientArgs, ClientCommand};

    #[derive(Debug, Parser)]
    struct Cli {
        #[command(flatten)]
        client: ClientArgs,
        #[command(subcommand)]
        command: Command,
    }

    #[derive(Debug, Subcommand)]
    enum Command {
        Stop,
        #[command(flatten)]
        Client(ClientCommand),
    }

    fn parse(line: &str) -> Result<Cli, clap::Error> {
        Cli::try_parse_from(std::iter::once("busbar").chain(line.split_whitespace()))
    }

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn the_folder_may_stand_anywhere() {
        for line in ["--dir bus --json status", "status --dir bus --json", "plugin --json list --dir bus"] {
            let cli = parse(line).unwrap();
            assert_eq!(cli.client.dir().unwrap().to_str(), Some("bus"), "{line}");
            assert!(cli.client.json, "{line}");
            assert!(matches!(cli.command, Command::Client(_)), "{line}");
        }
        assert!(matches!(parse("stop").unwrap().command, Command::Stop));
    }

    #[test]
    fn accepts_what_the_help_shows() {
        fn examples(command: &clap::Command, found: &mut Vec<String>) {
            let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            assert!(command.has_subcommands() || !help.is_empty(), "{} has no example", command.get_name());
            found.extend(
                help.lines().filter_map(|line| Some(line.trim().strip_prefix("busbar ")?.to_owned())),
            );
            command.get_subcommands().for_each(|command| examples(command, found));
        }
        let mut found = Vec::new();
        let root = Cli::command();
        root.get_subcommands().filter(|c| c.get_name() != "stop").for_each(|c| examples(c, &mut found));
        assert!(found.len() > 25, "{found:?}");
        for line in found {
            let words = line.split(['<', '>']).next().unwrap_or_default().replace('\'', "");
            parse(&words).unwrap_or_else(|error| panic!("{line}: {error}"));
        }
    }

    #[test]
    fn refuses_what_makes_no_sense() {
        for line in [
            "deploy",
            "deploy a.wasm --timeout soon",
            "deploy a.wasm --wait --no-wait",
            "invoke",
            "plugin grants p --none --invoke x",
            "plugin config p --set a=1 --file f",
            "plugin config p --set a",
            "service limits s --cpu-ms much",
            "service limits s --reset colour",
            "channel create --path /a",
            "security create-basic b",
            "security create-basic b --username u --password p",
            "deployment list --state odd",
            "delivery list --state odd",
            "delivery list --all --limit 3",
            "delivery retry",
            "delivery retry 1 --all --state failed",
            "delivery retry --all",
            "delivery retry 1 2 --state failed",
            "delivery retry --all --state failed --payload-file f",
            "delivery discard --all --yes",
            "delivery discard 1 --payload-file f",
            "invoke s --async --timeout soon",
        ] {
            assert!(parse(line).is_err(), "{line}");
        }
    }
}
