//! `busbar channel`: ways in.

mod amqp;
mod cors;
mod soap;

use anyhow::Context as _;
use http::Method;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{
    Session,
    answer::{view, views},
    api::{Api, Question, whole_list},
    failure::Usage,
    lookup::Kind,
    standing,
    table::{Fields, Table},
};

pub(crate) const KIND: Kind = Kind { path: "/api/v1/channels", noun: "channel" };

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Lists channels.
    #[command(after_help = "Example:\n  busbar channel list")]
    List,
    /// Shows a channel.
    #[command(after_help = "Example:\n  busbar channel show orders")]
    Show {
        /// Its name or id.
        #[arg(value_name = "NAME")]
        key: String,
    },
    /// Makes a channel.
    #[command(
        after_help = "Examples:\n  busbar channel create --path /orders --service orders.create --method POST\n  busbar channel create --path '/files/{rest...}' --service files --name files --security partner\n  busbar channel create --path /shop --service shop --cors-origin https://app.example --cors-header content-type\n  busbar channel create --protocol soap --path /soap/orders --service orders.submit --soap-namespace urn:example:orders\n  busbar channel create --protocol amqp --service orders.submit --connection broker --queue orders --declare quorum"
    )]
    Create {
        /// What it answers to: /a, /a/{p} or /a/{p...}. AMQP channels have none.
        #[arg(long)]
        path: Option<String>,
        /// What it calls; need not be deployed yet.
        #[arg(long, value_name = "NAME")]
        service: String,
        #[command(flatten)]
        settings: Settings,
    },
    /// Changes a channel; what is not given stays.
    #[command(
        after_help = "Examples:\n  busbar channel update orders --timeout-ms 5000 --method POST --method PUT\n  busbar channel update orders --security none\n  busbar channel update orders --inactive\n  busbar channel update orders --cors-origin https://app.example --cors-credentials"
    )]
    Update {
        /// Its name or id.
        #[arg(value_name = "NAME")]
        key: String,
        /// What it answers to.
        #[arg(long)]
        path: Option<String>,
        /// What it calls.
        #[arg(long, value_name = "NAME")]
        service: Option<String>,
        #[command(flatten)]
        settings: Settings,
    },
    /// Stops a channel: it takes nothing more, and what is under way ends as it would.
    #[command(after_help = "Example:\n  busbar channel pause orders")]
    Pause {
        /// Its name or id.
        #[arg(value_name = "NAME")]
        key: String,
    },
    /// Lets a channel go on.
    #[command(after_help = "Example:\n  busbar channel resume orders")]
    Resume {
        /// Its name or id.
        #[arg(value_name = "NAME")]
        key: String,
    },
    /// Removes a channel.
    #[command(after_help = "Example:\n  busbar channel delete orders")]
    Delete {
        /// Its name or id.
        #[arg(value_name = "NAME")]
        key: String,
    },
}

#[derive(Debug, clap::Args)]
pub(crate) struct Settings {
    /// What it is called.
    #[arg(long, id = "new_name", value_name = "NAME")]
    name: Option<String>,
    /// How it is called; rest by default.
    #[arg(long, value_parser = ["rest", "soap", AMQP])]
    protocol: Option<String>,
    /// A method that it answers to, `any` for all; may be given more than once.
    #[arg(long = "method", value_name = "METHOD", value_delimiter = ',')]
    methods: Vec<String>,
    /// The security definition that it asks for; `none` opens it to everyone.
    #[arg(long, value_name = "NAME")]
    security: Option<String>,
    /// Bytes of a request's body that it takes.
    #[arg(long, value_name = "N")]
    body_bytes_max: Option<u64>,
    /// Time for a call.
    #[arg(long, value_name = "N")]
    timeout_ms: Option<u64>,
    /// Answers, as it does by default.
    #[arg(long, conflicts_with = "inactive")]
    active: bool,
    /// Does not answer.
    #[arg(long)]
    inactive: bool,
    #[command(flatten)]
    cors: Box<cors::Settings>,
    #[command(flatten)]
    soap: soap::Settings,
    #[command(flatten)]
    amqp: Box<amqp::Settings>,
}

const NONE: &str = "none";
const ANY: &str = "any";
const SOAP: &str = "soap";
const AMQP: &str = "amqp";
/// What an AMQP channel has beside its definition: what workers do.
const CONSUMERS: &str = "consumers";

