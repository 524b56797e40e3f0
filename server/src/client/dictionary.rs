//! `busbar dictionary`: what systems call the same things.

mod settings;

#[cfg(test)]
mod tests;

use std::{
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
};

use anyhow::{Context as _, bail};
use bytes::Bytes;
use http::{HeaderValue, Method};
use serde::Deserialize;
use serde_json::{Map, Value};

use self::settings::Settings;
use super::{
    Session,
    answer::{Answer, view, views},
    api::{Api, Question, encoded, whole_list},
    bounds::{TABLE_BYTES_MAX, UPLOAD_TIME_MAX},
    channel::delete,
    failure::Usage,
    lookup::Kind,
    table::{Fields, Table},
};
use crate::layout::write_atomically;

const KIND: Kind = Kind { path: "/api/v1/dictionaries", noun: "dictionary" };
const CSV: &str = "text/csv";

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Lists dictionaries.
    #[command(after_help = "Example:\n  busbar dictionary list")]
    List,
    /// Shows a dictionary without its entries, which `export` shows.
    #[command(after_help = "Example:\n  busbar dictionary show countries")]
    Show {
        /// Its name or id.
        #[arg(value_name = "NAME")]
        key: String,
    },
    /// Makes a dictionary.
    #[command(
        after_help = "Examples:\n  busbar dictionary create countries --systems erp,shop --default shop=XX\n  busbar dictionary create countries --systems erp,shop --csv countries.csv"
    )]
    Create {
        /// What it is called.
        name: String,
        #[command(flatten)]
        settings: Settings,
        /// A file with its entries; - is standard input.
        #[arg(long, value_name = "FILE")]
        csv: Option<PathBuf>,
    },
    /// Changes a dictionary; what is not given stays, as do its entries.
    #[command(
        after_help = "Examples:\n  busbar dictionary update countries --systems erp,shop,crm\n  busbar dictionary update countries --default shop=XX --default erp=\n  busbar dictionary update countries --rename nations"
    )]
    Update {
        /// Its name or id.
        #[arg(value_name = "NAME")]
        key: String,
        /// Another name; refused while grants have the present one.
        #[arg(long, value_name = "NAME")]
        rename: Option<String>,
        #[command(flatten)]
        settings: Settings,
    },
    /// Removes a dictionary that no grant names.
    #[command(after_help = "Example:\n  busbar dictionary delete countries")]
    Delete {
        /// Its name or id.
        #[arg(value_name = "NAME")]
        key: String,
    },
    /// Replaces all entries of a dictionary by those of a CSV.
    #[command(
        after_help = "Examples:\n  busbar dictionary import countries countries.csv\n  busbar dictionary import countries - < countries.csv\n\nThe first line has the names of the systems, and of the columns valid_from and valid_until if there are any. Columns are separated by commas or by semicolons."
    )]
    Import {
        /// Its name or id.
        #[arg(value_name = "NAME")]
        key: String,
        /// The file; - is standard input.
        file: PathBuf,
    },
    /// Shows the entries of a dictionary as CSV.
    #[command(
        after_help = "Examples:\n  busbar dictionary export countries\n  busbar dictionary export countries --output countries.csv\n  busbar dictionary export countries --json"
    )]
    Export {
        /// Its name or id.
        #[arg(value_name = "NAME")]
        key: String,
        /// Where to write it; standard output if not given.
        #[arg(long, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// Tells what one system calls a thing that another one calls CODE; fails if it has no name for it.
    #[command(
        after_help = "Examples:\n  busbar dictionary translate countries DE --from erp --to shop\n  busbar dictionary translate countries DE --from erp --to shop --on 2026-12-31"
    )]
    Translate {
        /// The dictionary's name or id.
        #[arg(value_name = "NAME")]
        key: String,
        /// The code to be translated.
        code: String,
        /// Whose code it is.
        #[arg(long, value_name = "SYSTEM")]
        from: String,
        /// Whose code is wanted.
        #[arg(long, value_name = "SYSTEM")]
        to: String,
        /// The day: 2026-12-31; today in UTC if not given.
        #[arg(long, value_name = "DAY")]
        on: Option<String>,
    },
}

