//! The command line: which process to be, or what to ask of a running one.

use std::{
    io::Write as _,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use busbar_pki::Role;
use clap::{Args, CommandFactory as _, Parser, Subcommand};

use crate::{
    admin_process,
    boot::Boot,
    client, compile_process, completions, config_history, descriptors,
    layout::Layout,
    lb_agent, logging, master_key, membership, parent,
    parent::{Ended, Endpoints, Plan, Start, Step},
    quickstart, reload,
    settings::{self, Settings},
    singleton, stop, sys, testing, worker,
};

/// Services in any language, dropped into a folder, callable by everyone who may.
#[derive(Debug, Parser)]
#[command(
    name = "busbar",
    version,
    propagate_version = true,
    arg_required_else_help = true,
    after_help = "Examples:\n  busbar quickstart\n  busbar new service orders\n  busbar deploy orders.wasm\n  busbar logs --follow\n\n`busbar help COMMAND` has examples of each.\n\nWhere no folder is named and no server runs in ./.busbar, the environment says where one is:\nBUSBAR_ADMIN_URL and BUSBAR_ADMIN_TOKEN, for `invoke` BUSBAR_HTTP_URL and BUSBAR_INVOKER_KEY."
)]
struct Cli {
    #[command(flatten)]
    client: client::ClientArgs,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Runs all of Busbar on this machine, for one person: no broker, no balancer, nothing to set up.
    #[command(
        after_help = "Examples:\n  busbar quickstart\n  busbar quickstart --dir /tmp/bus --http 127.0.0.1:0 --admin 127.0.0.1:0 --workers 4"
    )]
    Quickstart(Quickstart),
    /// Runs a server: a parent, its workers and its singleton.
    #[command(
        after_help = "Examples:\n  busbar server --dir /var/lib/busbar\n  BUSBAR_WORKERS_COUNT=8 busbar server --dir /var/lib/busbar"
    )]
    Server,
    /// Runs an admin process: the REST API on `admin.listen`.
    #[command(after_help = "Example:\n  busbar admin --dir /var/lib/busbar")]
    Admin,
    /// Keeps the HAProxy of this host at what the cluster wants.
    #[command(after_help = "Example:\n  busbar lb-agent --dir /var/lib/busbar-lb")]
    LbAgent,
    /// Stops what runs in a folder; calls under way finish.
    #[command(after_help = "Example:\n  busbar stop --dir ./.busbar")]
    Stop,
    /// Has a server read its settings again and go on with a newer binary; no request is lost.
    ///
    /// Reads busbar.toml again and starts new processes, of the binary that stands by now where the server's
    /// stood. When all of them could take over, those before finish their calls and end. If one can't,
    /// nothing changes. Variables of the environment stay as they were when the server was started. SIGHUP
    /// to the server's process does the same.
    Reload(reload::Args),
    /// Runs the cases of a plugin, on the host of the bus but without a bus.
    Test(testing::Args),
    #[command(flatten)]
    Client(client::ClientCommand),
    /// Writes what a shell needs to complete the command line.
    Completions(completions::Args),
    #[command(hide = true)]
    Worker,
    #[command(hide = true)]
    Singleton,
    #[command(hide = true)]
    AdminProcess,
    #[command(hide = true)]
    Compile,
}

#[derive(Debug, Args)]
struct Quickstart {
    /// Where services are called; port 0 takes a free one.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:11223")]
    http: SocketAddr,
    /// Where the admin API is; port 0 takes a free one.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8183")]
    admin: SocketAddr,
    /// Worker processes; one per core if not given.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    workers: Option<u16>,
    /// A folder whose `*.wasm` are deployed the first time.
    #[arg(long, value_name = "DIR")]
    services: Option<PathBuf>,
    /// A RabbitMQ, as amqp(s)://USER:PASSWORD@HOST:PORT/VHOST: becomes connection `broker`, and orders come in by its
    /// queue `orders` too.
    #[arg(long, value_name = "URL", value_parser = quickstart::Broker::parse)]
    amqp: Option<quickstart::Broker>,
}

const DEFAULT_FOLDER: &str = "./.busbar";
/// How long `stop` waits.
const STOP_PATIENCE: Duration = Duration::from_secs(60);

