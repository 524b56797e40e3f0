//! What is recorded, shown, compared and put back.

use std::{fs, os::unix::fs::PermissionsExt as _};

use busbar_history::{Author, Error, Kind, Note, Version};
use tempfile::tempdir;

use crate::{NOON_S, all_content, git_says, is_sound, note, open, record, settings};

#[test]
fn reading_makes_nothing_and_neither_does_nothing() {
    let folder = tempdir().unwrap();
    let history = open(folder.path());
    assert!(history.is_empty().unwrap());
    assert!(history.log(10).unwrap().entries.is_empty());
    assert!(matches!(history.show("abcd"), Err(Error::Unknown { .. })));
    assert!(matches!(history.rollback(None, ""), Err(Error::NothingBefore)));
    let all_new = history.diff(
        Version::Text { name: "a", text: "" },
        Version::Text { name: "b", text: "[admin]\ntoken = 's3cret'\n" },
    );
    let all_new = all_new.unwrap();
    assert!(all_new.contains("+[admin]") && !all_new.contains("s3cret"), "{all_new}");
    assert!(history.record("", &note("x"), NOON_S).unwrap().is_none());
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    assert!(!history.path().exists());
    assert!(matches!(history.record("[x", &note("x"), NOON_S), Err(Error::NotToml { .. })));
    assert!(history.is_empty().unwrap());
}

#[test]
fn git_shows_who_when_why_and_what() {
    let folder = tempdir().unwrap();
    let history = open(folder.path());
    let first = record(&history, 1);
    is_sound(&history);
    assert!(history.record(&settings(1), &note("again"), NOON_S).unwrap().is_none());
    let edited = history.record(&settings(2), &Note::manual_edit("reload"), NOON_S + 9).unwrap().unwrap();
    is_sound(&history);
    let format = "--format=%H|%an|%ae|%at|%s|%cn|%(trailers:key=Busbar-Kind,valueonly,separator=)";
    let lines = git_says(&history, &["log", format]);
    let expected = [
        format!(
            "{}|manual edit||{}|busbar.toml was edited by hand; found at a reload|busbar|manual-edit",
            edited.id,
            NOON_S + 9
        ),
        format!("{}|Jane|jane@x.org|{}|1 workers|busbar|reload", first.id, NOON_S + 1),
    ];
    assert_eq!(lines.lines().collect::<Vec<_>>(), expected);
    let log = history.log(10).unwrap();
    assert!(log.damage.is_none());
    assert_eq!(log.entries, [edited.clone(), first.clone()]);
    assert_eq!((edited.kind, first.kind), (Kind::ManualEdit, Kind::Reload));
    assert_eq!((first.reason.as_str(), first.at_s), ("1 workers", NOON_S + 1));
    assert_eq!(history.log(1).unwrap().entries, [edited]);
    let newest = history.show(log.entries[0].short_id()).unwrap();
    assert_eq!(git_says(&history, &["show", "HEAD:busbar.toml"]), newest);
    assert_eq!(git_says(&history, &["branch"]).trim(), "* main");
}

#[test]
fn differences_are_those_of_git() {
    let folder = tempdir().unwrap();
    let history = open(folder.path());
    let (first, second) = (record(&history, 1), record(&history, 2));
    let ids = (Version::Recorded(first.short_id()), Version::Recorded(&second.id));
    let diff = history.diff(ids.0, ids.1).unwrap();
    let of_git = git_says(&history, &["diff", &first.id, &second.id]);
    let hunk = |text: &str| text.split_once("@@ ").unwrap().1.to_owned();
    // git names the section after the second @@.
    let plain = |text: &str| text.lines().skip(1).map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(plain(&hunk(&diff)), plain(&hunk(&of_git)));
    assert!(diff.starts_with(&format!("--- {}\n+++ {}\n", first.short_id(), second.short_id())), "{diff}");
    let file = settings(2).replace("s3cret", "other");
    let with_file = history.diff(ids.1, Version::Text { name: "busbar.toml", text: &file }).unwrap();
    assert!(
        with_file.contains("-token = \"hidden-") && with_file.contains("+token = \"hidden-"),
        "{with_file}"
    );
    assert!(!with_file.contains("other") && !with_file.contains("s3cret"), "{with_file}");
    let same = Version::Text { name: "busbar.toml", text: &settings(2) };
    assert_eq!(history.diff(ids.1, same).unwrap(), "");
}

