//! Deliveries: from being handed over to their end, as workers see them.

use std::{collections::BTreeSet, thread};

use busbar_model::{
    bounds,
    delivery::{DeliveryState, Outcome, Policy, Properties, Target},
    unit::CommitError,
};
use busbar_store::{Claiming, DeliveryFilter, Page};

use crate::{
    fixture::{Fixture, by, name},
    staging::{
        CLAIM_MS, LEASE_MS, LONG_MS, after, again, claim_as, failure, ids, message, ordered, settlement,
    },
};

#[test]
fn a_delivery_is_claimed_when_it_is_due_and_confirmed_once() {
    let fixture = Fixture::new();
    let mut later = message("2");
    later.due_at = after(5_000);
    fixture.hand_over([message("1"), later]);
    assert_eq!(fixture.odb.next_delivery(&[]).unwrap(), Some(after(0)));
    let claimed = fixture.claim_only(0);
    assert_eq!((claimed.id.as_str(), claimed.attempt), ("1", 1));
    assert_eq!(claimed.payload, b"payload of 1");
    assert_eq!(
        (claimed.target.to_string(), claimed.content_type.as_deref()),
        ("mailer".to_owned(), Some("text/plain"))
    );
    assert_eq!((claimed.source, claimed.correlation_id.as_str()), (Some(name("shop")), "c-1"));
    assert_eq!(fixture.delivery("1").state, DeliveryState::InProgress);
    assert_eq!(fixture.odb.next_delivery(&[]).unwrap(), Some(after(5_000)));
    assert_eq!(fixture.odb.next_delivery(&[name("mailer").into()]).unwrap(), None);
    assert!(fixture.claim(4_999).is_empty());
    let claimed = claim_as(&fixture.odb, "one", 5_000, 1);
    assert_eq!((ids(&claimed.claimed), claimed.more), (vec!["2"], true));
    let first = fixture.delivery("1");
    fixture.settle(&claimed.claimed[0], Outcome::Confirmed).unwrap();
    let second = fixture.delivery("2");
    assert_eq!((second.state, second.attempts, second.due_at), (DeliveryState::Confirmed, 1, None));
    assert!(second.failures.is_empty() && second.revision > first.revision);
    let repeated = fixture.settle(&claimed.claimed[0], Outcome::Confirmed);
    assert_eq!(repeated, Err(CommitError::ClaimLost));
}

#[test]
fn one_of_an_order_key_is_attempted_at_a_time() {
    let fixture = Fixture::new();
    let mut elsewhere = ordered("7");
    elsewhere.target = name("printer").into();
    fixture.hand_over(["1", "2", "3", "4", "5"].map(ordered));
    fixture.hand_over([message("6"), elsewhere]);
    let claimed = fixture.claim(0);
    assert_eq!(ids(&claimed), ["1", "6", "7"], "other keys and targets do not wait");
    assert_eq!(fixture.delivery("2").due_at, None, "its time is not known yet");
    assert!(fixture.claim(1).is_empty());

    // Another attempt of the first comes before the next one's turn.
    fixture.settle(&claimed[0], again(1_000, 1)).unwrap();
    assert!(fixture.claim(999).is_empty());
    let first = fixture.claim_only(1_000);
    assert_eq!((first.id.as_str(), first.attempt), ("1", 2));
    fixture.settle(&first, Outcome::Confirmed).unwrap();

    let second = fixture.claim_only(2_000);
    assert_eq!(second.id, "2");
    let failed = Outcome::GivenUp { state: DeliveryState::Failed, failure: failure(1, "refused") };
    fixture.settle(&second, failed).unwrap();

    let third = fixture.claim_only(2_001);
    assert_eq!(third.id, "3");
    fixture.settle(&third, again(10_000, 1)).unwrap();
    fixture.odb.discard_delivery(&by(), "3", None).unwrap();

    assert_eq!(fixture.claim_only(2_002).id, "4");
    assert_eq!(
        fixture.odb.abandon("one", &|_| true, after(LONG_MS)).unwrap(),
        3,
        "those of the others are open"
    );
    assert!(fixture.claim(LONG_MS).is_empty(), "in doubt, and again only after a pause");
    assert!(fixture.claim(LONG_MS + 60_000).is_empty(), "too late for the fourth and for the fifth");
    let states = ["1", "2", "3", "4", "5"].map(|id| fixture.delivery(id).state);
    use DeliveryState::{Confirmed, Discarded, Expired, Failed};
    assert_eq!(states[..4], [Confirmed, Failed, Discarded, Expired]);
    assert!(fixture.claim(LONG_MS + 60_000).is_empty());
    assert_eq!(fixture.delivery("5").state, Expired);
}