pub(crate) fn run() -> ExitCode {
    let Cli { client, command } = Cli::parse();
    let folder = client.dir().map_or_else(|| PathBuf::from(DEFAULT_FOLDER), Path::to_owned);
    let outcome = match command {
        Command::Worker => worker::run(),
        Command::Singleton => singleton::run(),
        Command::AdminProcess => admin_process::run_inherited(),
        Command::Compile => compile_process::run(),
        Command::LbAgent => lb_agent::run(&folder),
        Command::Completions(args) => completions::run(&args, &Cli::command()),
        Command::Test(args) => return ExitCode::from(testing::run(client.json(), &args)),
        Command::Stop => blocking(stop::run(&folder, STOP_PATIENCE)),
        Command::Reload(args) => {
            let mut output = client::Output::standard(client.json());
            let outcome = blocking(async { Ok(reload::run(&mut output, &folder, &args).await) });
            let code = client::conclude(&mut output, outcome.and_then(|outcome| outcome));
            return ExitCode::from(code);
        }
        Command::Client(command) => match blocking(async { Ok(client::run(client, command).await) }) {
            Ok(code) => return ExitCode::from(code),
            Err(error) => Err(error),
        },
        Command::Quickstart(options) => return ended(run_parent(|| for_quickstart(&folder, options))),
        Command::Server => return ended(run_parent(|| for_server(&folder))),
        Command::Admin => return ended(run_admin(&folder)),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&format!("{error:#}"));
            let code = if error.is::<settings::SettingsError>() { 2 } else { 1 };
            ExitCode::from(code)
        }
    }
}

fn ended(outcome: Result<(), Ended>) -> ExitCode {
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(Ended::Other(error)) if error.is::<settings::SettingsError>() => {
            complain(&format!("{error:#}"));
            ExitCode::from(2)
        }
        Err(ended) => {
            let code = ended.exit_code();
            complain(&format!("{:#}", anyhow::Error::from(ended)));
            code
        }
    }
}

fn complain(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "error: {text}");
}

/// Runs `work` on this thread.
fn blocking<T>(work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(work)
}

/// A folder, its settings and what it is started as.
struct Chosen {
    layout: Layout,
    settings: Settings,
    /// What the settings' file said.
    text: String,
    mode: Mode,
}

enum Mode {
    Quickstart { seeds: Option<PathBuf>, broker: Option<quickstart::Broker> },
    Server,
}

fn for_quickstart(folder: &Path, options: Quickstart) -> Result<Chosen, Ended> {
    for (key, address) in [("--http", options.http), ("--admin", options.admin)] {
        if !address.ip().is_loopback() {
            let text =
                "is not a loopback address; quickstart is for this machine only, `busbar server` for others";
            return Err(Ended::Usage(format!("{key} {address} {text}")));
        }
    }
    if let Some(services) = options.services.as_ref().filter(|services| !services.is_dir()) {
        return Err(Ended::Usage(format!("--services {} is not a folder", services.display())));
    }
    let (layout, mut settings, text) = open(folder)?;
    settings.http.listen = options.http;
    settings.admin.listen = options.admin;
    // The folder's own token rules: the variable is the command line's, for servers elsewhere.
    settings.admin.token = None;
    settings.workers.count = options.workers.map_or(settings.workers.count, usize::from);
    // A person waits for Ctrl-C to be obeyed.
    settings.http.drain_idle_ms = settings.http.drain_idle_ms.min(500);
    Ok(Chosen {
        layout,
        settings,
        text,
        mode: Mode::Quickstart { seeds: options.services, broker: options.amqp },
    })
}

fn for_server(folder: &Path) -> Result<Chosen, Ended> {
    let (layout, settings, text) = open(folder)?;
    Ok(Chosen { layout, settings, text, mode: Mode::Server })
}

/// What holds for all processes that are started from here.
fn prepare_process() {
    descriptors::raise_limit();
    sys::ignore_file_size_signal();
}

