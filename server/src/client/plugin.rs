//! `busbar plugin`: what carries services.

mod config;
mod grants;
pub(crate) mod needs;

use anyhow::{Context as _, anyhow};
use busbar_model::{Digest, plugin::Grants};
use http::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    Session,
    answer::{view, views},
    api::{Api, Question, encoded, whole_list},
    deployment::{self, filtered},
    failure::Usage,
    table::{Fields, Table},
    watch::{self, Goal, follow},
};

pub(crate) const PATH: &str = "/api/v1/plugins";

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Lists plugins.
    #[command(after_help = "Example:\n  busbar plugin list")]
    List,
    /// Shows a plugin and its deployments.
    #[command(after_help = "Example:\n  busbar plugin show orders")]
    Show {
        /// Its name.
        name: String,
    },
    /// Goes back to an earlier version.
    #[command(
        after_help = "Examples:\n  busbar plugin rollback orders\n  busbar plugin rollback orders --to sha256:0123abcd"
    )]
    Rollback {
        /// Its name.
        name: String,
        /// The version, by its digest or the first digits of it; the one before the present one if not
        /// given.
        #[arg(long, value_name = "DIGEST")]
        to: Option<String>,
        #[command(flatten)]
        watch: watch::Patience,
    },
    /// Takes a plugin out of service.
    #[command(after_help = "Example:\n  busbar plugin recall orders")]
    Recall {
        /// Its name.
        name: String,
        #[command(flatten)]
        watch: watch::Patience,
    },
    /// Puts a quarantined plugin back into service.
    #[command(after_help = "Example:\n  busbar plugin release orders")]
    Release {
        /// Its name.
        name: String,
    },
    /// Removes a plugin that is recalled, with its services.
    #[command(after_help = "Examples:\n  busbar plugin recall orders\n  busbar plugin delete orders")]
    Delete {
        /// Its name.
        name: String,
    },
    /// Shows or sets what a plugin may reach.
    Grants(grants::Args),
    /// Shows or sets what a plugin reads as its config.
    Config(config::Args),
}

#[derive(Debug, Deserialize)]
pub(crate) struct View {
    pub(crate) name: String,
    kind: Option<String>,
    version: Option<String>,
    pub(crate) digest: Option<String>,
    pub(crate) state: String,
    quarantine: Option<Quarantine>,
    #[serde(default)]
    services: Vec<String>,
    #[serde(default)]
    imports: Vec<String>,
    #[serde(default)]
    invokes: Vec<String>,
    #[serde(default)]
    secrets: Vec<String>,
    grants: Option<Grants>,
    #[serde(default)]
    config: Value,
}

#[derive(Debug, Deserialize)]
struct Quarantine {
    since: String,
    reason: String,
}

impl View {
    fn fields(&self) -> Fields {
        let or_nothing = |text: &Option<String>| text.clone().unwrap_or_default();
        let quarantine = self.quarantine.as_ref();
        let quarantine =
            quarantine.map(|it| format!("since {}: {}", it.since, it.reason)).unwrap_or_default();
        Fields::default()
            .with("name", &self.name)
            .with("kind", or_nothing(&self.kind))
            .with("version", or_nothing(&self.version))
            .with("digest", or_nothing(&self.digest))
            .with("state", &self.state)
            .with("quarantine", quarantine)
            .with("services", self.services.join("\n"))
            .with("imports", self.imports.join("\n"))
            .with("invokes", self.invokes.join("\n"))
            .with("secrets", self.secrets.join("\n"))
            .with("grants", needs::granted(self.grants.as_ref()))
            .with("config", format!("{:#}", self.config))
    }
}

fn href(name: &str) -> String {
    format!("{PATH}/{}", encoded(name))
}

pub(crate) async fn run(session: &mut Session, command: Command) -> anyhow::Result<()> {
    let api = session.admin()?;
    match command {
        Command::List => list(session, &api).await.context("failed to list plugins"),
        Command::Show { name } => {
            show(session, &api, &name).await.with_context(|| format!("failed to show plugin {name}"))
        }
        Command::Rollback { name, to, watch } => {
            let work = rollback(session, &api, &name, to.as_deref(), &watch);
            work.await.with_context(|| format!("failed to roll back plugin {name}"))
        }
        Command::Recall { name, watch } => {
            let work = recall(session, &api, &name, &watch);
            work.await.with_context(|| format!("failed to recall plugin {name}"))
        }
        Command::Release { name } => {
            let question = Question::new(Method::POST, format!("{}/release", href(&name)));
            let asked = api.ask(question).await;
            asked.with_context(|| format!("failed to release plugin {name}"))?;
            Ok(session.output.note(&format!("plugin {name} is released"))?)
        }
        Command::Delete { name } => {
            let asked = api.ask(Question::new(Method::DELETE, href(&name))).await;
            asked.with_context(|| format!("failed to delete plugin {name}"))?;
            Ok(session.output.note(&format!("plugin {name} is deleted"))?)
        }
        Command::Grants(args) => grants::run(session, &api, args).await,
        Command::Config(args) => config::run(session, &api, args).await,
    }
}

