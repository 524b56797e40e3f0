//! `busbar config`: the versions of this server's settings. No server is asked: all of it is in its folder.

mod rollback;

use std::{collections::BTreeMap, ffi::OsString, path::Path};

use anyhow::{Context as _, anyhow};
use busbar_history::{Entry, History, Version};
use busbar_model::Timestamp;
use serde_json::{Value, json};

use super::{
    Session,
    failure::Usage,
    output::Output,
    table::Table,
    text::{count, excerpt},
};
use crate::{
    causes,
    layout::Layout,
    settings::{self, SettingsError},
};

/// Variables by their names.
type Environment = BTreeMap<String, OsString>;

const LIMIT_DEFAULT: u32 = 20;
const LIMIT_MAX: i64 = 100_000;
/// Of a reason, in a table.
const REASON_CHARS_MAX: usize = 72;
/// What the settings are called as they stand.
const FILE: &str = "busbar.toml";

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Shows the versions of busbar.toml that were in force, newest first.
    #[command(
        after_help = "Examples:\n  busbar config log\n  busbar config log --limit 100 --json\n\nThe versions are a git repository too, in config-history of the server's folder: `git -C .busbar/config-history log -p`."
    )]
    Log(LogArgs),
    /// Shows how two versions differ, or one and busbar.toml as it stands; secrets are not shown.
    #[command(
        after_help = "Examples:\n  busbar config diff\n  busbar config diff 3f2a91c0de\n  busbar config diff 3f2a91c0de 77b01c\n\nA secret is shown as `hidden-…`, which is another one when the secret changed."
    )]
    Diff(DiffArgs),
    /// Puts an earlier version in place of busbar.toml; `busbar reload` then puts it in force.
    #[command(
        after_help = "Examples:\n  busbar config rollback\n  busbar config rollback 3f2a91c0de --message 'the new limit was too low' --reload\n\nThe history keeps no secrets: they stay as they are in busbar.toml."
    )]
    Rollback(rollback::Args),
    /// Tells whether busbar.toml, with the variables of the environment, can be put in force.
    #[command(
        after_help = "Examples:\n  busbar config check\n  busbar config check --dir /var/lib/busbar --json"
    )]
    Check,
}

#[derive(Debug, clap::Args)]
pub(crate) struct LogArgs {
    /// How many versions.
    #[arg(long, value_name = "N", default_value_t = LIMIT_DEFAULT, value_parser = clap::value_parser!(u32).range(1..=LIMIT_MAX))]
    limit: u32,
}

#[derive(Debug, clap::Args)]
pub(crate) struct DiffArgs {
    /// A version, by the beginning of its id; the newest if not given.
    #[arg(value_name = "FROM")]
    from: Option<String>,
    /// Another one; busbar.toml as it stands if not given.
    #[arg(value_name = "TO")]
    to: Option<String>,
}

pub(crate) async fn run(session: &mut Session, command: Command) -> anyhow::Result<()> {
    let output = &mut session.output;
    let layout = Layout::existing(&session.folder).map_err(|error| {
        Usage::error(format!("no server's folder at {}: {error}", session.folder.display()))
    })?;
    match command {
        Command::Log(args) => log(output, &layout, &args),
        Command::Diff(args) => diff(output, &layout, &args),
        Command::Rollback(args) => rollback::run(output, &layout, &args).await,
        Command::Check => check(output, &layout, &settings::environment()),
    }
}

/// As JSON, with the time as everywhere.
fn value(entry: &Entry) -> Value {
    json!({
        "id": entry.id,
        "at": at(entry),
        "author": entry.author.name,
        "email": entry.author.email,
        "kind": entry.kind.label(),
        "reason": entry.reason,
    })
}

fn at(entry: &Entry) -> Timestamp {
    Timestamp(entry.at_s.saturating_mul(1_000_000))
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}

