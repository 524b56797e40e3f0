//! A repository that is damaged is told as such, and can be begun anew.

use std::{fs, path::Path};

use busbar_history::{Error, History};
use tempfile::tempdir;

use crate::{NOON_S, git_says, is_sound, note, open, record, settings};

type Damage = fn(&History);

/// What may have become of a repository.
const DAMAGES: &[(&str, Damage)] = &[
    ("no HEAD", |history| fs::remove_file(history.path().join("HEAD")).unwrap()),
    ("no objects", |history| fs::remove_dir_all(history.path().join("objects")).unwrap()),
    ("an empty branch", |history| fs::write(branch(history), "").unwrap()),
    ("a branch of nonsense", |history| fs::write(branch(history), [0xff; 41]).unwrap()),
    ("a branch to nowhere", |history| fs::write(branch(history), "1".repeat(40)).unwrap()),
    ("an empty commit", |history| spoil(history, "HEAD", b"")),
    ("no tree", |history| fs::remove_file(object(history, "HEAD^{tree}")).unwrap()),
    ("a file of nonsense", |history| spoil(history, "HEAD:busbar.toml", b"nonsense")),
    ("a file that is a folder", |history| {
        let tree = fs::read(object(history, "HEAD^{tree}")).unwrap();
        spoil(history, "HEAD:busbar.toml", &tree);
    }),
    ("a folder where the branch was", |history| {
        fs::remove_file(branch(history)).unwrap();
        fs::create_dir(branch(history)).unwrap();
    }),
    ("no folder at all", |history| {
        fs::remove_dir_all(history.path()).unwrap();
        fs::write(history.path(), "a file").unwrap();
    }),
];

fn branch(history: &History) -> std::path::PathBuf {
    history.path().join("refs/heads/main")
}

fn object(history: &History, name: &str) -> std::path::PathBuf {
    let id = git_says(history, &["rev-parse", name]);
    let (folder, file) = id.trim().split_at(2);
    history.path().join("objects").join(folder).join(file)
}

fn spoil(history: &History, name: &str, bytes: &[u8]) {
    let path = object(history, name);
    fs::remove_file(&path).unwrap();
    fs::write(path, bytes).unwrap();
}

fn with_two(folder: &Path) -> History {
    let history = open(folder);
    record(&history, 1);
    record(&history, 2);
    history
}

#[test]
fn damage_is_told_and_put_aside() {
    for (what, damage) in DAMAGES {
        let folder = tempdir().unwrap();
        let history = with_two(folder.path());
        damage(&history);
        let refused = history.record(&settings(3), &note("x"), NOON_S).expect_err(what);
        assert!(refused.is_damage(), "{what}: {refused:?}");
        let aside = history.set_aside(NOON_S).unwrap();
        assert!(aside.exists() && aside.ends_with(format!("config-history.damaged-{NOON_S}")), "{what}");
        record(&history, 3);
        assert_eq!(history.log(10).unwrap().entries.len(), 1, "{what}");
        is_sound(&history);
    }
}

#[test]
fn versions_above_a_hole_are_told_all_the_same() {
    let folder = tempdir().unwrap();
    let history = with_two(folder.path());
    let first = history.log(2).unwrap().entries.remove(1);
    spoil(&history, "HEAD~1", b"");
    let newest = record(&history, 3);
    let log = history.log(10).unwrap();
    assert_eq!(log.entries.len(), 2);
    assert!(log.damage.is_some_and(|damage| damage.is_damage()));
    history.show(&newest.id).unwrap();
    assert!(history.show(&first.id).unwrap_err().is_damage());
}

/// Neither a full disk nor missing rights are damage: what is there is not put aside for them.
#[test]
fn what_the_system_refuses_is_no_damage() {
    let folder = tempdir().unwrap();
    let history = with_two(folder.path());
    let objects = history.path().join("objects");
    fs::rename(&objects, folder.path().join("kept")).unwrap();
    // A loop of links is refused by the system, also where root asks.
    std::os::unix::fs::symlink("objects", &objects).unwrap();
    let refused = history.log(1).unwrap_err();
    fs::remove_file(&objects).unwrap();
    fs::rename(folder.path().join("kept"), &objects).unwrap();
    assert!(matches!(refused, Error::Io { .. } | Error::Objects { .. }), "{refused:?}");
    assert_eq!(history.log(5).unwrap().entries.len(), 2);
    let missing = open(&folder.path().join("missing"));
    assert!(matches!(missing.record("[x]\n", &note("x"), NOON_S), Err(Error::Io { .. })));
}