impl Settings {
    /// The members that were given.
    fn body(self, path: Option<String>, service: Option<String>) -> anyhow::Result<Value> {
        let any = self.methods.iter().any(|method| method.eq_ignore_ascii_case(ANY));
        if any && self.methods.len() > 1 {
            return Err(Usage::error("--method any goes with no other"));
        }
        let methods = self.methods.iter().map(|method| method.to_ascii_uppercase()).collect::<Vec<_>>();
        let methods = (!methods.is_empty()).then(|| if any { json!([]) } else { json!(methods) });
        let security = self.security.map(|name| if name == NONE { Value::Null } else { name.into() });
        let active = (self.active || self.inactive).then(|| self.active.into());
        let members = [
            ("name", self.name.map(Value::from)),
            ("protocol", self.protocol.map(Value::from)),
            ("path", path.map(Value::from)),
            ("methods", methods),
            ("service", service.map(Value::from)),
            ("security", security),
            ("active", active),
            ("body_bytes_max", self.body_bytes_max.map(Value::from)),
            ("timeout_ms", self.timeout_ms.map(Value::from)),
            ("cors", self.cors.body()?),
            ("soap", self.soap.body()),
            ("amqp", self.amqp.body()?),
        ];
        let given = members.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
        Ok(Value::Object(given.collect::<Map<_, _>>()))
    }
}

#[derive(Debug, Deserialize)]
pub(crate) struct View {
    id: String,
    name: String,
    protocol: String,
    path: Option<String>,
    methods: Option<Vec<String>>,
    service: String,
    security: Option<String>,
    pub(crate) active: bool,
    body_bytes_max: u64,
    timeout_ms: u64,
    /// Absent where the server is older than this command.
    #[serde(default)]
    cors: Option<cors::View>,
    #[serde(default)]
    soap: Option<soap::View>,
    #[serde(default)]
    amqp: Option<amqp::View>,
}

impl View {
    fn methods(&self) -> String {
        match &self.methods {
            Some(methods) if self.protocol != SOAP => {
                if methods.is_empty() {
                    ANY.to_owned()
                } else {
                    methods.join(" ")
                }
            }
            _ => self.protocol.clone(),
        }
    }

    /// What it answers to.
    fn address(&self) -> String {
        let of_amqp = || self.amqp.as_ref().map(amqp::View::address);
        self.path.clone().or_else(of_amqp).unwrap_or_default()
    }

    fn security(&self) -> String {
        self.security.clone().unwrap_or_else(|| NONE.to_owned())
    }

    fn fields(&self) -> Fields {
        let fields =
            Fields::default().with("id", &self.id).with("name", &self.name).with("protocol", &self.protocol);
        let fields = match (&self.path, &self.amqp) {
            (Some(path), _) => fields.with("path", path).with("methods", self.methods()),
            (None, Some(amqp)) => fields.with("amqp", amqp.to_string()),
            (None, None) => fields,
        };
        let fields = fields.with("service", &self.service);
        let fields = if self.amqp.is_some() { fields } else { fields.with("security", self.security()) };
        let fields = fields
            .with("active", yes_or_no(self.active))
            .with("body_bytes_max", self.body_bytes_max.to_string())
            .with("timeout_ms", self.timeout_ms.to_string());
        if self.amqp.is_some() {
            return fields;
        }
        let cors = self.cors.as_ref().map_or_else(|| NONE.to_owned(), ToString::to_string);
        let fields = fields.with("cors", cors);
        match &self.soap {
            Some(soap) => fields.with("soap", soap.to_string()),
            None => fields,
        }
    }
}

pub(super) fn yes_or_no(yes: bool) -> &'static str {
    if yes { "yes" } else { "no" }
}

