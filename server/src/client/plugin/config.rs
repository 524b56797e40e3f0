//! `busbar plugin config`: what a plugin reads as its config.

use std::{
    fs,
    io::{self, Read as _},
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use http::Method;
use serde_json::{Map, Value};

use super::href;
use crate::client::{
    Session,
    answer::Answer,
    api::{Api, Question},
    failure::Usage,
};

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  busbar plugin config orders\n  busbar plugin config orders --set retries=3 --set 'greeting=\"hello\"'\n  busbar plugin config orders --unset retries\n  busbar plugin config orders --file orders.json"
)]
pub(crate) struct Args {
    /// The plugin's name.
    name: String,
    /// Sets one member; the others stay.
    #[arg(long, value_name = "KEY=JSON", value_parser = pair)]
    set: Vec<(String, String)>,
    /// Takes one member out.
    #[arg(long, value_name = "KEY")]
    unset: Vec<String>,
    /// The whole config, a JSON object; - reads standard input.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["set", "unset"])]
    file: Option<PathBuf>,
}

fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, json)) if !key.is_empty() => Ok((key.to_owned(), json.to_owned())),
        _ => Err("write it as KEY=JSON".to_owned()),
    }
}

pub(crate) async fn run(session: &mut Session, api: &Api, args: Args) -> anyhow::Result<()> {
    let failed = |what: &str| format!("failed to {what} the config of {}", args.name);
    let path = format!("{}/config", href(&args.name));
    let answer = if let Some(file) = &args.file {
        let config = Value::Object(whole(file).with_context(|| failed("set"))?);
        api.ask(Question::new(Method::PUT, path).json(&config)).await.with_context(|| failed("set"))?
    } else if args.set.is_empty() && args.unset.is_empty() {
        api.ask(Question::get(path)).await.with_context(|| failed("show"))?
    } else {
        change(api, path, &args).await.with_context(|| failed("set"))?
    };
    Ok(session.output.value(&answer.json()?)?)
}

/// Changes members of the config that is there, unless someone else changes it meanwhile.
async fn change(api: &Api, path: String, args: &Args) -> anyhow::Result<Answer> {
    let values = args.set.iter().map(|(key, text)| Ok((key.clone(), member(key, text)?)));
    let values = values.collect::<anyhow::Result<Vec<_>>>()?;
    let present = api.ask(Question::get(path.clone())).await?;
    let mut config = match present.json()? {
        Value::Object(config) => config,
        _ => Map::new(),
    };
    config.extend(values);
    for key in &args.unset {
        config.shift_remove(key);
    }
    let question = Question::new(Method::PUT, path).json(&Value::Object(config)).seen(present.tag());
    Ok(api.ask(question).await?)
}

fn member(key: &str, text: &str) -> anyhow::Result<Value> {
    serde_json::from_str(text).map_err(|error| {
        let quoted = Value::from(text);
        Usage::error(format!("{text:?} is not JSON ({error}); a text is written --set '{key}={quoted}'"))
    })
}

fn whole(file: &Path) -> anyhow::Result<Map<String, Value>> {
    let mut text = String::new();
    let read = if file == Path::new("-") {
        io::stdin().read_to_string(&mut text)
    } else {
        fs::File::open(file).and_then(|mut file| file.read_to_string(&mut text))
    };
    read.map_err(|error| Usage::error(format!("{} can't be read: {error}", file.display())))?;
    serde_json::from_str(&text)
        .map_err(|error| Usage::error(format!("{} is not a JSON object: {error}", file.display())))
}
