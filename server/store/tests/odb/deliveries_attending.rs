//! Deliveries: what a person sees of them and does about them.

use busbar_model::{
    Timestamp,
    delivery::{DeliveryState, Outcome},
};
use busbar_store::{Action, AuditFilter, DeliveryFilter, Error, ObjectKind, Page, Retry, Sweeping};

use crate::{
    fixture::{Fixture, NOW, by, name},
    staging::{CLAIM_MS, LONG_MS, after, failure, ids, message, ordered},
};

fn fail(fixture: &Fixture, ms: i64) {
    for claimed in fixture.claim(ms) {
        let given_up = Outcome::GivenUp { state: DeliveryState::Failed, failure: failure(1, "refused") };
        fixture.settle(&claimed, given_up).unwrap();
    }
}

#[test]
fn a_retry_is_a_compare_and_swap() {
    let fixture = Fixture::new();
    fixture.hand_over([message("1")]);
    fail(&fixture, 0);
    let seen = fixture.delivery("1");
    assert_eq!((seen.state, seen.attempts, seen.due_at), (DeliveryState::Failed, 1, None));
    let stale = fixture.odb.retry_delivery(&by(), "1", Some(seen.revision - 1), &Retry::default());
    let current = seen.revision;
    assert!(matches!(stale, Err(Error::RevisionMismatch { current: c }) if c == current), "{stale:?}");
    assert_eq!(fixture.delivery("1"), seen);
    let retried = fixture.odb.retry_delivery(&by(), "1", Some(seen.revision), &Retry::default()).unwrap();
    assert_eq!((retried.state, retried.attempts, retried.due_at), (DeliveryState::Waiting, 0, Some(NOW)));
    assert_eq!(retried.failures, seen.failures, "what was learned is not forgotten");
    assert_eq!(fixture.delivery("1"), retried);
    let twice = fixture.odb.retry_delivery(&by(), "1", Some(seen.revision), &Retry::default());
    assert!(matches!(twice, Err(Error::RevisionMismatch { .. })), "{twice:?}");

    let claimed = fixture.claim_only(0);
    assert_eq!((claimed.attempt, claimed.payload.as_slice()), (1, &b"payload of 1"[..]));
    let given_up = Outcome::GivenUp { state: DeliveryState::Failed, failure: failure(1, "refused") };
    fixture.settle(&claimed, given_up).unwrap();
    assert_eq!(fixture.delivery("1").failures.len(), 2, "the same reason again is another failure");
}

#[test]
fn a_retry_may_send_something_else() {
    let fixture = Fixture::new();
    fixture.hand_over([message("1")]);
    fail(&fixture, 0);
    let retry = Retry { payload: Some(b"{}".to_vec()), content_type: Some("application/json".to_owned()) };
    let stale = fixture.odb.retry_delivery(&by(), "1", Some(1), &retry);
    assert!(matches!(stale, Err(Error::RevisionMismatch { .. })));
    assert_eq!(fixture.odb.delivery_payload("1").unwrap(), b"payload of 1");
    let retried = fixture.odb.retry_delivery(&by(), "1", None, &retry).unwrap();
    assert_eq!((retried.payload_bytes, retried.content_type.as_deref()), (2, Some("application/json")));
    let retry = Retry { payload: Some(b"[]".to_vec()), content_type: None };
    fixture.odb.retry_delivery(&by(), "1", None, &retry).unwrap();
    let claimed = fixture.claim_only(0);
    assert_eq!((claimed.payload.as_slice(), claimed.content_type), (&b"[]"[..], retried.content_type));
}

#[test]
fn what_expired_gets_new_time() {
    let fixture = Fixture::new();
    fixture.hand_over([message("1")]);
    assert!(fixture.claim(LONG_MS).is_empty());
    assert_eq!(fixture.delivery("1").state, DeliveryState::Expired);
    let mut late = by();
    late.now = after(2 * LONG_MS);
    let retried = fixture.odb.retry_delivery(&late, "1", None, &Retry::default()).unwrap();
    assert!(retried.expires_at > after(3 * LONG_MS));
    assert_eq!(fixture.claim(2 * LONG_MS).len(), 1);
}

