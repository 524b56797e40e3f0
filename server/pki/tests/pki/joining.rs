//! A machine without a certificate knows the admin by what its token pins.

use std::sync::Arc;

use busbar_pki::{
    AUTHORITY_VALIDITY, Acceptor, Error, Fingerprint, JoinToken, Peers, Role, Roll, joining_config,
};
use tokio_rustls::rustls::ClientConfig;

use crate::{
    handshakes::server,
    wire::{ClientSide, ServerSide, connect, rogue_server},
    world::{World, forged, issued_by, trust, uri},
};

fn joiner(world: &World, pins: &[Fingerprint]) -> Arc<ClientConfig> {
    Arc::new(joining_config(pins, &world.clock()).unwrap())
}

fn reason(client: &impl ClientSide, server: &impl ServerSide) -> String {
    let refused = connect(client, server).err().expect("this must not get through");
    assert!(!refused.by_server);
    refused.text()
}

#[test]
fn the_admin_of_the_pinned_authority_is_believed() {
    let world = World::new("prod");
    let token =
        JoinToken::new(vec!["https://desk:8183".to_owned()], world.trust().fingerprints(), "1").unwrap();
    let token = JoinToken::parse(&token.to_text()).unwrap();
    let desk = world.member(Role::Admin, "desk");
    let connected =
        connect(&joiner(&world, &token.pins), &server(&desk, Peers::optional([Role::Server]))).unwrap();
    assert_eq!(connected.served_by(), desk.identity());
    assert_eq!(connected.caller(), None);
}

#[test]
fn nobody_else_is() {
    let (world, foreign) = (World::new("prod"), World::new("prod"));
    let pinned = joiner(&world, &[world.authority.fingerprint()]);
    let anchor = world.authority.anchor().certificate();
    // Another authority, with all names the same.
    let other = server(&foreign.member(Role::Admin, "desk"), Peers::optional([Role::Server]));
    assert!(reason(&pinned, &other).contains("fingerprint that is pinned"));
    // One that shows the pinned authority, which did not sign for it.
    let (key, certificate) = foreign.issued(Role::Admin, "desk");
    reason(&pinned, &rogue_server(&[&certificate, anchor], &key));
    // One that is signed for, and no admin.
    let (key, certificate) = world.issued(Role::Server, "web-1");
    let text = reason(&pinned, &rogue_server(&[&certificate, anchor], &key));
    assert!(text.contains("the role admin is expected"), "{text}");
    // One of a cluster that is not the authority's.
    let (key, certificate) =
        forged(&world.authority, |params| params.subject_alt_names = vec![uri("urn:busbar:test:admin:desk")]);
    let text = reason(&pinned, &rogue_server(&[&certificate, anchor], &key));
    assert!(text.contains("not of cluster prod"), "{text}");
    // The pin is of the authority, not of what it signs.
    let (key, certificate) = world.issued(Role::Admin, "desk");
    let of_leaf = joiner(&world, &[certificate.fingerprint()]);
    reason(&of_leaf, &rogue_server(&[&certificate, anchor], &key));
    reason(&of_leaf, &rogue_server(&[&certificate, &certificate], &key));
    connect(&pinned, &rogue_server(&[&certificate, anchor], &key)).unwrap();
}

#[test]
fn an_expired_admin_is_not_believed() {
    let world = World::new("prod");
    let (key, certificate) = world.issued(Role::Admin, "desk");
    let server = rogue_server(&[&certificate, world.authority.anchor().certificate()], &key);
    let pinned = joiner(&world, &[world.authority.fingerprint()]);
    connect(&pinned, &server).unwrap();
    world.clock.advance(100 * crate::world::DAY);
    assert!(reason(&pinned, &server).contains("expired"));
}

#[test]
fn a_token_of_during_a_roll_outlives_its_steps() {
    let world = World::new("prod");
    let next = world.authority.next(world.now, AUTHORITY_VALIDITY).unwrap();
    let roll = Roll::Settled { authority: world.authority.fingerprint() }.begin(next.fingerprint()).unwrap();
    let desk = world.member(Role::Admin, "desk");
    let both = trust(&[&world.authority, &next]);
    desk.trust(both.clone()).unwrap();
    let listening = Acceptor::new(&desk, Peers::optional([Role::Server]), None).unwrap();
    let token = JoinToken::new(vec!["https://desk".to_owned()], roll.trusted(), "1").unwrap();
    let client = joiner(&world, &token.pins);
    connect(&client, &listening).unwrap();
    let (key, certificate) = issued_by(&next, Role::Admin, "desk", world.now);
    desk.replace(&key, certificate, both).unwrap();
    connect(&client, &listening).unwrap();
    desk.trust(trust(&[&next])).unwrap();
    connect(&client, &listening).unwrap();
}

#[test]
fn one_authority_is_pinned_or_two() {
    let world = World::new("prod");
    let pins: Vec<Fingerprint> = [1, 2, 3].iter().map(|byte| Fingerprint::of(&[*byte])).collect();
    assert!(matches!(joining_config(&[], &world.clock()), Err(Error::PinCount { found: 0 })));
    assert!(matches!(joining_config(&pins, &world.clock()), Err(Error::PinCount { found: 3 })));
    assert!(joining_config(&pins[..2], &world.clock()).is_ok());
}
