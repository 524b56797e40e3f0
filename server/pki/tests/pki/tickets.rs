//! Sessions are resumed with another worker of the same server, and not where they should not be.

use std::sync::Arc;

use busbar_pki::{
    AUTHORITY_VALIDITY, Acceptor, Certificate, Credentials, KeyPair, Peers, Role, TicketKey, Ticketer, Trust,
};

use crate::{
    handshakes::client,
    wire::{ClientSide, ServerSide, connect, connect_while},
    world::{HOUR, World, trust},
};

/// A worker as a process of its own: it has text and bytes of the others, and nothing that they share.
struct Worker {
    credentials: Arc<Credentials>,
    ticketer: Arc<Ticketer>,
}

struct Texts {
    key: String,
    certificate: String,
    trust: String,
}

impl Worker {
    fn start(world: &World, texts: &Texts, current: [u8; 32], previous: Option<[u8; 32]>) -> Self {
        let key = KeyPair::from_pem(&texts.key).unwrap();
        let certificate = Certificate::from_pem(&texts.certificate).unwrap();
        let trust = Trust::from_pem(&texts.trust).unwrap();
        let credentials = Credentials::new(&key, certificate, trust, world.clock()).unwrap();
        let previous = previous.map(TicketKey::from_bytes);
        let ticketer = Ticketer::new(&TicketKey::from_bytes(current), previous.as_ref()).unwrap();
        Self { credentials, ticketer }
    }

    fn listen(&self, peers: Peers) -> Acceptor {
        Acceptor::new(&self.credentials, peers, Some(&self.ticketer)).unwrap()
    }
}

fn texts(world: &World) -> Texts {
    let (key, certificate) = world.issued(Role::Server, "web-1");
    Texts { key: key.to_pem().to_string(), certificate: certificate.to_pem(), trust: world.trust().to_pem() }
}

fn peers() -> Peers {
    Peers::required([Role::Admin])
}

/// The second connection of a client.
fn resumes(client: &impl ClientSide, first: &impl ServerSide, second: &impl ServerSide) -> bool {
    assert!(!connect(client, first).unwrap().resumed(), "the client was to be new");
    connect(client, second).unwrap().resumed()
}

#[test]
fn with_another_worker_and_still_as_the_same_caller() {
    let world = World::new("prod");
    let texts = texts(&world);
    let key = *TicketKey::generate().unwrap().as_bytes();
    let [one, two] = [(); 2].map(|()| Worker::start(&world, &texts, key, None).listen(peers()));
    let admin = world.member(Role::Admin, "desk");
    let client = client(&admin, Role::Server);
    assert!(!connect(&client, &one).unwrap().resumed());
    for server in [&two, &one, &two] {
        let connected = connect(&client, server).unwrap();
        assert!(connected.resumed());
        assert_eq!(connected.caller().unwrap(), admin.identity());
    }
}

#[test]
fn not_under_another_key_but_through_one_rotation() {
    let world = World::new("prod");
    let texts = texts(&world);
    let [a, b, c] = [1, 2, 3].map(|byte| [byte; 32]);
    let fresh = || client(&world.member(Role::Admin, "desk"), Role::Server);
    let one = Worker::start(&world, &texts, a, None).listen(peers());
    let other = Worker::start(&world, &texts, b, None).listen(peers());
    assert!(!resumes(&fresh(), &one, &other));
    let started_later = Worker::start(&world, &texts, b, Some(a)).listen(peers());
    assert!(resumes(&fresh(), &one, &started_later));

    let running = Worker::start(&world, &texts, a, None);
    let listening = running.listen(peers());
    running.ticketer.rotate(&TicketKey::from_bytes(b)).unwrap();
    assert!(resumes(&fresh(), &one, &listening));
    running.ticketer.rotate(&TicketKey::from_bytes(c)).unwrap();
    assert!(!resumes(&fresh(), &one, &listening));
}