pub(crate) async fn run(session: &mut Session, command: Command) -> anyhow::Result<()> {
    let api = session.admin()?;
    match command {
        Command::List => list(session, &api).await.context("failed to list channels"),
        Command::Show { key } => {
            let failed = || format!("failed to show channel {key}");
            let mut found = KIND.find(&api, &key).await.with_context(failed)?;
            if found["protocol"] == AMQP {
                standing::ask(&api, &KIND, &mut found, CONSUMERS).await.with_context(failed)?;
            }
            show(session, &found)
        }
        Command::Create { path, service, settings } => {
            if path.is_none() && settings.protocol.as_deref() != Some(AMQP) {
                return Err(Usage::error("--path is required, but for channels of protocol amqp"));
            }
            let body = settings.body(path, Some(service))?;
            let answer = api.ask(Question::new(Method::POST, KIND.path).json(&body)).await;
            show(session, &answer.and_then(|answer| answer.json()).context("failed to make the channel")?)
        }
        Command::Update { key, path, service, settings } => {
            let body = settings.body(path, service)?;
            if body.as_object().is_some_and(Map::is_empty) {
                return Err(Usage::error("nothing is to be changed; --help tells what can be"));
            }
            let changed = update(&api, &key, &body).await;
            show(session, &changed.with_context(|| format!("failed to change channel {key}"))?)
        }
        Command::Pause { key } => {
            let paused = order(&api, &key, "pause").await;
            show(session, &paused.with_context(|| format!("failed to pause channel {key}"))?)
        }
        Command::Resume { key } => {
            let resumed = order(&api, &key, "resume").await;
            show(session, &resumed.with_context(|| format!("failed to resume channel {key}"))?)
        }
        Command::Delete { key } => {
            delete(&api, &KIND, &key).await.with_context(|| format!("failed to delete channel {key}"))?;
            Ok(session.output.note(&format!("channel {key} is deleted"))?)
        }
    }
}

async fn list(session: &mut Session, api: &Api) -> anyhow::Result<()> {
    let items = api.list(KIND.path).await?;
    if session.output.json() {
        return Ok(session.output.value(&whole_list(items))?);
    }
    let mut table = Table::new(["NAME", "METHODS", "ADDRESS", "SERVICE", "SECURITY", "ACTIVE"]);
    for channel in views::<View>(&items)? {
        let (methods, address, security) = (channel.methods(), channel.address(), channel.security());
        let active = yes_or_no(channel.active).to_owned();
        table.row([channel.name, methods, address, channel.service, security, active]);
    }
    Ok(session.output.table(&table)?)
}

fn show(session: &mut Session, value: &Value) -> anyhow::Result<()> {
    if session.output.json() {
        return Ok(session.output.value(value)?);
    }
    let fields = standing::field(view::<View>(value)?.fields(), value, CONSUMERS)?;
    Ok(session.output.fields(&fields)?)
}

async fn update(api: &Api, key: &str, body: &Value) -> anyhow::Result<Value> {
    let href = KIND.locate(api, key).await?;
    Ok(api.ask(Question::new(Method::PATCH, href).json(body)).await?.json()?)
}

/// Tells a channel what to do.
async fn order(api: &Api, key: &str, what: &str) -> anyhow::Result<Value> {
    let href = KIND.locate(api, key).await?;
    Ok(api.ask(Question::new(Method::POST, format!("{href}/{what}"))).await?.json()?)
}

