//! Units of work.

use std::{
    sync::{Arc, Barrier, mpsc},
    thread,
};

use busbar_model::{
    delivery::Outcome,
    unit::{Change, CommitError, NonceClaim, ReplyKey, StoredReply, Unit},
};
use busbar_store::{Committer, Error, Sweeping};

use crate::{
    fixture::{Fixture, NOW},
    staging::{handing_over, message, put, settlement, ticking, unit, write},
};

fn answered(key: &str, body: &str) -> Unit {
    let reply = StoredReply {
        request_hash: "hash".to_owned(),
        status: 201,
        headers: vec![("content-type".to_owned(), b"text/plain".to_vec())],
        body: body.as_bytes().to_vec(),
    };
    Unit { reply: Some((reply_key(key), reply)), ..Unit::default() }
}

fn reply_key(key: &str) -> ReplyKey {
    ReplyKey { scope: "channel service caller".to_owned(), key: key.to_owned() }
}

#[test]
fn a_refused_unit_leaves_nothing_and_the_others_are_committed() {
    let fixture = Fixture::new();
    let mut refused = unit(&[("b", put("1"), None), ("c", put("1"), Some(7))]);
    refused.effects.deliver(message("1")).unwrap();
    let mut first = answered("k", "first");
    first.effects = write("a", put("1")).effects;
    let outcomes = fixture.commit(vec![
        first,
        refused,
        unit(&[("b2", put("1"), None), ("a", Change::Add(1), None), ("t", put("no number"), None)]),
        unit(&[("b3", put("1"), None), ("t", Change::Add(1), None)]),
        handing_over([message("2")]),
    ]);
    let expected = [Ok(()), Err(CommitError::Conflict), Ok(()), Err(CommitError::NotANumber), Ok(())];
    assert_eq!(outcomes, expected);
    assert_eq!(fixture.value("a").as_deref(), Some("2"), "a later unit builds on an earlier one");
    for key in ["b", "c", "b3"] {
        assert_eq!(fixture.value(key), None, "{key}");
    }
    assert!(matches!(fixture.odb.delivery("1"), Err(Error::NotFound { .. })));
    assert_eq!(fixture.odb.delivery_payload("2").unwrap(), b"payload of 2");
}

#[test]
fn an_idempotency_key_is_taken_once() {
    let fixture = Fixture::new();
    let mut late = answered("k", "second");
    late.effects = write("a", put("1")).effects;
    assert_eq!(
        fixture.commit(vec![answered("k", "first"), late, answered("other", "x")]),
        [Ok(()), Err(CommitError::KeyTaken), Ok(())]
    );
    assert_eq!(fixture.value("a"), None);
    let kept = fixture.odb.reply(&reply_key("k"), NOW).unwrap().unwrap();
    assert_eq!((kept.status, kept.body.as_slice()), (201, &b"first"[..]));
    assert_eq!(kept.headers, [("content-type".to_owned(), b"text/plain".to_vec())]);
    let elsewhere = ReplyKey { scope: "another".to_owned(), ..reply_key("k") };
    assert_eq!(fixture.odb.reply(&elsewhere, NOW).unwrap(), None);
}

