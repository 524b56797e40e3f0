//! Commands that ask something of a running bus, through its admin API and its data plane; and those
//! that look at files.

mod answer;
mod api;
mod apply;
mod balancer;
mod bounds;
mod calendar;
mod channel;
mod cluster;
mod config;
mod connection;
mod delivery;
mod deploy;
mod deployment;
mod dial;
mod dictionary;
mod document;
mod export;
mod failure;
mod init;
mod invoke;
mod job;
mod join;
mod locate;
mod logs;
mod lookup;
mod member;
mod new;
mod output;
mod password;
mod plugin;
mod progress;
mod secret;
mod security;
mod server;
mod service;
mod standing;
mod status;
mod table;
mod text;
mod variables;
mod watch;

#[cfg(test)]
pub(crate) mod fake;

use std::{
    cell::Cell,
    path::{Path, PathBuf},
    sync::Arc,
};

use busbar_pki::Role;

use self::locate::Locator;
#[cfg(test)]
pub(crate) use self::output::tests::recorded;
pub(crate) use self::{
    api::{Api, Question},
    dial::Tls,
    document::Source,
    failure::{Usage, conclude},
    locate::Access,
    output::Output,
    table::Fields,
    text::{count, excerpt},
    variables::Variables,
};
use crate::{
    backup, check,
    layout::Layout,
    membership::{self, Held},
    restore,
};

/// What every command takes stands below what is its own.
const GLOBAL: &str = "Global options";

/// Which server is meant, and how to answer.
#[derive(Debug, clap::Args)]
pub(crate) struct ClientArgs {
    /// The server's folder; ./.busbar if not given.
    #[arg(long, global = true, value_name = "DIR", help_heading = GLOBAL)]
    dir: Option<PathBuf>,
    /// Answers with JSON, as the API does.
    #[arg(long, global = true, help_heading = GLOBAL)]
    json: bool,
}

impl ClientArgs {
    /// The folder, if it was named.
    pub(crate) fn dir(&self) -> Option<&Path> {
        self.dir.as_deref()
    }

    /// Whether JSON was asked for.
    pub(crate) fn json(&self) -> bool {
        self.json
    }
}

#[derive(Debug, clap::Subcommand)]
pub(crate) enum ClientCommand {
    /// The beginning of a service.
    #[command(subcommand)]
    New(new::Command),
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
    /// Ways out, and what channels of some protocols come in by.
    #[command(subcommand)]
    Connection(connection::Command),
    /// What systems call the same things: translations of their codes.
    #[command(subcommand)]
    Dictionary(dictionary::Command),
    /// Credentials that channels ask for.
    #[command(subcommand)]
    Security(security::Command),
    /// Values that plugins read by name.
    #[command(subcommand)]
    Secret(secret::Command),
    /// Versions of plugins on their way to being live.
    #[command(subcommand)]
    Deployment(deployment::Command),
    /// Shows all definitions as one document.
    Export(export::Args),
    /// Puts the definitions of a document in place, all of them or none.
    Apply(apply::Args),
    /// Versions of this server's settings: who changed them, when and why; and the way back.
    #[command(subcommand)]
    Config(config::Command),
    /// Tells whether files are right: configurations, plugins and settings.
    Check(check::Args),
    /// Writes all that a server's folder must not lose to one file, while it runs.
    Backup(backup::Args),
    /// Puts a server's folder back to what a backup holds, also while it runs.
    Restore(restore::Args),
    /// Messages on their way to their targets, and the error queue.
    #[command(subcommand)]
    Delivery(delivery::Command),
    /// Services that run on a schedule, and their runs.
    #[command(subcommand)]
    Job(job::Command),
    /// Days on which jobs do not run.
    #[command(subcommand)]
    Calendar(calendar::Command),
    /// The bus at a glance: servers, workers and what they run.
    #[command(after_help = "Examples:\n  busbar status\n  busbar status --json")]
    Status,
    /// The load balancers: how they balance and how they do; and this host's, by its agent.
    #[command(subcommand)]
    Balancer(balancer::Command),
    /// The servers that share a database: which one leads, how each stands.
    Cluster(cluster::Args),
    /// Makes a cluster, and this folder that of its first admin process.
    Init(init::Args),
    /// Makes a token by which one machine may join the cluster, once.
    JoinToken(member::Token),
    /// Makes this folder one of a member of a cluster.
    Join(join::Args),
    /// Who has a certificate of the cluster.
    #[command(subcommand)]
    Member(member::Command),
    /// Who signs the certificates of the cluster, and the change to another one.
    #[command(subcommand)]
    Authority(member::Authority),
    /// Has a server take no new work, and waits until it has ended what it had.
    Drain(cluster::Drain),
    /// Drains the server of this folder, stops it and has the cluster forget it.
    Leave(cluster::Leave),
    /// What the processes wrote, in the order of time; also when no server runs.
    Logs(logs::Args),
}

/// What a command works with.
pub(crate) struct Session {
    locator: Locator,
    /// Of the server on this machine.
    folder: PathBuf,
    output: Output,
    /// Whether it asked the admin API.
    asks: Cell<bool>,
}

impl Session {
    fn new(locator: Locator, folder: PathBuf, output: Output) -> Self {
        Self { locator, folder, output, asks: Cell::new(false) }
    }

    /// The admin API of the server that is meant.
    fn admin(&self) -> anyhow::Result<Api> {
        self.asks.set(true);
        Ok(Api::admin(self.locator.admin()?)?)
    }