#[derive(Debug, Deserialize)]
struct View {
    id: String,
    name: String,
    summary: Option<String>,
    systems: Vec<String>,
    defaults: Map<String, Value>,
    entries_count: u64,
}

#[derive(Debug, Deserialize)]
struct Translation {
    code: Option<String>,
    on: String,
}

impl View {
    fn defaults(&self) -> String {
        let shown = self.defaults.iter().map(|(system, code)| match code {
            Value::String(code) => format!("{system}={code}"),
            other => format!("{system}={other}"),
        });
        shown.collect::<Vec<_>>().join(" ")
    }
}

pub(crate) async fn run(session: &mut Session, command: Command) -> anyhow::Result<()> {
    let api = session.admin()?;
    match command {
        Command::List => list(session, &api).await.context("failed to list dictionaries"),
        Command::Show { key } => {
            let found = KIND.find(&api, &key).await;
            show(session, &found.with_context(|| format!("failed to show dictionary {key}"))?)
        }
        Command::Create { name, settings, csv } => {
            let made = create(&api, &name, settings, csv.as_deref()).await;
            show(session, &made.with_context(|| format!("failed to make dictionary {name}"))?)
        }
        Command::Update { key, rename, settings } => {
            let body = settings.body(rename)?;
            if body.is_empty() {
                return Err(Usage::error("nothing is to be changed; --help tells what can be"));
            }
            let changed = update(&api, &key, &Value::Object(body)).await;
            show(session, &changed.with_context(|| format!("failed to change dictionary {key}"))?)
        }
        Command::Delete { key } => {
            let gone = delete(&api, &KIND, &key).await;
            gone.with_context(|| format!("failed to delete dictionary {key}"))?;
            Ok(session.output.note(&format!("dictionary {key} is deleted"))?)
        }
        Command::Import { key, file } => {
            let changed = import(&api, &key, &file).await;
            show(session, &changed.with_context(|| format!("failed to import into dictionary {key}"))?)
        }
        Command::Export { key, output } => {
            let done = export(session, &api, &key, output.as_deref()).await;
            done.with_context(|| format!("failed to export dictionary {key}"))
        }
        Command::Translate { key, code, from, to, on } => {
            let query = query(&code, &from, &to, on.as_deref());
            let answer = translate(&api, &key, &query).await;
            let answer = answer.with_context(|| format!("failed to translate by dictionary {key}"))?;
            if session.output.json() {
                session.output.value(&answer)?;
            }
            match view::<Translation>(&answer)? {
                Translation { code: Some(found), .. } if !session.output.json() => {
                    Ok(session.output.text(&found)?)
                }
                Translation { code: Some(_), .. } => Ok(()),
                Translation { code: None, on } => {
                    bail!("dictionary {key} has no code of {to} for {code:?} of {from} on {on}")
                }
            }
        }
    }
}

async fn list(session: &mut Session, api: &Api) -> anyhow::Result<()> {
    let items = api.list(KIND.path).await?;
    if session.output.json() {
        return Ok(session.output.value(&whole_list(items))?);
    }
    let mut table = Table::new(["NAME", "SYSTEMS", "ENTRIES", "DEFAULTS", "SUMMARY"]);
    for dictionary in views::<View>(&items)? {
        let (systems, defaults) = (dictionary.systems.join(" "), dictionary.defaults());
        let (entries, summary) =
            (dictionary.entries_count.to_string(), dictionary.summary.unwrap_or_default());
        table.row([dictionary.name, systems, entries, defaults, summary]);
    }
    Ok(session.output.table(&table)?)
}

fn show(session: &mut Session, value: &Value) -> anyhow::Result<()> {
    if session.output.json() {
        return Ok(session.output.value(value)?);
    }
    let dictionary: View = view(value)?;
    let fields = Fields::default()
        .with("id", &dictionary.id)
        .with("name", &dictionary.name)
        .with("summary", dictionary.summary.as_deref().unwrap_or_default())
        .with("systems", dictionary.systems.join(" "))
        .with("defaults", dictionary.defaults())
        .with("entries", dictionary.entries_count.to_string());
    Ok(session.output.fields(&fields)?)
}

