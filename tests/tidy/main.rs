//! Structural rules of the house, as tests: each names what breaks it.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on panics and says why")]

mod decisions;
mod edges;
mod layout;
mod migrations;
mod text;
mod tree;

/// Fails with the list of what breaks a rule.
#[track_caller]
fn none(rule: &str, broken_by: &[String]) {
    assert!(broken_by.is_empty(), "{rule}:\n  {}", broken_by.join("\n  "));
}
