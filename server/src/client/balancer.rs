//! `busbar balancer`: how the cluster's balancers are set and do, and what the agent of this host is asked.

mod keepalived;

use std::time::Duration;

use anyhow::{Context as _, bail};
use busbar_lb_agent::{Request, Response};
use busbar_lb_config::{Entry, Report, Standing};
use http::Method;
use serde_json::{Map, Value, json};

use super::{
    Session,
    api::{Api, Question, encoded},
    channel::yes_or_no,
    failure::Usage,
    server,
    table::{Fields, Table},
};
use crate::layout::Layout;

const PATH: &str = "/api/v1/balancer";
/// For `check`: long enough for an agent to start HAProxy again.
const ANSWERS_WITHIN: Duration = Duration::from_millis(800);

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Shows how balancers balance, whom they send calls to, and how their agents say they do.
    #[command(after_help = "Examples:\n  busbar balancer show\n  busbar balancer show --json")]
    Show,
    /// Changes how balancers balance.
    #[command(
        after_help = "Examples:\n  busbar balancer set algorithm=leastconn retries=2\n  busbar balancer set timeouts.server_ms=120000 health.interval_ms=500\n  busbar balancer set retries="
    )]
    Set {
        /// A setting and its value, as JSON or a word; nothing behind `=` puts it back to its default.
        #[arg(required = true, value_name = "NAME=VALUE")]
        settings: Vec<String>,
    },
    /// Changes a server's share of the calls.
    #[command(after_help = "Example:\n  busbar balancer weight bus-2 50")]
    Weight {
        /// The server's name or id.
        server: String,
        /// 0 to 256, beside the others' weights; 100 is what nobody changed.
        #[arg(value_parser = clap::value_parser!(u16).range(0..=256))]
        weight: u16,
    },
    /// Asks the agent of this host how its balancer is.
    #[command(after_help = "Example:\n  busbar balancer status --dir /var/lib/busbar-lb")]
    Status,
    /// Shows the configurations that the agent of this host has applied, newest first.
    #[command(after_help = "Example:\n  busbar balancer history --dir /var/lib/busbar-lb")]
    History,
    /// Shows what `busbar balancer apply` would change on this host.
    #[command(after_help = "Example:\n  busbar balancer diff --dir /var/lib/busbar-lb")]
    Diff,
    /// Puts what is wanted in force on this host: over edits by hand, and even if it was found bad before.
    #[command(after_help = "Example:\n  busbar balancer apply --dir /var/lib/busbar-lb")]
    Apply,
    /// Puts an earlier configuration in force on this host, and keeps it until `busbar balancer resume`.
    #[command(
        after_help = "Examples:\n  busbar balancer rollback --dir /var/lib/busbar-lb\n  busbar balancer rollback 17 --dir /var/lib/busbar-lb"
    )]
    Rollback {
        /// Its number; the good one before the present one if not given.
        number: Option<u64>,
    },
    /// Goes on with what is wanted after a rollback.
    #[command(after_help = "Example:\n  busbar balancer resume --dir /var/lib/busbar-lb")]
    Resume,
    /// Succeeds where the HAProxy of this host answers within 800 ms, also while its agent is away.
    #[command(after_help = "Example:\n  busbar balancer check --dir /var/lib/busbar-lb")]
    Check,
    /// Writes the configuration by which keepalived gives this host and others one address.
    Keepalived(keepalived::Args),
}

pub(crate) async fn run(session: &mut Session, command: Command) -> anyhow::Result<()> {
    let request = match command {
        Command::Show => return show(session).await,
        Command::Set { settings } => return set(session, &settings).await,
        Command::Weight { server, weight } => return weigh(session, &server, weight).await,
        Command::Status => Request::Status,
        Command::History => Request::History,
        Command::Diff => Request::Diff,
        Command::Apply => Request::Apply,
        Command::Rollback { number } => Request::Rollback { to: number },
        Command::Resume => Request::Resume,
        Command::Check => return check(session).await,
        Command::Keepalived(args) => return keepalived::run(session, args),
    };
    let layout = layout(session)?;
    let response =
        busbar_lb_agent::ask(&layout.balancer(), request).await.context("failed to ask the agent")?;
    tell(session, response)
}

/// Of the agent of this host.
fn layout(session: &Session) -> anyhow::Result<Layout> {
    Layout::existing(&session.folder)
        .with_context(|| format!("failed to find an agent's folder at {}", session.folder.display()))
}

async fn check(session: &mut Session) -> anyhow::Result<()> {
    let layout = layout(session)?;
    busbar_lb_agent::answers(&layout.balancer(), ANSWERS_WITHIN).await.context("failed to ask HAProxy")?;
    match session.output.json() {
        true => Ok(session.output.value(&json!({ "answers": true }))?),
        false => Ok(session.output.text("HAProxy answers.")?),
    }
}

