//! From states to configurations and back.
#![allow(clippy::unwrap_used, reason = "a failed set-up is a failed test")]

mod differences;
mod edits;
mod findings;
mod keepalived;
mod numbers;
mod rendering;
mod strategies;
mod words;