/// With entries or not at all.
async fn create(api: &Api, name: &str, settings: Settings, csv: Option<&Path>) -> anyhow::Result<Value> {
    let body = settings.body(Some(name.to_owned()))?;
    if !body.contains_key("systems") {
        return Err(Usage::error("--systems is required: the names of two systems or more"));
    }
    let entries = csv.map(read).transpose()?;
    let made = api.ask(Question::new(Method::POST, KIND.path).json(&Value::Object(body))).await?;
    let Some(entries) = entries else { return Ok(made.json()?) };
    let href = made.location()?;
    match put(api, &href, entries, made.tag()).await {
        Ok(answer) => Ok(answer.json()?),
        Err(refused) => {
            // Unless someone changed it meanwhile, who wants it.
            let gone = api.ask(Question::new(Method::DELETE, href).seen(made.tag())).await;
            match gone {
                Ok(_) => Err(refused),
                Err(_) => Err(refused.context("it is there without entries now")),
            }
        }
    }
}

async fn update(api: &Api, key: &str, body: &Value) -> anyhow::Result<Value> {
    let href = KIND.locate(api, key).await?;
    Ok(api.ask(Question::new(Method::PATCH, href).json(body)).await?.json()?)
}

async fn import(api: &Api, key: &str, file: &Path) -> anyhow::Result<Value> {
    let entries = read(file)?;
    let href = KIND.locate(api, key).await?;
    Ok(put(api, &href, entries, None).await?.json()?)
}

async fn put(api: &Api, href: &str, csv: Bytes, seen: Option<HeaderValue>) -> anyhow::Result<Answer> {
    let question = Question::new(Method::PUT, format!("{href}/csv")).content(CSV, csv).seen(seen);
    Ok(api.ask(question.patience(Some(UPLOAD_TIME_MAX))).await?)
}

async fn export(session: &mut Session, api: &Api, key: &str, to: Option<&Path>) -> anyhow::Result<()> {
    let href = KIND.locate(api, key).await?;
    let text = if session.output.json() {
        format!("{:#}\n", api.get(format!("{href}/entries")).await?)
    } else {
        let answer = api.ask(Question::get(format!("{href}/csv"))).await?;
        String::from_utf8(answer.body.to_vec()).context("failed to read the entries")?
    };
    match to {
        None => Ok(session.output.bytes(text.as_bytes())?),
        Some(path) => write_atomically(path, &text)
            .map_err(|error| Usage::error(format!("{} can't be written: {error}", path.display()))),
    }
}

async fn translate(api: &Api, key: &str, query: &str) -> anyhow::Result<Value> {
    let href = KIND.locate(api, key).await?;
    Ok(api.get(format!("{href}/translate?{query}")).await?)
}

fn query(code: &str, from: &str, to: &str, on: Option<&str>) -> String {
    let given = [("key", Some(code)), ("from", Some(from)), ("to", Some(to)), ("on", on)];
    let pairs = given.into_iter().filter_map(|(name, value)| Some(format!("{name}={}", encoded(value?))));
    pairs.collect::<Vec<_>>().join("&")
}

/// A file whole; `-` is standard input.
fn read(path: &Path) -> anyhow::Result<Bytes> {
    let mut bytes = Vec::new();
    let input: io::Result<Box<dyn Read>> = match path {
        path if path == Path::new("-") => Ok(Box::new(io::stdin())),
        path => File::open(path).map(|file| Box::new(file) as Box<dyn Read>),
    };
    // One byte more than is allowed, so that the bus sees what is too large.
    let read = input.and_then(|input| input.take(TABLE_BYTES_MAX + 1).read_to_end(&mut bytes));
    read.map_err(|error| Usage::error(format!("{} can't be read: {error}", path.display())))?;
    Ok(bytes.into())
}
