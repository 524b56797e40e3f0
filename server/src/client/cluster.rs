//! `busbar cluster`, `busbar drain` and `busbar leave`: the servers that share a database, and their coming and going.

use std::{fs, time::Duration};

use anyhow::{Context as _, bail};
use http::Method;
use serde::Deserialize;
use serde_json::Value;
use tokio::time::{Instant, sleep};

use super::{
    Session,
    answer::{view, views},
    api::{Api, Question, encoded},
    bounds::LOOK_EVERY,
    channel::yes_or_no,
    server,
    table::{Fields, Table},
    text::count,
};
use crate::{layout::Layout, membership::Held, stop};

const PATH: &str = "/api/v1/cluster";
const DRAINED: &str = "drained";

/// How the cluster is.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  busbar cluster\n  busbar cluster --ask\n  busbar cluster --ask --server bus-2 --json"
)]
pub(crate) struct Args {
    /// Asks the servers themselves, by the broker, how they are right now.
    #[arg(long)]
    ask: bool,
    /// Only the server of this name.
    #[arg(long, value_name = "NAME", requires = "ask")]
    server: Option<String>,
}

/// Takes a server out of work, or back.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  busbar drain bus-2\n  busbar drain bus-2 --timeout 300\n  busbar drain bus-2 --undo"
)]
pub(crate) struct Drain {
    /// The server's name or id.
    #[arg(value_name = "SERVER")]
    key: String,
    /// Seconds to wait until nothing is under way on it.
    #[arg(long, value_name = "S", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    timeout: u64,
    /// Does not wait.
    #[arg(long, conflicts_with = "timeout")]
    no_wait: bool,
    /// It takes work again.
    #[arg(long, conflicts_with_all = ["timeout", "no_wait"])]
    undo: bool,
}

/// Takes the server of this folder out of the cluster, for good.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  busbar leave --dir /var/lib/busbar")]
pub(crate) struct Leave {
    /// Seconds to wait until nothing is under way on it, and again until it has stopped.
    #[arg(long, value_name = "S", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    timeout: u64,
}

#[derive(Debug, Deserialize)]
struct View {
    id: String,
    leader: Option<String>,
    fence: Option<i64>,
    live: usize,
    ready: usize,
}

#[derive(Debug, Deserialize)]
struct Asked {
    broker: String,
    items: Vec<Heard>,
}

#[derive(Debug, Deserialize)]
struct Heard {
    from: String,
    status: Option<Status>,
}

#[derive(Debug, Deserialize)]
struct Status {
    #[serde(default)]
    leads: bool,
    #[serde(default)]
    condition: String,
    #[serde(default)]
    reason: Option<String>,
    #[serde(default)]
    catalog_version: Option<i64>,
    #[serde(default)]
    workers_answered_ms: u64,
    #[serde(default)]
    workers: Vec<Worker>,
}

#[derive(Debug, Deserialize)]
struct Worker {
    #[serde(default)]
    answered: bool,
    #[serde(default)]
    under_way: u64,
}

pub(crate) async fn run(session: &mut Session, args: Args) -> anyhow::Result<()> {
    let api = session.admin()?;
    if args.ask {
        return ask(session, &api, args.server.as_deref()).await;
    }
    let cluster = api.get(PATH).await.context("failed to see how the cluster is")?;
    let servers = api.list(server::PATH).await.context("failed to list servers")?;
    if session.output.json() {
        let mut cluster = cluster;
        cluster["servers"] = Value::Array(servers);
        return Ok(session.output.value(&cluster)?);
    }
    let view: View = view(&cluster)?;
    let fields = Fields::default()
        .with("cluster", view.id)
        .with("servers", format!("{} live, {} ready", view.live, view.ready))
        .with("leader", view.leader.unwrap_or_else(|| "none at present".to_owned()))
        .with("fence", view.fence.map(|fence| fence.to_string()).unwrap_or_default());
    session.output.fields(&fields)?;
    session.output.gap()?;
    let mut table =
        Table::new(["server", "live", "condition", "wanted", "leads", "workers", "address", "reason"]);
    for server in views::<server::Server>(&servers)? {
        let workers = server.serving().count();
        table.row([
            server.name,
            yes_or_no(server.live).to_owned(),
            server.condition,
            server.wanted,
            yes_or_no(server.leads).to_owned(),
            workers.to_string(),
            server.address.unwrap_or_default(),
            server.reason.unwrap_or_default(),
        ]);
    }
    Ok(session.output.table(&table)?)
}

