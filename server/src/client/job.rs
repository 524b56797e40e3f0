//! `busbar job`: services that run on a schedule.

mod settings;
mod view;

use anyhow::Context as _;
use busbar_model::{
    run::{Outcome, Trigger},
    schedule::bounds::UPCOMING_MAX,
};
use http::Method;
use serde_json::{Map, Value, json};

use self::view::{Next, RunView, View};
use super::{
    Session,
    answer::{view, views},
    api::{Api, Question, whole_list},
    channel::{delete, yes_or_no},
    failure::Usage,
    lookup::Kind,
    table::Table,
};

const KIND: Kind = Kind { path: "/api/v1/jobs", noun: "job" };

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Lists jobs.
    #[command(after_help = "Example:\n  busbar job list")]
    List,
    /// Shows a job and its next times.
    #[command(after_help = "Example:\n  busbar job show nightly")]
    Show {
        /// Its name or id.
        #[arg(value_name = "NAME")]
        key: String,
    },
    /// Makes a job and shows its next times.
    #[command(
        after_help = "Examples:\n  busbar job create nightly --service orders.summary --cron '0 2 * * MON-FRI' --time-zone Europe/Berlin --calendar holidays\n  busbar job create poll --service erp.poll --every 90s --misfire skip\n  busbar job create thrice --service echo --every 1h --repeats 3 --input '{\"a\":1}'\n  busbar job create switch --service shop.switch --at 2026-12-01T02:00:00Z --on-failure alarm.raise"
    )]
    Create {
        /// What it is called.
        name: String,
        /// What it calls; need not be deployed yet.
        #[arg(long, value_name = "NAME")]
        service: String,
        /// Runs for none of its times until it is resumed.
        #[arg(long)]
        paused: bool,
        #[command(flatten)]
        settings: Box<settings::Settings>,
    },
    /// Changes a job; what is not given stays.
    #[command(
        after_help = "Examples:\n  busbar job update nightly --cron '30 2 * * *' --time-zone Europe/Berlin\n  busbar job update nightly --calendar none --misfire 'all(3)'\n  busbar job update poll --rename poll-erp"
    )]
    Update {
        /// Its name or id.
        #[arg(value_name = "NAME")]
        key: String,
        /// Another name.
        #[arg(long, value_name = "NAME")]
        rename: Option<String>,
        /// What it calls.
        #[arg(long, value_name = "NAME")]
        service: Option<String>,
        #[command(flatten)]
        settings: Box<settings::Settings>,
    },
    /// Removes a job and its runs; what is under way ends.
    #[command(after_help = "Example:\n  busbar job delete nightly")]
    Delete {
        /// Its name or id.
        #[arg(value_name = "NAME")]
        key: String,
    },
    /// Runs a job now, whatever its schedule says.
    #[command(after_help = "Example:\n  busbar job run nightly")]
    Run {
        /// Its name or id.
        #[arg(value_name = "NAME")]
        key: String,
    },
    /// Pauses a job: none of its times are run for until it is resumed.
    #[command(after_help = "Example:\n  busbar job pause nightly")]
    Pause {
        /// Its name or id.
        #[arg(value_name = "NAME")]
        key: String,
    },
    /// Resumes a job: its misfire policy decides about the times since it was paused.
    #[command(after_help = "Example:\n  busbar job resume nightly")]
    Resume {
        /// Its name or id.
        #[arg(value_name = "NAME")]
        key: String,
    },
    /// Shows a job's next times.
    #[command(after_help = "Example:\n  busbar job next nightly --count 30")]
    Next {
        /// Its name or id.
        #[arg(value_name = "NAME")]
        key: String,
        /// How many.
        #[arg(long, value_name = "N", default_value_t = 10, value_parser = count)]
        count: usize,
    },
    /// Lists a job's runs, newest first.
    #[command(
        after_help = "Examples:\n  busbar job runs nightly\n  busbar job runs nightly --outcome failure --limit 200"
    )]
    Runs {
        /// Its name or id.
        #[arg(value_name = "NAME")]
        key: String,
        /// Only those that ended so.
        #[arg(long, value_name = "OUTCOME", value_parser = Outcome::ALL.map(Outcome::as_str))]
        outcome: Option<String>,
        /// Only those of the schedule, or those that someone asked for.
        #[arg(long, value_name = "TRIGGER", value_parser = Trigger::ALL.map(Trigger::as_str))]
        trigger: Option<String>,
        /// So many of them.
        #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..))]
        limit: u32,
    },
}

fn count(text: &str) -> Result<usize, String> {
    let count = text.parse().ok().filter(|count| (1..=UPCOMING_MAX).contains(count));
    count.ok_or_else(|| format!("allowed is 1 to {UPCOMING_MAX}"))
}

