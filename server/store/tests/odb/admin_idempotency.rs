//! Requests with an `Idempotency-Key`: one effect, one reply.

use std::thread;

use busbar_model::{
    bounds::{ADMIN_CLAIM_MS, IDEMPOTENT_REPLY_KEPT_MS},
    unit::StoredReply,
};
use busbar_store::{Begun, Claim, Error, Odb, Page, channel::Filter};

use crate::fixture::{Fixture, NOW, by, draft};

fn begin(odb: &Odb, hash: &str, after_ms: u64) -> Begun {
    odb.begin_request("admin", "key", hash, NOW.plus_ms(i64::try_from(after_ms).unwrap())).unwrap()
}

fn mine(begun: Begun) -> Claim {
    match begun {
        Begun::Mine(claim) => claim,
        other => panic!("{other:?}"),
    }
}

fn reply(status: u16) -> StoredReply {
    StoredReply {
        request_hash: "hash".to_owned(),
        status,
        headers: vec![("etag".to_owned(), b"\"1\"".to_vec())],
        body: b"{}".to_vec(),
    }
}

/// Makes a channel under a claim.
fn make(odb: &Odb, claim: &Claim, answer: Option<StoredReply>) -> Result<(), Error> {
    let work = |odb: &Odb| odb.create_channel(&by(), draft("a", "/a")).map(drop);
    odb.apply_request(claim, work, |()| answer)
}

fn channels(odb: &Odb) -> usize {
    odb.channels(&Page::first(9), &Filter::default()).unwrap().items.len()
}

#[test]
fn a_repeat_gets_the_reply_that_was_committed_with_the_change() {
    let fixture = Fixture::new();
    let claim = mine(begin(&fixture.odb, "hash", 0));
    assert_eq!(begin(&fixture.odb, "hash", 1), Begun::UnderWay);
    make(&fixture.odb, &claim, Some(reply(201))).unwrap();
    assert_eq!(begin(&fixture.another(), "hash", 2), Begun::Answered(reply(201)));
    assert_eq!(begin(&fixture.odb, "other", 2), Begun::Reused);
    let of_another_actor = fixture.odb.begin_request("bob", "key", "other", NOW).unwrap();
    assert!(matches!(of_another_actor, Begun::Mine(_)), "{of_another_actor:?}");
}

#[test]
fn a_change_that_fails_leaves_nothing_and_a_refusal_is_kept() {
    let fixture = Fixture::new();
    fixture.odb.create_channel(&by(), draft("a", "/other")).unwrap();
    let claim = mine(begin(&fixture.odb, "hash", 0));
    assert!(matches!(make(&fixture.odb, &claim, Some(reply(201))), Err(Error::NameTaken { .. })));
    assert_eq!(begin(&fixture.odb, "hash", 1), Begun::UnderWay);
    fixture.odb.answer_request(&claim, &reply(409)).unwrap();
    assert_eq!(begin(&fixture.odb, "hash", 2), Begun::Answered(reply(409)));
    assert_eq!(fixture.odb.head().unwrap().version, 1);
}

/// `create_channel` fails in the middle of the work, which goes on.
#[test]
fn what_fails_within_the_work_is_taken_back_alone() {
    let fixture = Fixture::new();
    fixture.odb.create_channel(&by(), draft("a", "/taken")).unwrap();
    let claim = mine(begin(&fixture.odb, "hash", 0));
    let work = |odb: &Odb| {
        odb.create_channel(&by(), draft("b", "/b"))?;
        let refused = odb.create_channel(&by(), draft("c", "/taken"));
        assert!(matches!(refused, Err(Error::AddressTaken(_))), "{refused:?}");
        assert_eq!(odb.definitions()?.channels.len(), 2);
        odb.create_channel(&by(), draft("c", "/c"))
    };
    fixture.odb.apply_request(&claim, work, |_| None).unwrap();
    assert_eq!((channels(&fixture.another()), fixture.odb.head().unwrap().version), (3, 3));
}

#[test]
fn a_request_that_came_to_nothing_is_tried_again() {
    let fixture = Fixture::new();
    let claim = mine(begin(&fixture.odb, "hash", 0));
    fixture.odb.forget_request(&claim).unwrap();
    mine(begin(&fixture.odb, "hash", 1));
}

/// The process died in between.
#[test]
fn a_request_that_was_only_begun_is_taken_over_and_happens_once() {
    let fixture = Fixture::new();
    let first = mine(begin(&fixture.odb, "hash", 0));
    assert_eq!(begin(&fixture.odb, "hash", ADMIN_CLAIM_MS - 1), Begun::UnderWay);
    let second = mine(begin(&fixture.another(), "hash", ADMIN_CLAIM_MS));
    assert!(matches!(make(&fixture.odb, &first, Some(reply(201))), Err(Error::ClaimTakenOver)));
    assert_eq!(channels(&fixture.odb), 0);
    make(&fixture.odb, &second, Some(reply(201))).unwrap();
    assert!(matches!(fixture.odb.answer_request(&first, &reply(409)), Err(Error::ClaimTakenOver)));
    fixture.odb.forget_request(&first).unwrap();
    assert_eq!(begin(&fixture.odb, "hash", ADMIN_CLAIM_MS + 1), Begun::Answered(reply(201)));
    assert_eq!(channels(&fixture.odb), 1);
}

/// The process died after a change whose reply it was to make later.
#[test]
fn a_change_without_its_reply_is_not_made_again() {
    let fixture = Fixture::new();
    let claim = mine(begin(&fixture.odb, "hash", 0));
    make(&fixture.odb, &claim, None).unwrap();
    fixture.odb.forget_request(&claim).unwrap();
    assert_eq!(begin(&fixture.odb, "hash", 1), Begun::UnderWay);
    assert_eq!(begin(&fixture.odb, "hash", ADMIN_CLAIM_MS), Begun::ReplyLost);
    assert_eq!(channels(&fixture.odb), 1);
    fixture.odb.answer_request(&claim, &reply(201)).unwrap();
    assert_eq!(begin(&fixture.odb, "hash", ADMIN_CLAIM_MS), Begun::Answered(reply(201)));
}

#[test]
fn replies_are_forgotten_when_their_time_is_up() {
    let fixture = Fixture::new();
    let claim = mine(begin(&fixture.odb, "hash", 0));
    fixture.odb.answer_request(&claim, &reply(404)).unwrap();
    assert_eq!(begin(&fixture.odb, "hash", IDEMPOTENT_REPLY_KEPT_MS - 1), Begun::Answered(reply(404)));
    mine(begin(&fixture.odb, "other", IDEMPOTENT_REPLY_KEPT_MS));
}

#[test]
fn of_many_at_once_one_begins() {
    let fixture = Fixture::new();
    let begun: Vec<Begun> = thread::scope(|scope| {
        let one = || scope.spawn(|| begin(&fixture.another(), "hash", 0));
        let all: Vec<_> = (0..8).map(|_| one()).collect();
        all.into_iter().map(|one| one.join().unwrap()).collect()
    });
    assert_eq!(begun.iter().filter(|begun| matches!(begun, Begun::Mine(_))).count(), 1, "{begun:?}");
    assert_eq!(begun.iter().filter(|begun| **begun == Begun::UnderWay).count(), 7, "{begun:?}");
}
