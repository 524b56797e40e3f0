//! `busbar delivery`: messages on their way to their targets, and the error queue.

mod attend;

use anyhow::Context as _;
use busbar_model::delivery::DeliveryState;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    Session,
    answer::{view, views},
    api::{Api, Question, encoded},
    invoke,
    table::{Fields, Table},
};

pub(crate) const PATH: &str = "/api/v1/deliveries";
pub(crate) const COUNTS_PATH: &str = "/api/v1/deliveries/counts";

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Lists deliveries, newest first.
    #[command(
        after_help = "Examples:\n  busbar delivery list --state failed\n  busbar delivery list --target mailer.send --limit 200\n  busbar delivery list --correlation 0190aaaa --all"
    )]
    List {
        #[command(flatten)]
        narrowing: Narrowing,
        /// So many of them.
        #[arg(long, value_name = "N", default_value_t = 50, conflicts_with = "all",
            value_parser = clap::value_parser!(u32).range(1..))]
        limit: u32,
        /// All of them.
        #[arg(long)]
        all: bool,
    },
    /// Shows a delivery and how its attempts failed, or what it carries.
    #[command(
        after_help = "Examples:\n  busbar delivery show 01934b5c-0000-7000-8000-000000000000\n  busbar delivery show 01934b5c-0000-7000-8000-000000000000 --payload > order.json"
    )]
    Show {
        /// Its id.
        id: String,
        /// Only what it carries, byte for byte.
        #[arg(long)]
        payload: bool,
    },
    /// Has deliveries attempted again, at once and with all their attempts.
    #[command(
        after_help = "Examples:\n  busbar delivery retry 01934b5c-0000-7000-8000-000000000000\n  busbar delivery retry 01934b5c-0000-7000-8000-000000000000 --payload-file order.json\n  busbar delivery retry --all --state failed --target mailer.send --yes"
    )]
    Retry {
        #[command(flatten)]
        selection: attend::Selection,
        #[command(flatten)]
        payload: attend::Payload,
    },
    /// Gives deliveries up.
    #[command(
        after_help = "Examples:\n  busbar delivery discard 01934b5c-0000-7000-8000-000000000000\n  busbar delivery discard --all --state expired --source shop"
    )]
    Discard {
        #[command(flatten)]
        selection: attend::Selection,
    },
}

/// Which deliveries are meant.
#[derive(Debug, Default, clap::Args)]
pub(crate) struct Narrowing {
    /// Only in this state.
    #[arg(long, value_name = "STATE", value_parser = state)]
    state: Option<DeliveryState>,
    /// Only to this service.
    #[arg(long, value_name = "SERVICE")]
    target: Option<String>,
    /// Only of this plugin or security definition.
    #[arg(long, value_name = "NAME")]
    source: Option<String>,
    /// Only of the call tree with this correlation id.
    #[arg(long, value_name = "ID")]
    correlation: Option<String>,
}

fn state(text: &str) -> Result<DeliveryState, String> {
    let allowed = || DeliveryState::ALL.map(DeliveryState::as_str).join(", ");
    text.parse().map_err(|_| format!("allowed is {}", allowed()))
}

impl Narrowing {
    /// The list, narrowed.
    fn path(&self) -> String {
        let given = [
            ("state", self.state.map(|state| state.to_string())),
            ("target", self.target.clone()),
            ("source", self.source.clone()),
            ("correlation_id", self.correlation.clone()),
        ];
        let pairs =
            given.into_iter().filter_map(|(name, value)| Some(format!("{name}={}", encoded(&value?))));
        let query = pairs.collect::<Vec<_>>().join("&");
        if query.is_empty() { PATH.to_owned() } else { format!("{PATH}?{query}") }
    }
}

#[derive(Debug, Deserialize)]
struct View {
    id: String,
    target: String,
    source: Option<String>,
    state: DeliveryState,
    attempts: u32,
    attempts_max: u32,
    backoff_ms: u64,
    backoff_max_ms: u64,
    order_key: Option<String>,
    content_type: Option<String>,
    payload_bytes: u64,
    due_at: Option<String>,
    expires_at: String,
    correlation_id: String,
    failures: Vec<Failure>,
    created_at: String,
    updated_at: String,
}

#[derive(Debug, Deserialize)]
struct Failure {
    attempt: u32,
    at: String,
    code: String,
    message: String,
}

