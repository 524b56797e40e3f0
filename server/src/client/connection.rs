//! `busbar connection`: ways out, and what channels of some protocols come in by.

mod auth;
mod settings;
mod statistics;
mod view;

use anyhow::Context as _;
use http::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use self::{auth::Secrets, settings::Settings, statistics::STATISTICS, view::View};
use super::{
    Session,
    answer::{view, views},
    api::{Api, Question, whole_list},
    channel::{delete, yes_or_no},
    failure::Usage,
    lookup::Kind,
    password, standing,
    table::Table,
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
    /// Makes a connection: to a broker, to what is called over HTTP or SOAP, or to a database. Asks for the password.
    #[command(
        after_help = "Examples:\n  busbar connection create broker --host mq.example.com --username shop\n  busbar connection create broker --url amqps://shop@mq.example.com/orders --password-stdin < password.txt\n  busbar connection create broker --host mq --username shop --ca ca.pem --client-certificate shop.pem --client-key shop.key\n  busbar connection create prices --kind http --base-url https://api.example.com/v1 --auth bearer\n  busbar connection create prices --base-url https://api.example.com --username shop --set timeouts.total_ms=5000 --allow 10.1.0.0/16\n  busbar connection create crm --base-url https://crm.example.com --auth client-credentials --token-url https://id.example.com/token --client-id bus\n  busbar connection create partner --wsdl https://partner.example.com/orders?wsdl --token-username bus\n  busbar connection create stock --engine postgres --host db --database stock --username bus --read-only\n  busbar connection create notes --engine sqlite --file /var/lib/notes.db"
    )]
    Create {
        /// What it is called.
        name: String,
        /// What it leads to: a broker (amqp), or http, soap or sql. Told by --base-url, --wsdl or --engine if it is not given;
        /// amqp without any.
        #[arg(long, value_name = "KIND")]
        kind: Option<String>,
        /// What a database speaks: postgres, mysql (MariaDB too) or sqlite.
        #[arg(long, value_name = "ENGINE")]
        engine: Option<String>,
        /// Where a broker is and as whom: amqp://USER@HOST:PORT/VHOST, or amqps:// for TLS. The password is asked for.
        #[arg(long, conflicts_with_all = ["host", "port", "vhost", "username"])]
        url: Option<String>,
        #[command(flatten)]
        settings: Box<Settings>,
        #[command(flatten)]
        password: password::Source,
    },
    /// Changes a connection; what is not given stays. Asks for the password where it would be shown to another system.
    #[command(
        after_help = "Examples:\n  busbar connection update broker --host mq2.example.com --password-stdin < password.txt\n  busbar connection update broker --inactive\n  busbar connection update broker --client-certificate new.pem --client-key new.key\n  busbar connection update prices --set timeouts.total_ms=5000 --set breaker=null\n  busbar connection update prices --auth bearer --password-stdin < token.txt\n  busbar connection update partner --wsdl orders.wsdl"
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
        #[command(flatten)]
        password: password::Source,
    },
    /// Gives a connection another password, key or token; asks for it.
    #[command(
        after_help = "Examples:\n  busbar connection set-password broker\n  busbar connection set-password broker --password-stdin < password.txt\n  busbar connection set-password partner --token"
    )]
    SetPassword {
        /// Its name or id.
        #[arg(value_name = "NAME")]
        key: String,
        /// The one of the UsernameToken, of a connection of kind soap.
        #[arg(long)]
        token: bool,
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
    /// Lists what can be called by a connection of kind soap.
    #[command(
        after_help = "Examples:\n  busbar connection operations partner\n  busbar connection operations partner --json"
    )]
    Operations {
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
struct Pinged {
    took_ms: Option<u64>,
    problem: Option<String>,
}

pub(crate) async fn run(session: &mut Session, command: Command) -> anyhow::Result<()> {
    let api = session.admin()?;
    match command {
        Command::List => list(session, &api).await.context("failed to list connections"),
        Command::Show { key } => {
            let failed = || format!("failed to show connection {key}");
            let mut found = KIND.find(&api, &key).await.with_context(failed)?;
            // Brokers are used by links, all else by calls.
            let beside = if found["kind"] == "amqp" { LINKS } else { STATISTICS };
            standing::ask(&api, &KIND, &mut found, beside).await.with_context(failed)?;
            show(session, &found)
        }
        Command::Create { name, kind, engine, url, settings, password } => {
            let kind = kind.unwrap_or_else(|| settings.kind(engine.is_some()).to_owned());
            let mut body = settings.body(&kind, None, url.as_deref())?;
            body.extend(engine.map(|engine| ("engine".to_owned(), engine.into())));
            let secrets = Secrets::of_new(&kind, &body);
            body.insert("name".to_owned(), name.into());
            body.insert("kind".to_owned(), kind.into());
            secrets.read(&password, &mut body)?;
            let answer = api.ask(Question::new(Method::POST, KIND.path).json(&Value::Object(body))).await;
            let made = answer.and_then(|answer| answer.json());
            show(session, &made.context("failed to make the connection")?)
        }
        Command::Update { key, rename, settings, password } => {
            if settings.is_empty() && rename.is_none() {
                return Err(Usage::error("nothing is to be changed; --help tells what can be"));
            }
            let failed = || format!("failed to change connection {key}");
            let found = KIND.find(&api, &key).await.with_context(failed)?;
            let kind = found["kind"].as_str().unwrap_or_default();
            let mut body = settings.body(kind, Some(&found), None)?;
            body.extend(rename.map(|name| ("name".to_owned(), name.into())));
            Secrets::of_change(&found, &body).read(&password, &mut body)?;
            let href = KIND.href(found["id"].as_str().unwrap_or_default());
            let question = Question::new(Method::PATCH, href).json(&Value::Object(body));
            let changed = api.ask(question).await.and_then(|answer| answer.json());
            show(session, &changed.with_context(failed)?)
        }
        Command::SetPassword { key, token, password } => {
            let member = if token { "token_password" } else { "password" };
            let changed = update(&api, &key, &json!({member: password.read()?})).await;
            show(session, &changed.with_context(|| format!("failed to set the password of {key}"))?)
        }
        Command::Ping { key } => ping(session, &api, &key).await,
        Command::Operations { key } => operations(session, &api, &key).await,
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
        let (vhost, username) = (connection.text("vhost"), connection.username());
        table.row([connection.name, connection.kind, address, vhost, username, active]);
    }
    Ok(session.output.table(&table)?)
}

#[derive(Debug, Deserialize)]
struct Operation {
    name: String,
    action: String,
    style: String,
    documentation: Option<String>,
    problem: Option<String>,
}

async fn operations(session: &mut Session, api: &Api, key: &str) -> anyhow::Result<()> {
    let failed = || format!("failed to list the operations of {key}");
    let href = KIND.locate(api, key).await.with_context(failed)?;
    let answer = api.get(format!("{href}/operations")).await.with_context(failed)?;
    if session.output.json() {
        return Ok(session.output.value(&answer)?);
    }
    let items = answer["items"].as_array().map(Vec::as_slice).unwrap_or_default();
    let mut table = Table::new(["NAME", "STYLE", "ACTION", "DOCUMENTATION"]);
    for Operation { name, action, style, documentation, problem } in views(items)? {
        let said = problem.map(|problem| format!("can't be called: {problem}")).or(documentation);
        table.row([name, style, action, said.unwrap_or_default()]);
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
    let fields = statistics::field(fields, value)?;
    Ok(session.output.fields(&fields)?)
}

#[cfg(test)]
mod tests;