fn log(output: &mut Output, layout: &Layout, args: &LogArgs) -> anyhow::Result<()> {
    let history = History::open(layout.root());
    let limit = usize::try_from(args.limit).unwrap_or(usize::MAX);
    let log = history.log(limit).context("failed to read the config history")?;
    let damage = log.damage.as_ref().map(|error| causes::chain(error));
    if output.json() {
        let items: Vec<Value> = log.entries.iter().map(value).collect();
        return Ok(output.value(&json!({"items": items, "next": null, "damage": damage}))?);
    }
    let mut table = Table::new(["VERSION", "AT", "AUTHOR", "KIND", "REASON"]);
    for entry in &log.entries {
        let reason = excerpt(first_line(&entry.reason), REASON_CHARS_MAX);
        let at = at(entry).to_utc().format("%Y-%m-%d %H:%M:%SZ").to_string();
        let (author, kind) = (entry.author.to_string(), entry.kind.label().to_owned());
        table.row([entry.short_id().to_owned(), at, author, kind, reason]);
    }
    output.table(&table)?;
    match damage {
        Some(damage) => Ok(output.note(&format!("Older versions can't be read: {damage}"))?),
        None => Ok(()),
    }
}

fn diff(output: &mut Output, layout: &Layout, args: &DiffArgs) -> anyhow::Result<()> {
    let history = History::open(layout.root());
    let newest = history.log(1).context("failed to read the config history")?.entries.pop();
    let from = match (&args.from, &newest) {
        (Some(id), _) => id.clone(),
        (None, Some(newest)) => newest.id.clone(),
        (None, None) => return Err(nothing()),
    };
    let text = settings::read(&layout.settings_file())?;
    let to = match &args.to {
        Some(id) => Version::Recorded(id),
        None => Version::Text { name: FILE, text: &text },
    };
    let diff = history.diff(Version::Recorded(&from), to).context("failed to compare")?;
    if output.json() {
        let to = args.to.as_deref().unwrap_or(FILE);
        return Ok(output.value(&json!({"from": from, "to": to, "diff": diff}))?);
    }
    match diff.as_str() {
        "" => Ok(output.note("There is no difference.")?),
        diff => Ok(output.text(diff.trim_end_matches('\n'))?),
    }
}

/// No version was recorded.
fn nothing() -> anyhow::Error {
    anyhow!("nothing was recorded yet: the first version is that of the server's first start with a {FILE}")
}

fn check(output: &mut Output, layout: &Layout, environment: &Environment) -> anyhow::Result<()> {
    let file = layout.settings_file();
    let mistakes = match settings::load(&file, environment) {
        Ok(_) => Vec::new(),
        Err(SettingsError::Mistakes(mistakes)) => mistakes,
        Err(error) => vec![causes::chain(&error)],
    };
    let recorded = recorded(layout, &file);
    if output.json() {
        output.value(&json!({
            "file": file.display().to_string(),
            "valid": mistakes.is_empty(),
            "mistakes": mistakes,
            "recorded": recorded.as_ref().map(|(entry, _)| entry.id.as_str()),
            "changed": recorded.as_ref().map(|(_, changed)| changed),
        }))?;
    } else if mistakes.is_empty() {
        let file = file.display();
        output.text(&match recorded {
            Some((entry, false)) => format!("{file} is valid; it is version {}.", entry.short_id()),
            Some((entry, true)) => format!(
                "{file} is valid. It differs from version {}, the last that was put in force: `busbar config diff` shows how, `busbar reload` puts it in force.",
                entry.short_id()
            ),
            None => format!("{file} is valid."),
        })?;
    } else {
        for mistake in &mistakes {
            output.text(mistake)?;
        }
    }
    match mistakes.len() {
        0 => Ok(()),
        number => Err(anyhow!("{} in {}", count(number, "mistake"), file.display())),
    }
}