#[test]
fn a_nonce_is_claimed_once_until_it_expires() {
    let fixture = Fixture::new();
    let claiming = |security: &str, nonce: &str, expires_at| {
        let nonce = NonceClaim { security: security.to_owned(), nonce_sha256: nonce.to_owned(), expires_at };
        Unit { nonce: Some(nonce), ..write("a", Change::Add(1)) }
    };
    let later = NOW.plus_ms(1_000);
    let units = vec![
        claiming("1", "n", later),
        claiming("1", "n", later),
        claiming("2", "n", later),
        claiming("1", "old", NOW),
    ];
    assert_eq!(fixture.commit(units), [Ok(()), Err(CommitError::Replayed), Ok(()), Ok(())]);
    assert_eq!(fixture.value("a").as_deref(), Some("3"), "what is refused has no effects");
    assert_eq!(fixture.commit_one(claiming("1", "old", later)), Ok(()));
    assert_eq!(fixture.commit_one(claiming("1", "old", later)), Err(CommitError::Replayed));
    let sweeping = |now| Sweeping { now, confirmed_before: NOW, given_up_before: NOW, runs_before: NOW };
    fixture.odb.sweep(fixture.fence, sweeping(NOW)).unwrap();
    assert_eq!(fixture.commit_one(claiming("1", "n", later)), Err(CommitError::Replayed));
    fixture.odb.sweep(fixture.fence, sweeping(later)).unwrap();
    assert_eq!(fixture.commit_one(claiming("1", "n", later)), Ok(()));
}

#[test]
fn an_attempt_that_lost_its_claim_has_no_effects() {
    let fixture = Fixture::new();
    fixture.hand_over([message("1")]);
    let claimed = fixture.claim_only(0);
    let confirming = |value: &str| {
        let effects = write("effect", put(value)).effects;
        Unit { effects, ..settlement(&claimed, Outcome::Confirmed) }
    };
    assert_eq!(fixture.commit(vec![confirming("1"), confirming("2")]), [Ok(()), Err(CommitError::ClaimLost)]);
    assert_eq!(fixture.value("effect").as_deref(), Some("1"));
}

#[test]
fn nothing_that_many_threads_count_is_lost() {
    const THREADS: usize = 100;
    let fixture = Fixture::new();
    let committer = Committer::start(&fixture.odb, ticking).unwrap();
    let (told, outcomes) = mpsc::channel();
    let together = Barrier::new(THREADS);
    thread::scope(|scope| {
        for _ in 0..THREADS {
            let (told, committer, together) = (told.clone(), &committer, &together);
            scope.spawn(move || {
                together.wait();
                committer.submit(write("n", Change::Add(1)), move |outcome| told.send(outcome).unwrap());
            });
        }
    });
    drop(told);
    let outcomes: Vec<_> = outcomes.iter().collect();
    assert_eq!(outcomes, vec![Ok(()); THREADS]);
    assert_eq!(fixture.value("n"), Some(THREADS.to_string()));
}

#[test]
fn of_two_processes_that_build_on_one_version_one_is_refused() {
    let fixture = Fixture::new();
    fixture.commit_one(write("n", put("0"))).unwrap();
    let handles = [fixture.odb.clone(), fixture.another()];
    let added: usize = thread::scope(|scope| {
        let threads = handles.each_ref().map(|odb| {
            scope.spawn(move || {
                let mut commits = odb.commits();
                let mut added = 0;
                for _ in 0..50 {
                    let seen = odb.kv(&crate::staging::key("n"), NOW).unwrap().unwrap();
                    let unit = unit(&[("n", Change::Add(1), Some(seen.version))]);
                    match commits.commit(ticking, || vec![unit]).unwrap().remove(0) {
                        Ok(()) => added += 1,
                        Err(refused) => assert_eq!(refused, CommitError::Conflict),
                    }
                }
                added
            })
        });
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    assert_eq!(fixture.value("n"), Some(added.to_string()));
    assert!(added >= 50);
}

#[test]
fn what_was_submitted_is_committed_before_the_committer_ends() {
    let fixture = Fixture::new();
    let outcomes = Arc::new(std::sync::Mutex::new(0));
    {
        let committer = Committer::start(&fixture.odb, ticking).unwrap();
        for _ in 0..1_000 {
            let outcomes = Arc::clone(&outcomes);
            committer.submit(write("n", Change::Add(1)), move |outcome| {
                outcome.unwrap();
                *outcomes.lock().unwrap() += 1;
            });
        }
    }
    assert_eq!(*outcomes.lock().unwrap(), 1_000);
    assert_eq!(fixture.value("n").as_deref(), Some("1000"));
}
