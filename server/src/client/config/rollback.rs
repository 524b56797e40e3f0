//! `busbar config rollback`: an earlier version in place of the present one.

use std::fs;

use anyhow::{Context as _, bail};
use busbar_history::{Entry, Error, History, Kind, Note, Rollback, Version};
use serde_json::json;

use super::{Environment, FILE, first_line, nothing};
use crate::{
    causes,
    client::output::Output,
    config_history,
    layout::{Layout, replace_text, write_private},
    reload, settings,
};

/// Beside the settings: what stood there and was recorded nowhere.
const REPLACED: &str = "busbar.toml.replaced";

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// A version, by the beginning of its id; the newest that differs from busbar.toml if not given.
    #[arg(value_name = "VERSION")]
    id: Option<String>,
    /// Why, for the history.
    #[arg(long, short, value_name = "WHY")]
    message: Option<String>,
    /// Who does it, as NAME or `NAME <EMAIL>`; whoever runs the command if not given.
    #[arg(long, value_name = "WHO")]
    author: Option<String>,
    /// Has the server put it in force.
    #[arg(long)]
    reload: bool,
}

pub(super) async fn run(output: &mut Output, layout: &Layout, args: &Args) -> anyhow::Result<()> {
    let done = put_back(layout, args, &settings::environment())?;
    if output.json() && !args.reload {
        return Ok(output.value(&json!({
            "version": done.to.id,
            "changed": done.changed,
            "recorded": done.recorded.as_ref().ok().and_then(|entry| entry.as_ref()).map(|entry| &entry.id),
            "secrets_kept": done.kept,
            "replaced": done.replaced,
        }))?);
    }
    done.tell(output)?;
    match args.reload {
        true => reload::run(output, layout.root(), &reload::Args::default()).await,
        false if done.changed => Ok(output.note("`busbar reload` puts it in force.")?),
        false => Ok(()),
    }
}

/// What came of it.
struct Done {
    to: Entry,
    changed: bool,
    recorded: Result<Option<Entry>, Error>,
    kept: Vec<String>,
    /// Where a text stands that was not in the history.
    replaced: Option<String>,
}

impl Done {
    fn tell(&self, output: &mut Output) -> std::io::Result<()> {
        let (id, reason) = (self.to.short_id(), first_line(&self.to.reason));
        match self.changed {
            true => output.note(&format!("{FILE} is that of version {id} again ({reason})."))?,
            false => output.note(&format!("{FILE} is that of version {id} already: nothing was changed."))?,
        }
        for place in &self.kept {
            output.note(&format!("{place}: the secret was changed since then and stays as it is now."))?;
        }
        if let Some(replaced) = &self.replaced {
            output.note(&format!("What stood there was in force nowhere; it is kept in {replaced}."))?;
        }
        if let Err(error) = &self.recorded {
            output.note(&format!("It was not recorded in the config history: {}", causes::chain(error)))?;
        }
        Ok(())
    }
}

/// Writes nothing that this version of the bus would not take.
fn put_back(layout: &Layout, args: &Args, environment: &Environment) -> anyhow::Result<Done> {
    let (history, file) = (History::open(layout.root()), layout.settings_file());
    let present = settings::read(&file)?;
    let back = match history.rollback(args.id.as_deref(), &present) {
        Err(Error::NothingBefore) if history.is_empty().unwrap_or_default() => return Err(nothing()),
        Err(Error::NotToml { message }) => bail!(
            "{} is no TOML ({message}), so its secrets can't be taken over: mend it first, or move it away",
            file.display()
        ),
        back => back.context("failed to go back")?,
    };
    let Rollback { entry: to, text, kept } = back;
    if let Err(error) = settings::understand(&file, &text, environment) {
        bail!(
            "version {} can't be put in force, so nothing was changed: {}",
            to.short_id(),
            causes::chain(&error)
        );
    }
    let mut done = Done { to, changed: text != present, recorded: Ok(None), kept, replaced: None };
    if !done.changed {
        return Ok(done);
    }
    if is_unrecorded(&history, &present) {
        let path = layout.root().join(REPLACED);
        write_private(&path, &present).with_context(|| format!("failed to keep {FILE} as {REPLACED}"))?;
        done.replaced = Some(path.display().to_string());
    }
    // Somebody may have been at it meanwhile.
    if fs::read_to_string(&file).unwrap_or_default() != present {
        bail!("{} was changed a moment ago, so nothing was done: try again", file.display());
    }
    replace_text(&file, &text).with_context(|| format!("failed to write {}", file.display()))?;
    let default = || format!("Back to version {}: {}", done.to.short_id(), first_line(&done.to.reason));
    let reason = args.message.clone().unwrap_or_else(default);
    let author = config_history::author(args.author.as_deref());
    let note = Note { kind: Kind::Rollback, author, reason: Some(reason) };
    done.recorded = history.record(&text, &note, config_history::now_s());
    Ok(done)
}

