//! `busbar secret`: values that plugins read by name. They go in and never out.

mod value;

use anyhow::Context as _;
use http::Method;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{
    Session,
    answer::{view, views},
    api::{Api, Question, whole_list},
    channel::delete,
    lookup::Kind,
    table::{Fields, Table},
};

const KIND: Kind = Kind { path: "/api/v1/secrets", noun: "secret" };

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Lists secrets, without their values.
    #[command(after_help = "Example:\n  busbar secret list")]
    List,
    /// Shows a secret, without its value.
    #[command(after_help = "Example:\n  busbar secret show pay-key")]
    Show {
        /// Its name or id.
        #[arg(value_name = "NAME")]
        key: String,
    },
    /// Makes a secret; asks for its value, or reads it from a file or from standard input.
    #[command(
        after_help = "Examples:\n  busbar secret create pay-key\n  busbar secret create pay-key --description payments --value-file pay.key\n  busbar secret create pay-key < pay.key"
    )]
    Create {
        /// What plugins read it by.
        name: String,
        /// What it is for; in no way secret.
        #[arg(long, value_name = "TEXT")]
        description: Option<String>,
        #[command(flatten)]
        value: value::Source,
    },
    /// Gives a secret another value; asks for it, or reads it from a file or from standard input.
    ///
    /// With --description or --rename the value stays as it is, unless --value-file names one.
    #[command(
        after_help = "Examples:\n  busbar secret update pay-key\n  busbar secret update pay-key --value-file pay.key\n  busbar secret update pay-key --description payments --rename pay-test"
    )]
    Update {
        /// Its name or id.
        #[arg(value_name = "NAME")]
        key: String,
        /// What it is for; an empty text removes it.
        #[arg(long, value_name = "TEXT")]
        description: Option<String>,
        /// Another name; refused while grants have the present one.
        #[arg(long, value_name = "NAME")]
        rename: Option<String>,
        #[command(flatten)]
        value: value::Source,
    },
    /// Removes a secret that no plugin's grants name.
    #[command(after_help = "Example:\n  busbar secret delete pay-key")]
    Delete {
        /// Its name or id.
        #[arg(value_name = "NAME")]
        key: String,
    },
}

#[derive(Debug, Deserialize)]
struct View {
    id: String,
    name: String,
    description: Option<String>,
    #[serde(default)]
    created_at: String,
    #[serde(default)]
    updated_at: String,
}

pub(crate) async fn run(session: &mut Session, command: Command) -> anyhow::Result<()> {
    let api = session.admin()?;
    match command {
        Command::List => list(session, &api).await.context("failed to list secrets"),
        Command::Show { key } => {
            let found = KIND.find(&api, &key).await;
            show(session, &found.with_context(|| format!("failed to show secret {key}"))?)
        }
        Command::Create { name, description, value } => {
            let body = json!({"name": name, "description": description, "value": value.read()?});
            let answer = api.ask(Question::new(Method::POST, KIND.path).json(&body)).await;
            show(session, &answer.and_then(|answer| answer.json()).context("failed to make the secret")?)
        }
        Command::Update { key, description, rename, value } => {
            let wanted = wanted(description, rename, &value)?;
            let changed = update(&api, &key, &wanted).await;
            show(session, &changed.with_context(|| format!("failed to change secret {key}"))?)
        }
        Command::Delete { key } => {
            let gone = delete(&api, &KIND, &key).await;
            gone.with_context(|| format!("failed to delete secret {key}"))?;
            Ok(session.output.note(&format!("secret {key} is deleted"))?)
        }
    }
}

/// What is to be changed.
fn wanted(
    description: Option<String>,
    rename: Option<String>,
    value: &value::Source,
) -> anyhow::Result<Value> {
    let mut patch = Map::new();
    if value.is_named() || (description.is_none() && rename.is_none()) {
        patch.insert("value".to_owned(), value.read()?.into());
    }
    if let Some(text) = description {
        let text = if text.is_empty() { Value::Null } else { text.into() };
        patch.insert("description".to_owned(), text);
    }
    if let Some(name) = rename {
        patch.insert("name".to_owned(), name.into());
    }
    Ok(patch.into())
}

async fn update(api: &Api, key: &str, patch: &Value) -> anyhow::Result<Value> {
    let href = KIND.locate(api, key).await?;
    Ok(api.ask(Question::new(Method::PATCH, href).json(patch)).await?.json()?)
}