impl View {
    fn attempts(&self) -> String {
        format!("{} of {}", self.attempts, self.attempts_max)
    }

    fn last_failure(&self) -> String {
        self.failures.last().map(|last| format!("{}: {}", last.code, last.message)).unwrap_or_default()
    }

    fn fields(&self) -> Fields {
        let or_nothing = |text: &Option<String>| text.clone().unwrap_or_default();
        Fields::default()
            .with("id", &self.id)
            .with("target", &self.target)
            .with("source", or_nothing(&self.source))
            .with("state", self.state.as_str())
            .with("attempts", self.attempts())
            .with("back-off", format!("{} ms, doubled up to {} ms", self.backoff_ms, self.backoff_max_ms))
            .with("order key", or_nothing(&self.order_key))
            .with("content type", or_nothing(&self.content_type))
            .with("payload", format!("{} bytes", self.payload_bytes))
            .with("due", or_nothing(&self.due_at))
            .with("expires", &self.expires_at)
            .with("correlation id", &self.correlation_id)
            .with("created", &self.created_at)
            .with("updated", &self.updated_at)
    }

    fn failures(&self) -> Table {
        let mut table = Table::new(["ATTEMPT", "AT", "CODE", "FAILURE"]);
        for failure in &self.failures {
            let (code, message) = (failure.code.clone(), failure.message.clone());
            table.row([failure.attempt.to_string(), failure.at.clone(), code, message]);
        }
        table
    }
}

fn href(id: &str) -> String {
    format!("{PATH}/{}", encoded(id))
}

/// What `busbar status` says of their number.
pub(crate) fn counted(counts: &Value) -> String {
    let of = |state: DeliveryState| counts[state.as_str()].as_u64().unwrap_or_default();
    let (waiting, in_doubt) = (of(DeliveryState::Waiting), of(DeliveryState::InDoubt));
    format!("{waiting} waiting, {in_doubt} in doubt, {} failed", of(DeliveryState::Failed))
}

pub(crate) async fn run(session: &mut Session, command: Command) -> anyhow::Result<()> {
    let api = session.admin()?;
    match command {
        Command::List { narrowing, limit, all } => {
            let most = if all { usize::MAX } else { usize::try_from(limit).unwrap_or(usize::MAX) };
            list(session, &api, &narrowing, most).await.context("failed to list deliveries")
        }
        Command::Show { id, payload } => {
            let shown = match payload {
                true => show_payload(session, &api, &id).await,
                false => show(session, &api, &id).await,
            };
            shown.with_context(|| format!("failed to show delivery {id}"))
        }
        Command::Retry { selection, payload } => attend::retry(session, &api, selection, payload).await,
        Command::Discard { selection } => attend::discard(session, &api, selection).await,
    }
}

async fn list(session: &mut Session, api: &Api, narrowing: &Narrowing, most: usize) -> anyhow::Result<()> {
    let (items, more) = api.some(&narrowing.path(), most).await?;
    if session.output.json() {
        session.output.value(&json!({"items": items}))?;
    } else {
        let mut table = Table::new(["ID", "TARGET", "STATE", "ATTEMPTS", "DUE", "LAST FAILURE"]);
        for delivery in views::<View>(&items)? {
            let (attempts, failure) = (delivery.attempts(), delivery.last_failure());
            let due = delivery.due_at.unwrap_or_default();
            table.row([delivery.id, delivery.target, delivery.state.to_string(), attempts, due, failure]);
        }
        session.output.table(&table)?;
    }
    if more {
        session.output.note("there are more; --all lists them, --limit N some of them")?;
    }
    Ok(())
}

async fn show(session: &mut Session, api: &Api, id: &str) -> anyhow::Result<()> {
    let value = api.get(href(id)).await?;
    if session.output.json() {
        return Ok(session.output.value(&value)?);
    }
    let delivery: View = view(&value)?;
    session.output.fields(&delivery.fields())?;
    if delivery.failures.is_empty() {
        return Ok(());
    }
    session.output.gap()?;
    Ok(session.output.table(&delivery.failures())?)
}

async fn show_payload(session: &mut Session, api: &Api, id: &str) -> anyhow::Result<()> {
    let answer = api.ask(Question::get(format!("{}/payload", href(id)))).await?;
    if session.output.to_terminal() {
        return Ok(invoke::show(&mut session.output, &answer)?);
    }
    Ok(session.output.bytes(&answer.body)?)
}

#[cfg(test)]
mod tests;