/// Whether the newest version is another one.
fn is_unrecorded(history: &History, present: &str) -> bool {
    let newest = history.log(1).ok().and_then(|mut log| log.entries.pop());
    let Some(newest) = newest else { return !present.is_empty() };
    let text = Version::Text { name: FILE, text: present };
    history.diff(Version::Recorded(&newest.id), text).map_or(true, |diff| !diff.is_empty())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use busbar_history::{History, Kind, Note};

    use super::{Args, Environment, put_back};
    use crate::layout::Layout;

    const FIRST: &str = "[admin]\ntoken = \"t\" # ours\n[workers]\ncount = 1\n";
    const SECOND: &str = "[admin]\ntoken = \"t\" # ours\n[workers]\ncount = 2\n";

    fn args(id: Option<&str>) -> Args {
        let author = Some("Jane".to_owned());
        Args { id: id.map(str::to_owned), message: Some("too many".to_owned()), author, reload: false }
    }

    fn folder(texts: &[&str]) -> (tempfile::TempDir, Layout, History) {
        let folder = tempfile::tempdir().unwrap();
        let layout = Layout::create(folder.path()).unwrap();
        let history = History::open(layout.root());
        for text in texts {
            history.record(text, &Note::manual_edit("start"), 1).unwrap();
            fs::write(layout.settings_file(), text).unwrap();
        }
        (folder, layout, history)
    }

    fn text(layout: &Layout) -> String {
        fs::read_to_string(layout.settings_file()).unwrap()
    }

    #[test]
    fn goes_back_and_forth() {
        let (_folder, layout, history) = folder(&[FIRST, SECOND]);
        let done = put_back(&layout, &args(None), &Environment::new()).unwrap();
        assert!(done.changed && done.kept.is_empty() && done.replaced.is_none());
        assert_eq!(text(&layout), FIRST);
        let entry = done.recorded.unwrap().unwrap();
        assert_eq!((entry.kind, entry.reason.as_str()), (Kind::Rollback, "too many"));
        assert_eq!((entry.author.name.as_str(), history.log(9).unwrap().entries.len()), ("Jane", 3));
        assert!(!put_back(&layout, &args(Some(&done.to.id)), &Environment::new()).unwrap().changed);
        put_back(&layout, &args(None), &Environment::new()).unwrap();
        assert_eq!(text(&layout), SECOND);
    }

    #[test]
    fn an_edit_that_was_never_in_force_is_kept_beside() {
        let (_folder, layout, _) = folder(&[FIRST]);
        let edited = FIRST.replace('1', "7");
        fs::write(layout.settings_file(), &edited).unwrap();
        let done = put_back(&layout, &args(None), &Environment::new()).unwrap();
        assert_eq!(text(&layout), FIRST);
        assert_eq!(fs::read_to_string(done.replaced.unwrap()).unwrap(), edited);
        assert!(done.recorded.unwrap().is_none(), "it is the newest version still");
    }

    #[test]
    fn settings_that_this_version_does_not_know_are_not_written() {
        let later = "[admin]\ntoken = \"t\"\n[later]\nkey = 1\n";
        let (_folder, layout, history) = folder(&[later, FIRST]);
        let refused = put_back(&layout, &args(None), &Environment::new()).err().unwrap().to_string();
        assert!(refused.contains("[later]") && refused.contains("nothing was changed"), "{refused}");
        assert_eq!((text(&layout).as_str(), history.log(9).unwrap().entries.len()), (FIRST, 2));
    }

    #[test]
    fn what_can_not_be_done_says_why() {
        let (_folder, layout, _) = folder(&[]);
        let refused = |args: &Args, layout: &Layout| {
            format!("{:#}", put_back(layout, args, &Environment::new()).err().unwrap())
        };
        assert!(refused(&args(None), &layout).contains("nothing was recorded"));
        let (_folder, layout, _) = folder(&[FIRST]);
        assert!(refused(&args(None), &layout).contains("no version that differs"));
        assert!(refused(&args(Some("beef")), &layout).contains("no version \"beef\""));
        fs::write(layout.settings_file(), "nonsense").unwrap();
        assert!(refused(&args(None), &layout).contains("no TOML"));
        fs::remove_file(layout.settings_file()).unwrap();
        assert!(refused(&args(None), &layout).contains("admin.token"));
    }
}