pub(crate) async fn run(session: &mut Session, command: Command) -> anyhow::Result<()> {
    let api = session.admin()?;
    match command {
        Command::List => list(session, &api).await.context("failed to list jobs"),
        Command::Show { key } => {
            let found = shown(&api, &key).await.with_context(|| format!("failed to show job {key}"))?;
            show(session, &found)
        }
        Command::Create { name, service, paused, settings } => {
            if !settings.has_schedule() {
                return Err(Usage::error("one of --at, --every and --cron must say when it runs"));
            }
            let body = settings.body([
                ("name", Some(name.into())),
                ("service", Some(service.into())),
                ("paused", paused.then_some(Value::Bool(true))),
            ])?;
            let answer = api.ask(Question::new(Method::POST, KIND.path).json(&body)).await;
            show(session, &answer.and_then(|answer| answer.json()).context("failed to make the job")?)
        }
        Command::Update { key, rename, service, settings } => {
            let body =
                settings.body([("name", rename.map(Value::from)), ("service", service.map(Value::from))])?;
            if body.as_object().is_some_and(Map::is_empty) {
                return Err(Usage::error("nothing is to be changed; --help tells what can be"));
            }
            let changed = update(&api, &key, &body).await;
            show(session, &changed.with_context(|| format!("failed to change job {key}"))?)
        }
        Command::Delete { key } => {
            delete(&api, &KIND, &key).await.with_context(|| format!("failed to delete job {key}"))?;
            Ok(session.output.note(&format!("job {key} is deleted"))?)
        }
        Command::Run { key } => {
            let made = post(&api, &key, "run").await.with_context(|| format!("failed to run job {key}"))?;
            if session.output.json() {
                return Ok(session.output.value(&made)?);
            }
            session.output.fields(&view::<RunView>(&made)?.fields())?;
            Ok(session.output.detail("hint: ", &format!("busbar job runs {key}"))?)
        }
        Command::Pause { key } => {
            let paused = post(&api, &key, "pause").await;
            show(session, &paused.with_context(|| format!("failed to pause job {key}"))?)
        }
        Command::Resume { key } => {
            let resumed = post(&api, &key, "resume").await;
            show(session, &resumed.with_context(|| format!("failed to resume job {key}"))?)
        }
        Command::Next { key, count } => {
            let found = next(&api, &key, count).await;
            show_next(session, &found.with_context(|| format!("failed to show when job {key} runs"))?)
        }
        Command::Runs { key, outcome, trigger, limit } => {
            let narrowed = [("outcome", outcome), ("trigger", trigger)];
            let listed = runs(session, &api, &key, narrowed, limit).await;
            listed.with_context(|| format!("failed to list the runs of job {key}"))
        }
    }
}

async fn list(session: &mut Session, api: &Api) -> anyhow::Result<()> {
    let items = api.list(KIND.path).await?;
    if session.output.json() {
        return Ok(session.output.value(&whole_list(items))?);
    }
    let mut table = Table::new(["NAME", "SERVICE", "SCHEDULE", "NEXT RUN", "PAUSED", "RUNS"]);
    for job in views::<View>(&items)? {
        let (schedule, runs) = (job.schedule(), job.runs.to_string());
        let next = job.next_run.unwrap_or_default();
        table.row([job.name, job.service, schedule, next, yes_or_no(job.paused).to_owned(), runs]);
    }
    Ok(session.output.table(&table)?)
}

/// With its next times, which a list does not tell.
async fn shown(api: &Api, key: &str) -> anyhow::Result<Value> {
    Ok(api.get(KIND.locate(api, key).await?).await?)
}

fn show(session: &mut Session, value: &Value) -> anyhow::Result<()> {
    if session.output.json() {
        return Ok(session.output.value(value)?);
    }
    session.output.fields(&view::<View>(value)?.fields())?;
    session.output.gap()?;
    show_next(session, value)
}

fn show_next(session: &mut Session, value: &Value) -> anyhow::Result<()> {
    if session.output.json() {
        return Ok(session.output.value(value)?);
    }
    let next: Next = view(value)?;
    if !next.next_runs.is_empty() {
        session.output.table(&next.table())?;
    }
    match next.end() {
        Some(end) => Ok(session.output.note(&end)?),
        None => Ok(()),
    }
}

async fn update(api: &Api, key: &str, body: &Value) -> anyhow::Result<Value> {
    let href = KIND.locate(api, key).await?;
    Ok(api.ask(Question::new(Method::PATCH, href).json(body)).await?.json()?)
}

async fn post(api: &Api, key: &str, action: &str) -> anyhow::Result<Value> {
    let href = KIND.locate(api, key).await?;
    Ok(api.ask(Question::new(Method::POST, format!("{href}/{action}"))).await?.json()?)
}

async fn next(api: &Api, key: &str, count: usize) -> anyhow::Result<Value> {
    let href = KIND.locate(api, key).await?;
    Ok(api.get(format!("{href}/next?count={count}")).await?)
}

async fn runs(
    session: &mut Session,
    api: &Api,
    key: &str,
    narrowed: [(&str, Option<String>); 2],
    limit: u32,
) -> anyhow::Result<()> {
    let href = KIND.locate(api, key).await?;
    let query = narrowed.into_iter().filter_map(|(name, value)| Some(format!("{name}={}", value?)));
    let query = query.collect::<Vec<_>>().join("&");
    let path = if query.is_empty() { format!("{href}/runs") } else { format!("{href}/runs?{query}") };
    let (items, more) = api.some(&path, usize::try_from(limit).unwrap_or(usize::MAX)).await?;
    if session.output.json() {
        session.output.value(&json!({"items": items}))?;
    } else {
        session.output.table(&view::runs(&views::<RunView>(&items)?))?;
    }
    if more {
        session.output.note("there are more; --limit N lists some of them")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
