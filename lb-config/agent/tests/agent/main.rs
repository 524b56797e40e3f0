//! The agent with a real HAProxy, and with back ends that are processes of their own, so that they can be killed.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a test that cannot go on panics and says why"
)]

mod backend;
mod commands;
mod deaths;
mod edits;
mod fitness;
mod load;
mod reloads;
mod runtime;
mod stage;
mod tls;
mod trials;