#[test]
fn one_that_comes_late_but_is_older_does_not_run_beside_another() {
    let fixture = Fixture::new();
    // The id of the older one was made first, its unit was committed last.
    fixture.hand_over([ordered("5"), ordered("6")]);
    let first = fixture.claim_only(0);
    fixture.hand_over([ordered("4")]);
    fixture.odb.discard_delivery(&by(), "6", None).unwrap();
    assert!(fixture.claim(1).is_empty(), "that another one ends is not the turn of this one");
    fixture.settle(&first, Outcome::Confirmed).unwrap();
    assert_eq!(fixture.claim_only(2).id, "4");
}

#[test]
fn an_attempt_of_which_nothing_is_heard_is_in_doubt_and_made_again() {
    let fixture = Fixture::new();
    let mut new = ordered("1");
    new.policy = Policy { attempts_max: 2, ..new.policy };
    fixture.hand_over([new, ordered("2")]);
    let lost = fixture.claim_only(0);
    assert!(fixture.claim(CLAIM_MS - 1).is_empty());
    assert!(fixture.claim(CLAIM_MS).is_empty(), "it is made again after a pause");
    let doubted = fixture.delivery("1");
    assert_eq!((doubted.state, doubted.attempts), (DeliveryState::InDoubt, 1));
    assert_eq!(doubted.due_at, Some(after(CLAIM_MS + 500)));
    assert_eq!(doubted.failures[0].code, "claim-expired");
    assert_eq!(fixture.settle(&lost, Outcome::Confirmed), Err(CommitError::ClaimLost));

    let second = fixture.claim_only(CLAIM_MS + 500);
    assert_eq!((second.id.as_str(), second.attempt), ("1", 2));
    assert!(fixture.claim(2 * CLAIM_MS + 500).is_empty());
    let ended = fixture.delivery("1");
    assert_eq!((ended.state, ended.attempts, ended.due_at), (DeliveryState::InDoubt, 2, None));
    assert_eq!(ended.failures.iter().map(|failure| failure.attempt).collect::<Vec<_>>(), [1, 2]);
    assert_eq!(fixture.claim_only(2 * CLAIM_MS + 501).id, "2", "the next one's turn");
}

#[test]
fn the_claims_of_a_dead_worker_need_not_expire() {
    let fixture = Fixture::new();
    fixture.hand_over([message("1"), message("2")]);
    assert_eq!(claim_as(&fixture.odb, "server/0/dead", 0, 1).claimed.len(), 1);
    assert_eq!(claim_as(&fixture.odb, "server/0/alive", 0, 1).claimed.len(), 1);
    let is_gone = |owner: &str| owner.ends_with("dead");
    assert_eq!(fixture.odb.abandon("serve", &|_| true, after(1)).unwrap(), 0, "another server's");
    assert_eq!(fixture.odb.abandon("server/0/d", &|_| true, after(1)).unwrap(), 0);
    assert_eq!(fixture.odb.abandon("server", &is_gone, after(1)).unwrap(), 1);
    assert!(fixture.claim(1).is_empty());
    let states = ["1", "2"].map(|id| fixture.delivery(id).state);
    assert_eq!(states, [DeliveryState::InDoubt, DeliveryState::InProgress]);
    assert_eq!(fixture.odb.abandon("server", &is_gone, after(2)).unwrap(), 0);
    assert_eq!(fixture.claim_only(501).id, "1");
}

#[test]
fn a_target_that_is_away_is_waited_for() {
    let fixture = Fixture::new();
    fixture.hand_over([message("1")]);
    let look = |ms: i64, there: bool| {
        let lease_ms = |_: &Target| there.then_some(LEASE_MS);
        let now = after(ms);
        let claiming = Claiming { owner: "one", now, limit: 10, busy: &[], lease_ms: &lease_ms, random: 0.0 };
        fixture.odb.claim(&claiming).unwrap().claimed
    };
    for ms in [0, 2_000, 4_000] {
        assert!(look(ms, false).is_empty());
        assert_eq!(fixture.odb.next_delivery(&[]).unwrap(), Some(after(ms + 2_000)));
    }
    let waiting = fixture.delivery("1");
    assert_eq!((waiting.state, waiting.attempts, waiting.revision), (DeliveryState::Waiting, 0, 1));
    let mut claimed = look(6_000, true).remove(0);
    assert_eq!(claimed.attempt, 1);
    // It went away between the claim and the attempt.
    for ms in [7_000, 8_000, 9_000] {
        let away =
            Outcome::Again { at: after(ms), failure: failure(1, "service-not-deployed"), counted: false };
        fixture.settle(&claimed, away).unwrap();
        claimed = look(ms, true).remove(0);
        assert_eq!(claimed.attempt, 1);
    }
    let waiting = fixture.delivery("1");
    assert_eq!((waiting.attempts, waiting.failures.len()), (1, 1), "said once, not each time");
    assert!(look(LONG_MS + CLAIM_MS, false).is_empty());
    assert!(look(LONG_MS + CLAIM_MS + 60_000, false).is_empty());
    assert_eq!(fixture.delivery("1").state, DeliveryState::Expired);
}