#[test]
fn only_what_is_open_can_be_retried_or_discarded() {
    let fixture = Fixture::new();
    fixture.hand_over([message("1")]);
    let refused = |expected: DeliveryState| {
        for outcome in [
            fixture.odb.retry_delivery(&by(), "1", None, &Retry::default()),
            fixture.odb.discard_delivery(&by(), "1", None),
        ] {
            let error = outcome.unwrap_err();
            assert!(matches!(&error, Error::DeliveryState { state, .. } if *state == expected), "{error}");
            assert!(error.to_string().contains(expected.as_str()), "{error}");
        }
    };
    let claimed = fixture.claim_only(0);
    refused(DeliveryState::InProgress);
    assert!(fixture.claim(CLAIM_MS).is_empty());
    assert_eq!(fixture.delivery("1").state, DeliveryState::InDoubt);
    fixture.odb.retry_delivery(&by(), "1", None, &Retry::default()).unwrap();
    fixture.odb.discard_delivery(&by(), "1", None).unwrap();
    refused(DeliveryState::Discarded);
    assert!(fixture.settle(&claimed, Outcome::Confirmed).is_err());
    assert!(fixture.claim(LONG_MS / 2).is_empty());

    fixture.hand_over([message("2")]);
    fixture.settle(&fixture.claim_only(0), Outcome::Confirmed).unwrap();
    let error = fixture.odb.discard_delivery(&by(), "2", None).unwrap_err();
    assert!(matches!(error, Error::DeliveryState { state: DeliveryState::Confirmed, .. }), "{error}");
    for missing in [
        fixture.odb.retry_delivery(&by(), "none", None, &Retry::default()).map(drop),
        fixture.odb.discard_delivery(&by(), "none", None).map(drop),
        fixture.odb.delivery("none").map(drop),
        fixture.odb.delivery_payload("none").map(drop),
    ] {
        assert!(matches!(missing, Err(Error::NotFound { .. })), "{missing:?}");
    }
}

#[test]
fn a_retried_one_with_an_order_key_waits_for_its_turn() {
    let fixture = Fixture::new();
    fixture.hand_over(["1", "2", "3"].map(ordered));
    fail(&fixture, 0);
    let second = fixture.claim_only(0);
    assert_eq!(second.id, "2");
    let retried = fixture.odb.retry_delivery(&by(), "1", None, &Retry::default()).unwrap();
    assert_eq!((retried.state, retried.due_at), (DeliveryState::Waiting, None), "another is under way");
    let behind = fixture.odb.retry_delivery(&by(), "3", None, &Retry::default()).unwrap();
    assert_eq!(behind.due_at, None, "a retry does not jump the queue");
    assert!(fixture.claim(1).is_empty());
    fixture.settle(&second, Outcome::Confirmed).unwrap();
    let first = fixture.claim_only(1);
    assert_eq!(first.id, "1");
    fixture.settle(&first, Outcome::Confirmed).unwrap();
    assert_eq!(fixture.claim_only(2).id, "3");

    // One that has the turn and waits for its next attempt is attempted at once.
    let mut later = ordered("4");
    (later.target, later.due_at) = (name("printer").into(), after(50_000));
    fixture.hand_over([later]);
    fixture.odb.retry_delivery(&by(), "4", None, &Retry::default()).unwrap();
    assert_eq!(ids(&fixture.claim(3)), ["4"]);
}

