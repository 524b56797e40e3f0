//! From one authority to the next, with members that have and members that have not heard of each step.

use std::{collections::BTreeSet, sync::Arc};

use busbar_pki::{
    AUTHORITY_VALIDITY, Acceptor, Authority, Connector, Credentials, Error, Fingerprint, Member, Obstacle,
    Peers, Role, Roll, TicketKey, Ticketer,
};

use crate::{
    handshakes::client,
    wire::connect,
    world::{World, issued_by, trust},
};

/// Members with what they keep throughout.
struct Cluster {
    authorities: Vec<Authority>,
    world: World,
    members: Vec<(Role, String, Arc<Credentials>)>,
    servers: Vec<(Role, Acceptor)>,
    clients: Vec<(Role, Connector)>,
    handshakes: usize,
}

impl Cluster {
    fn new() -> Self {
        let world = World::new("prod");
        let named = |role: Role, name: &str| (role, name.to_owned(), world.member(role, name));
        let members = vec![
            named(Role::Server, "web-1"),
            named(Role::Server, "web-2"),
            named(Role::Balancer, "lb"),
            named(Role::Admin, "desk"),
            named(Role::Operator, "ann"),
        ];
        let (mut servers, mut clients) = (Vec::new(), Vec::new());
        for (role, _, credentials) in &members {
            if role.serves() {
                let ticketer = Ticketer::new(&TicketKey::generate().unwrap(), None).unwrap();
                let acceptor =
                    Acceptor::new(credentials, Peers::required(Role::ALL), Some(&ticketer)).unwrap();
                servers.push((*role, acceptor));
            }
            for expected in [Role::Server, Role::Admin] {
                clients.push((expected, client(credentials, expected)));
            }
        }
        let next = world.authority.next(world.now, AUTHORITY_VALIDITY).unwrap();
        let first =
            Authority::from_pem(&world.authority.certificate_pem(), &world.authority.key_pem()).unwrap();
        Self { authorities: vec![first, next], world, members, servers, clients, handshakes: 0 }
    }

    fn authority(&self, fingerprint: Fingerprint) -> &Authority {
        self.authorities.iter().find(|authority| authority.fingerprint() == fingerprint).unwrap()
    }

    fn confirmed(&self) -> Vec<Member> {
        let member = |(_, name, credentials): &(Role, String, Arc<Credentials>)| Member {
            name: name.clone(),
            confirmed: Some(credentials.confirmed()),
        };
        self.members.iter().map(member).collect()
    }

    /// Everybody with everybody.
    fn all_talk(&mut self, when: &str) {
        for (expected, calling) in &self.clients {
            for (_, serving) in self.servers.iter().filter(|(role, _)| role == expected) {
                if let Err(refused) = connect(calling, serving) {
                    panic!("{when}: {}", refused.text());
                }
                self.handshakes += 1;
            }
        }
    }

    /// One after the other does what the step asks; in between, all talk.
    fn follow(&mut self, roll: Roll) {
        let trusted: BTreeSet<Fingerprint> = roll.trusted();
        for at in 0..self.members.len() {
            assert!(at == 0 || roll.next(&self.confirmed()).is_err(), "{roll:?} did not wait for all");
            let (role, name, credentials) = &self.members[at];
            let trusted: Vec<&Authority> =
                trusted.iter().map(|fingerprint| self.authority(*fingerprint)).collect();
            if credentials.confirmed().issuer == roll.issuer() {
                credentials.trust(trust(&trusted)).unwrap();
            } else {
                let (key, certificate) =
                    issued_by(self.authority(roll.issuer()), *role, name, self.world.now);
                credentials.replace(&key, certificate, trust(&trusted)).unwrap();
            }
            let when = format!("{roll:?}, {name} followed");
            self.all_talk(&when);
        }
    }
}

#[test]
fn no_handshake_fails_at_any_step() {
    let mut cluster = Cluster::new();
    let (from, to) = (cluster.authorities[0].fingerprint(), cluster.authorities[1].fingerprint());
    assert_eq!(cluster.authorities[1].anchor().number(), 2);
    cluster.all_talk("before");
    let mut roll = Roll::Settled { authority: from }.begin(to).unwrap();
    for _ in 0..3 {
        cluster.follow(roll);
        roll = roll.next(&cluster.confirmed()).unwrap();
    }
    assert_eq!(roll, Roll::Settled { authority: to });
    for member in cluster.confirmed() {
        let confirmed = member.confirmed.unwrap();
        assert_eq!((confirmed.issuer, confirmed.trusts), (to, BTreeSet::from([to])));
    }
    println!("{} handshakes", cluster.handshakes);
}

#[test]
fn no_handshake_fails_when_a_roll_is_turned_back() {
    let mut cluster = Cluster::new();
    let (from, to) = (cluster.authorities[0].fingerprint(), cluster.authorities[1].fingerprint());
    let roll = Roll::Settled { authority: from }.begin(to).unwrap();
    cluster.follow(roll);
    let roll = roll.next(&cluster.confirmed()).unwrap();
    cluster.follow(roll);
    let mut roll = roll.turn_back().unwrap();
    for _ in 0..2 {
        cluster.follow(roll);
        roll = roll.next(&cluster.confirmed()).unwrap();
    }
    assert_eq!(roll, Roll::Settled { authority: from });
}

#[test]
fn who_was_left_behind_is_refused_when_the_roll_is_over_also_with_a_ticket() {
    let world = World::new("prod");
    let (serving, left) = (world.member(Role::Server, "web-1"), world.member(Role::Admin, "desk"));
    let ticketer = Ticketer::new(&TicketKey::generate().unwrap(), None).unwrap();
    let config = Acceptor::new(&serving, Peers::required([Role::Admin]), Some(&ticketer)).unwrap();
    let left = client(&left, Role::Server);
    connect(&left, &config).unwrap();
    assert!(connect(&left, &config).unwrap().resumed());

    let next = world.authority.next(world.now, AUTHORITY_VALIDITY).unwrap();
    let (key, certificate) = issued_by(&next, Role::Server, "web-1", world.now);
    serving.replace(&key, certificate, trust(&[&next])).unwrap();
    assert!(connect(&left, &config).is_err());
}

#[test]
fn a_member_keeps_what_it_has_when_the_step_is_too_early_for_it() {
    let world = World::new("prod");
    let member = world.member(Role::Server, "web-1");
    let next = world.authority.next(world.now, AUTHORITY_VALIDITY).unwrap();
    assert!(matches!(member.trust(trust(&[&next])), Err(Error::Untrusted)));
    assert_eq!(member.confirmed().trusts, world.trust().fingerprints());
    let roll = Roll::Retiring { from: world.authority.fingerprint(), to: next.fingerprint() };
    let members = [Member { name: "web-1".to_owned(), confirmed: Some(member.confirmed()) }];
    assert!(matches!(roll.next(&members), Err(Obstacle::Waiting { .. })));
}