#[test]
fn what_is_not_delivered_in_time_expires() {
    let fixture = Fixture::new();
    let mut short = message("1");
    short.expires_at = after(1_000);
    let mut busy = message("2");
    busy.target = name("busy").into();
    fixture.hand_over([short, busy]);
    let lease_ms = |_: &Target| Some(LEASE_MS);
    let (now, enough) = (after(1_000), [name("busy").into()]);
    let claiming = Claiming { owner: "one", now, limit: 10, busy: &enough, lease_ms: &lease_ms, random: 0.0 };
    assert!(fixture.odb.claim(&claiming).unwrap().claimed.is_empty());
    let expired = fixture.delivery("1");
    assert_eq!((expired.state, expired.attempts, expired.due_at), (DeliveryState::Expired, 0, None));
    assert_eq!(expired.updated_at, after(1_000));
    assert_eq!(fixture.delivery("2").state, DeliveryState::Waiting, "enough is under way at its target");
}

#[test]
fn failures_are_remembered_within_bounds() {
    let fixture = Fixture::new();
    let mut new = message("1");
    new.policy.attempts_max = 100;
    fixture.hand_over([new]);
    let attempts = u32::try_from(bounds::DELIVERY_FAILURES_KEPT).unwrap() + 5;
    for attempt in 1..=attempts {
        let claimed = fixture.claim_only(i64::from(attempt));
        assert_eq!(claimed.attempt, attempt);
        fixture.settle(&claimed, again(i64::from(attempt) + 1, attempt)).unwrap();
    }
    let failed = fixture.delivery("1");
    assert_eq!(failed.failures.len(), bounds::DELIVERY_FAILURES_KEPT);
    assert_eq!((failed.failures[0].attempt, failed.failures.last().unwrap().attempt), (6, attempts));
    assert_eq!(failed.failures[0].message, "because of not-yet");
}

#[test]
fn two_claimers_never_get_one_delivery() {
    const DELIVERIES: usize = 120;
    let fixture = Fixture::new();
    fixture.hand_over((0..DELIVERIES).map(|number| message(&format!("{number:03}"))));
    let handles = [fixture.odb.clone(), fixture.another(), fixture.another()];
    let claimed: Vec<String> = thread::scope(|scope| {
        let threads = handles.each_ref().map(|odb| {
            scope.spawn(move || {
                let mut mine = Vec::new();
                loop {
                    let claims = claim_as(odb, "one", 0, 7);
                    let more = claims.more;
                    mine.extend(claims.claimed);
                    if !more {
                        break;
                    }
                }
                let settled = mine.iter().map(|claimed| settlement(claimed, Outcome::Confirmed)).collect();
                let outcomes = odb.commits().commit(crate::staging::ticking, || settled).unwrap();
                assert!(outcomes.iter().all(Result::is_ok), "{outcomes:?}");
                mine.into_iter().map(|claimed| claimed.id).collect::<Vec<_>>()
            })
        });
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(claimed.len(), DELIVERIES);
    assert_eq!(claimed.iter().collect::<BTreeSet<_>>().len(), DELIVERIES);
}

#[test]
fn a_message_for_a_broker_keeps_what_goes_with_it() {
    let fixture = Fixture::new();
    let target: Target = "amqp:broker/shop/orders.new".parse().unwrap();
    let properties = Properties {
        headers: vec![("x-b".to_owned(), "2".to_owned()), ("x-a".to_owned(), "1".to_owned())],
        message_id: Some("m-1".to_owned()),
        priority: Some(9),
        ..Properties::default()
    };
    let mut new = message("1");
    (new.target, new.properties) = (target.clone(), properties.clone());
    fixture.hand_over([new, message("2")]);
    let stored = fixture.odb.delivery("1").unwrap();
    assert_eq!((&stored.target, &stored.properties), (&target, &properties));
    assert!(fixture.odb.delivery("2").unwrap().properties.is_empty());
    let filter = DeliveryFilter { target: Some(target.to_string()), ..DeliveryFilter::default() };
    assert_eq!(fixture.odb.deliveries(&Page::first(10), &filter).unwrap().items, [stored]);
    assert_eq!(fixture.odb.next_delivery(&[name("mailer").into(), target.clone()]).unwrap(), None);
    let lease_ms = |target: &Target| matches!(target, Target::Amqp { .. }).then_some(LEASE_MS);
    let claiming =
        Claiming { owner: "one", now: after(0), limit: 10, busy: &[], lease_ms: &lease_ms, random: 0.0 };
    let claims = fixture.odb.claim(&claiming).unwrap().claimed;
    assert_eq!(ids(&claims), ["1"]);
    assert_eq!((&claims[0].target, &claims[0].properties), (&target, &properties));
}