/// Settings are read where they are decided on only: a parent that goes on has those that were found good.
fn run_parent(choose: impl FnOnce() -> Result<Chosen, Ended>) -> Result<(), Ended> {
    prepare_process();
    match parent::understood_step(settings::step().as_deref()) {
        Step::Resume(descriptor) => {
            let (mut state, boot) = parent::resume(descriptor)?;
            start_logs(&boot.layout, &boot.settings)?;
            tracing::info!(version = env!("CARGO_PKG_VERSION"), "reloaded");
            let text = state.plan.settings_text.take();
            on_runtime(async {
                config_history::in_force(boot.layout.clone(), text, config_history::Found::Reload);
                parent::run(Start::resumed(state, boot.layout), |_| {}).await
            })
        }
        Step::Plan => {
            let chosen = choose()?;
            logging::filter(&chosen.settings.log.level)?;
            let plan = planned(chosen)?;
            let text = serde_json::to_string(&plan).map_err(anyhow::Error::from)?;
            let written = std::io::stdout().lock().write_all(text.as_bytes());
            Ok(written.map_err(anyhow::Error::from)?)
        }
        Step::Start => {
            let chosen = choose()?;
            let layout = chosen.layout.clone();
            start_logs(&layout, &chosen.settings)?;
            let lock = parent::take_lock(&layout)?;
            let on_ready: fn(&Endpoints) = match chosen.mode {
                Mode::Quickstart { .. } => quickstart::greet,
                Mode::Server => |_| {},
            };
            let mut plan = planned(chosen)?;
            let text = plan.settings_text.take();
            on_runtime(async {
                let start = Start::new(layout.clone(), plan, lock).await?;
                config_history::in_force(layout, text, config_history::Found::Start);
                parent::run(start, on_ready).await
            })
        }
    }
}

fn start_logs(layout: &Layout, settings: &Settings) -> anyhow::Result<()> {
    logging::start("parent", &settings.log.dir.clone().unwrap_or_else(|| layout.logs()), &settings.log.level)
}

fn on_runtime(work: impl Future<Output = Result<(), Ended>>) -> Result<(), Ended> {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    // Signals are the main thread's.
    runtime.enable_all().on_thread_start(parent::keep_signals_out);
    runtime.build().map_err(anyhow::Error::from)?.block_on(work)
}

/// Makes the folder what a server needs, and says what is to be run in it.
fn planned(chosen: Chosen) -> Result<Plan, Ended> {
    let Chosen { layout, settings, text, mode } = chosen;
    let odb_url = settings.odb.url.clone().unwrap_or_else(|| layout.odb_url());
    let development = matches!(mode, Mode::Quickstart { .. });
    let key = master_key::path(&layout, &settings);
    match mode {
        Mode::Quickstart { seeds, broker } => {
            quickstart::prepare(&layout, &odb_url, seeds.as_deref())?;
            master_key::ensure(&key, &odb_url)?;
            if let Some(broker) = broker {
                broker.connect(&odb_url, &key)?;
            }
        }
        Mode::Server => {
            busbar_store::Odb::migrate(&odb_url).map_err(anyhow::Error::from)?;
            master_key::ensure(&key, &odb_url)?;
        }
    }
    let server_id = layout.server_id().map_err(anyhow::Error::from)?;
    let server_name = settings.server.name.clone().unwrap_or_else(host_name);
    if !development {
        refuse_namesake(&odb_url, &server_name, &server_id)?;
        membership::require(&layout, (&odb_url, &key), Role::Server, Some(&server_name))
            .map_err(Ended::Usage)?;
    }
    let generation = new_generation();
    let boot = Boot::new(layout, settings, odb_url, server_id, server_name);
    let boot = Boot { development, generation, ..boot };
    Ok(Plan::new(&boot, text, development).map_err(anyhow::Error::from)?)
}

/// Two servers of one name would take each other for what they were before.
fn refuse_namesake(odb_url: &str, name: &str, id: &str) -> Result<(), Ended> {
    let odb = busbar_store::Odb::open(odb_url, 1).map_err(anyhow::Error::from)?;
    let dead_ms = busbar_model::bounds::HEARTBEAT_DEAD_MS;
    let taken = name
        .parse()
        .map_err(anyhow::Error::msg)
        .and_then(|name| Ok(odb.has_live_namesake(&name, id, crate::clock::now(), dead_ms)?));
    if taken? {
        return Err(Ended::Usage(format!(
            "another server of this cluster is called {name:?} and lives: set server.name, or wait {} s if it was this one in another folder",
            dead_ms / 1_000
        )));
    }
    Ok(())
}

/// The host's name, as far as it is a name of the bus.
pub(crate) fn host_name() -> String {
    let name = nix::unistd::gethostname().ok().and_then(|name| name.into_string().ok()).unwrap_or_default();
    busbar_model::Name::from_stem(&name).map_or_else(|_| "server".to_owned(), String::from)
}

