//! `busbar plugin`: versions, grants and config of plugins.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use super::{
    Bus,
    api::{Api, Content, encoded},
    failure::{Cause, Doing as _, Failure},
    input,
    output::whole,
    wait::{Goal, Waiting},
};

pub(crate) const PLUGINS: &str = "/api/v1/plugins";
pub(crate) const COLUMNS: [(&str, &str); 6] = [
    ("NAME", "name"),
    ("STATE", "state"),
    ("KIND", "kind"),
    ("VERSION", "version"),
    ("DIGEST", "digest"),
    ("SERVICES", "services"),
];

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// All plugins, the newest first.
    #[command(after_help = "Example:\n  busbar plugin list --json")]
    List,
    /// One plugin.
    #[command(after_help = "Example:\n  busbar plugin show greeter")]
    Show { name: String },
    /// Goes back to an earlier version and waits until every worker runs it.
    #[command(after_help = "Examples:\n  busbar plugin rollback greeter\n  \
        busbar plugin rollback greeter --to sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")]
    Rollback {
        name: String,
        /// The version that was active before; the one before the present one if not given.
        #[arg(long, value_name = "DIGEST")]
        to: Option<String>,
        #[command(flatten)]
        waiting: Waiting,
    },
    /// Takes a plugin out of service and waits until no worker runs it.
    #[command(after_help = "Example:\n  busbar plugin recall greeter")]
    Recall {
        name: String,
        #[command(flatten)]
        waiting: Waiting,
    },
    /// Shows or sets what a plugin may reach.
    #[command(after_help = "Examples:\n  busbar plugin grants orders\n  \
        busbar plugin grants orders --invoke 'stock.*' greeter.greet\n  busbar plugin grants orders --none")]
    Grants(Grants),
    /// Shows or sets a plugin's config.
    #[command(after_help = "Examples:\n  busbar plugin config greeter\n  \
        busbar plugin config greeter --set 'language=\"fr\"' retries=3\n  \
        busbar plugin config greeter --file config.json")]
    Config(Config),
}

#[derive(Debug, clap::Args)]
pub(crate) struct Grants {
    name: String,
    /// It may invoke these services and no others, each by name or by a prefix that ends in `*`.
    #[arg(long, value_name = "PATTERN", num_args = 1.., conflicts_with = "none")]
    invoke: Vec<String>,
    /// It may invoke nothing.
    #[arg(long)]
    none: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Config {
    name: String,
    /// Sets one member of it; the others stay.
    #[arg(long, value_name = "KEY=JSON", num_args = 1.., value_parser = member)]
    set: Vec<(String, Value)>,
    /// Replaces all of it by the JSON object in a file, or on standard input for `-`.
    #[arg(long, value_name = "FILE", conflicts_with = "set")]
    file: Option<PathBuf>,
}

fn member(text: &str) -> Result<(String, Value), String> {
    let (key, json) = text.split_once('=').filter(|(key, _)| !key.is_empty()).ok_or("is not KEY=JSON")?;
    let unclear = |error| format!("{json:?} is not JSON: {error}; a text is written {key}='\"text\"'");
    Ok((key.to_owned(), serde_json::from_str(json).map_err(unclear)?))
}

fn address(name: &str) -> String {
    format!("{PLUGINS}/{}", encoded(name))
}

impl Command {
    pub(crate) async fn run(self, bus: &Bus<'_>) -> Result<(), Failure> {
        let api = bus.admin()?;
        match self {
            Self::List => {
                let plugins = api.list(PLUGINS, &[]).await.doing(|| "list plugins".to_owned())?;
                bus.output.list(plugins, &COLUMNS);
                Ok(())
            }
            Self::Show { name } => {
                let shown = api.get(&address(&name)).await.doing(|| format!("show plugin {name}"))?;
                show(bus, &shown.body);
                Ok(())
            }
            Self::Rollback { name, to, waiting } => {
                let content =
                    to.map_or_else(Content::default, |digest| Content::json(&json!({"digest": digest})));
                let order = Order { name: &name, verb: "rollback", doing: "roll back", goal: Goal::Live };
                order.run(bus, &api, content, &waiting).await
            }
            Self::Recall { name, waiting } => {
                let order = Order { name: &name, verb: "recall", doing: "recall", goal: Goal::Gone };
                order.run(bus, &api, Content::default(), &waiting).await
            }
            Self::Grants(grants) => grants.run(bus, &api).await,
            Self::Config(config) => config.run(bus, &api).await,
        }
    }
}

fn show(bus: &Bus<'_>, plugin: &Value) {
    let members = [
        ("name", "name"),
        ("state", "state"),
        ("kind", "kind"),
        ("version", "version"),
        ("digest", "digest"),
        ("services", "services"),
        ("imports", "imports"),
        ("invokes", "invokes"),
        ("grants", "grants"),
        ("config", "config"),
        ("deployment", "deployment_href"),
        ("created", "created_at"),
        ("updated", "updated_at"),
    ];
    bus.output.object(plugin, &members);
}

/// What a plugin is told to do, and what shows that it is done.
struct Order<'a> {
    name: &'a str,
    verb: &'a str,
    doing: &'a str,
    goal: Goal,
}