#[test]
fn what_a_person_does_is_on_record_without_what_is_delivered() {
    let fixture = Fixture::new();
    fixture.hand_over([message("1")]);
    assert_eq!(
        fixture.odb.audit(&Page::first(10), &AuditFilter::default()).unwrap().items,
        [],
        "a delivery is no definition"
    );
    let retry = Retry { payload: Some(b"hush-hush".to_vec()), content_type: None };
    fixture.odb.retry_delivery(&by(), "1", None, &retry).unwrap();
    fixture.odb.discard_delivery(&by(), "1", None).unwrap();
    let told = fixture.odb.audit(&Page::first(10), &AuditFilter::default()).unwrap().items;
    let actions: Vec<_> = told.iter().map(|entry| (entry.number, entry.action)).collect();
    assert_eq!(actions, [(2, Action::Discard), (1, Action::Retry)]);
    for entry in &told {
        assert_eq!((entry.object_kind, entry.object_id.as_str()), (ObjectKind::Delivery, "1"));
        assert_eq!((entry.object_name.as_str(), entry.actor.as_str()), ("mailer", "ada"));
        let text = format!("{entry:?}");
        assert!(!text.contains("hush") && !text.contains("payload of"), "{text}");
    }
    let (before, after) = (told[0].before.as_ref().unwrap(), told[0].after.as_ref().unwrap());
    assert_eq!((&before["state"], &after["state"]), (&"waiting".into(), &"discarded".into()));
    assert_eq!(before["payload_bytes"], 9);
}

#[test]
fn lists_are_filtered_by_field() {
    let fixture = Fixture::new();
    let mut other = message("2");
    (other.target, other.source) = (name("printer").into(), None);
    fixture.hand_over([message("1"), other, message("3")]);
    fixture.odb.discard_delivery(&by(), "3", None).unwrap();
    let found = |filter: DeliveryFilter| -> Vec<String> {
        let page = fixture.odb.deliveries(&Page::first(10), &filter).unwrap();
        page.items.into_iter().map(|delivery| delivery.id).collect()
    };
    let all = DeliveryFilter::default;
    assert_eq!(found(all()), ["3", "2", "1"]);
    assert_eq!(found(DeliveryFilter { state: Some(DeliveryState::Waiting), ..all() }), ["2", "1"]);
    assert_eq!(found(DeliveryFilter { target: Some("printer".into()), ..all() }), ["2"]);
    assert_eq!(found(DeliveryFilter { source: Some("shop".into()), ..all() }), ["3", "1"]);
    assert_eq!(found(DeliveryFilter { correlation_id: Some("c-1".into()), ..all() }), ["1"]);
    let counts = fixture.odb.delivery_counts().unwrap();
    let expected = DeliveryState::ALL.map(|state| match state {
        DeliveryState::Waiting => (state, 2),
        DeliveryState::Discarded => (state, 1),
        _ => (state, 0),
    });
    assert_eq!(counts, expected);
    let page = fixture.odb.deliveries(&Page::first(2), &all()).unwrap();
    let rest = fixture.odb.deliveries(&Page { limit: 2, before: page.next }, &all()).unwrap();
    assert_eq!((rest.items[0].id.as_str(), rest.next), ("1", None));
}

#[test]
fn what_ended_is_forgotten_by_its_age() {
    let fixture = Fixture::new();
    fixture.hand_over(["1", "2", "3"].map(message));
    let claimed = fixture.claim(0);
    fixture.settle(&claimed[0], Outcome::Confirmed).unwrap();
    fixture.odb.abandon("one", &|_| true, after(1)).unwrap();
    fixture.claim(1);
    fixture.odb.discard_delivery(&by(), "2", None).unwrap();
    let left = |confirmed_before: Timestamp, given_up_before: Timestamp| {
        fixture
            .odb
            .sweep(fixture.fence, Sweeping { now: NOW, confirmed_before, given_up_before, runs_before: NOW })
            .unwrap();
        ["1", "2", "3"].map(|id| fixture.odb.delivery(id).is_ok())
    };
    assert_eq!(left(NOW, NOW), [true, true, true]);
    assert_eq!(left(NOW, after(1)), [true, false, true], "each kind has an age of its own");
    assert_eq!(left(after(1), after(LONG_MS)), [false, false, true], "what is open stays");
    assert!(matches!(fixture.odb.delivery_payload("1"), Err(Error::NotFound { .. })));
    assert_eq!(fixture.odb.delivery_payload("3").unwrap(), b"payload of 3");
}
