//! Many who write at the same time, through handles that share nothing.

use std::{
    collections::BTreeSet,
    sync::{
        Barrier,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use busbar_model::{
    delivery::Outcome,
    unit::{Change, CommitError},
};
use busbar_store::{Error, Odb};

use crate::{
    fixture::{Fixture, by, draft},
    staging::{claim_as, handing_over, message, settlement, ticking, unit},
};

const THREADS: usize = 8;

/// Runs as many threads as there are, half of them on each of two handles.
fn race(fixture: &Fixture, work: impl Fn(usize, &Odb) + Sync) {
    let handles = [Odb::open(&fixture.place.url(), 8).unwrap(), Odb::open(&fixture.place.url(), 8).unwrap()];
    let barrier = Barrier::new(THREADS);
    thread::scope(|scope| {
        for at in 0..THREADS {
            let (odb, work, barrier) = (&handles[at % 2], &work, &barrier);
            scope.spawn(move || {
                barrier.wait();
                work(at, odb);
            });
        }
    });
}

#[test]
fn increments_sum_up() {
    const EACH: usize = 40;
    let fixture = Fixture::new();
    race(&fixture, |at, odb| {
        let mut commits = odb.commits();
        for round in 0..EACH {
            // In opposite orders, two of a batch at once.
            let keys = if at % 2 == 0 { ["a", "b"] } else { ["b", "a"] };
            let units = keys.map(|key| unit(&[(key, Change::Add(1), None), ("c", Change::Add(1), None)]));
            let done = commits.commit(ticking, || units.to_vec()).unwrap();
            assert!(done.iter().all(Result::is_ok), "{at} {round}: {done:?}");
        }
    });
    let sum = (THREADS * EACH).to_string();
    assert_eq!((fixture.value("a"), fixture.value("b")), (Some(sum.clone()), Some(sum)));
    assert_eq!(fixture.value("c"), Some((2 * THREADS * EACH).to_string()));
}

#[test]
fn of_many_that_make_a_key_one_does() {
    let fixture = Fixture::new();
    let made = AtomicUsize::new(0);
    race(&fixture, |_, odb| {
        let mut commits = odb.commits();
        for number in 0..20 {
            let first = unit(&[(&format!("k{number}"), Change::Add(1), Some(busbar_model::unit::ABSENT))]);
            match commits.commit(ticking, || vec![first]).unwrap().remove(0) {
                Ok(()) => drop(made.fetch_add(1, Ordering::Relaxed)),
                Err(refused) => assert_eq!(refused, CommitError::Conflict),
            }
        }
    });
    assert_eq!(made.into_inner(), 20);
}

#[test]
fn changes_have_no_gaps() {
    let fixture = Fixture::new();
    race(&fixture, |at, odb| {
        for number in 0..10 {
            odb.create_channel(&by(), draft(&format!("c{at}-{number}"), &format!("/{at}/{number}"))).unwrap();
            // All but one of these change nothing, and number nothing.
            match odb.create_channel(&by(), draft("same", "/same")) {
                Ok(_) | Err(Error::NameTaken { .. }) => {}
                Err(other) => panic!("{other:?}"),
            }
        }
    });
    let changes = fixture.odb.changes_after(0, 1_000).unwrap();
    let numbers: Vec<i64> = changes.iter().map(|change| change.number).collect();
    assert_eq!(numbers, (1..=i64::try_from(THREADS * 10 + 1).unwrap()).collect::<Vec<_>>());
}

/// While some hand over with one order key, others attempt and settle: never two of them are under way at once, and
/// in the end nothing is left behind.
#[test]
fn what_is_in_order_stays_so() {
    const EACH: usize = 15;
    let fixture = Fixture::new();
    let (under_way, settled) = (AtomicUsize::new(0), AtomicUsize::new(0));
    race(&fixture, |at, odb| {
        let mut commits = odb.commits();
        if at < THREADS / 2 {
            for number in 0..EACH {
                let mut new = message(&format!("{at}-{number:02}"));
                new.order_key = Some("one".to_owned());
                let done = commits.commit(ticking, || vec![handing_over([new])]).unwrap();
                assert_eq!(done, [Ok(())]);
            }
            return;
        }
        while settled.load(Ordering::SeqCst) < EACH * THREADS / 2 {
            for claimed in claim_as(odb, "one", 1_000_000, 3).claimed {
                assert_eq!(under_way.fetch_add(1, Ordering::SeqCst), 0, "two are under way");
                under_way.fetch_sub(1, Ordering::SeqCst);
                let done =
                    commits.commit(ticking, || vec![settlement(&claimed, Outcome::Confirmed)]).unwrap();
                assert_eq!(done, [Ok(())]);
                settled.fetch_add(1, Ordering::SeqCst);
            }
        }
    });
    assert_eq!(fixture.place.count("delivery WHERE next_us IS NOT NULL"), 0);
}

#[test]
fn a_delivery_is_claimed_once() {
    let fixture = Fixture::new();
    fixture.hand_over((0..200).map(|number| message(&format!("{number:03}"))));
    let claimed = std::sync::Mutex::new(Vec::new());
    race(&fixture, |_, odb| {
        loop {
            let mine = claim_as(odb, "one", 0, 5).claimed;
            if mine.is_empty() {
                break;
            }
            claimed.lock().unwrap().extend(mine.into_iter().map(|claimed| claimed.id));
        }
    });
    let claimed = claimed.into_inner().unwrap();
    assert_eq!((claimed.len(), claimed.iter().collect::<BTreeSet<_>>().len()), (200, 200));
}