impl Order<'_> {
    async fn run(
        &self,
        bus: &Bus<'_>,
        api: &Api,
        content: Content,
        waiting: &Waiting,
    ) -> Result<(), Failure> {
        let doing = || format!("{} plugin {}", self.doing, self.name);
        let path = format!("{}/{}", address(self.name), self.verb);
        let accepted = api.post(&path, content).await.doing(doing)?;
        let outcome = waiting.follow(api, &bus.output, accepted, self.goal).await.doing(doing)?;
        waiting.show(&bus.output, &outcome, self.goal);
        if bus.output.is_json() {
            bus.output.json(&outcome.view);
        }
        outcome.ended.doing(doing)
    }
}

impl Grants {
    async fn run(self, bus: &Bus<'_>, api: &Api) -> Result<(), Failure> {
        let path = format!("{}/grants", address(&self.name));
        let grants = if self.invoke.is_empty() && !self.none {
            api.get(&path).await.doing(|| format!("show the grants of plugin {}", self.name))?
        } else {
            let grants = Content::json(&json!({"invoke": self.invoke}));
            api.put(&path, grants).await.doing(|| format!("set the grants of plugin {}", self.name))?
        };
        match &grants.body {
            body if bus.output.is_json() => bus.output.json(body),
            Value::Null => bus.output.line("nobody has set grants"),
            body => bus.output.line(&format!("may invoke  {}", whole(&body["invoke"]))),
        }
        Ok(())
    }
}

impl Config {
    async fn run(self, bus: &Bus<'_>, api: &Api) -> Result<(), Failure> {
        let path = format!("{}/config", address(&self.name));
        let reading = || format!("show the config of plugin {}", self.name);
        let setting = || format!("set the config of plugin {}", self.name);
        let reply = if let Some(file) = &self.file {
            let content = Content::of(super::api::JSON, object(file).doing(setting)?);
            api.put(&path, content).await.doing(setting)?
        } else {
            let read = api.get(&path).await.doing(reading)?;
            if self.set.is_empty() {
                read
            } else {
                let mut config: Map<String, Value> = read.body.as_object().cloned().unwrap_or_default();
                config.extend(self.set);
                // Someone else's change in between must not be lost.
                let content = Content::json(&Value::Object(config)).if_match(read.etag);
                let name = &self.name;
                api.put(&path, content).await.doing(|| format!("set the config of plugin {name}"))?
            }
        };
        if bus.output.is_json() {
            bus.output.json(&reply.body);
        } else {
            bus.output.bytes(format!("{:#}\n", reply.body).as_bytes());
        }
        Ok(())
    }
}

/// The text of a file that holds a JSON object.
fn object(file: &Path) -> Result<Vec<u8>, Cause> {
    let bytes = input::read(file)?;
    match serde_json::from_slice::<Map<String, Value>>(&bytes) {
        Ok(_) => Ok(bytes),
        Err(error) => Err(Cause::Usage(format!("{} has no JSON object: {error}", file.display()))),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::member;

    #[test]
    fn a_member_is_a_key_and_json() {
        assert_eq!(member("a=1").unwrap(), ("a".to_owned(), json!(1)));
        assert_eq!(member(r#"a={"b": "c=d"}"#).unwrap(), ("a".to_owned(), json!({"b": "c=d"})));
        for bad in ["a", "=1", "a=text"] {
            assert!(member(bad).is_err(), "{bad}");
        }
    }
}