#[test]
fn versions_are_named_by_the_beginning_of_their_ids() {
    let folder = tempdir().unwrap();
    let history = open(folder.path());
    let entries: Vec<_> = (1..=40).map(|number| record(&history, number)).collect();
    for entry in &entries {
        assert_eq!(history.show(&entry.short_id().to_uppercase()).unwrap(), history.show(&entry.id).unwrap());
    }
    for unknown in ["", "abc", "HEAD", "main", "--all", "ffffffffffffffffffffffffffffffffffffffff", "é12345"]
    {
        let refused = history.show(unknown).unwrap_err();
        assert!(matches!(refused, Error::Unknown { .. }), "{unknown}: {refused}");
    }
}

#[test]
fn no_secret_is_in_the_repository() {
    let folder = tempdir().unwrap();
    let history = open(folder.path());
    let texts = [
        "[admin]\ntoken = \"s3cret-one\"\n[odb]\nurl = \"postgres://u:s3cret-two@h/d\"\n",
        "# amqp://u:s3cret-three@h\n[admin]\ntoken = 's3cret-four' # password: s3cret-five\n",
    ];
    for text in texts {
        history.record(text, &note("x"), NOON_S).unwrap().unwrap();
    }
    let content = all_content(&history);
    assert!(content.contains("postgres://u:hidden-") && !content.contains("s3cret"), "{content}");
    let mode = |name: &str| fs::metadata(folder.path().join(name)).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode("config-history"), mode("config-history.key")), (0o700, 0o600));
    assert!(!history.path().join("config-history.key").exists(), "the key is not in what may be copied");
}

#[test]
fn a_rollback_brings_text_and_secrets_back_as_a_new_version() {
    let folder = tempdir().unwrap();
    let history = open(folder.path());
    let (first, _) = (record(&history, 1), record(&history, 2));
    let back = history.rollback(None, &settings(2)).unwrap();
    assert_eq!((&back.entry, back.text.as_str()), (&first, settings(1).as_str()));
    assert!(back.kept.is_empty());
    // What was edited since and is in force nowhere is what goes first.
    let back = history.rollback(None, &settings(3)).unwrap();
    assert_eq!(back.text, settings(2));
    let rotated = settings(2).replace("s3cret", "rotated");
    let back = history.rollback(Some(&first.id), &rotated).unwrap();
    assert_eq!(
        (back.text, back.kept),
        (settings(1).replace("s3cret", "rotated"), vec!["admin.token".to_owned()])
    );
    let refused = history.rollback(Some(&first.id), "[workers]\ncount = 2\n").unwrap_err();
    assert!(matches!(refused, Error::Secrets { .. }), "{refused}");

    let note = Note { kind: Kind::Rollback, author: Author::parse("jane"), reason: None };
    let entry = history.record(&settings(1), &note, NOON_S + 7).unwrap().unwrap();
    assert_eq!((entry.kind, entry.reason.as_str()), (Kind::Rollback, "Back to an earlier version"));
    assert_eq!(history.log(9).unwrap().entries.len(), 3);
    assert_eq!(history.show(&entry.id).unwrap(), history.show(&first.id).unwrap());
    is_sound(&history);
}

/// People may keep house with git, and commit themselves.
#[test]
fn goes_on_after_git_packed_it_and_others_committed() {
    let folder = tempdir().unwrap();
    let history = open(folder.path());
    for number in 1..=5 {
        record(&history, number);
    }
    git_says(&history, &["gc", "--quiet", "--prune=now"]);
    assert!(!history.path().join("refs/heads/main").exists(), "git packed the branch");
    assert_eq!(history.log(10).unwrap().entries.len(), 5);
    record(&history, 6);
    is_sound(&history);
    let tree = git_says(&history, &["rev-parse", "HEAD~1^{tree}"]);
    let identity = ["-c", "user.name=Someone", "-c", "user.email=s@x"];
    let commit = [&identity[..], &["commit-tree", tree.trim(), "-p", "HEAD", "-m", "by git"]].concat();
    let id = git_says(&history, &commit);
    git_says(&history, &["update-ref", "refs/heads/main", id.trim()]);
    let newest = history.log(1).unwrap().entries.remove(0);
    assert_eq!((newest.kind, newest.author.name.as_str()), (Kind::Foreign, "Someone"));
    assert_eq!(history.show(&newest.id).unwrap().lines().last(), Some("count = 5"));
    record(&history, 7);
    assert_eq!(history.log(10).unwrap().entries.len(), 8);
    is_sound(&history);
}

#[test]
fn another_key_is_a_change_and_no_failure() {
    let folder = tempdir().unwrap();
    let history = open(folder.path());
    let first = record(&history, 1);
    fs::write(folder.path().join("config-history.key"), "short").unwrap();
    let again = history.record(&settings(1), &note("new key"), NOON_S).unwrap();
    assert!(again.is_some());
    let back = history.rollback(Some(&first.id), &settings(1)).unwrap();
    assert_eq!((back.text, back.kept), (settings(1), vec!["admin.token".to_owned()]));
}