async fn list(session: &mut Session, api: &Api) -> anyhow::Result<()> {
    let items = api.list(PATH).await?;
    if session.output.json() {
        return Ok(session.output.value(&whole_list(items))?);
    }
    let mut table = Table::new(["NAME", "KIND", "VERSION", "STATE", "DIGEST", "SERVICES"]);
    for plugin in views::<View>(&items)? {
        table.row([
            plugin.name,
            plugin.kind.unwrap_or_default(),
            plugin.version.unwrap_or_default(),
            plugin.state,
            plugin.digest.unwrap_or_default(),
            plugin.services.join(" "),
        ]);
    }
    Ok(session.output.table(&table)?)
}

async fn show(session: &mut Session, api: &Api, name: &str) -> anyhow::Result<()> {
    let value = api.get(href(name)).await?;
    if session.output.json() {
        return Ok(session.output.value(&value)?);
    }
    session.output.fields(&view::<View>(&value)?.fields())?;
    let deployments = api.list(&filtered(Some(name), None)).await?;
    session.output.gap()?;
    Ok(session.output.table(&deployment::table(&views(&deployments)?))?)
}

async fn rollback(
    session: &mut Session,
    api: &Api,
    name: &str,
    to: Option<&str>,
    watch: &watch::Patience,
) -> anyhow::Result<()> {
    let body = match to {
        None => json!({}),
        Some(text) => json!({"digest": digest(api, name, text).await?}),
    };
    let question = Question::new(Method::POST, format!("{}/rollback", href(name))).json(&body);
    let accepted = api.ask(question).await?;
    follow(session, api, &accepted, Goal::Live, watch).await
}

/// The digest that begins with `text`, among the plugin's versions.
async fn digest(api: &Api, name: &str, text: &str) -> anyhow::Result<String> {
    let full = if text.starts_with("sha256:") { text.to_owned() } else { format!("sha256:{text}") };
    if let Ok(digest) = full.parse::<Digest>() {
        return Ok(digest.to_string());
    }
    let versions: Vec<deployment::View> = views(&api.list(&filtered(Some(name), None)).await?)?;
    let mut found: Vec<String> = versions.into_iter().map(|version| version.digest).collect();
    found.retain(|digest| digest.starts_with(&full) && digest.len() > "sha256:".len());
    found.sort();
    found.dedup();
    match found.pop() {
        None => Err(anyhow!("no version of it has a digest that begins with {full}")),
        Some(digest) if found.is_empty() => Ok(digest),
        Some(_) => Err(Usage::error(format!("more than one digest begins with {full}"))),
    }
}