/// Short, since it stands in the name of a socket.
pub(crate) fn new_generation() -> String {
    let random = uuid::Uuid::now_v7().as_u128() & u128::from(u64::MAX >> 16);
    format!("{random:012x}")
}

fn run_admin(folder: &Path) -> Result<(), Ended> {
    prepare_process();
    let (layout, settings, _) = open(folder)?;
    let odb_url = settings.odb.url.clone().unwrap_or_else(|| layout.odb_url());
    busbar_store::Odb::migrate(&odb_url).map_err(anyhow::Error::from)?;
    master_key::ensure(&master_key::path(&layout, &settings), &odb_url)?;
    if settings.admin.token.is_none() {
        quickstart::ensure_token(&layout)?;
    }
    let key = master_key::path(&layout, &settings);
    membership::require(&layout, (&odb_url, &key), Role::Admin, None).map_err(Ended::Usage)?;
    let listener = parent::bind("admin.listen", settings.admin.listen)?;
    listener.set_nonblocking(true).map_err(anyhow::Error::from)?;
    let server_id = layout.server_id().map_err(anyhow::Error::from)?;
    let boot = Boot::new(layout, settings, odb_url, server_id, String::new());
    Ok(admin_process::run(boot, listener, "admin")?)
}

/// With the text of the settings' file.
pub(crate) fn open(folder: &Path) -> anyhow::Result<(Layout, Settings, String)> {
    let layout = Layout::create(folder)
        .map_err(|error| anyhow::anyhow!("failed to make the folder {}: {error}", folder.display()))?;
    let file = layout.settings_file();
    let text = settings::read(&file)?;
    let settings = settings::understand(&file, &text, &settings::environment())?;
    Ok((layout, settings, text))
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory as _, Parser as _};

    use super::Cli;
    use crate::completions::tests::scripts;

    const HIDDEN: [&str; 4] = ["worker", "singleton", "admin-process", "compile"];

    fn leaves(command: &clap::Command, path: &str, found: &mut Vec<(String, String)>) {
        let path = format!("{path} {}", command.get_name());
        let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
        if !command.has_subcommands() {
            found.push((path.clone(), help));
        }
        command.get_subcommands().filter(|c| !c.is_hide_set()).for_each(|c| leaves(c, &path, found));
    }

    #[test]
    fn every_command_has_an_example_that_is_one_of_its_own() {
        let mut found = Vec::new();
        leaves(&Cli::command(), "", &mut found);
        assert!(found.len() > 30, "{found:?}");
        for (path, help) in found {
            assert!(help.starts_with("Example"), "{path}: {help:?}");
            let examples = help.lines().filter(|line| line.contains("busbar "));
            let own = examples.filter(|line| line.contains(path.trim())).count();
            assert!(own > 0, "{path}: {help:?}");
        }
        let root = Cli::command().get_after_help().map(ToString::to_string).unwrap();
        for line in root.lines().filter_map(|line| line.trim().strip_prefix("busbar ")) {
            Cli::try_parse_from(std::iter::once("busbar").chain(line.split_whitespace())).unwrap();
        }
    }

    #[test]
    fn every_option_and_argument_says_what_it_is() {
        fn silent(command: &clap::Command, found: &mut Vec<String>) {
            let arguments = command.get_arguments().filter(|argument| argument.get_help().is_none());
            found.extend(arguments.map(|argument| format!("{} {}", command.get_name(), argument.get_id())));
            found.extend(command.get_about().is_none().then(|| command.get_name().to_owned()));
            command.get_subcommands().filter(|c| !c.is_hide_set()).for_each(|c| silent(c, found));
        }
        let mut found = Vec::new();
        silent(&Cli::command(), &mut found);
        assert_eq!(found, [""; 0]);
    }

    #[test]
    fn completions_know_what_people_may_use() {
        for (shell, script) in scripts(&Cli::command()) {
            for word in ["quickstart", "channel", "cors-origin", "follow", "completions"] {
                assert!(script.contains(word), "{shell} does not know {word}");
            }
            for hidden in ["busbar;singleton", "busbar__singleton", "_busbar__worker", "admin-process"] {
                assert!(!script.contains(hidden), "{shell} shows {hidden}");
            }
        }
        let command = Cli::command();
        let hidden = command.get_subcommands().filter(|command| command.is_hide_set());
        assert_eq!(hidden.map(clap::Command::get_name).collect::<Vec<_>>(), HIDDEN);
    }
}
