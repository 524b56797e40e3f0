//! `busbar service limits`: what bounds each call of a service.

use anyhow::Context as _;
use http::Method;
use serde_json::{Map, Value, json};

use super::{View, href};
use crate::client::{
    Session,
    answer::view,
    api::{Api, Question},
    failure::Usage,
};

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  busbar service limits orders.create\n  busbar service limits orders.create --timeout-ms 5000 --concurrency 8\n  busbar service limits orders.create --reset timeout_ms"
)]
pub(crate) struct Args {
    /// The service's name.
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
    /// Calls that an instance serves; 1 is a fresh one for each call.
    #[arg(long, value_name = "N")]
    calls_per_instance: Option<u64>,
    /// Puts a limit back to where nobody has set it.
    #[arg(long, value_name = "LIMIT", num_args = 1.., value_parser = NAMES)]
    reset: Vec<String>,
}

const NAMES: [&str; 8] = [
    "timeout_ms",
    "cpu_ms",
    "memory_bytes",
    "output_bytes",
    "invokes",
    "concurrency",
    "queue",
    "calls_per_instance",
];

impl Args {
    /// What is to be changed.
    fn patch(&self) -> anyhow::Result<Map<String, Value>> {
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
        let given =
            NAMES.into_iter().zip(given).filter_map(|(name, value)| Some((name.to_owned(), value?.into())));
        let mut patch: Map<String, Value> = given.collect();
        for name in &self.reset {
            if patch.get(name).is_some_and(|value| !value.is_null()) {
                return Err(Usage::error(format!("{name} is to be both set and reset")));
            }
            patch.insert(name.clone(), Value::Null);
        }
        Ok(patch)
    }
}

pub(crate) async fn run(session: &mut Session, api: &Api, args: Args) -> anyhow::Result<()> {
    let patch = args.patch()?;
    let value = if patch.is_empty() {
        api.get(href(&args.name))
            .await
            .with_context(|| format!("failed to show the limits of {}", args.name))?
    } else {
        let question = Question::new(Method::PATCH, href(&args.name)).json(&json!({"limits": patch}));
        let answer = api.ask(question).await.and_then(|answer| answer.json());
        answer.with_context(|| format!("failed to set the limits of {}", args.name))?
    };
    if session.output.json() {
        return Ok(session.output.value(&value)?);
    }
    Ok(session.output.table(&view::<View>(&value)?.limits())?)
}