async fn recall(session: &mut Session, api: &Api, name: &str, watch: &watch::Patience) -> anyhow::Result<()> {
    let accepted = api.ask(Question::new(Method::POST, format!("{}/recall", href(name)))).await?;
    follow(session, api, &accepted, Goal::Recalled, watch).await
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use serde_json::{Value, json};

    use super::{Command, run};
    use crate::client::fake::{Asked, Fake};

    #[derive(Parser)]
    struct Line {
        #[command(subcommand)]
        command: Command,
    }

    async fn obey(fake: &Fake, line: &str) -> (anyhow::Result<()>, String) {
        let (mut session, out, _) = fake.session(false);
        let words = std::iter::once("plugin").chain(line.split_whitespace());
        let command = Line::try_parse_from(words).unwrap().command;
        (run(&mut session, command).await, out.text())
    }

    fn digest(digit: &str) -> String {
        format!("sha256:{}", digit.repeat(64))
    }

    fn deployment(digit: &str, state: &str) -> Value {
        json!({"id": digit, "plugin": "orders", "digest": digest(digit), "state": state, "reason": null,
            "href": "/api/v1/deployments/1"})
    }

    fn bus(asked: &Asked) -> (u16, Value) {
        match asked.line().as_str() {
            "GET /api/v1/plugins/orders/config" => (200, json!({"a": 1, "b": "x"})),
            "PUT /api/v1/plugins/orders/config" | "PUT /api/v1/plugins/orders/grants" => (200, asked.json()),
            "GET /api/v1/plugins/orders/grants" => (200, Value::Null),
            "GET /api/v1/deployments?plugin=orders&limit=500" => {
                let items = ["a", "b", "c"].map(|digit| deployment(digit, "superseded"));
                (200, json!({"items": items, "next": null}))
            }
            "POST /api/v1/plugins/orders/rollback" => (202, deployment("b", "validated")),
            "DELETE /api/v1/plugins/orders" => (204, Value::Null),
            "DELETE /api/v1/plugins/busy" => (
                409,
                json!({"title": "Conflict", "detail": "plugin \"busy\" is in use by channel \"a\"", "code": "in-use"}),
            ),
            "POST /api/v1/plugins/orders/recall" => (202, deployment("a", "recalled")),
            "GET /api/v1/deployments/1" => (200, deployment("a", "recalled")),
            "GET /api/v1/servers?limit=500" => {
                let worker = json!({"slot": 0, "pid": 7, "state": "ready", "plugins": {}});
                (200, json!({"items": [{"name": "one", "live": true, "workers": [worker]}], "next": null}))
            }
            _ => (404, json!({"title": "Not found", "detail": "plugin does not exist", "code": "not-found"})),
        }
    }

    #[tokio::test]
    async fn rolls_back_by_the_first_digits() {
        let fake = Fake::start(bus).await;
        obey(&fake, "rollback orders --to bbbb --no-wait").await.0.unwrap();
        assert_eq!(fake.changes()[0].json(), json!({"digest": digest("b")}));
        obey(&fake, "rollback orders --no-wait").await.0.unwrap();
        assert_eq!(fake.changes()[1].json(), json!({}));
        let error = obey(&fake, "rollback orders --to sha256:").await.0.unwrap_err();
        assert!(format!("{error:#}").contains("more than one digest"), "{error:#}");
        let error = obey(&fake, "rollback orders --to d").await.0.unwrap_err();
        assert!(format!("{error:#}").contains("no version"), "{error:#}");
    }

    #[tokio::test]
    async fn a_recall_waits_until_nobody_runs_it() {
        let fake = Fake::start(bus).await;
        let (outcome, out) = obey(&fake, "recall orders").await;
        outcome.unwrap();
        assert!(out.ends_with("one\t-\t0\t7\tready\t-\n"), "{out}");
    }

    #[tokio::test]
    async fn a_plugin_is_deleted_unless_it_is_in_use() {
        let fake = Fake::start(bus).await;
        obey(&fake, "delete orders").await.0.unwrap();
        assert_eq!(fake.changes()[0].line(), "DELETE /api/v1/plugins/orders");
        let error = obey(&fake, "delete busy").await.0.unwrap_err();
        let text = format!("{error:#}");
        assert!(
            text.starts_with("failed to delete plugin busy: ") && text.contains("channel \"a\""),
            "{text}"
        );
    }

    #[tokio::test]
    async fn config_is_changed_as_it_was_seen() {
        let fake = Fake::start(bus).await;
        let (outcome, out) = obey(&fake, "config orders --set a={\"deep\":[1]} --unset b").await;
        outcome.unwrap();
        let sent = &fake.changes()[0];
        assert_eq!(sent.json(), json!({"a": {"deep": [1]}}));
        assert_eq!(sent.header("if-match"), Some("\"7\""));
        assert!(out.contains("\"deep\""), "{out}");
        let error = obey(&fake, "config orders --set a=text").await.0.unwrap_err();
        assert!(format!("{error:#}").contains("--set 'a=\"text\"'"), "{error:#}");
    }

    #[tokio::test]
    async fn grants_are_shown_and_set() {
        let fake = Fake::start(bus).await;
        let (_, out) = obey(&fake, "grants orders").await;
        assert_eq!(out, "grants\tnobody has set any\n");
        let (_, out) = obey(&fake, "grants orders --invoke prices.* --invoke mail").await;
        assert_eq!(
            out,
            "invoke\tprices.* mail\nsecrets\tnothing\nconnections\tnothing\ndictionaries\tnothing\n"
        );
        obey(&fake, "grants orders --none").await.0.unwrap();
        obey(&fake, "grants orders --unset").await.0.unwrap();
        let sent: Vec<_> = fake.changes().iter().map(Asked::json).collect();
        assert_eq!(sent, [json!({"invoke": ["prices.*", "mail"]}), json!({}), Value::Null]);
    }

    #[tokio::test]
    async fn grants_of_other_kinds_stay() {
        let fake = Fake::start(|asked| match asked.line().as_str() {
            "GET /api/v1/plugins/orders/grants" => (200, json!({"invoke": ["mail"], "secrets": ["old"]})),
            _ => (200, asked.json()),
        })
        .await;
        obey(&fake, "grants orders --secret pay-key --secret mail.*").await.0.unwrap();
        let sent = &fake.changes()[0];
        assert_eq!(sent.json(), json!({"invoke": ["mail"], "secrets": ["pay-key", "mail.*"]}));
        assert_eq!(sent.header("if-match"), Some("\"7\""));
    }

    #[tokio::test]
    async fn what_is_not_there_is_named() {
        let fake = Fake::start(bus).await;
        let error = obey(&fake, "show nothing").await.0.unwrap_err();
        let text = format!("{error:#}");
        assert_eq!(text, "failed to show plugin nothing: plugin does not exist (404 not-found)");
    }
}
