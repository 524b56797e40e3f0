//! Who changes settings, and why.

use std::{fs, io};

use busbar_history::{Author, Kind, Note};
use serde::{Deserialize, Serialize};

use crate::layout::{Layout, write_private};

/// The person at the command line: as told, else who became root by sudo(8), else whose process this is.
pub(crate) fn author(told: Option<&str>) -> Author {
    if let Some(told) = told {
        return Author::parse(told);
    }
    let by_sudo = std::env::var_os("SUDO_USER").and_then(|name| name.into_string().ok());
    let by_sudo = by_sudo.filter(|name| !name.is_empty());
    let user = || nix::unistd::User::from_uid(nix::unistd::getuid()).ok().flatten().map(|user| user.name);
    let name = by_sudo.or_else(user).unwrap_or_else(|| format!("user {}", nix::unistd::getuid()));
    Author::parse(&name)
}

/// What somebody who reloads says of the settings, until the server that has reloaded takes it up. It goes by a
/// file, since the process that records is another one than that which was asked.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Pending {
    pub(crate) author: String,
    pub(crate) message: Option<String>,
}

impl Pending {
    pub(crate) fn leave(&self, layout: &Layout) -> io::Result<()> {
        write_private(&layout.reload_note(), &serde_json::to_string(self)?)
    }

    /// What is there, which is nobody's afterwards.
    pub(crate) fn take(layout: &Layout) -> Option<Self> {
        let path = layout.reload_note();
        let text = fs::read(&path).ok();
        let _ = fs::remove_file(&path);
        serde_json::from_slice(&text?).ok()
    }

    pub(super) fn into_note(self) -> Note {
        Note { kind: Kind::Reload, author: Author::parse(&self.author), reason: self.message }
    }
}

#[cfg(test)]
mod tests {
    use super::{Pending, author};
    use crate::layout::Layout;

    #[test]
    fn is_taken_once() {
        let folder = tempfile::tempdir().unwrap();
        let layout = Layout::create(folder.path()).unwrap();
        assert!(Pending::take(&layout).is_none());
        let note = Pending { author: "Jane <j@x>".to_owned(), message: None };
        note.leave(&layout).unwrap();
        assert_eq!(Pending::take(&layout).unwrap().into_note().author.email, "j@x");
        assert!(Pending::take(&layout).is_none());
        std::fs::write(layout.reload_note(), "{").unwrap();
        assert!(Pending::take(&layout).is_none());
    }

    #[test]
    fn somebody_is_always_known() {
        assert_eq!(author(Some("Jane")).name, "Jane");
        assert!(!author(None).name.is_empty());
    }
}