fn tell(session: &mut Session, response: Response) -> anyhow::Result<()> {
    let output = &mut session.output;
    if let Response::Refused { reason } = response {
        bail!("it is not done: {reason}");
    }
    if output.json() {
        return Ok(output.value(&json!(response))?);
    }
    match response {
        Response::Status { report } => {
            output.fields(&fields(&report))?;
            output.gap()?;
            Ok(output.table(&servers(&report))?)
        }
        Response::History { entries } => {
            let mut table = Table::new(["number", "at", "version", "origin", "outcome", "reason"]);
            for entry in entries {
                let at = busbar_model::Timestamp(entry.at).to_string();
                let version = entry.version.map(|version| version.to_string()).unwrap_or_default();
                let reason = entry.reason.clone().unwrap_or_default();
                table.row([
                    entry.number.to_string(),
                    at,
                    version,
                    word(&entry.origin),
                    word(&entry.outcome),
                    reason,
                ]);
            }
            Ok(output.table(&table)?)
        }
        Response::Diff { diff } => {
            let text = diff.to_string();
            let text = if text.is_empty() { "Nothing would change." } else { text.trim_end() };
            Ok(output.text(text)?)
        }
        Response::Done { entry } => {
            let number = entry.map(|entry: Entry| format!("Configuration {} is in force.", entry.number));
            Ok(output.text(&number.unwrap_or_else(|| "It is done.".to_owned()))?)
        }
        Response::Refused { .. } => Ok(()),
    }
}

/// As JSON writes it.
fn word<T: serde::Serialize>(value: &T) -> String {
    let value = json!(value);
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn standing(report: &Report) -> String {
    match &report.standing {
        Standing::Waiting => "nothing is wanted yet".to_owned(),
        Standing::Ok => "as is wanted".to_owned(),
        Standing::Failed { reason } => format!("what is wanted is not in force: {reason}"),
        Standing::Drift { .. } => "edited by hand; `busbar balancer diff` shows how".to_owned(),
        Standing::RolledBack { to } => format!("rolled back to {to}, until `busbar balancer resume`"),
    }
}

fn fields(report: &Report) -> Fields {
    let haproxy = report.haproxy.as_ref();
    let version =
        |version: Option<i64>| version.map_or_else(|| "none".to_owned(), |version| version.to_string());
    let applied = report.applied.as_ref();
    let findings: Vec<String> =
        report.findings.iter().map(|finding| format!("line {}: {}", finding.line, finding.message)).collect();
    Fields::default()
        .with("agent", report.agent.clone())
        .with("standing", standing(report))
        .with("configuration", applied.map(|entry| entry.number.to_string()).unwrap_or_default())
        .with("of version", version(applied.and_then(|entry| entry.version)))
        .with("wanted version", version(report.wanted_version))
        .with(
            "haproxy",
            haproxy.map_or_else(
                || "does not answer".to_owned(),
                |info| format!("{}, process {}, up {} s", info.version, info.pid, info.uptime_s),
            ),
        )
        .with("connections", haproxy.map(|info| info.connections.to_string()).unwrap_or_default())
        .with("restarts", report.restarts.to_string())
        .with("findings", findings.join("; "))
}

fn servers(report: &Report) -> Table {
    let mut table = Table::new(["server", "status", "weight", "address", "sessions", "total", "check"]);
    for server in &report.servers {
        table.row([
            server.name.clone(),
            server.status.clone(),
            server.weight.to_string(),
            server.address.clone(),
            server.sessions.to_string(),
            server.sessions_total.to_string(),
            format!("{} {}", server.check, server.check_detail).trim().to_owned(),
        ]);
    }
    table
}

async fn show(session: &mut Session) -> anyhow::Result<()> {
    let balancer = session.admin()?.get(PATH).await.context("failed to see how balancers do")?;
    if session.output.json() {
        return Ok(session.output.value(&balancer)?);
    }
    let output = &mut session.output;
    output.text(&format!("{:#}", balancer["settings"]))?;
    output.gap()?;
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let mut table = Table::new(["server", "address", "weight", "wanted"]);
    for server in balancer["servers"].as_array().into_iter().flatten() {
        table.row(["name", "address", "weight", "wanted"].map(|name| text(&server[name])));
    }
    output.table(&table)?;
    output.gap()?;
    let mut table = Table::new(["agent", "at", "standing", "haproxy answers", "servers up"]);
    for agent in balancer["agents"].as_array().into_iter().flatten() {
        let (name, at) = (text(&agent["name"]), text(&agent["at"]));
        let Ok(report) = serde_json::from_value::<Report>(agent["report"].clone()) else {
            table.row([name, at, "of another version".to_owned(), String::new(), String::new()]);
            continue;
        };
        let up = report.servers.iter().filter(|server| server.status.starts_with("UP")).count();
        let answers = yes_or_no(report.haproxy.is_some()).to_owned();
        table.row([name, at, standing(&report), answers, format!("{up}/{}", report.servers.len())]);
    }
    Ok(output.table(&table)?)
}

async fn set(session: &mut Session, settings: &[String]) -> anyhow::Result<()> {
    let api = session.admin()?;
    let seen = api.ask(Question::get(PATH)).await.context("failed to see how balancers are set")?;
    let mut wanted = seen.json()?["settings"].clone();
    for setting in settings {
        let Some((path, value)) = setting.split_once('=') else {
            return Err(Usage(format!("{setting:?} is no NAME=VALUE")).into());
        };
        put(&mut wanted, path, value).map_err(|reason| Usage(format!("{path}: {reason}")))?;
    }
    let question = Question::new(Method::PUT, PATH).json(&wanted).seen(seen.tag());
    let now = api.ask(question).await.context("failed to set how balancers balance")?.json()?;
    match session.output.json() {
        true => Ok(session.output.value(&now)?),
        false => Ok(session.output.text(&format!("{:#}", now["settings"]))?),
    }
}

/// Sets a member by its path, or takes it away.
fn put(settings: &mut Value, path: &str, text: &str) -> Result<(), &'static str> {
    let (parents, name) = path.rsplit_once('.').map_or((None, path), |(parents, name)| (Some(parents), name));
    let mut place = settings;
    for part in parents.into_iter().flat_map(|parents| parents.split('.')) {
        let members = place.as_object_mut().ok_or("there is nothing below that")?;
        place = members.entry(part).or_insert_with(|| Value::Object(Map::new()));
    }
    let members = place.as_object_mut().ok_or("there is nothing below that")?;
    match text {
        "" => drop(members.remove(name)),
        _ => {
            let value = serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.to_owned()));
            members.insert(name.to_owned(), value);
        }
    }
    Ok(())
}

