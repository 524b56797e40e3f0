//! `busbar connection`: ways out, and what channels of some protocols come in by.

mod settings;

use anyhow::Context as _;
use http::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use self::settings::Settings;
use super::{
    Session,
    answer::{view, views},
    api::{Api, Question, whole_list},
    channel::{delete, yes_or_no},
    failure::Usage,
    lookup::Kind,
    password, standing,
    table::{Fields, Table},
};

/// What a connection has beside its definition: what workers do.
const LINKS: &str = "links";

pub(crate) const KIND: Kind = Kind { path: "/api/v1/connections", noun: "connection" };

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Lists connections.
    #[command(after_help = "Example:\n  busbar connection list")]
    List,
    /// Shows a connection, without its secrets.
    #[command(after_help = "Example:\n  busbar connection show broker")]
    Show {
        /// Its name or id.
        #[arg(value_name = "NAME")]
        key: String,
    },
    /// Makes a connection to a broker of AMQP 0-9-1; asks for the password.
    #[command(
        after_help = "Examples:\n  busbar connection create broker --host mq.example.com --username shop\n  busbar connection create broker --url amqps://shop@mq.example.com/orders --password-stdin < password.txt\n  busbar connection create broker --host mq --username shop --ca ca.pem --client-certificate shop.pem --client-key shop.key"
    )]
    Create {
        /// What it is called.
        name: String,
        /// Where it leads to and as whom: amqp://USER@HOST:PORT/VHOST, or amqps:// for TLS. The password is asked for.
        #[arg(long, conflicts_with_all = ["host", "port", "vhost", "username"])]
        url: Option<String>,
        #[command(flatten)]
        settings: Box<Settings>,
        #[command(flatten)]
        password: password::Source,
    },
    /// Changes a connection; what is not given stays.
    #[command(
        after_help = "Examples:\n  busbar connection update broker --host mq2.example.com\n  busbar connection update broker --inactive\n  busbar connection update broker --client-certificate new.pem --client-key new.key"
    )]
    Update {
        /// Its name or id.
        #[arg(value_name = "NAME")]
        key: String,
        /// Another name; refused while grants have the present one.
        #[arg(long, value_name = "NAME")]
        rename: Option<String>,
        #[command(flatten)]
        settings: Box<Settings>,
    },
    /// Gives a connection another password; asks for it.
    #[command(
        after_help = "Examples:\n  busbar connection set-password broker\n  busbar connection set-password broker --password-stdin < password.txt"
    )]
    SetPassword {
        /// Its name or id.
        #[arg(value_name = "NAME")]
        key: String,
        #[command(flatten)]
        password: password::Source,
    },
    /// Tries whether the other system lets the bus in, active or not.
    #[command(after_help = "Example:\n  busbar connection ping broker")]
    Ping {
        /// Its name or id.
        #[arg(value_name = "NAME")]
        key: String,
    },
    /// Removes a connection that no channel comes in by and no grant names.
    #[command(after_help = "Example:\n  busbar connection delete broker")]
    Delete {
        /// Its name or id.
        #[arg(value_name = "NAME")]
        key: String,
    },
}

#[derive(Debug, Deserialize)]
struct View {
    id: String,
    name: String,
    kind: String,
    active: bool,
    host: String,
    port: u16,
    vhost: String,
    username: String,
    tls: Option<Tls>,
    heartbeat_s: u16,
    publishers: u16,
    in_flight_max: u16,
}

#[derive(Debug, Deserialize)]
struct Pinged {
    took_ms: Option<u64>,
    problem: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Tls {
    ca: Option<String>,
    server_name: Option<String>,
    client_certificate: Option<String>,
}

impl View {
    fn address(&self) -> String {
        let scheme = if self.tls.is_some() { "amqps" } else { "amqp" };
        let host = if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        format!("{scheme}://{host}:{}", self.port)
    }

