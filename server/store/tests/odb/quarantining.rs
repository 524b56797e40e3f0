//! Quarantine: deaths are counted once, a version is taken and comes back.

use busbar_model::{Digest, Timestamp, quarantine::Death};
use busbar_store::{Action, AuditFilter, By, Error, Page};

use crate::fixture::{Fixture, NOW, by, name};

fn death(id: &str, at: Timestamp, present: &[&[u8]], running: Option<&[u8]>) -> Death {
    Death {
        id: id.to_owned(),
        at,
        server: "one".to_owned(),
        cause: "SIGABRT".to_owned(),
        present: present.iter().map(|bytes| Digest::of(bytes)).collect(),
        running: running.map(Digest::of),
    }
}

/// Records deaths of one second each, and tells who was quarantined by the last.
fn die(fixture: &Fixture, deaths: &[(&str, &[&[u8]])]) -> Vec<String> {
    let mut taken = Vec::new();
    for (id, present) in deaths {
        let recorded = fixture.odb.record_death(&by(), &death(id, NOW, present, None)).unwrap();
        taken = recorded.into_iter().map(|plugin| plugin.name.to_string()).collect();
    }
    taken
}

fn is_quarantined(fixture: &Fixture, plugin: &str) -> bool {
    fixture.odb.plugin(plugin).unwrap().active.is_some_and(|active| active.quarantine.is_some())
}

#[test]
fn a_death_counts_once_and_for_ten_minutes() {
    let fixture = Fixture::new();
    fixture.deploy("a", b"a");
    assert!(die(&fixture, &[("1", &[b"a"]), ("1", &[b"a"]), ("1", &[b"a"]), ("2", &[b"a"])]).is_empty());
    let later = By { now: NOW.plus_ms(600_001), ..by() };
    let third = death("3", later.now, &[b"a"], None);
    assert!(fixture.odb.record_death(&later, &third).unwrap().is_empty(), "the others are too long ago");
    let old = death("0", NOW.plus_ms(-1), &[b"a"], None);
    for id in ["4", "5", "6"] {
        let old = Death { id: id.to_owned(), ..old.clone() };
        assert!(fixture.odb.record_death(&later, &old).unwrap().is_empty(), "told too late");
    }
    assert!(!is_quarantined(&fixture, "a"));
}

#[test]
fn the_third_death_quarantines_and_is_told() {
    let fixture = Fixture::new();
    fixture.deploy("a", b"a");
    fixture.deploy("n", b"n");
    let head = fixture.odb.head().unwrap().version;
    let taken = die(&fixture, &[("1", &[b"a", b"n"]), ("2", &[b"a"]), ("3", &[b"a", b"n"])]);
    assert_eq!(taken, ["a"]);
    assert!(is_quarantined(&fixture, "a") && !is_quarantined(&fixture, "n"));
    assert_eq!(fixture.odb.head().unwrap().version, head + 1);
    let entry = fixture.odb.audit(&Page::first(1), &AuditFilter::default()).unwrap().items.remove(0);
    assert_eq!((entry.action, entry.object_name.as_str()), (Action::Quarantine, "a"));
    assert!(entry.after.unwrap()["quarantine"].as_str().unwrap().contains("SIGABRT on one"));
    // More of the same changes nothing.
    assert!(die(&fixture, &[("4", &[b"a"])]).is_empty());
    // Whoever opens the database anew sees it.
    assert!(fixture.another().plugin("a").unwrap().active.unwrap().quarantine.is_some());
    let listed = fixture.odb.plugins(&Page::first(9), &busbar_store::plugin::Filter::default()).unwrap();
    let quarantined = listed.items.iter().filter(|p| p.active.as_ref().unwrap().quarantine.is_some());
    assert_eq!(quarantined.count(), 1);
    assert!(
        fixture.odb.definitions().unwrap().plugin("a").unwrap().active.clone().unwrap().quarantine.is_some()
    );
}

#[test]
fn what_ran_is_held_against_nobody_else() {
    let fixture = Fixture::new();
    for plugin in ["a", "n"] {
        fixture.deploy(plugin, plugin.as_bytes());
    }
    for id in ["1", "2", "3"] {
        fixture.odb.record_death(&by(), &death(id, NOW, &[b"a", b"n"], Some(b"a"))).unwrap();
    }
    assert!(is_quarantined(&fixture, "a") && !is_quarantined(&fixture, "n"));
    assert!(die(&fixture, &[("4", &[b"n"]), ("5", &[b"n"])]).is_empty());
    assert_eq!(die(&fixture, &[("6", &[b"n"])]), ["n"], "by deaths of its own");
}

#[test]
fn a_release_begins_anew() {
    let fixture = Fixture::new();
    fixture.deploy("a", b"a");
    let release = || fixture.odb.release(&by(), "a");
    assert!(matches!(release(), Err(Error::NotQuarantined { .. })));
    assert!(matches!(fixture.odb.release(&by(), "x"), Err(Error::NotFound { .. })));
    die(&fixture, &[("1", &[b"a"]), ("2", &[b"a"]), ("3", &[b"a"])]);
    assert!(release().unwrap().active.unwrap().quarantine.is_none());
    assert!(!is_quarantined(&fixture, "a"));
    let entry = fixture.odb.audit(&Page::first(1), &AuditFilter::default()).unwrap().items.remove(0);
    assert_eq!(entry.action, Action::Release);
    assert!(die(&fixture, &[("4", &[b"a"]), ("5", &[b"a"])]).is_empty());
    assert_eq!(die(&fixture, &[("6", &[b"a"])]), ["a"]);
}

#[test]
fn another_version_is_not_quarantined() {
    let fixture = Fixture::new();
    fixture.deploy("a", b"1");
    die(&fixture, &[("1", &[b"1"]), ("2", &[b"1"]), ("3", &[b"1"])]);
    assert!(is_quarantined(&fixture, "a"));
    fixture.deploy("a", b"2");
    assert!(!is_quarantined(&fixture, "a"));
    // Going back is a person's wish too.
    let back = fixture.odb.rollback(&by(), &name("a"), None).unwrap();
    fixture.odb.compiled_on(&back.id, "here", NOW).unwrap();
    fixture.activate(&back.id).unwrap();
    assert_eq!(fixture.active_digest("a"), Some(Digest::of(b"1")));
    assert!(!is_quarantined(&fixture, "a"));
    assert!(die(&fixture, &[("4", &[b"1"]), ("5", &[b"1"])]).is_empty());
}
