//! The history of this server's settings, as the server and its commands use it: what is put in force is
//! recorded, and trouble with that is logged and stops nothing.

mod note;

use busbar_history::{Entry, Error, History, Kind, Note};

pub(crate) use self::note::{Pending, author};
use crate::{causes, clock, layout::Layout};

/// Where settings are found that were put in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    Start,
    Reload,
}

impl Found {
    fn word(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Reload => "reload",
        }
    }
}

/// Seconds since 1970.
pub(crate) fn now_s() -> i64 {
    clock::now().0.div_euclid(1_000_000)
}

/// Records settings that are in force by now, beside what else is to be done: a disk that hangs holds nobody up.
/// `None`: the binary that put them in force knew of no history.
pub(crate) fn in_force(layout: Layout, text: Option<String>, found: Found) {
    let Some(text) = text else { return };
    // Not waited for.
    drop(tokio::task::spawn_blocking(move || {
        let history = History::open(layout.root());
        let pending = Pending::take(&layout);
        match recorded(&history, &text, pending, found) {
            Ok(Some(entry)) => {
                let (version, kind) = (entry.short_id(), entry.kind.label());
                tracing::info!(version, kind, author = %entry.author, "settings recorded");
            }
            Ok(None) => {}
            Err(error) => {
                let reason = causes::chain(&error);
                tracing::warn!(reason, "the settings in force were not recorded in the config history");
            }
        }
    }));
}

fn recorded(
    history: &History,
    text: &str,
    pending: Option<Pending>,
    found: Found,
) -> Result<Option<Entry>, Error> {
    match noted(history, pending, found).and_then(|note| history.record(text, &note, now_s())) {
        Err(error) if error.is_damage() => anew(history, text, &error),
        outcome => outcome,
    }
}

/// Who and why: whoever reloads may say so; the first version is that of whoever starts the server; otherwise
/// somebody wrote in the file.
fn noted(history: &History, pending: Option<Pending>, found: Found) -> Result<Note, Error> {
    Ok(match pending {
        Some(pending) if found == Found::Reload => pending.into_note(),
        _ if history.is_empty()? => Note { kind: Kind::Start, author: author(None), reason: None },
        _ => Note::manual_edit(found.word()),
    })
}

/// Puts a damaged history aside and begins another one.
fn anew(history: &History, text: &str, damage: &Error) -> Result<Option<Entry>, Error> {
    let aside = history.set_aside(now_s())?;
    let (reason, aside) = (causes::chain(damage), aside.display().to_string());
    tracing::warn!(reason, aside, "the config history was damaged: it was put aside, and another one begins");
    let reason = format!("A new history, since the one before was damaged; it is in {aside}");
    let note = Note { kind: Kind::Start, author: author(None), reason: Some(reason) };
    history.record(text, &note, now_s())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use busbar_history::{History, Kind};

    use super::{Found, Pending, recorded};

    const FIRST: &str = "[workers]\ncount = 1\n";
    const SECOND: &str = "[workers]\ncount = 2\n";

    fn pending() -> Option<Pending> {
        Some(Pending { author: "Jane".to_owned(), message: Some("why not".to_owned()) })
    }

    #[test]
    fn versions_say_who_and_why() {
        let folder = tempfile::tempdir().unwrap();
        let history = History::open(folder.path());
        assert!(recorded(&history, "", None, Found::Start).unwrap().is_none());
        let first = recorded(&history, FIRST, None, Found::Start).unwrap().unwrap();
        assert_eq!(first.kind, Kind::Start);
        assert!(recorded(&history, FIRST, pending(), Found::Reload).unwrap().is_none());
        let edited = recorded(&history, SECOND, None, Found::Start).unwrap().unwrap();
        assert_eq!((edited.kind, edited.author.name.as_str()), (Kind::ManualEdit, "manual edit"));
        let reloaded = recorded(&history, FIRST, pending(), Found::Reload).unwrap().unwrap();
        assert_eq!((reloaded.kind, reloaded.author.name.as_str()), (Kind::Reload, "Jane"));
        assert_eq!(reloaded.reason, "why not");
        // A note that a killed reload left is not about a start.
        let started = recorded(&history, SECOND, pending(), Found::Start).unwrap().unwrap();
        assert_eq!(started.kind, Kind::ManualEdit);
    }

    #[test]
    fn a_damaged_history_is_put_aside_and_begun_anew() {
        let folder = tempfile::tempdir().unwrap();
        let history = History::open(folder.path());
        recorded(&history, FIRST, None, Found::Start).unwrap();
        fs::remove_file(history.path().join("HEAD")).unwrap();
        let entry = recorded(&history, FIRST, None, Found::Start).unwrap().unwrap();
        assert!(entry.reason.contains("config-history.damaged-"), "{entry:?}");
        assert_eq!(history.log(5).unwrap().entries, [entry]);
        // What can't be put right is an error, and no panic.
        fs::remove_dir_all(folder.path()).unwrap();
        assert!(recorded(&history, SECOND, None, Found::Start).is_err());
    }
}
