//! What the end-to-end tests and the benchmarks stand on: a real `busbar quickstart` in a folder of its own,
//! an HTTP client whose connections are in the test's hand, load, and files to deploy.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "a test that cannot go on panics and says why"
)]

pub mod artifact;
mod attack;
pub mod catalog;
pub mod cluster;
pub mod command;
pub mod crowd;
pub mod deployment;
pub mod envelope;
pub mod folder;
pub mod hostile;
pub mod http;
pub mod load;
pub mod logs;
pub mod metrics;
pub mod network;
pub mod partner;
pub mod peer;
pub mod pickup;
pub mod poll;
pub mod process;
pub mod queues;
pub mod quickstart;
pub mod raw;
pub mod soap;
pub mod wasm;
pub mod way;

pub use attack::Attack;
pub use command::Finished;
pub use folder::Folder;
pub use http::{Client, Connection, Reply, Request};
pub use load::{Load, Plan};
pub use peer::Peer;
pub use quickstart::{Options, Quickstart};
