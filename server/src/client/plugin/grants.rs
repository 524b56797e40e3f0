//! `busbar plugin grants`: what a plugin may reach.

use anyhow::Context as _;
use http::Method;
use serde_json::{Value, json};

use super::{Grants, href};
use crate::client::{
    Session,
    answer::view,
    api::{Api, Question},
    table::Fields,
};

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  busbar plugin grants orders\n  busbar plugin grants orders --invoke 'prices.*' --invoke mail.send\n  busbar plugin grants orders --none"
)]
pub(crate) struct Args {
    /// The plugin's name.
    name: String,
    /// Services that it may call from now on, by name or by a prefix that ends in `*`; no others.
    #[arg(long, value_name = "PATTERN", num_args = 1..)]
    invoke: Vec<String>,
    /// It may reach nothing.
    #[arg(long, conflicts_with = "invoke")]
    none: bool,
    /// Back to where nobody has set its grants.
    #[arg(long, conflicts_with_all = ["invoke", "none"])]
    unset: bool,
}

impl Args {
    /// What is to be set, if anything.
    fn wanted(&self) -> Option<Value> {
        if self.unset {
            return Some(Value::Null);
        }
        (self.none || !self.invoke.is_empty()).then(|| json!({"invoke": self.invoke}))
    }
}

pub(crate) async fn run(session: &mut Session, api: &Api, args: Args) -> anyhow::Result<()> {
    let path = format!("{}/grants", href(&args.name));
    let value = match args.wanted() {
        None => api.get(path).await.with_context(|| format!("failed to show the grants of {}", args.name))?,
        Some(grants) => {
            let question = Question::new(Method::PUT, path).json(&grants);
            let answer = api.ask(question).await;
            answer
                .and_then(|answer| answer.json())
                .with_context(|| format!("failed to set the grants of {}", args.name))?
        }
    };
    if session.output.json() {
        return Ok(session.output.value(&value)?);
    }
    let text = match view::<Option<Grants>>(&value)? {
        None => "nobody has set any".to_owned(),
        Some(grants) if grants.invoke.is_empty() => "nothing".to_owned(),
        Some(grants) => grants.invoke.join("\n"),
    };
    Ok(session.output.fields(&Fields::default().with("invoke", text))?)
}
