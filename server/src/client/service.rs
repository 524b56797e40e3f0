//! `busbar service`: services and their limits.

use clap::builder::PossibleValuesParser;
use serde_json::{Map, Value, json};

use super::{
    Bus,
    api::encoded,
    failure::{Cause, Doing as _, Failure},
    output::whole,
};

const SERVICES: &str = "/api/v1/services";
const FIELDS: [&str; 8] = [
    "timeout_ms",
    "cpu_ms",
    "memory_bytes",
    "output_bytes",
    "invokes",
    "concurrency",
    "queue",
    "calls_per_instance",
];

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// All services, the newest first.
    #[command(after_help = "Example:\n  busbar service list")]
    List,
    /// One service, with its schemas and limits.
    #[command(after_help = "Example:\n  busbar service show greeter.greet")]
    Show { name: String },
    /// Shows or sets what calls of a service may use.
    #[command(after_help = "Examples:\n  busbar service limits greeter.greet\n  \
        busbar service limits greeter.greet --timeout-ms 2000 --concurrency 8\n  \
        busbar service limits greeter.greet --reset timeout_ms concurrency")]
    Limits(Box<Limits>),
}

#[derive(Debug, clap::Args)]
pub(crate) struct Limits {
    name: String,
    /// Wall time of a call.
    #[arg(long, value_name = "N")]
    timeout_ms: Option<u64>,
    /// Time on the processor of a call.
    #[arg(long, value_name = "N")]
    cpu_ms: Option<u64>,
    /// Linear memory of an instance.
    #[arg(long, value_name = "N")]
    memory_bytes: Option<u64>,
    /// A reply.
    #[arg(long, value_name = "N")]
    output_bytes: Option<u64>,
    /// Calls of other services by one call.
    #[arg(long, value_name = "N")]
    invokes: Option<u64>,
    /// Calls that run at once in one worker.
    #[arg(long, value_name = "N")]
    concurrency: Option<u64>,
    /// Calls that wait for their turn in one worker.
    #[arg(long, value_name = "N")]
    queue: Option<u64>,
    /// Calls that one instance serves; 1 is a fresh instance for each.
    #[arg(long, value_name = "N")]
    calls_per_instance: Option<u64>,
    /// Puts these back to where nobody has set them.
    #[arg(long, value_name = "FIELD", num_args = 1.., value_parser = PossibleValuesParser::new(FIELDS))]
    reset: Vec<String>,
}

fn address(name: &str) -> String {
    format!("{SERVICES}/{}", encoded(name))
}

impl Command {
    pub(crate) async fn run(self, bus: &Bus<'_>) -> Result<(), Failure> {
        let api = bus.admin()?;
        match self {
            Self::List => {
                let services = api.list(SERVICES, &[]).await.doing(|| "list services".to_owned())?;
                let columns =
                    [("NAME", "name"), ("PLUGIN", "plugin"), ("STATE", "state"), ("SUMMARY", "summary")];
                bus.output.list(services, &columns);
            }
            Self::Show { name } => {
                let service = api.get(&address(&name)).await.doing(|| format!("show service {name}"))?.body;
                show(bus, &service);
            }
            Self::Limits(limits) => {
                let name = limits.name.clone();
                let patch = limits.patch().doing(|| format!("set limits of service {name}"))?;
                let service = if patch.is_empty() {
                    api.get(&address(&name)).await.doing(|| format!("show limits of service {name}"))?
                } else {
                    let patched = api.patch(&address(&name), &json!({"limits": patch})).await;
                    patched.doing(|| format!("set limits of service {name}"))?
                };
                match bus.output.is_json() {
                    true => bus.output.json(&service.body),
                    false => show_limits(bus, &service.body),
                }
            }
        }
        Ok(())
    }
}

impl Limits {
    fn patch(self) -> Result<Map<String, Value>, Cause> {
        let given = [
            self.timeout_ms,
            self.cpu_ms,
            self.memory_bytes,
            self.output_bytes,
            self.invokes,
            self.concurrency,
            self.queue,
            self.calls_per_instance,
        ];
        let given = FIELDS.into_iter().zip(given).filter_map(|(field, value)| Some((field, value?)));
        let mut patch: Map<String, Value> =
            given.map(|(field, value)| (field.to_owned(), value.into())).collect();
        for field in self.reset {
            if patch.get(&field).is_some_and(|value| !value.is_null()) {
                return Err(Cause::Usage(format!("{field} can't be both set and reset")));
            }
            patch.insert(field, Value::Null);
        }
        Ok(patch)
    }
}

fn show(bus: &Bus<'_>, service: &Value) {
    let members = [
        ("name", "name"),
        ("plugin", "plugin"),
        ("state", "state"),
        ("summary", "summary"),
        ("input schema", "input_schema"),
        ("output schema", "output_schema"),
    ];
    bus.output.object(service, &members);
    if bus.output.is_json() {
        return;
    }
    let channels = service["channels"].as_array().into_iter().flatten();
    let channels: Vec<String> = channels.map(|channel| whole(&channel["name"])).collect();
    bus.output.line(&format!(
        "channels       {}",
        if channels.is_empty() { "-".to_owned() } else { channels.join(", ") }
    ));
    show_limits(bus, service);
}

fn show_limits(bus: &Bus<'_>, service: &Value) {
    let limits = service["limits"].as_object().into_iter().flatten();
    let row = |(field, value): (&String, &Value)| {
        vec![field.clone(), whole(value), whole(&service["limits_set"][field.as_str()])]
    };
    bus.output.table(&["LIMIT", "VALUE", "SET"], limits.map(row).collect());
}
