//! What can go wrong with a history, as fragments that fit after "failed to …".

use std::{
    io,
    path::{Path, PathBuf},
};

type Source = Box<dyn std::error::Error + Send + Sync>;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{path} can't be used", path = .path.display())]
    Io {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    /// What is there is no history, or no longer.
    #[error("the config history in {path} is damaged: {what}", path = .path.display())]
    Damaged {
        path: PathBuf,
        what: String,
        #[source]
        source: Option<Source>,
    },
    /// The disk or the rights did not let an object be read or written.
    #[error("the config history in {path} can't be used: {what}", path = .path.display())]
    Objects {
        path: PathBuf,
        what: String,
        #[source]
        source: Source,
    },
    #[error("{path} has been held by another process for {seconds} s", path = .path.display())]
    Busy { path: PathBuf, seconds: u64 },
    #[error("the config history has no version {id:?}; `busbar config log` shows those that it has")]
    Unknown { id: String },
    #[error("{id:?} is the beginning of several versions: {}", .matches.join(", "))]
    Ambiguous { id: String, matches: Vec<String> },
    #[error("the config history has no version that differs from the settings as they are")]
    NothingBefore,
    #[error("the settings are not TOML: {message}")]
    NotToml { message: String },
    /// The places, as `section.key`.
    #[error(
        "the history keeps no secrets, and the present settings have none for {}: write the line into busbar.toml by hand first, as it was but with its secret",
        .places.join(", ")
    )]
    Secrets { places: Vec<String> },
}

impl Error {
    pub(crate) fn io(path: &Path) -> impl FnOnce(io::Error) -> Self + use<> {
        let path = path.to_owned();
        move |source| Self::Io { path, source }
    }

    pub(crate) fn damaged(path: &Path, what: impl Into<String>) -> Self {
        Self::Damaged { path: path.to_owned(), what: what.into(), source: None }
    }

    /// Whether only a new history helps.
    pub fn is_damage(&self) -> bool {
        matches!(self, Self::Damaged { .. })
    }
}