async fn ask(session: &mut Session, api: &Api, server: Option<&str>) -> anyhow::Result<()> {
    let query = server.map(|server| format!("?server={}", encoded(server))).unwrap_or_default();
    let asked = api.get(format!("{PATH}/status{query}")).await.context("failed to ask the servers")?;
    let view: Asked = view(&asked)?;
    if session.output.json() {
        session.output.value(&asked)?;
    } else {
        let head =
            ["process", "condition", "leads", "catalog", "workers answered", "in", "under way", "reason"];
        let mut table = Table::new(head);
        for heard in &view.items {
            let Some(status) = &heard.status else {
                let hangs = "it heard the question, and its workers do not answer".to_owned();
                table.row([
                    heard.from.clone(),
                    "?".to_owned(),
                    "?".to_owned(),
                    "?".to_owned(),
                    "0".to_owned(),
                    "?".to_owned(),
                    "?".to_owned(),
                    hangs,
                ]);
                continue;
            };
            let answered = status.workers.iter().filter(|worker| worker.answered).count();
            let under_way: u64 = status.workers.iter().map(|worker| worker.under_way).sum();
            table.row([
                heard.from.clone(),
                status.condition.clone(),
                yes_or_no(status.leads).to_owned(),
                status.catalog_version.map(|version| version.to_string()).unwrap_or_default(),
                format!("{answered}/{}", status.workers.len()),
                format!("{} ms", status.workers_answered_ms),
                under_way.to_string(),
                status.reason.clone().unwrap_or_default(),
            ]);
        }
        session.output.table(&table)?;
    }
    if view.items.is_empty() {
        bail!("no server answered; the connection to the broker is {}", view.broker);
    }
    Ok(())
}

pub(crate) async fn drain(session: &mut Session, args: Drain) -> anyhow::Result<()> {
    let api = session.admin()?;
    let href = format!("{}/{}", server::PATH, encoded(&args.key));
    let way = if args.undo { "resume" } else { "drain" };
    let question = Question::new(Method::POST, format!("{href}/{way}"));
    let told = api.ask(question).await.with_context(|| format!("failed to {way} server {:?}", args.key))?;
    let mut seen = told.json()?;
    if !args.undo && !args.no_wait {
        seen = drained(session, &api, &href, Duration::from_secs(args.timeout)).await?;
    }
    if session.output.json() {
        return Ok(session.output.value(&seen)?);
    }
    let server: server::Server = view(&seen)?;
    let text = match (args.undo, args.no_wait) {
        (true, _) => format!("Server {} takes work again.", server.name),
        (false, true) => format!("Server {} takes no new work; it is {}.", server.name, server.condition),
        (false, false) => {
            format!("Server {} is drained. `busbar drain {0} --undo` lets it work again.", server.name)
        }
    };
    Ok(session.output.text(&text)?)
}

/// Waits until nothing is under way on a server, or it is gone.
async fn drained(session: &mut Session, api: &Api, href: &str, patience: Duration) -> anyhow::Result<Value> {
    let deadline = Instant::now() + patience;
    let mut said = String::new();
    loop {
        let seen = api.get(href).await.context("failed to look at the server")?;
        let server: server::Server = view(&seen)?;
        if server.condition == DRAINED || !server.live {
            return Ok(seen);
        }
        let reason = server.reason.unwrap_or_else(|| "it has not heard yet".to_owned());
        if reason != said && !session.output.json() {
            session.output.note(&format!("{}: {reason}", server.name))?;
            said.clone_from(&reason);
        }
        if Instant::now() > deadline {
            let time = count(usize::try_from(patience.as_secs()).unwrap_or(usize::MAX), "second");
            bail!("server {} is not drained after {time}: {reason}; it goes on draining", server.name);
        }
        sleep(LOOK_EVERY).await;
    }
}

