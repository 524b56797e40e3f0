//! What a person does about deliveries: `retry` and `discard`.

use std::{
    fs::File,
    io::{BufRead as _, BufReader, Write as _},
};

use anyhow::{Context as _, anyhow};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use busbar_model::delivery::DeliveryState;
use http::Method;
use serde_json::{Value, json};

use super::{Narrowing, View, href};
use crate::client::{
    Session,
    answer::{view, views},
    api::{Api, Question, whole_list},
    failure::{Usage, chain},
    invoke::input,
    table::Table,
    text::count,
};

/// Deliveries by their ids, or all in a state.
#[derive(Debug, clap::Args)]
pub(crate) struct Selection {
    /// Its id; may be given more than once.
    #[arg(value_name = "ID", required_unless_present = "all",
        conflicts_with_all = ["all", "state", "target", "source", "correlation"])]
    ids: Vec<String>,
    /// All that are in --state, and as --target, --source and --correlation say.
    #[arg(long, requires = "state")]
    all: bool,
    #[command(flatten)]
    narrowing: Narrowing,
    /// Does not ask whether all are meant.
    #[arg(long, requires = "all")]
    yes: bool,
}

#[derive(Debug, Default, clap::Args)]
pub(crate) struct Payload {
    /// Sends this instead of what was there; - for standard input.
    #[arg(long, value_name = "FILE", conflicts_with = "all")]
    payload_file: Option<String>,
    /// What the file is; what the payload was if not given.
    #[arg(long, value_name = "TYPE", requires = "payload_file")]
    content_type: Option<String>,
}

enum Deed {
    Retry(Payload),
    Discard,
}

pub(crate) async fn retry(
    session: &mut Session,
    api: &Api,
    selection: Selection,
    payload: Payload,
) -> anyhow::Result<()> {
    if payload.payload_file.is_some() && selection.ids.len() > 1 {
        return Err(Usage::error("--payload-file is for one delivery"));
    }
    attend(session, api, selection, &Deed::Retry(payload)).await
}

pub(crate) async fn discard(session: &mut Session, api: &Api, selection: Selection) -> anyhow::Result<()> {
    attend(session, api, selection, &Deed::Discard).await
}

impl Deed {
    fn verb(&self) -> &'static str {
        match self {
            Self::Retry(_) => "retry",
            Self::Discard => "discard",
        }
    }

    /// What is sent along.
    fn body(&self, before: &View) -> anyhow::Result<Option<Value>> {
        let Self::Retry(Payload { payload_file: Some(file), content_type }) = self else { return Ok(None) };
        let kind = content_type.as_deref().or(before.content_type.as_deref()).unwrap_or_default();
        let given = if file == "-" { file.clone() } else { format!("@{file}") };
        let bytes = input(&given, kind)?;
        let mut body = json!({"payload_base64": BASE64_STANDARD.encode(bytes)});
        if let Some(kind) = content_type {
            body["content_type"] = kind.as_str().into();
        }
        Ok(Some(body))
    }

    /// As the delivery was seen, or not at all.
    async fn apply(
        &self,
        api: &Api,
        id: &str,
        expected: Option<DeliveryState>,
    ) -> anyhow::Result<(View, Value)> {
        let seen = api.ask(Question::get(href(id))).await?;
        let before: View = view(&seen.json()?)?;
        if let Some(expected) = expected.filter(|expected| *expected != before.state) {
            return Err(anyhow!("it is {} by now, not {expected}", before.state));
        }
        let question = Question::new(Method::POST, format!("{}/{}", href(id), self.verb())).seen(seen.tag());
        let question = match self.body(&before)? {
            Some(body) => question.json(&body),
            None => question,
        };
        Ok((before, api.ask(question).await?.json()?))
    }
}

async fn attend(session: &mut Session, api: &Api, selection: Selection, deed: &Deed) -> anyhow::Result<()> {
    let verb = deed.verb();
    let ids = match selection.all {
        true => all(session, api, &selection, verb).await?,
        false => selection.ids,
    };
    if let [id] = &ids[..] {
        let done = deed.apply(api, id, selection.narrowing.state).await;
        return show(session, &[done.with_context(|| format!("failed to {verb} delivery {id}"))?]);
    }
    let (mut done, mut refused) = (Vec::new(), 0);
    for id in &ids {
        match deed.apply(api, id, selection.narrowing.state).await {
            Ok(changed) => done.push(changed),
            Err(error) => {
                refused += 1;
                session.output.detail("", &format!("delivery {id} is as it was: {}", chain(&error)))?;
            }
        }
    }
    show(session, &done)?;
    match refused {
        0 => Ok(()),
        refused => Err(anyhow!("failed to {verb} {refused} of {}", count_of(ids.len()))),
    }
}

/// The ids of all that are meant, if they are.
async fn all(
    session: &mut Session,
    api: &Api,
    selection: &Selection,
    verb: &str,
) -> anyhow::Result<Vec<String>> {
    let found = api.list(&selection.narrowing.path()).await.context("failed to list deliveries")?;
    let found: Vec<View> = views(&found)?;
    if found.is_empty() {
        session.output.note(&format!("there is nothing to {verb}"))?;
        return Ok(Vec::new());
    }
    if !selection.yes && !agreed(&format!("{verb} {}?", count_of(found.len())))? {
        return Err(anyhow!("nothing was done"));
    }
    Ok(found.into_iter().map(|delivery| delivery.id).collect())
}

fn count_of(deliveries: usize) -> String {
    if deliveries == 1 { count(1, "delivery") } else { format!("{deliveries} deliveries") }
}

fn agreed(question: &str) -> anyhow::Result<bool> {
    let Ok(mut terminal) = File::options().read(true).write(true).open("/dev/tty") else {
        return Err(Usage::error(format!("there is no terminal to ask \"{question}\"; --yes answers it")));
    };
    write!(terminal, "{question} [y/N] ").context("failed to ask")?;
    let mut answer = String::new();
    BufReader::new(terminal).read_line(&mut answer).context("failed to read the answer")?;
    Ok(matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes"))
}

/// What was changed.
fn show(session: &mut Session, done: &[(View, Value)]) -> anyhow::Result<()> {
    if session.output.json() {
        let after = done.iter().map(|(_, after)| after.clone()).collect();
        return Ok(session.output.value(&whole_list(after))?);
    }
    if done.is_empty() {
        return Ok(());
    }
    let mut table = Table::new(["ID", "TARGET", "WAS", "IS"]);
    for (before, after) in done {
        let after: View = view(after)?;
        table.row([after.id, after.target, before.state.to_string(), after.state.to_string()]);
    }
    Ok(session.output.table(&table)?)
}