/// The last version, and whether the file differs from it; `None` also where that can't be told, which is no
/// matter of whether the file is right.
fn recorded(layout: &Layout, file: &Path) -> Option<(Entry, bool)> {
    let history = History::open(layout.root());
    let newest = history.log(1).ok()?.entries.pop()?;
    let text = settings::read(file).ok()?;
    let present = Version::Text { name: FILE, text: &text };
    let diff = history.diff(Version::Recorded(&newest.id), present).ok()?;
    Some((newest, !diff.is_empty()))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use busbar_history::{Author, History, Kind, Note};
    use serde_json::Value;

    use super::{DiffArgs, Environment, LogArgs, check, diff, log};
    use crate::{client::recorded, layout::Layout};

    fn folder(texts: &[&str]) -> (tempfile::TempDir, Layout) {
        let folder = tempfile::tempdir().unwrap();
        let layout = Layout::create(folder.path()).unwrap();
        let history = History::open(layout.root());
        for text in texts {
            let note = Note { kind: Kind::Reload, author: Author::parse("Jane <j@x>"), reason: None };
            history.record(text, &note, 1_700_000_000).unwrap();
            fs::write(layout.settings_file(), text).unwrap();
        }
        (folder, layout)
    }

    #[test]
    fn shows_versions() {
        let (_folder, layout) = folder(&["[workers]\ncount = 1\n", "[workers]\ncount = 2\n"]);
        let (mut output, out, _) = recorded(false, None);
        log(&mut output, &layout, &LogArgs { limit: 1 }).unwrap();
        let lines: Vec<String> = out.text().lines().map(str::to_owned).collect();
        assert_eq!(lines.len(), 2, "{lines:?}");
        let expected = "2023-11-14 22:13:20Z\tJane <j@x>\treload\tSettings put in force by a reload";
        assert!(lines[1].ends_with(expected), "{lines:?}");
        let (mut output, out, _) = recorded(true, None);
        log(&mut output, &layout, &LogArgs { limit: 9 }).unwrap();
        let told: Value = serde_json::from_str(&out.text()).unwrap();
        assert_eq!(told["items"].as_array().unwrap().len(), 2);
        assert_eq!(
            (&told["items"][0]["at"], &told["damage"]),
            (&"2023-11-14T22:13:20.000000Z".into(), &Value::Null)
        );
        assert_eq!(
            (&told["items"][0]["kind"], &told["items"][0]["email"]),
            (&"reload".into(), &"j@x".into())
        );
    }

    #[test]
    fn compares_the_newest_version_with_the_file() {
        let (_folder, layout) = folder(&["[admin]\ntoken = \"old-one\"\n"]);
        let (mut output, out, err) = recorded(false, None);
        let args = DiffArgs { from: None, to: None };
        diff(&mut output, &layout, &args).unwrap();
        assert_eq!((out.text().as_str(), err.text().as_str()), ("", "There is no difference.\n"));
        fs::write(layout.settings_file(), "[admin]\ntoken = \"new-one\"\n").unwrap();
        diff(&mut output, &layout, &args).unwrap();
        let said = out.text();
        assert!(said.contains("\n-token = \"hidden-") && said.contains("\n+token = \"hidden-"), "{said}");
        assert!(!said.contains("-one"), "{said}");
        let (_folder, layout) = folder(&[]);
        assert!(diff(&mut output, &layout, &args).unwrap_err().to_string().contains("nothing was recorded"));
    }

    #[test]
    fn checks_the_file() {
        let (_folder, layout) = folder(&["[workers]\ncount = 1\n"]);
        let (mut output, out, _) = recorded(true, None);
        check(&mut output, &layout, &Environment::new()).unwrap();
        let told: Value = serde_json::from_str(&out.text()).unwrap();
        assert_eq!((&told["valid"], &told["changed"]), (&true.into(), &false.into()));
        fs::write(layout.settings_file(), "[workers]\ncuont = 1\ncount = 5000\n").unwrap();
        let (mut output, out, _) = recorded(false, None);
        assert!(
            check(&mut output, &layout, &Environment::new()).unwrap_err().to_string().contains("2 mistakes")
        );
        assert!(out.text().contains("did you mean count?"), "{}", out.text());
    }
}
