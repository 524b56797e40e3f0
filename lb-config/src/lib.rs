//! HAProxy configuration as pure functions: what a cluster wants in, the text that HAProxy reads out; and back, to check
//! it, compare it and tell what was written into it by hand. No I/O, no clock.

mod address;
mod bounded;
mod diff;
mod document;
mod drift;
mod history;
pub mod info;
pub mod keepalived;
mod own;
mod parameters;
mod render;
mod report;
mod runtime;
mod settings;
mod state;
pub mod stats;
mod text;
mod validate;
mod word;

pub use address::{Address, Bind, Host, ListenAddress};
pub use bounded::{Bounded, OutOfRange};
pub use diff::{Diff, SectionChange, ServerChange, ServerLine, diff};
pub use document::{Directive, Document, ParseError, Section, parse};
pub use drift::{DriftError, digest, drift};
pub use history::{Entry, Origin, Outcome};
pub use own::{OwnLines, OwnLinesError, own_lines};
pub use render::{BACKEND, FRONTEND, render, render_with};
pub use report::{Report, Standing};
pub use runtime::Command;
pub use settings::{
    Algorithm, BindSettings, BindTls, Health, Hop, HopTls, LogTarget, Milliseconds, Settings, Timeouts,
};
pub use state::{Conflict, Server, State, Wanted};
pub use text::{FilePath, HostName, InvalidText, Name, SocketPath};
pub use validate::{Finding, Limits, Severity, validate};
pub use word::{Part, Unreadable, Word};
