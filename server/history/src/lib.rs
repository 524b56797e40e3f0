//! The history of a server's settings: a git repository in the server's folder, in which every version of
//! `busbar.toml` that was in force is a commit with who, when and why, and without a secret in the clear.

mod author;
mod entry;
mod error;
mod history;
mod key;
mod lock;
mod repository;
mod secrets;

pub use self::{
    author::Author,
    entry::{Entry, Kind, Note},
    error::Error,
    history::{FOLDER, History, Log, Rollback, Version},
    secrets::holds_placeholder,
};
