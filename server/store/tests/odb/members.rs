//! Members of the cluster and whom they trust.

use std::thread;

use busbar_store::{Confirmed, Error, JoinOffer, MasterKey, Member, NewAuthority};

use crate::fixture::{Fixture, NOW, by};

fn key() -> MasterKey {
    MasterKey::new(&[7; 32])
}

fn authority(name: &str) -> NewAuthority {
    let key = format!("key of {name}").into();
    NewAuthority { fingerprint: name.to_owned(), certificate: format!("certificate of {name}"), key }
}

fn member(name: &str, certificate: &str) -> Member {
    Member {
        role: "server".to_owned(),
        name: name.to_owned(),
        certificate_sha256: certificate.to_owned(),
        previous_sha256: None,
        expires_at: NOW.plus_ms(1_000),
        joined_at: NOW,
        seen_at: NOW,
        confirmed: None,
    }
}

fn offer(id: &str) -> JoinOffer {
    JoinOffer::new(id.to_owned(), "server", None, "digest".to_owned(), NOW.plus_ms(60_000))
}

#[test]
fn a_roll_is_moved_from_the_step_that_was_seen() {
    let fixture = Fixture::new();
    assert_eq!(fixture.odb.trust().unwrap(), None);
    fixture.odb.found_trust(&by(), &key(), "prod", "settled a", &authority("a")).unwrap();
    assert!(fixture.odb.found_trust(&by(), &key(), "prod", "settled b", &authority("b")).is_err());
    let both = ["a".to_owned(), "b".to_owned()];
    let steps = ("settled a", "introducing a b");
    assert!(fixture.odb.move_roll(&by(), &key(), steps, Some(&authority("b")), &both).unwrap());
    // Whoever saw the step before is late.
    assert!(!fixture.odb.move_roll(&by(), &key(), steps, Some(&authority("c")), &both).unwrap());
    let trust = fixture.odb.trust().unwrap().unwrap();
    assert_eq!((trust.cluster.as_str(), trust.roll.as_str()), ("prod", "introducing a b"));
    assert_eq!(trust.authorities.len(), 2);
    let (certificate, opened) = fixture.odb.authority(&key(), "b").unwrap();
    assert_eq!((certificate.as_str(), opened.reveal()), ("certificate of b", "key of b"));
    assert!(fixture.odb.authority(&MasterKey::new(&[8; 32]), "b").is_err());
    let steps = ("introducing a b", "settled b");
    assert!(fixture.odb.move_roll(&by(), &key(), steps, None, &both[1..]).unwrap());
    assert!(matches!(fixture.odb.authority(&key(), "a"), Err(Error::NotFound { .. })));
    assert_eq!(fixture.odb.secret_keys().unwrap(), [key().id()]);
}

#[test]
fn an_offer_is_taken_by_one_of_those_who_come_at_once() {
    let fixture = Fixture::new();
    fixture.odb.offer_join(&by(), &offer("1")).unwrap();
    let joined: Vec<bool> = thread::scope(|scope| {
        let joining: Vec<_> = (0..4)
            .map(|at| {
                let odb = fixture.odb.clone();
                scope.spawn(move || {
                    let (key, member) = (format!("key {at}"), member(&format!("bus-{at}"), "c"));
                    odb.join(&by(), "1", &key, &member).unwrap()
                })
            })
            .collect();
        joining.into_iter().map(|one| one.join().unwrap()).collect()
    });
    assert_eq!(joined.iter().filter(|joined| **joined).count(), 1, "{joined:?}");
    let members = fixture.odb.members().unwrap();
    assert_eq!(members.len(), 1);
    let winner = joined.iter().position(|joined| *joined).unwrap();
    assert_eq!(members[0].name, format!("bus-{winner}"));
    // It may ask again.
    let again = member(&format!("bus-{winner}"), "d");
    assert!(fixture.odb.join(&by(), "1", &format!("key {winner}"), &again).unwrap());
    assert_eq!(fixture.odb.members().unwrap()[0].certificate_sha256, "d");
    assert!(!fixture.odb.join(&by(), "unknown", "key", &again).unwrap());
}

#[test]
fn a_name_is_its_members_own_until_it_is_forgotten_or_its_certificate_ends() {
    let fixture = Fixture::new();
    for id in ["1", "2", "3"] {
        fixture.odb.offer_join(&by(), &offer(id)).unwrap();
    }
    assert!(fixture.odb.join(&by(), "1", "k1", &member("bus", "a")).unwrap());
    let taken = fixture.odb.join(&by(), "2", "k2", &member("bus", "b")).unwrap_err();
    assert!(matches!(&taken, Error::MemberTaken { name, .. } if name == "bus"), "{taken}");
    fixture.odb.forget_member(&by(), "server", "bus").unwrap();
    assert!(matches!(fixture.odb.forget_member(&by(), "server", "bus"), Err(Error::NotFound { .. })));
    // What was refused is not used up.
    assert!(fixture.odb.join(&by(), "2", "k2", &member("bus", "b")).unwrap());
    let mut later = by();
    later.now = NOW.plus_ms(2_000);
    assert!(fixture.odb.join(&later, "3", "k3", &member("bus", "c")).unwrap());
}

#[test]
fn what_a_member_says_is_kept_unless_it_was_forgotten() {
    let fixture = Fixture::new();
    let mut said = member("bus", "a");
    assert!(!fixture.odb.hear_member(&said).unwrap());
    fixture.odb.enroll(&by(), &said).unwrap();
    said.confirmed = Some(Confirmed { trusts: vec!["x".to_owned(), "y".to_owned()], issuer: "x".to_owned() });
    said.previous_sha256 = Some("before".to_owned());
    assert!(fixture.odb.hear_member(&said).unwrap());
    assert_eq!(fixture.odb.member("server", "bus").unwrap(), Some(said.clone()));
    // Said twice, it is there all the same.
    assert!(fixture.odb.hear_member(&said).unwrap());
    said.confirmed = None;
    assert!(fixture.odb.hear_member(&said).unwrap());
    assert_eq!(fixture.odb.member("server", "bus").unwrap().unwrap().confirmed, None);
}