    /// Where commands have a certificate of the cluster, each one sees to it that the next ones will have, too.
    async fn refresh(&self) -> anyhow::Result<()> {
        let Ok(layout) = Layout::existing(&self.folder) else { return Ok(()) };
        let Some(held) = Held::read(&layout)? else { return Ok(()) };
        if held.identity()?.role != Role::Operator {
            return Ok(());
        }
        membership::refresh(&layout, membership::Remote::new(Arc::new(self.admin()?))).await
    }
}

/// Obeys one command. Returns the process's exit code: 0 done, 1 failed, 2 asked for in a wrong way.
pub(crate) async fn run(args: ClientArgs, command: ClientCommand) -> u8 {
    let folder = args.dir.clone().unwrap_or_else(|| PathBuf::from(locate::FOLDER_DEFAULT));
    let locator = Locator::new(args.dir, locate::environment);
    let mut session = Session::new(locator, folder, Output::standard(args.json));
    let outcome = obey(&mut session, command).await;
    if outcome.is_ok()
        && session.asks.get()
        && let Err(error) = session.refresh().await
    {
        // The next command tries again.
        tracing::debug!(error = format!("{error:#}"), "the certificate was not looked after");
    }
    failure::conclude(&mut session.output, outcome)
}

async fn obey(session: &mut Session, command: ClientCommand) -> anyhow::Result<()> {
    match command {
        ClientCommand::Deploy(args) => deploy::run(session, args).await,
        ClientCommand::Plugin(command) => plugin::run(session, command).await,
        ClientCommand::Service(command) => service::run(session, command).await,
        ClientCommand::Invoke(args) => invoke::run(session, args).await,
        ClientCommand::Channel(command) => channel::run(session, command).await,
        ClientCommand::Connection(command) => connection::run(session, command).await,
        ClientCommand::Dictionary(command) => dictionary::run(session, command).await,
        ClientCommand::Security(command) => security::run(session, command).await,
        ClientCommand::Secret(command) => secret::run(session, command).await,
        ClientCommand::Deployment(command) => deployment::run(session, command).await,
        ClientCommand::Logs(args) => logs::run(session, args).await,
        ClientCommand::New(command) => new::run(session, command),
        ClientCommand::Export(args) => export::run(session, args).await,
        ClientCommand::Apply(args) => apply::run(session, args).await,
        ClientCommand::Config(command) => config::run(session, command).await,
        ClientCommand::Check(args) => check::run(&mut session.output, args).await,
        ClientCommand::Backup(args) => backup::run(&mut session.output, &session.folder, &args),
        ClientCommand::Restore(args) => restore::run(&mut session.output, &session.folder, &args).await,
        ClientCommand::Delivery(command) => delivery::run(session, command).await,
        ClientCommand::Job(command) => job::run(session, command).await,
        ClientCommand::Calendar(command) => calendar::run(session, command).await,
        ClientCommand::Status => status::run(session).await,
        ClientCommand::Balancer(command) => balancer::run(session, command).await,
        ClientCommand::Cluster(args) => cluster::run(session, args).await,
        ClientCommand::Init(args) => init::run(session, args).await,
        ClientCommand::JoinToken(args) => member::token(session, args).await,
        ClientCommand::Join(args) => join::run(session, args).await,
        ClientCommand::Member(command) => member::run(session, command).await,
        ClientCommand::Authority(command) => member::authority(session, command).await,
        ClientCommand::Drain(args) => cluster::drain(session, args).await,
        ClientCommand::Leave(args) => cluster::leave(session, args).await,
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
    #[expect(clippy::large_enum_variant, reason = "one is parsed in each test")]
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

    /// As a shell takes them: what stands in single quotes is one.
    fn words(line: &str) -> Vec<String> {
        let mut words = vec![String::new()];
        for (at, part) in line.split('\'').enumerate() {
            for (nth, piece) in part.split(if at % 2 == 0 { " " } else { "\n" }).enumerate() {
                if nth > 0 {
                    words.push(String::new());
                }
                words.last_mut().unwrap().push_str(piece);
            }
        }
        words.retain(|word| !word.is_empty());
        words
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
            let words = words(line.split(['<', '>']).next().unwrap_or_default());
            let cli = Cli::try_parse_from(std::iter::once("busbar".to_owned()).chain(words));
            cli.unwrap_or_else(|error| panic!("{line}: {error}"));
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
            "plugin grants p --none --secret x",
            "secret create k --value v",
            "plugin config p --set a=1 --file f",
            "plugin config p --set a",
            "service limits s --cpu-ms much",
            "service limits s --reset colour",
            "channel create --path /a",
            "security create-basic b",
            "security create-ws-security w",
            "security create-certificate f",
            "security set-certificates f",
            "security create-ws-security w --username u --password-type clear",
            "channel create --path /a --service s --protocol mqtt",
            "security create-basic b --username u --password p",
            "deployment list --state odd",
            "logs --level loud",
            "logs --since yesterday",
            "logs --access --no-access",
            "apply",
            "apply f --var A",
            "apply f --var 1=2",
            "backup",
            "check",
            "config",
            "config log --limit 0",
            "config diff a b c",
            "config rollback a b",
            "config rollback --timeout 3",
            "balancer keepalived --interface eth0 --address 192.0.2.10/24 --router-id 51",
            "balancer keepalived --interface eth0 --address 192.0.2.10/24 --router-id 256 --priority 1",
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
            "job create a",
            "job create a --service s --every 1h --at 2026-12-01T02:00:00Z",
            "job runs a --trigger odd",
            "calendar create",
            "dictionary create",
            "dictionary import countries",
            "dictionary translate countries DE --from erp",
            "drain",
            "drain one --undo --no-wait",
            "cluster --server one",
            "init",
            "join",
            "join-token --role king",
            "join-token --life 5",
            "member forget king ada",
        ] {
            assert!(parse(line).is_err(), "{line}");
        }
    }
}
