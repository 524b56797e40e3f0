//! Keeps a HAProxy at what a cluster wants: renders, checks, switches, verifies, and puts the old configuration back where
//! the new one does not do. It starts HAProxy, starts it again when it dies, and leaves it running when it goes itself.

mod agent;
mod apply;
mod canary;
mod check;
mod client;
mod clock;
mod control;
mod edits;
mod folder;
mod follow;
mod history;
mod options;
mod process;
mod reports;
mod socket;
mod source;
mod verify;

pub use agent::run;
pub use client::{AskError, Silent, answers, ask};
pub use control::{Request, Response};
pub use options::{Error, Options};
pub use source::{Source, Unavailable};
