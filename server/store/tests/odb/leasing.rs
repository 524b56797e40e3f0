//! One owner at a time, and nothing written by one that was.

use std::thread;

use busbar_store::{Error, Lease, Odb, Sweeping};

use crate::fixture::{Fixture, NOW};

fn sweep(odb: &Odb, fence: busbar_store::Fence) -> Result<bool, Error> {
    let sweeping = Sweeping { now: NOW, confirmed_before: NOW, given_up_before: NOW, runs_before: NOW };
    odb.sweep(fence, sweeping)
}

#[test]
fn a_lease_is_taken_as_it_was_seen_or_not_at_all() {
    let fixture = Fixture::new();
    let seen = fixture.odb.lease().unwrap().unwrap();
    assert_eq!(seen, Lease { owner: "here".to_owned(), fence: 1, renewal: 0 });
    assert_eq!(fixture.odb.take_lease("there", None, NOW).unwrap(), None, "there is one by now");
    fixture.odb.renew_lease(fixture.fence, NOW).unwrap();
    assert_eq!(fixture.odb.take_lease("there", Some(&seen), NOW).unwrap(), None, "its owner lives");
    let seen = fixture.odb.lease().unwrap().unwrap();
    assert_eq!(seen.renewal, 1);
    let fence = fixture.odb.take_lease("there", Some(&seen), NOW).unwrap().unwrap();
    assert_eq!(fence.number(), 2);
    assert!(matches!(fixture.odb.renew_lease(fixture.fence, NOW), Err(Error::Fenced)));
    fixture.odb.renew_lease(fence, NOW).unwrap();
}

#[test]
fn who_was_away_for_too_long_writes_nothing() {
    let fixture = Fixture::new();
    sweep(&fixture.odb, fixture.fence).unwrap();
    let seen = fixture.odb.lease().unwrap();
    let fence = fixture.odb.take_lease("there", seen.as_ref(), NOW).unwrap().unwrap();
    assert!(matches!(sweep(&fixture.odb, fixture.fence), Err(Error::Fenced)));
    fixture.odb.give_up_lease(fixture.fence).unwrap();
    assert_eq!(fixture.odb.lease().unwrap().unwrap().owner, "there", "it is not the old one's to give up");
    sweep(&fixture.odb, fence).unwrap();
    fixture.odb.give_up_lease(fence).unwrap();
    assert_eq!(fixture.odb.lease().unwrap().unwrap(), Lease { owner: String::new(), fence: 2, renewal: 0 });
}

#[test]
fn of_many_who_want_it_one_gets_it() {
    let fixture = Fixture::new();
    for round in 0..5 {
        let seen = fixture.odb.lease().unwrap();
        let handles: Vec<Odb> = (0..4).map(|_| fixture.another()).collect();
        let given = thread::scope(|scope| {
            let all: Vec<_> = handles
                .iter()
                .map(|odb| scope.spawn(|| odb.take_lease("x", seen.as_ref(), NOW).unwrap()))
                .collect();
            all.into_iter().filter_map(|one| one.join().unwrap()).collect::<Vec<_>>()
        });
        assert_eq!(given.len(), 1, "round {round}");
        assert_eq!(given[0].number(), round + 2);
    }
}