    fn fields(&self) -> Fields {
        let fields = Fields::default()
            .with("id", &self.id)
            .with("name", &self.name)
            .with("kind", &self.kind)
            .with("active", yes_or_no(self.active))
            .with("address", self.address())
            .with("vhost", &self.vhost)
            .with("username", &self.username)
            .with("heartbeat_s", self.heartbeat_s.to_string())
            .with("publishers", self.publishers.to_string())
            .with("in_flight_max", self.in_flight_max.to_string());
        let Some(tls) = &self.tls else { return fields };
        let server_name = tls.server_name.as_ref().unwrap_or(&self.host);
        let given =
            |pem: &Option<String>, without: &str| if pem.is_some() { "given" } else { without }.to_owned();
        fields
            .with("ca", given(&tls.ca, "the system's"))
            .with("server_name", server_name)
            .with("client_certificate", given(&tls.client_certificate, "none"))
    }
}

pub(crate) async fn run(session: &mut Session, command: Command) -> anyhow::Result<()> {
    let api = session.admin()?;
    match command {
        Command::List => list(session, &api).await.context("failed to list connections"),
        Command::Show { key } => {
            let failed = || format!("failed to show connection {key}");
            let mut found = KIND.find(&api, &key).await.with_context(failed)?;
            standing::ask(&api, &KIND, &mut found, LINKS).await.with_context(failed)?;
            show(session, &found)
        }
        Command::Create { name, url, settings, password } => {
            let mut body = settings.body(url.as_deref())?;
            body.insert("name".to_owned(), name.into());
            body.insert("kind".to_owned(), "amqp".into());
            body.insert("password".to_owned(), password.read()?.into());
            let answer = api.ask(Question::new(Method::POST, KIND.path).json(&Value::Object(body))).await;
            let made = answer.and_then(|answer| answer.json());
            show(session, &made.context("failed to make the connection")?)
        }
        Command::Update { key, rename, settings } => {
            let mut body = settings.body(None)?;
            body.extend(rename.map(|name| ("name".to_owned(), name.into())));
            if body.is_empty() {
                return Err(Usage::error("nothing is to be changed; --help tells what can be"));
            }
            let changed = update(&api, &key, &Value::Object(body)).await;
            show(session, &changed.with_context(|| format!("failed to change connection {key}"))?)
        }
        Command::SetPassword { key, password } => {
            let changed = update(&api, &key, &json!({"password": password.read()?})).await;
            show(session, &changed.with_context(|| format!("failed to set the password of {key}"))?)
        }
        Command::Ping { key } => ping(session, &api, &key).await,
        Command::Delete { key } => {
            let gone = delete(&api, &KIND, &key).await;
            gone.with_context(|| format!("failed to delete connection {key}"))?;
            Ok(session.output.note(&format!("connection {key} is deleted"))?)
        }
    }
}

async fn list(session: &mut Session, api: &Api) -> anyhow::Result<()> {
    let items = api.list(KIND.path).await?;
    if session.output.json() {
        return Ok(session.output.value(&whole_list(items))?);
    }
    let mut table = Table::new(["NAME", "KIND", "ADDRESS", "VHOST", "USERNAME", "ACTIVE"]);
    for connection in views::<View>(&items)? {
        let (address, active) = (connection.address(), yes_or_no(connection.active).to_owned());
        let View { name, kind, vhost, username, .. } = connection;
        table.row([name, kind, address, vhost, username, active]);
    }
    Ok(session.output.table(&table)?)
}

async fn ping(session: &mut Session, api: &Api, key: &str) -> anyhow::Result<()> {
    let failed = || format!("failed to try connection {key}");
    let href = KIND.locate(api, key).await.with_context(failed)?;
    let answer = api.ask(Question::new(Method::POST, format!("{href}/ping"))).await.with_context(failed)?;
    let answer = answer.json().with_context(failed)?;
    let Pinged { took_ms, problem } = view(&answer).with_context(failed)?;
    if session.output.json() {
        session.output.value(&answer)?;
    }
    match (problem, took_ms) {
        (Some(problem), _) => anyhow::bail!("connection {key} does not work: {problem}"),
        (None, _) if session.output.json() => Ok(()),
        (None, took_ms) => {
            let took_ms = took_ms.unwrap_or_default();
            Ok(session.output.text(&format!("connection {key} works; it took {took_ms} ms"))?)
        }
    }
}

async fn update(api: &Api, key: &str, body: &Value) -> anyhow::Result<Value> {
    let href = KIND.locate(api, key).await?;
    Ok(api.ask(Question::new(Method::PATCH, href).json(body)).await?.json()?)
}

fn show(session: &mut Session, value: &Value) -> anyhow::Result<()> {
    if session.output.json() {
        return Ok(session.output.value(value)?);
    }
    let fields = standing::field(view::<View>(value)?.fields(), value, LINKS)?;
    Ok(session.output.fields(&fields)?)
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use serde_json::{Value, json};

    use super::{Command, run};
    use crate::client::{
        failure::conclude,
        fake::{Asked, Fake},
    };

    #[derive(Parser)]
    struct Line {
        #[command(subcommand)]
        command: Command,
    }

    async fn obey(fake: &Fake, line: &str) -> (u8, String, String) {
        let (mut session, out, err) = fake.session(false);
        let words = std::iter::once("connection").chain(line.split_whitespace());
        let outcome = run(&mut session, Line::try_parse_from(words).unwrap().command).await;
        (conclude(&mut session.output, outcome), out.text(), err.text())
    }

    fn bus(asked: &Asked) -> (u16, Value) {
        let known = json!({"id": "c1", "name": "broker", "kind": "amqp", "active": true, "host": "::1", "port": 5671,
            "vhost": "/", "username": "ada", "heartbeat_s": 10, "publishers": 2, "in_flight_max": 256,
            "tls": {"ca": null, "server_name": "mq", "client_certificate": "PEM"}});
        match asked.line().as_str() {
            "PATCH /api/v1/connections/c1" => (200, known),
            "DELETE /api/v1/connections/c1" => (204, Value::Null),
            "GET /api/v1/connections/c1/links" => {
                let link = json!({"server": "s", "pid": 7, "way": "in", "state": "reconnecting",
                    "since": "2026-11-28T00:00:00Z", "reason": "it is away"});
                (200, json!({"items": [link]}))
            }
            "POST /api/v1/connections/c1/ping" => {
                (200, json!({"reached": false, "took_ms": null, "problem": "nobody is there"}))
            }
            "POST /api/v1/connections/c2/ping" => {
                (200, json!({"reached": true, "took_ms": 12, "problem": null}))
            }
            _ => {
                let mut other = known.clone();
                (other["id"], other["name"]) = (json!("c2"), json!("other"));
                (200, json!({"items": [other, known], "next": null}))
            }
        }
    }

    #[tokio::test]
    async fn what_came_of_a_ping_is_the_exit_code() {
        let fake = Fake::start(bus).await;
        let works = obey(&fake, "ping other").await;
        assert_eq!(works, (0, "connection other works; it took 12 ms\n".to_owned(), String::new()));
        let (code, out, err) = obey(&fake, "ping broker").await;
        assert_eq!((code, out.as_str()), (1, ""));
        assert!(err.contains("connection broker does not work: nobody is there"), "{err}");
    }

    #[tokio::test]
    async fn lists_shows_and_deletes() {
        let fake = Fake::start(bus).await;
        let (_, list, _) = obey(&fake, "list").await;
        assert!(list.ends_with("\nbroker\tamqp\tamqps://[::1]:5671\t/\tada\tyes\n"), "{list}");
        let (_, shown, _) = obey(&fake, "show broker").await;
        let tls = "ca\tthe system's\nserver_name\tmq\nclient_certificate\tgiven\n\
                   links\ts 7 in reconnecting since 2026-11-28T00:00:00Z: it is away\n";
        assert!(shown.contains("vhost\t/\n") && shown.ends_with(tls), "{shown}");
        assert_eq!(obey(&fake, "delete broker").await.2, "connection broker is deleted\n");
        assert_eq!(fake.changes()[0].line(), "DELETE /api/v1/connections/c1");
    }

    #[tokio::test]
    async fn sends_what_was_given_and_no_more() {
        let fake = Fake::start(bus).await;
        let folder = tempfile::tempdir().unwrap();
        let (certificate, key) = (folder.path().join("c.pem"), folder.path().join("c.key"));
        std::fs::write(&certificate, "CERTIFICATE").unwrap();
        std::fs::write(&key, "KEY").unwrap();
        let files = format!("--client-certificate {} --client-key {}", certificate.display(), key.display());
        let lines = [
            (
                "update broker --rename mq --inactive --port 1",
                json!({"name": "mq", "active": false, "port": 1}),
            ),
            ("update broker --no-tls", json!({"tls": null})),
            ("update broker --tls --server-name mq", json!({"tls": {"server_name": "mq"}})),
            (
                &format!("update broker {files} --ca none"),
                json!({"tls": {"ca": null, "client_certificate": "CERTIFICATE", "client_key": "KEY"}}),
            ),
        ];
        for (line, sent) in lines {
            assert_eq!(obey(&fake, line).await.0, 0, "{line}");
            assert_eq!(fake.changes().last().unwrap().json(), sent, "{line}");
        }
    }

    #[tokio::test]
    async fn refuses_what_makes_no_sense() {
        let fake = Fake::start(bus).await;
        assert_eq!(obey(&fake, "update broker").await.0, 2);
        let (code, _, said) = obey(&fake, "create b --url amqp://u:hush@mq").await;
        assert!(code == 2 && said.contains("--password-stdin") && !said.contains("hush"), "{said}");
        for line in ["create b --url mq", "create b --url amqp://mq"] {
            assert_eq!(obey(&fake, line).await.0, 2, "{line}");
        }
        let (code, _, said) = obey(&fake, "update broker --ca /none/there").await;
        assert!(code == 2 && said.contains("/none/there can't be read"), "{said}");
        assert!(fake.changes().is_empty());
        assert!(Line::try_parse_from(["connection", "update", "b", "--tls", "--no-tls"]).is_err());
        assert!(Line::try_parse_from(["connection", "create", "b", "--url", "u", "--host", "h"]).is_err());
    }
}