pub(crate) async fn leave(session: &mut Session, args: Leave) -> anyhow::Result<()> {
    let api = session.admin()?;
    let layout = Layout::existing(&session.folder)
        .with_context(|| format!("failed to find a server's folder at {}", session.folder.display()))?;
    // A server's certificate lets it look at itself by its name.
    let held = Held::read(&layout)?;
    let key = match &held {
        Some(held) => held.identity()?.name.to_string(),
        None => layout.server_id()?.trim().to_owned(),
    };
    let href = format!("{}/{}", server::PATH, encoded(&key));
    let patience = Duration::from_secs(args.timeout);
    let question = Question::new(Method::POST, format!("{href}/drain"));
    api.ask(question).await.context("failed to drain the server")?;
    drained(session, &api, &href, patience).await?;
    stop::run(&session.folder, patience).await.context("failed to stop the server")?;
    let question = Question::new(Method::DELETE, href);
    api.ask(question).await.context("failed to take the server out of the cluster")?;
    if held.is_none() {
        let text = "The server has left the cluster. Its folder stays; to join again, start it again.";
        return Ok(session.output.text(text)?);
    }
    fs::remove_dir_all(layout.tls())
        .context("failed to remove the certificate, which is worth nothing now")?;
    let text = "The server has left the cluster. Its folder stays; `busbar join` makes it a member again.";
    Ok(session.output.text(text)?)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use serde_json::{Value, json};

    use super::{Args, Drain, drain, run};
    use crate::client::{
        failure::conclude,
        fake::{Asked, Fake},
    };

    fn server(condition: &str) -> Value {
        json!({"id": "1", "name": "one", "live": true, "condition": condition, "wanted": "serve", "leads": true,
            "address": "h:17010", "reason": null, "workers": []})
    }

    fn bus(asked: &Asked) -> (u16, Value) {
        match asked.line().as_str() {
            "GET /api/v1/cluster" => {
                (200, json!({"id": "c-1", "leader": "one", "fence": 3, "live": 1, "ready": 1}))
            }
            "GET /api/v1/cluster/status" => {
                let status = json!({"leads": true, "condition": "ready", "catalog_version": 9, "workers_answered_ms": 4,
                    "workers": [{"answered": true, "under_way": 2}, {"answered": false, "under_way": 0}]});
                let items = json!([{"from": "one/7", "answered": true, "status": status},
                    {"from": "two/8", "answered": false, "status": null}]);
                (200, json!({"broker": "connected", "items": items}))
            }
            "GET /api/v1/cluster/status?server=gone" => (200, json!({"broker": "connecting", "items": []})),
            line if line.starts_with("GET /api/v1/servers?") => {
                (200, json!({"items": [server("ready")], "next": null}))
            }
            line => panic!("{line}"),
        }
    }

    #[tokio::test]
    async fn shows_who_leads_and_how_servers_are() {
        let fake = Fake::start(bus).await;
        let (mut session, out, _) = fake.session(false);
        run(&mut session, Args { ask: false, server: None }).await.unwrap();
        let text = out.text();
        for part in ["leader\tone\n", "fence\t3\n", "one\tyes\tready\tserve\tyes\t0\th:17010\t-\n"] {
            assert!(text.contains(part), "{text}");
        }
        let (mut session, out, _) = fake.session(false);
        run(&mut session, Args { ask: true, server: None }).await.unwrap();
        let text = out.text();
        assert!(text.contains("one/7\tready\tyes\t9\t1/2\t4 ms\t2\t-\n"), "{text}");
        assert!(text.contains("two/8\t?") && text.contains("do not answer"), "{text}");
    }

    #[tokio::test]
    async fn nobody_who_answers_is_a_failure() {
        let fake = Fake::start(bus).await;
        let (mut session, _, err) = fake.session(false);
        let outcome = run(&mut session, Args { ask: true, server: Some("gone".to_owned()) }).await;
        assert_eq!(conclude(&mut session.output, outcome), 1);
        assert!(err.text().contains("no server answered; the connection to the broker is connecting"));
    }

    #[tokio::test]
    async fn draining_is_waited_for_or_given_up() {
        let looks = AtomicU32::new(0);
        let fake = Fake::start(move |asked: &Asked| match asked.line().as_str() {
            "POST /api/v1/servers/one/drain" | "POST /api/v1/servers/one/resume" => (200, server("ready")),
            "GET /api/v1/servers/one" => {
                let condition =
                    if looks.fetch_add(1, Ordering::Relaxed) < 2 { "draining" } else { "drained" };
                (200, server(condition))
            }
            "POST /api/v1/servers/two/drain" => (200, server("ready")),
            "GET /api/v1/servers/two" => (200, server("draining")),
            line => panic!("{line}"),
        })
        .await;
        let args = |key: &str, undo| Drain { key: key.to_owned(), timeout: 1, no_wait: false, undo };
        let (mut session, out, _) = fake.session(false);
        drain(&mut session, args("one", false)).await.unwrap();
        drain(&mut session, args("one", true)).await.unwrap();
        assert!(
            out.text().contains("is drained") && out.text().contains("takes work again"),
            "{}",
            out.text()
        );
        let (mut session, _, err) = fake.session(false);
        let outcome = drain(&mut session, args("two", false)).await;
        assert_eq!(conclude(&mut session.output, outcome), 1);
        assert!(err.text().contains("is not drained after 1 second"), "{}", err.text());
    }
}