#[test]
fn not_where_others_are_let_in() {
    let world = World::new("prod");
    let worker = Worker::start(&world, &texts(&world), [1; 32], None);
    let fresh = || client(&world.member(Role::Admin, "desk"), Role::Server);
    let both = worker.listen(Peers::required([Role::Admin, Role::Operator]));
    assert!(resumes(&fresh(), &both, &worker.listen(Peers::required([Role::Operator, Role::Admin]))));
    assert!(!resumes(&fresh(), &both, &worker.listen(peers())));
    assert!(!resumes(&fresh(), &both, &worker.listen(Peers::optional([Role::Admin, Role::Operator]))));
    // Else an operator's ticket would open what only admins may use.
    let operator = client(&world.member(Role::Operator, "ann"), Role::Server);
    connect(&operator, &both).unwrap();
    assert!(connect(&operator, &worker.listen(peers())).is_err());
    // And one that was had without a certificate, what asks for one.
    let nobody = crate::wire::rogue_client(None);
    connect(&nobody, &worker.listen(Peers::optional([Role::Admin]))).unwrap();
    assert!(connect(&nobody, &worker.listen(peers())).is_err());
}

#[test]
fn not_for_ever_though_each_connection_gets_another_ticket() {
    let world = World::new("prod");
    let server = Worker::start(&world, &texts(&world), [1; 32], None).listen(peers());
    let client = client(&world.member(Role::Admin, "desk"), Role::Server);
    connect(&client, &server).unwrap();
    // An hour into its span.
    for _ in 0..4 {
        world.clock.advance(HOUR);
        assert!(connect(&client, &server).unwrap().resumed());
    }
    // The last ticket was made an hour ago, of a session that was verified five hours ago.
    world.clock.advance(HOUR);
    assert!(!connect(&client, &server).unwrap().resumed());
}

#[test]
fn not_after_either_side_was_replaced() {
    let world = World::new("prod");
    let worker = Worker::start(&world, &texts(&world), [1; 32], None);
    let server = worker.listen(peers());
    let admin = world.member(Role::Admin, "desk");
    let client = client(&admin, Role::Server);
    assert!(resumes(&client, &server, &server));

    let (key, certificate) = world.issued(Role::Admin, "desk");
    admin.replace(&key, certificate.clone(), world.trust()).unwrap();
    let connected = connect(&client, &server).unwrap();
    assert!(!connected.resumed());
    assert_eq!(connected.caller().unwrap().sha256, certificate.fingerprint());
    assert!(connect(&client, &server).unwrap().resumed());

    let next = world.authority.next(world.now, AUTHORITY_VALIDITY).unwrap();
    worker.credentials.trust(trust(&[&world.authority, &next])).unwrap();
    assert!(!connect(&client, &server).unwrap().resumed());
    assert!(connect(&client, &server).unwrap().resumed());
}

#[test]
fn not_what_was_begun_before_the_trust_was_replaced() {
    let world = World::new("prod");
    let worker = Worker::start(&world, &texts(&world), [1; 32], None);
    let server = worker.listen(peers());
    let client = client(&world.member(Role::Admin, "desk"), Role::Server);
    let next = world.authority.next(world.now, AUTHORITY_VALIDITY).unwrap();
    let mut flights = 0;
    let held = connect_while(&client, &server, &mut || {
        flights += 1;
        if flights == 2 {
            worker.credentials.trust(trust(&[&world.authority, &next])).unwrap();
        }
    });
    assert!(!held.unwrap().resumed());
    assert!(!connect(&client, &server).unwrap().resumed());
    assert!(connect(&client, &server).unwrap().resumed());
}

#[test]
fn not_by_a_client_that_has_to_forget_whatever_the_server_says() {
    let world = World::new("prod");
    // Resumes whatever it has seen.
    let (key, certificate) = world.issued(Role::Server, "web-1");
    let server = crate::wire::rogue_server(&[&certificate], &key);
    let admin = world.member(Role::Admin, "desk");
    let client = client(&admin, Role::Server);
    assert!(resumes(&client, &server, &server));
    let next = world.authority.next(world.now, AUTHORITY_VALIDITY).unwrap();
    admin.trust(trust(&[&world.authority, &next])).unwrap();
    assert!(resumes(&client, &server, &server));
    world.clock.advance(6 * HOUR);
    assert!(resumes(&client, &server, &server));
}

#[test]
fn never_without_a_ticketer() {
    let world = World::new("prod");
    let serving = world.member(Role::Server, "web-1");
    let server = Acceptor::new(&serving, peers(), None).unwrap();
    let client = client(&world.member(Role::Admin, "desk"), Role::Server);
    assert!(!resumes(&client, &server, &server));
}