async fn weigh(session: &mut Session, key: &str, weight: u16) -> anyhow::Result<()> {
    let api: Api = session.admin()?;
    let question = Question::new(Method::PATCH, format!("{}/{}", server::PATH, encoded(key)));
    let told = api.ask(question.json(&json!({ "weight": weight }))).await;
    let told = told.with_context(|| format!("failed to weigh server {key:?}"))?.json()?;
    match session.output.json() {
        true => Ok(session.output.value(&told)?),
        false => Ok(session.output.text(&format!("Server {key} has the weight {weight}."))?),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{Command, put, run};
    use crate::client::fake::{Asked, Fake};

    #[test]
    fn settings_are_put_by_their_paths() {
        let mut settings = json!({"retries": 3, "timeouts": {"server_ms": 1}});
        put(&mut settings, "timeouts.server_ms", "120000").unwrap();
        put(&mut settings, "algorithm", "leastconn").unwrap();
        put(&mut settings, "retries", "").unwrap();
        put(&mut settings, "health.fall", "3").unwrap();
        let wanted =
            json!({"timeouts": {"server_ms": 120_000}, "algorithm": "leastconn", "health": {"fall": 3}});
        assert_eq!(settings, wanted);
        assert!(put(&mut settings, "algorithm.x", "1").is_err());
    }

    #[tokio::test]
    async fn what_was_seen_is_changed_and_nothing_else() {
        let fake = Fake::start(|asked: &Asked| match asked.line().as_str() {
            "GET /api/v1/balancer" => (200, json!({"settings": {"retries": 3}, "servers": [], "agents": []})),
            "PUT /api/v1/balancer" => {
                let wanted: Value = serde_json::from_slice(&asked.body).unwrap();
                assert_eq!(wanted, json!({"retries": 3, "algorithm": "first"}));
                (200, json!({"settings": wanted, "servers": [], "agents": []}))
            }
            line => panic!("{line}"),
        })
        .await;
        let (mut session, out, _) = fake.session(false);
        run(&mut session, Command::Set { settings: vec!["algorithm=first".to_owned()] }).await.unwrap();
        assert!(out.text().contains("\"first\""), "{}", out.text());
        let (mut session, _, _) = fake.session(false);
        let refused = run(&mut session, Command::Set { settings: vec!["algorithm".to_owned()] }).await;
        assert!(refused.unwrap_err().to_string().contains("no NAME=VALUE"));
    }
}
