//! The change log and the audit trail.

use std::{
    collections::BTreeSet,
    thread,
    time::{Duration, Instant},
};

use busbar_store::{Action, AuditFilter, ObjectKind, Page};
use serde_json::json;

use crate::fixture::{Fixture, NOW, basic, by, draft, name};

/// How long a reader waits for writers that may have failed.
const PATIENCE: Duration = Duration::from_secs(30);

#[test]
fn concurrent_writers_number_their_changes_in_order_and_without_gaps() {
    let fixture = Fixture::new();
    let handles = [fixture.odb.clone(), fixture.odb.clone(), fixture.another(), fixture.another()];
    let each = 12;
    let begun = Instant::now();
    thread::scope(|scope| {
        for (at, odb) in handles.iter().enumerate() {
            scope.spawn(move || {
                for number in 0..each {
                    odb.create_channel(&by(), draft(&format!("c{at}-{number}"), &format!("/c{at}/{number}")))
                        .unwrap();
                }
            });
        }
        // A reader never meets a number whose predecessors are not there yet.
        scope.spawn(|| {
            let mut seen = 0;
            while seen < 4 * each {
                assert!(begun.elapsed() < PATIENCE, "a writer stopped");
                for change in fixture.odb.changes_after(seen, 100).unwrap() {
                    seen += 1;
                    assert_eq!(change.number, seen);
                }
            }
        });
    });
    let changes = fixture.odb.changes_after(0, 1_000).unwrap();
    let numbers: Vec<i64> = changes.iter().map(|change| change.number).collect();
    assert_eq!(numbers, (1..=4 * each).collect::<Vec<_>>());
    assert_eq!(fixture.odb.head().unwrap().version, 4 * each);
    let names: BTreeSet<_> = changes.iter().map(|change| &change.object_name).collect();
    assert_eq!(names.len(), numbers.len());
}

#[test]
fn definitions_are_those_of_their_version() {
    let fixture = Fixture::new();
    let writer = fixture.another();
    let begun = Instant::now();
    thread::scope(|scope| {
        scope.spawn(|| {
            for number in 0..40 {
                writer.create_channel(&by(), draft(&format!("c{number}"), &format!("/{number}"))).unwrap();
            }
        });
        loop {
            assert!(begun.elapsed() < PATIENCE, "the writer stopped");
            let definitions = fixture.odb.definitions().unwrap();
            assert_eq!(definitions.channels.len(), usize::try_from(definitions.version).unwrap());
            if definitions.version == 40 {
                break;
            }
        }
    });
    assert_eq!(fixture.odb.definitions().unwrap().incarnation, fixture.odb.head().unwrap().incarnation);
}

#[test]
fn changes_are_given_after_a_number_and_in_portions() {
    let fixture = Fixture::new();
    for number in 0..5 {
        fixture.odb.create_channel(&by(), draft(&format!("c{number}"), &format!("/{number}"))).unwrap();
    }
    let numbers = |after, limit| -> Vec<i64> {
        fixture.odb.changes_after(after, limit).unwrap().iter().map(|change| change.number).collect()
    };
    assert_eq!(numbers(0, 2), [1, 2]);
    assert_eq!(numbers(3, 9), [4, 5]);
    assert_eq!(numbers(5, 9), [0_i64; 0]);
}

