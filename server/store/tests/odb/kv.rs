//! Values that plugins keep.

use std::collections::BTreeSet;

use busbar_model::{
    Timestamp,
    unit::{ABSENT, Change, CommitError, Key},
};
use busbar_store::{Range, Sweeping};

use crate::{
    fixture::{Fixture, NOW, name},
    staging::{after, key, put, still, unit, write},
};

#[test]
fn a_value_is_kept_until_it_is_deleted() {
    let fixture = Fixture::new();
    assert_eq!(fixture.entry("k"), None);
    fixture.commit_one(write("k", put("one"))).unwrap();
    let first = fixture.entry("k").unwrap();
    assert_eq!(first.value, b"one");
    fixture.commit_one(write("k", put(""))).unwrap();
    let second = fixture.entry("k").unwrap();
    assert_eq!(second.value, b"");
    assert!(second.version > first.version);
    let other = Key { plugin: name("other"), key: "k".to_owned() };
    assert_eq!(fixture.odb.kv(&other, NOW).unwrap(), None);
    fixture.commit_one(write("k", Change::Delete)).unwrap();
    assert_eq!(fixture.entry("k"), None);
    fixture.commit_one(write("k", Change::Delete)).unwrap();
}

#[test]
fn a_write_is_based_on_the_version_that_was_seen() {
    let fixture = Fixture::new();
    fixture.commit_one(write("k", put("1"))).unwrap();
    let seen = fixture.entry("k").unwrap().version;
    fixture.commit_one(unit(&[("k", put("2"), Some(seen))])).unwrap();
    for stale in [put("3"), Change::Delete, Change::Add(1)] {
        let outcome = fixture.commit_one(unit(&[("k", stale, Some(seen))]));
        assert_eq!(outcome, Err(CommitError::Conflict));
    }
    assert_eq!(fixture.value("k").as_deref(), Some("2"));
    let seen = fixture.entry("k").unwrap().version;
    fixture.commit_one(unit(&[("k", Change::Add(1), Some(seen))])).unwrap();
    let seen = fixture.entry("k").unwrap().version;
    fixture.commit_one(unit(&[("k", Change::Delete, Some(seen))])).unwrap();
    assert_eq!(fixture.entry("k"), None);
}

#[test]
fn a_write_may_be_based_on_there_being_nothing() {
    let fixture = Fixture::new();
    fixture.commit_one(unit(&[("k", Change::Delete, Some(ABSENT))])).unwrap();
    fixture.commit_one(unit(&[("k", put("first"), Some(ABSENT))])).unwrap();
    for late in [put("second"), Change::Delete, Change::Add(1)] {
        let outcome = fixture.commit_one(unit(&[("k", late, Some(ABSENT))]));
        assert_eq!(outcome, Err(CommitError::Conflict));
    }
    assert_eq!(fixture.value("k").as_deref(), Some("first"));
    fixture.commit_one(unit(&[("n", Change::Add(2), Some(ABSENT))])).unwrap();
    assert_eq!(fixture.value("n").as_deref(), Some("2"));
}

fn rows(fixture: &Fixture) -> i64 {
    fixture.place.count("kv_entry")
}

#[test]
fn a_value_that_expired_is_as_if_it_had_never_been() {
    let fixture = Fixture::new();
    let short = |value: &str| Change::Put { value: value.as_bytes().to_vec(), expires_at: Some(after(500)) };
    let at = |ms: i64, of: &str| fixture.odb.kv(&key(of), after(ms)).unwrap().map(|entry| entry.value);
    fixture.commit(vec![write("a", short("1")), write("b", short("1")), write("c", put("1"))]);
    let version = fixture.entry("a").unwrap().version;
    assert_eq!(at(499, "a").as_deref(), Some(&b"1"[..]));
    assert_eq!(at(500, "a"), None);
    let listed = |ms: i64| {
        let range = Range { plugin: name("p"), prefix: String::new(), after: None, limit: 10 };
        fixture.odb.kv_range(&range, after(ms)).unwrap().len()
    };
    assert_eq!((listed(499), listed(500)), (3, 1));

    let late = || Timestamp(NOW.0 + 500_000);
    let commit = |unit| fixture.odb.commits().commit(late, || vec![unit]).unwrap().remove(0);
    assert_eq!(commit(unit(&[("a", put("2"), Some(version))])), Err(CommitError::Conflict));
    assert_eq!(commit(unit(&[("a", Change::Delete, Some(version))])), Err(CommitError::Conflict));
    commit(unit(&[("a", put("2"), Some(ABSENT))])).unwrap();
    assert!(fixture.odb.kv(&key("a"), after(501)).unwrap().unwrap().version > version);
    commit(write("b", Change::Add(5))).unwrap();
    assert_eq!(at(9_999, "b").as_deref(), Some(&b"5"[..]), "a counter that begins anew does not expire");
}

