//! Certificates are replaced while connections are made.

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use busbar_pki::{
    AUTHORITY_VALIDITY, Acceptor, Credentials, Error, LEAF_VALIDITY, Peers, Role, TicketKey, Ticketer, due,
    renewal_time,
};

use crate::{
    handshakes::client,
    wire::{connect, connect_while},
    world::{DAY, HOUR, World, issued_by, trust},
};

const HANDSHAKES: usize = 1_000;
const THREADS: usize = 2;
/// So that between two renewals there is something to resume.
const HANDSHAKES_PER_RENEWAL: usize = 8;

/// Handshakes on several threads while both sides are renewed again and again. Those that were resumed, and how many
/// certificates were seen of the server and of the client.
fn shaken(ticketer: Option<&Arc<Ticketer>>) -> (usize, usize, usize) {
    let world = World::new("prod");
    let (serving, calling) = (world.member(Role::Server, "web-1"), world.member(Role::Admin, "desk"));
    let server = Acceptor::new(&serving, Peers::required([Role::Admin]), ticketer).unwrap();
    let client = client(&calling, Role::Server);
    let made = AtomicUsize::new(0);
    let seen: Vec<(bool, String, String)> = thread::scope(|scope| {
        let hands = || {
            let shake = |_| {
                let connected = connect(&client, &server).expect("no handshake fails");
                made.fetch_add(1, Ordering::SeqCst);
                (connected.resumed(), connected.served_by().serial, connected.caller().unwrap().serial)
            };
            (0..HANDSHAKES / THREADS).map(shake).collect::<Vec<_>>()
        };
        let hands: Vec<_> = (0..THREADS).map(|_| scope.spawn(hands)).collect();
        let mut next = HANDSHAKES_PER_RENEWAL;
        while !hands.iter().all(|hand| hand.is_finished()) {
            if made.load(Ordering::SeqCst) < next {
                thread::yield_now();
                continue;
            }
            next = made.load(Ordering::SeqCst) + HANDSHAKES_PER_RENEWAL;
            for (member, role, name) in [(&serving, Role::Server, "web-1"), (&calling, Role::Admin, "desk")] {
                let (key, certificate) = world.issued(role, name);
                member.replace(&key, certificate, world.trust()).unwrap();
            }
        }
        hands.into_iter().flat_map(|hand| hand.join().unwrap()).collect()
    });
    assert_eq!(seen.len(), HANDSHAKES);
    let resumed = seen.iter().filter(|(resumed, ..)| *resumed).count();
    let served: BTreeSet<_> = seen.iter().map(|(_, served, _)| served).collect();
    let called: BTreeSet<_> = seen.iter().map(|(.., called)| called).collect();
    println!("{resumed} resumed, {} and {} certificates seen", served.len(), called.len());
    (resumed, served.len(), called.len())
}

#[test]
fn a_thousand_handshakes_while_both_sides_are_renewed() {
    let (resumed, served, called) = shaken(None);
    assert_eq!(resumed, 0);
    assert!(served > 10 && called > 10, "the certificates did change meanwhile");
}

#[test]
fn a_thousand_handshakes_with_tickets_while_both_sides_are_renewed() {
    let ticketer = Ticketer::new(&TicketKey::generate().unwrap(), None).unwrap();
    let (resumed, served, called) = shaken(Some(&ticketer));
    assert!((1..HANDSHAKES).contains(&resumed));
    assert!(served > 10 && called > 10, "the certificates did change meanwhile");
}

#[test]
fn a_handshake_that_is_under_way_ends_as_it_began() {
    let world = World::new("prod");
    let (serving, calling) = (world.member(Role::Server, "web-1"), world.member(Role::Admin, "desk"));
    let server = Acceptor::new(&serving, Peers::required([Role::Admin]), None).unwrap();
    let client = client(&calling, Role::Server);
    let (served, called) = (serving.identity(), calling.identity());
    // From one authority to the other in the midst of it, which nobody should do.
    let next = world.authority.next(world.now, AUTHORITY_VALIDITY).unwrap();
    let mut flights = 0;
    let connected = connect_while(&client, &server, &mut || {
        flights += 1;
        for (member, role, name) in [(&serving, Role::Server, "web-1"), (&calling, Role::Admin, "desk")] {
            let (key, certificate) = issued_by(&next, role, name, world.now);
            member.replace(&key, certificate, trust(&[&next])).unwrap();
        }
    });
    let connected = connected.unwrap_or_else(|refused| panic!("{}", refused.text()));
    assert!(flights > 3);
    assert_eq!((connected.served_by(), connected.caller().unwrap()), (served, called));
    let connected = connect(&client, &server).unwrap();
    assert_eq!(
        (connected.served_by(), connected.caller().unwrap()),
        (serving.identity(), calling.identity())
    );
}

#[test]
fn what_is_no_renewal_is_refused_and_the_old_one_stays() {
    let world = World::new("prod");
    let member = world.member(Role::Server, "web-1");
    let before = member.identity();
    for (role, name) in [(Role::Server, "web-2"), (Role::Admin, "web-1")] {
        let (key, certificate) = world.issued(role, name);
        let error = member.replace(&key, certificate, world.trust()).unwrap_err();
        assert!(matches!(error, Error::AnotherIdentity { .. }), "{error}");
    }
    let (key, certificate) = world.issued(Role::Server, "web-1");
    let (other, _) = world.issued(Role::Server, "web-1");
    assert!(matches!(member.replace(&other, certificate.clone(), world.trust()), Err(Error::KeyOfAnother)));
    let foreign = World::new("prod");
    assert!(matches!(member.replace(&key, certificate, foreign.trust()), Err(Error::Untrusted)));
    assert!(matches!(member.trust(foreign.trust()), Err(Error::Untrusted)));
    let (key, certificate) = world.issued(Role::Server, "web-1");
    world.clock.advance(LEAF_VALIDITY + HOUR);
    assert!(matches!(member.replace(&key, certificate.clone(), world.trust()), Err(Error::Expired)));
    assert!(matches!(Credentials::new(&key, certificate, world.trust(), world.clock()), Err(Error::Expired)));
    assert_eq!(member.identity(), before);
}

#[test]
fn due_at_two_thirds_and_a_little_later_for_some() {
    let world = World::new("prod");
    let (_, certificate) = world.issued(Role::Server, "web-1");
    assert_eq!(certificate.not_after(), world.now + LEAF_VALIDITY);
    let day = |days: u32| world.now + DAY * days;
    assert!(!due(&certificate, day(59), 0));
    assert!(due(&certificate, day(60), 0));
    assert!(!due(&certificate, day(60), u8::MAX));
    assert!(due(&certificate, day(68), u8::MAX));
    assert!(due(&certificate, day(1_000), u8::MAX));
    let times: BTreeSet<_> = (0..=u8::MAX).map(|jitter| renewal_time(&certificate, jitter)).collect();
    assert_eq!(times.len(), 256);
    assert!(times.iter().all(|time| (day(59)..day(68)).contains(time)));
}