async fn list(session: &mut Session, api: &Api) -> anyhow::Result<()> {
    let items = api.list(KIND.path).await?;
    if session.output.json() {
        return Ok(session.output.value(&whole_list(items))?);
    }
    let mut table = Table::new(["NAME", "DESCRIPTION", "UPDATED", "ID"]);
    for secret in views::<View>(&items)? {
        table.row([secret.name, secret.description.unwrap_or_default(), secret.updated_at, secret.id]);
    }
    Ok(session.output.table(&table)?)
}

fn show(session: &mut Session, value: &Value) -> anyhow::Result<()> {
    if session.output.json() {
        return Ok(session.output.value(value)?);
    }
    let secret: View = view(value)?;
    let fields = Fields::default()
        .with("id", secret.id)
        .with("name", secret.name)
        .with("description", secret.description.unwrap_or_default())
        .with("created", secret.created_at)
        .with("updated", secret.updated_at);
    Ok(session.output.fields(&fields)?)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use clap::Parser;
    use serde_json::{Value, json};

    use super::{Command, run};
    use crate::client::{
        failure::conclude,
        fake::{Asked, Fake},
    };

    #[derive(Parser)]
    struct Line {
        #[command(subcommand)]
        command: Command,
    }

    /// Exit code, standard output and standard error.
    async fn obey(fake: &Fake, line: &str) -> (u8, String, String) {
        let (mut session, out, err) = fake.session(false);
        let words = std::iter::once("secret").chain(line.split_whitespace());
        let outcome = run(&mut session, Line::try_parse_from(words).unwrap().command).await;
        (conclude(&mut session.output, outcome), out.text(), err.text())
    }

    fn bus(asked: &Asked) -> (u16, Value) {
        let known = json!({"id": "s1", "name": "pay-key", "description": "why", "updated_at": "now"});
        match asked.line().as_str() {
            "POST /api/v1/secrets" => (201, known),
            "PATCH /api/v1/secrets/s1" => (200, known),
            "DELETE /api/v1/secrets/s1" => (204, Value::Null),
            _ => (200, json!({"items": [known], "next": null})),
        }
    }

    #[tokio::test]
    async fn a_value_comes_from_a_file_and_is_not_shown() {
        let fake = Fake::start(bus).await;
        let path = fake.folder().join("value");
        fs::write(&path, "open sesame\n").unwrap();
        let path = path.display();
        for (line, sent) in [
            (
                format!("create pay-key --description why --value-file {path}"),
                json!({"name": "pay-key", "description": "why", "value": "open sesame"}),
            ),
            (format!("update pay-key --value-file {path}"), json!({"value": "open sesame"})),
            (
                format!("update pay-key --rename pay --value-file {path}"),
                json!({"value": "open sesame", "name": "pay"}),
            ),
            (
                "update pay-key --description= --rename pay".to_owned(),
                json!({"description": null, "name": "pay"}),
            ),
        ] {
            let (code, out, err) = obey(&fake, &line).await;
            assert_eq!(code, 0, "{line}: {err}");
            assert!(out.starts_with("id\ts1\nname\tpay-key\n") && !out.contains("sesame"), "{out}");
            assert_eq!(fake.changes().last().unwrap().json(), sent, "{line}");
        }
        let (code, _, err) = obey(&fake, "create pay-key --value-file /no/such/file").await;
        assert!(code == 2 && err.contains("/no/such/file"), "{err}");
    }

    #[tokio::test]
    async fn lists_shows_and_deletes() {
        let fake = Fake::start(bus).await;
        assert!(obey(&fake, "list").await.1.ends_with("\npay-key\twhy\tnow\ts1\n"));
        let shown = "id\ts1\nname\tpay-key\ndescription\twhy\ncreated\t-\nupdated\tnow\n";
        assert_eq!(obey(&fake, "show pay-key").await.1, shown);
        assert_eq!(obey(&fake, "delete pay-key").await.2, "secret pay-key is deleted\n");
        assert_eq!(fake.changes()[0].line(), "DELETE /api/v1/secrets/s1");
    }

    #[test]
    fn a_value_is_no_argument() {
        for line in ["secret create pay-key open-sesame", "secret update pay-key --value x"] {
            assert!(Line::try_parse_from(line.split_whitespace()).is_err(), "{line}");
        }
    }
}