#[test]
fn a_later_value_has_an_expiry_of_its_own_and_a_sum_keeps_it() {
    let fixture = Fixture::new();
    let short = Change::Put { value: b"1".to_vec(), expires_at: Some(after(500)) };
    fixture.commit(vec![write("a", short.clone()), write("b", short.clone()), write("c", short)]);
    fixture.commit(vec![write("a", put("2")), write("b", Change::Add(1))]);
    assert_eq!(fixture.odb.kv(&key("a"), after(9_999)).unwrap().unwrap().value, b"2");
    assert_eq!(fixture.odb.kv(&key("b"), after(499)).unwrap().unwrap().value, b"2");
    assert_eq!(fixture.odb.kv(&key("b"), after(500)).unwrap(), None);
    assert_eq!(rows(&fixture), 3);
    let sweeping = |now| Sweeping { now, confirmed_before: NOW, given_up_before: NOW, runs_before: NOW };
    fixture.odb.sweep(fixture.fence, sweeping(after(499))).unwrap();
    assert_eq!(rows(&fixture), 3);
    assert!(!fixture.odb.sweep(fixture.fence, sweeping(after(500))).unwrap());
    assert_eq!(rows(&fixture), 1);
}

#[test]
fn counters_count() {
    let fixture = Fixture::new();
    for by in [5, -7, 0, i64::MAX] {
        fixture.commit_one(write("n", Change::Add(by))).unwrap();
    }
    assert_eq!(fixture.value("n"), Some((i64::MAX - 2).to_string()));
    assert_eq!(fixture.commit_one(write("n", Change::Add(3))), Err(CommitError::NotANumber));
    fixture.commit_one(write("t", put("12 "))).unwrap();
    assert_eq!(fixture.commit_one(write("t", Change::Add(1))), Err(CommitError::NotANumber));
    assert_eq!(fixture.value("t").as_deref(), Some("12 "));
    fixture.commit_one(write("big", Change::Put { value: vec![0xff; 3], expires_at: None })).unwrap();
    assert_eq!(fixture.commit_one(write("big", Change::Add(1))), Err(CommitError::NotANumber));
}

#[test]
fn a_listing_follows_the_bytes_of_the_keys() {
    let fixture = Fixture::new();
    let keys = ["a/\u{10ffff}/x", "b", "a/10", "a", "A", "a/2", "a/é", "a/日本", "a/\u{d7ff}z", "a0", "a/"];
    fixture.commit(keys.iter().map(|key| write(key, put(key))).collect());
    let list = |prefix: &str, after: Option<&str>, limit: u32| -> Vec<String> {
        let (prefix, after) = (prefix.to_owned(), after.map(str::to_owned));
        let found = fixture.odb.kv_range(&Range { plugin: name("p"), prefix, after, limit }, NOW).unwrap();
        assert!(found.iter().all(|(key, entry)| key.as_bytes() == entry.value));
        found.into_iter().map(|(key, _)| key).collect()
    };
    let mut all = keys.to_vec();
    all.sort_unstable();
    assert_eq!(list("", None, 100), all);
    let inside = ["a/", "a/10", "a/2", "a/é", "a/日本", "a/\u{d7ff}z", "a/\u{10ffff}/x"];
    assert_eq!(list("a/", None, 100), inside);
    assert_eq!(list("a/\u{10ffff}", None, 100), ["a/\u{10ffff}/x"]);
    assert_eq!(list("a/\u{d7ff}", None, 100), ["a/\u{d7ff}z"]);
    assert_eq!(list("a/é", None, 100), ["a/é"]);
    assert_eq!(list("z", None, 100), [""; 0]);
    let mut paged: Vec<String> = Vec::new();
    loop {
        let page = list("a/", paged.last().map(String::as_str), 3);
        let ended = page.len() < 3;
        paged.extend(page);
        if ended {
            break;
        }
    }
    assert_eq!(paged, inside);
    assert_eq!(list("a/", Some("a/3"), 2), ["a/é", "a/日本"]);
    let other = Range { plugin: name("other"), prefix: String::new(), after: None, limit: 10 };
    assert_eq!(fixture.odb.kv_range(&other, NOW).unwrap(), []);
}

#[test]
fn a_key_never_has_one_version_twice() {
    let fixture = Fixture::new();
    let mut versions = BTreeSet::new();
    let mut written = 0;
    for _ in 0..20 {
        for change in [put("v"), Change::Add(0), put("w")] {
            if matches!(change, Change::Add(_)) {
                fixture.commit_one(write("k", put("1"))).unwrap();
            }
            fixture.commit_one(write("k", change)).unwrap();
            versions.insert(fixture.entry("k").unwrap().version);
            written += 1;
        }
        fixture.commit_one(write("k", Change::Delete)).unwrap();
    }
    assert_eq!(versions.len(), written);
    assert!(!versions.contains(&ABSENT));
    // In one transaction, too, whose time stands still.
    let units = vec![write("s", put("1")), write("s", put("2"))];
    fixture.odb.commits().commit(still, || units).unwrap();
    let first = fixture.entry("s").unwrap().version;
    assert_eq!(first, NOW.0 + 1);
}
