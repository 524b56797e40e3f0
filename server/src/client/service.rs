//! `busbar service`: what can be called.

mod limits;

use anyhow::Context as _;
use http::Method;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::{
    Session,
    answer::{view, views},
    api::{Question, encoded, whole_list},
    table::{Fields, Table},
};

pub(crate) const PATH: &str = "/api/v1/services";

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Lists services.
    #[command(after_help = "Examples:\n  busbar service list\n  busbar service list --plugin orders")]
    List {
        /// Only of this plugin.
        #[arg(long, value_name = "NAME")]
        plugin: Option<String>,
    },
    /// Shows a service: its contract, its limits and the channels that lead to it.
    #[command(after_help = "Example:\n  busbar service show orders.create")]
    Show {
        /// Its name.
        name: String,
    },
    /// Removes a service that its recalled plugin left behind; others go with their plugin.
    #[command(after_help = "Example:\n  busbar service delete orders.create")]
    Delete {
        /// Its name.
        name: String,
    },
    /// Shows or sets what bounds each call of a service.
    Limits(limits::Args),
}

#[derive(Debug, Deserialize)]
struct View {
    name: String,
    plugin: String,
    state: String,
    summary: Option<String>,
    input_schema: Option<Value>,
    output_schema: Option<Value>,
    #[serde(default)]
    limits: Map<String, Value>,
    /// Those that someone set.
    #[serde(default)]
    limits_set: Map<String, Value>,
    #[serde(default)]
    channels: Vec<Channel>,
}

#[derive(Debug, Deserialize)]
struct Channel {
    name: String,
}

impl View {
    fn channels(&self) -> Vec<&str> {
        self.channels.iter().map(|channel| channel.name.as_str()).collect()
    }

    fn fields(&self) -> Fields {
        let schema = |schema: &Option<Value>, without: &str| match schema {
            Some(schema) => format!("{schema:#}"),
            None => without.to_owned(),
        };
        Fields::default()
            .with("name", &self.name)
            .with("plugin", &self.plugin)
            .with("state", &self.state)
            .with("summary", self.summary.as_deref().unwrap_or_default())
            .with("channels", self.channels().join("\n"))
            .with("input", schema(&self.input_schema, "the body as it came"))
            .with("output", schema(&self.output_schema, "not described"))
    }

    fn limits(&self) -> Table {
        let mut table = Table::new(["LIMIT", "VALUE", "SET"]);
        for (name, value) in &self.limits {
            let set = if self.limits_set.contains_key(name) { "yes" } else { "" };
            table.row([name.clone(), value.to_string(), set.to_owned()]);
        }
        table
    }
}

fn href(name: &str) -> String {
    format!("{PATH}/{}", encoded(name))
}

pub(crate) async fn run(session: &mut Session, command: Command) -> anyhow::Result<()> {
    let api = session.admin()?;
    let output = &mut session.output;
    match command {
        Command::List { plugin } => {
            let query = plugin.map(|plugin| format!("?plugin={}", encoded(&plugin))).unwrap_or_default();
            let items = api.list(&format!("{PATH}{query}")).await.context("failed to list services")?;
            if output.json() {
                return Ok(output.value(&whole_list(items))?);
            }
            let mut table = Table::new(["NAME", "PLUGIN", "STATE", "CHANNELS", "SUMMARY"]);
            for service in views::<View>(&items)? {
                let channels = service.channels().join(" ");
                let summary = service.summary.unwrap_or_default();
                table.row([service.name, service.plugin, service.state, channels, summary]);
            }
            Ok(output.table(&table)?)
        }
        Command::Show { name } => {
            let value =
                api.get(href(&name)).await.with_context(|| format!("failed to show service {name}"))?;
            if output.json() {
                return Ok(output.value(&value)?);
            }
            let service: View = view(&value)?;
            output.fields(&service.fields())?;
            output.gap()?;
            Ok(output.table(&service.limits())?)
        }
        Command::Delete { name } => {
            let asked = api.ask(Question::new(Method::DELETE, href(&name))).await;
            asked.with_context(|| format!("failed to delete service {name}"))?;
            Ok(output.note(&format!("service {name} is deleted"))?)
        }
        Command::Limits(args) => limits::run(session, &api, args).await,
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use serde_json::json;

    use super::{Command, run};
    use crate::client::fake::Fake;

    #[derive(Parser)]
    struct Line {
        #[command(subcommand)]
        command: Command,
    }

    async fn obey(fake: &Fake, line: &str) -> String {
        let (mut session, out, _) = fake.session(false);
        let words = std::iter::once("service").chain(line.split_whitespace());
        run(&mut session, Line::try_parse_from(words).unwrap().command).await.unwrap();
        out.text()
    }

    async fn bus() -> Fake {
        Fake::start(|asked| {
            let service = json!({"name": "orders.create", "plugin": "orders", "state": "live",
                "summary": "Takes\u{1b} orders", "input_schema": {"type": "object"}, "output_schema": null,
                "limits": {"timeout_ms": 30000, "cpu_ms": 5000}, "limits_set": {"cpu_ms": 5000},
                "channels": [{"name": "orders", "href": "/api/v1/channels/1"}]});
            match asked.path.as_str() {
                "/api/v1/services/orders.create" => (200, service),
                "/api/v1/services/old" => (204, json!(null)),
                "/api/v1/services?plugin=orders&limit=500" => {
                    (200, json!({"items": [service], "next": null}))
                }
                _ => (404, json!({})),
            }
        })
        .await
    }

    #[tokio::test]
    async fn lists_and_shows() {
        let fake = bus().await;
        let list = obey(&fake, "list --plugin orders").await;
        assert_eq!(
            list,
            "NAME\tPLUGIN\tSTATE\tCHANNELS\tSUMMARY\norders.create\torders\tlive\torders\tTakes\u{fffd} orders\n"
        );
        let show = obey(&fake, "show orders.create").await;
        assert!(show.contains("input\t{   \"type\": \"object\" }\n"), "{show}");
        assert!(show.ends_with("LIMIT\tVALUE\tSET\ntimeout_ms\t30000\t-\ncpu_ms\t5000\tyes\n"), "{show}");
    }

    #[tokio::test]
    async fn a_service_is_deleted() {
        let fake = bus().await;
        obey(&fake, "delete old").await;
        assert_eq!(fake.changes()[0].line(), "DELETE /api/v1/services/old");
    }

    #[tokio::test]
    async fn limits_are_set_and_reset() {
        let fake = bus().await;
        obey(&fake, "limits orders.create --cpu-ms 7 --calls-per-instance 2 --reset timeout_ms queue").await;
        let expected =
            json!({"limits": {"cpu_ms": 7, "calls_per_instance": 2, "timeout_ms": null, "queue": null}});
        assert_eq!(fake.changes()[0].line(), "PATCH /api/v1/services/orders.create");
        assert_eq!(fake.changes()[0].json(), expected);
        let shown = obey(&fake, "limits orders.create").await;
        assert!(shown.starts_with("LIMIT\t"), "{shown}");
        assert_eq!(fake.changes().len(), 1);
    }
}