#[test]
fn the_audit_trail_tells_who_did_what() {
    let fixture = Fixture::new();
    let channel = fixture.odb.create_channel(&by(), draft("a", "/a")).unwrap();
    let rename = |mut draft: busbar_model::channel::Draft| {
        draft.name = name("b");
        Ok::<_, busbar_store::Error>(draft)
    };
    fixture.odb.update_channel(&by(), &channel.id, None, rename).unwrap();
    fixture.odb.delete_channel(&by(), &channel.id, None).unwrap();
    let entries = fixture.odb.audit(&Page::first(10), &AuditFilter::default()).unwrap().items;
    let actions: Vec<_> = entries.iter().map(|entry| (entry.number, entry.action)).collect();
    assert_eq!(actions, [(3, Action::Delete), (2, Action::Update), (1, Action::Create)]);
    let update = &entries[1];
    assert_eq!((update.actor.as_str(), update.correlation_id.as_deref()), ("ada", Some("c-1")));
    assert_eq!((update.object_kind, update.object_id.as_str()), (ObjectKind::Channel, channel.id.as_str()));
    assert_eq!(update.object_name, "b");
    assert_eq!(update.before.as_ref().unwrap()["name"], json!("a"));
    assert_eq!(update.after.as_ref().unwrap()["name"], json!("b"));
    assert_eq!((&entries[0].after, &entries[2].before), (&None, &None));
}

#[test]
fn neither_a_secret_nor_its_hash_reaches_the_audit_trail() {
    let fixture = Fixture::new();
    let made = fixture.odb.create_security(&by(), basic("guard")).unwrap();
    let replace = |mut draft: busbar_store::security::Draft| {
        draft.credential = busbar_model::security::Credential::ApiKey {
            key_id: "k1".to_owned(),
            key_sha256: "hush-too".to_owned(),
        };
        Ok::<_, busbar_store::Error>(draft)
    };
    fixture.odb.update_security(&by(), &made.id, None, replace).unwrap();
    fixture.odb.delete_security(&by(), &made.id, None).unwrap();
    let entries = fixture.odb.audit(&Page::first(10), &AuditFilter::default()).unwrap().items;
    assert_eq!(entries.len(), 3);
    assert!(!format!("{entries:?}").contains("hush"));
    assert_eq!(
        entries[1].after,
        Some(json!({
            "name": "guard", "kind": "api-key", "key_id": "k1", "secret": "replaced"
        }))
    );
}

#[test]
fn an_edit_that_changes_nothing_leaves_no_trace() {
    let fixture = Fixture::new();
    let channel = fixture.odb.create_channel(&by(), draft("a", "/a")).unwrap();
    let same = fixture.odb.update_channel(&by(), &channel.id, None, Ok::<_, busbar_store::Error>).unwrap();
    assert_eq!(same, channel);
    assert_eq!(fixture.odb.head().unwrap().version, 1);
}

#[test]
fn the_trail_says_who_asked_for_a_deployment() {
    let fixture = Fixture::new();
    fixture.deploy("echo", b"1");
    fixture.deploy("echo", b"2");
    let back = fixture.odb.rollback(&by(), &name("echo"), None).unwrap();
    fixture.odb.rollback(&by(), &name("echo"), None).unwrap();
    let of = |filter: &AuditFilter| {
        let entries = fixture.odb.audit(&Page::first(99), filter).unwrap().items;
        entries.into_iter().map(|entry| (entry.action, entry.object_id)).collect::<Vec<_>>()
    };
    let asked = of(&AuditFilter { kind: Some(ObjectKind::Deployment), ..AuditFilter::default() });
    let actions: Vec<_> = asked.iter().map(|(action, _)| *action).collect();
    assert_eq!(actions, [Action::Rollback, Action::Deploy, Action::Deploy]);
    assert_eq!(asked[0].1, back.id);
    let narrow = AuditFilter {
        actor: Some("ada".to_owned()),
        name: Some("echo".to_owned()),
        action: Some(Action::Activate),
        correlation_id: Some("c-1".to_owned()),
        since: Some(NOW),
        until: Some(NOW.plus_ms(1)),
        ..AuditFilter::default()
    };
    assert_eq!(of(&narrow).len(), 2);
    assert_eq!(of(&AuditFilter { until: Some(NOW), ..narrow.clone() }), []);
    assert_eq!(of(&AuditFilter { since: Some(NOW.plus_ms(1)), ..narrow.clone() }), []);
    assert_eq!(of(&AuditFilter { actor: Some("bob".to_owned()), ..narrow }), []);
}
