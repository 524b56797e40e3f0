//! `busbar plugin grants`: what a plugin may reach.

use anyhow::Context as _;
use busbar_model::plugin::Grants;
use http::Method;
use serde_json::{Map, Value, json};

use super::href;
use crate::client::{
    Session,
    answer::view,
    api::{Api, Question},
    table::Fields,
};

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  busbar plugin grants orders\n  busbar plugin grants orders --invoke 'prices.*' --invoke mail.send\n  busbar plugin grants orders --secret pay-key\n  busbar plugin grants orders --connection broker\n  busbar plugin grants orders --dictionary countries\n  busbar plugin grants orders --none"
)]
pub(crate) struct Args {
    /// The plugin's name.
    name: String,
    /// Services that it may call from now on, by name or by a prefix that ends in `*`; no others.
    #[arg(long, value_name = "PATTERN", num_args = 1..)]
    invoke: Vec<String>,
    /// Secrets that it may read from now on, by name or by a prefix that ends in `*`; no others.
    #[arg(long, value_name = "PATTERN", num_args = 1..)]
    secret: Vec<String>,
    /// Connections that it may use from now on, by name or by a prefix that ends in `*`; no others.
    #[arg(long, value_name = "PATTERN", num_args = 1..)]
    connection: Vec<String>,
    /// Dictionaries that it may ask from now on, by name or by a prefix that ends in `*`; no others.
    #[arg(long, value_name = "PATTERN", num_args = 1..)]
    dictionary: Vec<String>,
    /// It may reach nothing.
    #[arg(long, conflicts_with_all = ["invoke", "secret", "connection", "dictionary"])]
    none: bool,
    /// Back to where nobody has set its grants.
    #[arg(long, conflicts_with_all = ["invoke", "secret", "connection", "dictionary", "none"])]
    unset: bool,
}

impl Args {
    /// The kinds of grants that are to be set; what is not named stays.
    fn kinds(&self) -> impl Iterator<Item = (&'static str, &[String])> {
        let kinds = [
            ("invoke", self.invoke.as_slice()),
            ("secrets", self.secret.as_slice()),
            ("connections", self.connection.as_slice()),
            ("dictionaries", self.dictionary.as_slice()),
        ];
        kinds.into_iter().filter(|(_, patterns)| !patterns.is_empty())
    }

    fn whole(&self) -> Option<Value> {
        if self.unset {
            return Some(Value::Null);
        }
        self.none.then(|| json!({}))
    }
}

/// Sets some kinds of grants, unless someone else changes any meanwhile.
async fn change(api: &Api, path: String, args: &Args) -> anyhow::Result<Value> {
    let present = api.ask(Question::get(path.clone())).await?;
    let mut grants = match present.json()? {
        Value::Object(grants) => grants,
        _ => Map::new(),
    };
    grants.extend(args.kinds().map(|(kind, patterns)| (kind.to_owned(), json!(patterns))));
    let question = Question::new(Method::PUT, path).json(&Value::Object(grants)).seen(present.tag());
    Ok(api.ask(question).await?.json()?)
}

pub(crate) async fn run(session: &mut Session, api: &Api, args: Args) -> anyhow::Result<()> {
    let path = format!("{}/grants", href(&args.name));
    let failed = |what: &str| format!("failed to {what} the grants of {}", args.name);
    let value = if let Some(grants) = args.whole() {
        let answer = api.ask(Question::new(Method::PUT, path).json(&grants)).await;
        answer.and_then(|answer| answer.json()).with_context(|| failed("set"))?
    } else if args.kinds().next().is_some() {
        change(api, path, &args).await.with_context(|| failed("set"))?
    } else {
        api.get(path).await.with_context(|| failed("show"))?
    };
    if session.output.json() {
        return Ok(session.output.value(&value)?);
    }
    let Some(grants) = view::<Option<Grants>>(&value)? else {
        return Ok(session.output.fields(&Fields::default().with("grants", "nobody has set any"))?);
    };
    let listed = |patterns: &[String]| match patterns {
        [] => "nothing".to_owned(),
        patterns => patterns.join("\n"),
    };
    let kinds = grants.kinds().into_iter();
    let fields =
        kinds.fold(Fields::default(), |fields, (kind, patterns)| fields.with(kind, listed(patterns)));
    Ok(session.output.fields(&fields)?)
}
