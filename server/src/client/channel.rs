//! `busbar channel`: the ways in.

use serde_json::{Map, Value};

use super::{
    Bus,
    api::{Api, Content},
    failure::{Cause, Doing as _, Failure},
};

const CHANNELS: &str = "/api/v1/channels";

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// All channels, the newest first.
    #[command(after_help = "Example:\n  busbar channel list")]
    List,
    /// One channel.
    #[command(after_help = "Example:\n  busbar channel show greeter.greet")]
    Show {
        /// The channel's name or id.
        name: String,
    },
    /// Makes a channel.
    #[command(after_help = "Example:\n  busbar channel create --path '/orders/{id}' \
        --service orders.get --method GET --security partner")]
    Create(Create),
    /// Changes a channel; what is not given stays as it is.
    #[command(after_help = "Example:\n  busbar channel update orders --security none --timeout-ms 2000")]
    Update(Update),
    /// Removes a channel.
    #[command(after_help = "Example:\n  busbar channel delete orders")]
    Delete {
        /// The channel's name or id.
        name: String,
    },
}

#[derive(Debug, clap::Args)]
pub(crate) struct Create {
    /// `/a/{p}`, or `/a/{p...}` with a tail of any length.
    #[arg(long)]
    path: String,
    /// The service that answers; it need not be deployed yet.
    #[arg(long)]
    service: String,
    /// Its name; made from the service's if not given.
    #[arg(long)]
    name: Option<String>,
    #[command(flatten)]
    options: Options,
    /// Does not take requests yet.
    #[arg(long)]
    inactive: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Update {
    /// The channel's name or id.
    #[arg(value_name = "NAME")]
    channel: String,
    /// `/a/{p}`, or `/a/{p...}` with a tail of any length.
    #[arg(long)]
    path: Option<String>,
    /// The service that answers.
    #[arg(long)]
    service: Option<String>,
    /// Its new name.
    #[arg(long = "name", value_name = "NEW")]
    name: Option<String>,
    #[command(flatten)]
    options: Options,
    /// Takes every method.
    #[arg(long, conflicts_with = "methods")]
    any_method: bool,
    /// Takes requests.
    #[arg(long, conflicts_with = "inactive")]
    active: bool,
    /// Does not take requests.
    #[arg(long)]
    inactive: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// A method that it takes; every one if none is given.
    #[arg(long = "method", value_name = "METHOD")]
    methods: Vec<String>,
    /// The security definition that it asks for; `none` is open to everyone.
    #[arg(long, value_name = "NAME")]
    security: Option<String>,
    /// A request body, at most.
    #[arg(long, value_name = "N")]
    body_bytes_max: Option<u64>,
    /// Wall time of a call.
    #[arg(long, value_name = "N")]
    timeout_ms: Option<u64>,
}

/// The members of a channel that are given.
#[derive(Default)]
struct Draft(Map<String, Value>);

impl Draft {
    fn set(&mut self, member: &str, value: Option<impl Into<Value>>) {
        if let Some(value) = value {
            self.0.insert(member.to_owned(), value.into());
        }
    }

    fn options(&mut self, options: Options) {
        self.set("methods", Some(options.methods).filter(|methods| !methods.is_empty()));
        let security = options.security.map(|name| if name == "none" { Value::Null } else { name.into() });
        self.set("security", security);
        self.set("body_bytes_max", options.body_bytes_max);
        self.set("timeout_ms", options.timeout_ms);
    }
}

impl Create {
    fn draft(self) -> Value {
        let mut draft = Draft::default();
        draft.set("name", self.name);
        draft.set("path", Some(self.path));
        draft.set("service", Some(self.service));
        draft.options(self.options);
        draft.set("active", self.inactive.then_some(false));
        Value::Object(draft.0)
    }
}

impl Update {
    pub(crate) fn patch(self) -> Result<Value, Cause> {
        let mut draft = Draft::default();
        draft.set("name", self.name);
        draft.set("path", self.path);
        draft.set("service", self.service);
        draft.options(self.options);
        draft.set("methods", self.any_method.then(Vec::<Value>::new));
        draft.set("active", (self.active || self.inactive).then_some(self.active));
        if draft.0.is_empty() {
            return Err(Cause::Usage("nothing is given that is to be changed".to_owned()));
        }
        Ok(Value::Object(draft.0))
    }
}

impl Command {
    pub(crate) async fn run(self, bus: &Bus<'_>) -> Result<(), Failure> {
        let api = bus.admin()?;
        match self {
            Self::List => {
                let channels = api.list(CHANNELS, &[]).await.doing(|| "list channels".to_owned())?;
                let columns = [
                    ("NAME", "name"),
                    ("METHODS", "methods"),
                    ("PATH", "path"),
                    ("SERVICE", "service"),
                    ("SECURITY", "security"),
                    ("ACTIVE", "active"),
                ];
                bus.output.list(channels, &columns);
            }
            Self::Show { name } => {
                let channel = show(&api, &name).await.doing(|| format!("show channel {name}"))?;
                print(bus, &channel);
            }
            Self::Create(create) => {
                let content = Content::json(&create.draft());
                let created = api.post(CHANNELS, content).await.doing(|| "create the channel".to_owned())?;
                print(bus, &created.body);
            }
            Self::Update(update) => {
                let name = update.channel.clone();
                let doing = || format!("update channel {name}");
                let patch = update.patch().doing(doing)?;
                let address = api.named(CHANNELS, &name).await.doing(doing)?;
                print(bus, &api.patch(&address, &patch).await.doing(doing)?.body);
            }
            Self::Delete { name } => {
                let doing = || format!("delete channel {name}");
                let address = api.named(CHANNELS, &name).await.doing(doing)?;
                api.delete(&address).await.doing(doing)?;
                bus.output.note(&format!("channel {name} is deleted"));
            }
        }
        Ok(())
    }
}

async fn show(api: &Api, name: &str) -> Result<Value, Cause> {
    let address = api.named(CHANNELS, name).await?;
    Ok(api.get(&address).await?.body)
}

fn print(bus: &Bus<'_>, channel: &Value) {
    let members = [
        ("name", "name"),
        ("id", "id"),
        ("protocol", "protocol"),
        ("path", "path"),
        ("methods", "methods"),
        ("service", "service"),
        ("security", "security"),
        ("active", "active"),
        ("body bytes max", "body_bytes_max"),
        ("timeout ms", "timeout_ms"),
        ("created", "created_at"),
        ("updated", "updated_at"),
    ];
    bus.output.object(channel, &members);
}
