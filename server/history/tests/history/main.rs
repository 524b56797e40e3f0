//! Histories as they are on the disk, looked at with the git command line.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on panics and says why")]

mod crowd;
mod damage;
mod kill;
mod records;

use std::{
    path::Path,
    process::{Command, Output},
};

use busbar_history::{Author, Entry, History, Kind, Note};

/// `2026-11-29T12:00:00Z`.
const NOON_S: i64 = 1_795_953_600;

fn note(reason: &str) -> Note {
    Note { kind: Kind::Reload, author: Author::parse("Jane <jane@x.org>"), reason: Some(reason.to_owned()) }
}

/// Settings that differ by a number.
fn settings(number: u64) -> String {
    format!("[admin]\ntoken = \"s3cret\"\n\n[workers]\ncount = {number}\n")
}

fn record(history: &History, number: u64) -> Entry {
    let reason = format!("{number} workers");
    let at_s = NOON_S + i64::try_from(number).unwrap();
    history.record(&settings(number), &note(&reason), at_s).unwrap().unwrap()
}

/// git, with nothing of whoever runs the tests.
fn git(history: &History, arguments: &[&str]) -> Output {
    let mut command = Command::new("git");
    command.arg("-C").arg(history.path()).args(arguments);
    command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
    command.env("GIT_CONFIG_NOSYSTEM", "1").env("HOME", "/nonexistent");
    command.output().expect("git is installed")
}

#[track_caller]
fn git_says(history: &History, arguments: &[&str]) -> String {
    let output = git(history, arguments);
    assert!(output.status.success(), "git {arguments:?}: {output:?}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Nothing is wrong with it.
#[track_caller]
fn is_sound(history: &History) {
    let output = git(history, &["fsck", "--full", "--strict"]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && !said.contains("warning"), "{output:?}");
}

/// All bytes below a folder, decompressed by git where they are objects.
fn all_content(history: &History) -> String {
    let mut content = git_says(history, &["log", "-p", "--all", "--format=fuller"]);
    content.push_str(&git_says(history, &["cat-file", "--batch-all-objects", "--batch"]));
    content
}

fn open(folder: &Path) -> History {
    History::open(folder)
}