/// Removes an object by its name or id.
pub(crate) async fn delete(api: &Api, kind: &Kind, key: &str) -> anyhow::Result<()> {
    let href = kind.locate(api, key).await?;
    api.ask(Question::new(Method::DELETE, href)).await?;
    Ok(())
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
        let words = std::iter::once("channel").chain(line.split_whitespace());
        let outcome = run(&mut session, Line::try_parse_from(words).unwrap().command).await;
        (conclude(&mut session.output, outcome), out.text(), err.text())
    }

    fn bus(asked: &Asked) -> (u16, Value) {
        let channel = json!({"id": "c1", "name": "orders", "protocol": "rest", "path": "/orders", "methods": [],
            "service": "orders.create", "security": null, "active": true, "body_bytes_max": 1, "timeout_ms": 2,
            "cors": {"origins": ["https://a.example"], "headers": ["x"], "expose": [], "credentials": true, "max_age_s": 5}});
        match asked.line().as_str() {
            "GET /api/v1/channels?limit=500" | "GET /api/v1/channels?name=orders&limit=500" => {
                (200, json!({"items": [channel], "next": null}))
            }
            "POST /api/v1/channels" => (201, channel),
            "PATCH /api/v1/channels/c1"
            | "POST /api/v1/channels/c1/pause"
            | "POST /api/v1/channels/c1/resume" => (200, channel),
            "DELETE /api/v1/channels/c1" => (204, Value::Null),
            _ => (200, json!({"items": [], "next": null})),
        }
    }

    #[tokio::test]
    async fn lists_and_shows() {
        let fake = Fake::start(bus).await;
        let (_, list, _) = obey(&fake, "list").await;
        assert!(list.ends_with("\norders\tany\t/orders\torders.create\tnone\tyes\n"), "{list}");
        let (_, show, _) = obey(&fake, "show orders").await;
        assert!(show.contains("security\tnone\nactive\tyes\n"), "{show}");
        let cors = "cors\torigins https://a.example; headers x; credentials; remembered for 5 s\n";
        assert!(show.ends_with(cors), "{show}");
    }

    #[tokio::test]
    async fn sends_what_was_given_and_no_more() {
        let fake = Fake::start(bus).await;
        let lines = [
            "create --path /orders --service orders.create --method get,post --security partner --inactive",
            "update orders --security none --method any --active --timeout-ms 5 --name o",
            "delete orders",
            "update orders --cors-origin https://a.example,https://b.example --cors-header none --cors-credentials",
            "update orders --cors-credentials=false --cors-max-age-s 9 --cors-expose x",
            "update orders --cors-origin none",
            "create --protocol soap --path /soap/x --service s --soap-namespace urn:x --soap-operation Buy",
            "update orders --soap-operation none",
            "create --protocol amqp --service s --connection mq --queue q --declare quorum --bind amq.topic=a.# --ordered \
             --deduplicate header=x-id --retry-attempts 3",
            "update orders --declare none --bind none --failed dead-letter",
            "pause orders",
            "resume orders",
        ];
        for line in lines {
            assert_eq!(obey(&fake, line).await.0, 0, "{line}");
        }
        let changes = fake.changes();
        assert_eq!(
            changes[0].json(),
            json!({"path": "/orders", "methods": ["GET", "POST"], "service": "orders.create",
                "security": "partner", "active": false})
        );
        assert_eq!(
            changes[1].json(),
            json!({"name": "o", "methods": [], "security": null, "active": true, "timeout_ms": 5})
        );
        assert_eq!(changes[2].line(), "DELETE /api/v1/channels/c1");
        let origins = json!(["https://a.example", "https://b.example"]);
        let cors = json!({"origins": origins, "headers": [], "credentials": true});
        assert_eq!(changes[3].json(), json!({"cors": cors}));
        let cors = json!({"expose": ["x"], "credentials": false, "max_age_s": 9});
        assert_eq!(changes[4].json(), json!({"cors": cors}));
        assert_eq!(changes[5].json(), json!({"cors": null}));
        let soap = json!({"namespace": "urn:x", "operation": "Buy"});
        assert_eq!(
            changes[6].json(),
            json!({"protocol": "soap", "path": "/soap/x", "service": "s", "soap": soap})
        );
        assert_eq!(changes[7].json(), json!({"soap": {"operation": null}}));
        let bindings = json!([{"exchange": "amq.topic", "routing_key": "a.#"}]);
        let amqp = json!({"connection": "mq", "queue": "q", "declare": {"kind": "quorum"}, "bindings": bindings,
            "ordered": true, "deduplicate": {"header": "x-id"}, "retry": {"attempts": 3}});
        assert_eq!(changes[8].json(), json!({"protocol": "amqp", "service": "s", "amqp": amqp}));
        let amqp = json!({"declare": null, "bindings": [], "failed": "dead-letter"});
        assert_eq!(changes[9].json(), json!({"amqp": amqp}));
        assert_eq!(changes[10].line(), "POST /api/v1/channels/c1/pause");
        assert_eq!(changes[11].line(), "POST /api/v1/channels/c1/resume");
    }

    #[tokio::test]
    async fn refuses_what_makes_no_sense() {
        let fake = Fake::start(bus).await;
        assert_eq!(obey(&fake, "update orders").await.0, 2);
        assert_eq!(obey(&fake, "update orders --method any,get").await.0, 2);
        assert_eq!(obey(&fake, "update orders --cors-origin none --cors-credentials").await.0, 2);
        assert_eq!(obey(&fake, "update orders --cors-header none,x").await.0, 2);
        assert_eq!(obey(&fake, "create --service s").await.0, 2);
        assert_eq!(obey(&fake, "update orders --bind none --bind a=b").await.0, 2);
        assert_eq!(obey(&fake, "update orders --bind a").await.0, 2);
        assert_eq!(obey(&fake, "update orders --declare none --max-length 1").await.0, 2);
        let (code, _, said) = obey(&fake, "delete nothing").await;
        assert_eq!(
            (code, said.as_str()),
            (1, "error: failed to delete channel nothing: channel \"nothing\" does not exist\n")
        );
        assert!(fake.changes().is_empty());
    }
}
