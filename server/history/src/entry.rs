//! One version in the history: who, when, why and by what kind of change; and how a commit's message says it.

use serde::Serialize;

use crate::author::Author;

/// What ends a message (git-interpret-trailers(1)).
const TRAILER: &str = "Busbar-Kind: ";
const REASON_CHARS_MAX: usize = 4_000;

/// How a version came to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// The first start with settings.
    Start,
    /// Put in force by somebody who said so.
    Reload,
    /// Found changed at a start or a reload.
    ManualEdit,
    Rollback,
    /// Written by what made this server one of a cluster.
    Join,
    /// By a command that changes settings.
    Command,
    /// A commit that is none of ours.
    Foreign,
}

impl Kind {
    pub const ALL: [Self; 7] = [
        Self::Start,
        Self::Reload,
        Self::ManualEdit,
        Self::Rollback,
        Self::Join,
        Self::Command,
        Self::Foreign,
    ];

    /// One word, as in JSON.
    pub fn label(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Reload => "reload",
            Self::ManualEdit => "manual-edit",
            Self::Rollback => "rollback",
            Self::Join => "join",
            Self::Command => "command",
            Self::Foreign => "foreign",
        }
    }

    /// What is said where nobody gives a reason.
    fn reason(self) -> &'static str {
        match self {
            Self::Start => "Settings at the first start",
            Self::Reload => "Settings put in force by a reload",
            Self::ManualEdit => "busbar.toml was edited by hand",
            Self::Rollback => "Back to an earlier version",
            Self::Join => "Settings of a server that joined a cluster",
            Self::Command => "Settings changed by a command",
            Self::Foreign => "No reason given",
        }
    }
}

/// What is to be said of a version.
#[derive(Clone, Debug)]
pub struct Note {
    pub kind: Kind,
    pub author: Author,
    /// Why; `None` says what the kind alone tells.
    pub reason: Option<String>,
}

impl Note {
    /// Of a file that was found changed: nobody knows by whom or why.
    pub fn manual_edit(found_at: &str) -> Self {
        let reason = format!("busbar.toml was edited by hand; found at a {found_at}");
        Self { kind: Kind::ManualEdit, author: Author::manual_edit(), reason: Some(reason) }
    }

    pub(crate) fn message(&self) -> String {
        let given = self.reason.as_deref().map(clean).filter(|reason| !reason.is_empty());
        let reason = given.unwrap_or_else(|| self.kind.reason().to_owned());
        format!("{reason}\n\n{TRAILER}{}\n", self.kind.label())
    }
}

/// A version that is in the history.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// Of the commit, 40 hexadecimal digits.
    pub id: String,
    /// Seconds since 1970, UTC.
    pub at_s: i64,
    pub author: Author,
    pub reason: String,
    pub kind: Kind,
}

impl Entry {
    /// As many digits of the id as a person needs.
    pub fn short_id(&self) -> &str {
        self.id.get(..10).unwrap_or(&self.id)
    }
}

/// Reason and kind of a commit's message. Only its last line tells the kind: a reason may hold anything.
pub(crate) fn parse(message: &str) -> (String, Kind) {
    let message = message.trim_end();
    let (before, last) = message.rsplit_once('\n').unwrap_or(("", message));
    let kind = last
        .strip_prefix(TRAILER)
        .and_then(|label| Kind::ALL.into_iter().find(|kind| kind.label() == label.trim()));
    match kind {
        Some(kind) => (before.trim_end().to_owned(), kind),
        None => (message.to_owned(), Kind::Foreign),
    }
}

/// Control characters would be something else in a terminal, and a NUL ends a commit.
fn clean(reason: &str) -> String {
    let kept: String = reason.chars().filter(|c| !c.is_control() || *c == '\n').collect();
    kept.trim().chars().take(REASON_CHARS_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::{Author, Kind, Note, parse};

    fn note(kind: Kind, reason: &str) -> Note {
        Note { kind, author: Author::manual_edit(), reason: Some(reason.to_owned()) }
    }

    #[test]
    fn messages_are_read_as_they_were_written() {
        for kind in Kind::ALL {
            for reason in ["more workers", "a\n\nb", "x\n\nBusbar-Kind: join"] {
                assert_eq!(parse(&note(kind, reason).message()), (reason.to_owned(), kind));
            }
            let json = serde_json_label(kind);
            assert_eq!(json, kind.label());
        }
    }

    /// Without a JSON crate: a unit variant is told by its name.
    fn serde_json_label(kind: Kind) -> String {
        #[derive(serde::Serialize)]
        struct One {
            kind: Kind,
        }
        let text = toml::to_string(&One { kind }).unwrap();
        text.trim().trim_start_matches("kind = ").trim_matches('"').to_owned()
    }

    #[test]
    fn a_reason_can_do_no_harm() {
        let message = note(Kind::Reload, " \u{1b}[2J\0a\r\n ").message();
        assert_eq!(message, "[2Ja\n\nBusbar-Kind: reload\n");
        assert_eq!(note(Kind::Start, " \n").message(), "Settings at the first start\n\nBusbar-Kind: start\n");
        assert!(note(Kind::Start, &"x".repeat(10_000)).message().len() < 4_100);
    }

    #[test]
    fn commits_of_others_are_told_apart() {
        for text in ["by hand", "by hand\n\nBusbar-Kind: nonsense\n", "Busbar-Kind: start\n\nmore", ""] {
            assert_eq!(parse(text), (text.trim_end().to_owned(), Kind::Foreign), "{text}");
        }
    }
}
