//! Who is let in, and who is not.

use std::sync::Arc;

use busbar_pki::{Acceptor, Clock, Connector, Credentials, Error, Expected, Peers, Role, reason};
use rcgen::ExtendedKeyUsagePurpose;

use crate::{
    wire::{ClientSide, Refused, ServerSide, connect, rogue_client, rogue_server},
    world::{DAY, HOUR, Told, World, forged, subject, uri},
};

pub(crate) fn client(credentials: &Arc<Credentials>, role: Role) -> Connector {
    Connector::new(credentials, Expected::any(role)).unwrap()
}

pub(crate) fn server(credentials: &Arc<Credentials>, peers: Peers) -> Acceptor {
    Acceptor::new(credentials, peers, None).unwrap()
}

fn refused(client: &impl ClientSide, server: &impl ServerSide) -> Refused {
    connect(client, server).err().expect("this must not get through")
}

#[test]
fn every_pair_of_roles() {
    let world = World::new("prod");
    let members = Role::ALL.map(|role| (role, world.member(role, role.as_str())));
    let (mut open, mut closed) = (0, 0);
    for (server_role, serving) in members.iter().filter(|(role, _)| role.serves()) {
        for allowed in Role::ALL {
            let config = server(serving, Peers::required([allowed]));
            for (client_role, calling) in &members {
                for expected in [Role::Server, Role::Admin] {
                    let case =
                        format!("{client_role} → {server_role}, {allowed} allowed, {expected} expected");
                    match connect(&client(calling, expected), &config) {
                        Ok(connected) => {
                            assert!(allowed == *client_role && expected == *server_role, "{case}");
                            assert_eq!(connected.caller().unwrap(), calling.identity(), "{case}");
                            assert_eq!(connected.served_by(), serving.identity(), "{case}");
                            assert!(!connected.resumed(), "{case}");
                            assert_eq!(connected.server.alpn_protocol(), Some(&b"http/1.1"[..]), "{case}");
                            open += 1;
                        }
                        Err(refused) => {
                            assert!(allowed != *client_role || expected != *server_role, "{case}");
                            assert!(refused.text().contains("is expected"), "{case}: {}", refused.text());
                            // The client sees the server first.
                            assert_eq!(refused.by_server, expected == *server_role, "{case}");
                            closed += 1;
                        }
                    }
                }
            }
        }
    }
    assert_eq!((open, closed), (8, 56));
}

#[test]
fn several_roles_may_be_let_in() {
    let world = World::new("prod");
    let serving = world.member(Role::Server, "web-1");
    let config = server(&serving, Peers::required([Role::Balancer, Role::Admin]));
    for role in [Role::Balancer, Role::Admin] {
        connect(&client(&world.member(role, "a"), Role::Server), &config).unwrap();
    }
    let text = refused(&client(&world.member(Role::Operator, "eve"), Role::Server), &config).text();
    assert!(
        text.contains("accept the peer urn:busbar:prod:operator:eve: the role balancer or admin is expected"),
        "{text}"
    );
}

#[test]
fn the_reason_is_found_inside_of_an_error_of_the_connection() {
    let world = World::new("prod");
    let serving = server(&world.member(Role::Server, "web-1"), Peers::required([Role::Admin]));
    let refused = refused(&client(&world.member(Role::Operator, "eve"), Role::Server), &serving);
    let expected = "accept the peer urn:busbar:prod:operator:eve: the role admin is expected";
    assert_eq!(reason(&refused.error), expected);
    assert_eq!(reason(&std::io::Error::new(std::io::ErrorKind::InvalidData, refused.error)), expected);
    assert_eq!(reason(&std::io::Error::other("gone")), "gone");
}

#[test]
fn a_role_that_never_serves_is_no_server() {
    let world = World::new("prod");
    for role in [Role::Balancer, Role::Operator] {
        let member = world.member(role, "a");
        assert!(matches!(
            Acceptor::new(&member, Peers::required([Role::Admin]), None),
            Err(Error::NeverServes { .. })
        ));
        assert!(matches!(Connector::new(&member, Expected::any(role)), Err(Error::NeverServes { .. })));
        let (key, certificate) = world.issued(role, "a");
        for expected in [Role::Server, Role::Admin] {
            let calling = world.member(Role::Server, "web-1");
            let refused = refused(&client(&calling, expected), &rogue_server(&[&certificate], &key));
            assert!(!refused.by_server);
        }
    }
    let member = world.member(Role::Server, "a");
    assert!(matches!(Acceptor::new(&member, Peers::optional([]), None), Err(Error::NoPeers)));
}

#[test]
fn a_certain_member_can_be_asked_for() {
    let world = World::new("prod");
    let serving = server(&world.member(Role::Server, "web-1"), Peers::required([Role::Admin]));
    let calling = world.member(Role::Admin, "desk");
    let expect =
        |name: &str| Connector::new(&calling, Expected::named(Role::Server, name.parse().unwrap())).unwrap();
    connect(&expect("web-1"), &serving).unwrap();
    let text = refused(&expect("web-2"), &serving).text();
    assert!(text.contains("accept the peer urn:busbar:prod:server:web-1: web-2 is expected"), "{text}");
}

#[test]
fn a_foreign_authority_is_refused_though_all_names_are_right() {
    let (ours, theirs) = (World::new("prod"), World::new("prod"));
    let peers = || Peers::required([Role::Admin]);
    let (serving, calling) = (ours.member(Role::Server, "web-1"), ours.member(Role::Admin, "desk"));
    let foreign = theirs.member(Role::Server, "web-1");
    assert!(!refused(&client(&calling, Role::Server), &server(&foreign, peers())).by_server);
    let (key, certificate) = theirs.issued(Role::Admin, "desk");
    assert!(refused(&rogue_client(Some((&certificate, &key))), &server(&serving, peers())).by_server);
}

#[test]
fn another_cluster_is_refused_though_the_signature_is_right() {
    let world = World::new("prod");
    let serving = server(&world.member(Role::Server, "web-1"), Peers::required([Role::Admin]));
    let (key, certificate) =
        forged(&world.authority, |params| params.subject_alt_names = vec![uri("urn:busbar:test:admin:desk")]);
    let refused_by = refused(&rogue_client(Some((&certificate, &key))), &serving);
    let expected = "accept the peer urn:busbar:test:admin:desk: it is not of cluster prod";
    assert!(refused_by.by_server && refused_by.text().contains(expected), "{}", refused_by.text());

    let calling = client(&world.member(Role::Server, "web-2"), Role::Admin);
    let refused_by = refused(&calling, &rogue_server(&[&certificate], &key));
    assert!(!refused_by.by_server && refused_by.text().contains(expected), "{}", refused_by.text());
}

#[test]
fn certificates_that_the_authority_never_issues_are_refused_though_it_signed_them() {
    let world = World::new("prod");
    let serving = server(&world.member(Role::Server, "web-1"), Peers::required(Role::ALL));
    let calling = client(&world.member(Role::Server, "web-2"), Role::Admin);
    let (admin, balancer) = ("urn:busbar:prod:admin:a", "urn:busbar:prod:balancer:a");
    let both = [ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
    for (names, purposes, expected) in [
        (vec![], &both[..], "no alternative name begins with urn:busbar:"),
        (vec![admin, balancer], &both, "more than one alternative name"),
        (vec!["urn:busbar:prod:admin"], &both, "is not urn:busbar:CLUSTER:ROLE:NAME"),
        (vec!["urn:busbar:prod:root:a"], &both, "roles are server, balancer, admin, operator"),
        (vec!["urn:busbar:prod:admin:a:b"], &both, "name of a member"),
        (vec!["urn:busbar:prod:admin:A"], &both, "name of a member"),
        (vec![balancer], &both, "extended key usage is not that of the role balancer"),
        (vec![admin], &[], "extended key usage is not that of the role admin"),
    ] {
        let (key, certificate) = forged(&world.authority, |params| {
            params.subject_alt_names = names.iter().map(|name| uri(name)).collect();
            params.extended_key_usages = purposes.to_vec();
        });
        for refused in [
            refused(&rogue_client(Some((&certificate, &key))), &serving),
            refused(&calling, &rogue_server(&[&certificate], &key)),
        ] {
            assert!(refused.text().contains(expected), "{names:?}: {}", refused.text());
        }
    }
}

#[test]
fn times_are_kept() {
    let world = World::new("prod");
    let peers = || Peers::required([Role::Admin]);
    let (ahead, behind) = (Told::at(world.now + 91 * DAY), Told::at(world.now - HOUR));
    let near = [Told::at(world.now + 89 * DAY), Told::at(world.now - HOUR / 15)];
    let long = |role: Role, clock: &Arc<Told>| {
        let (key, certificate) = issued_long(&world, role);
        Credentials::new(&key, certificate, world.trust(), Arc::clone(clock) as Clock).unwrap()
    };
    let serving = |clock: &Arc<Told>| server(&long(Role::Server, clock), peers());
    let calling = client(&world.member(Role::Admin, "desk"), Role::Server);
    for clock in &near {
        connect(&calling, &serving(clock)).unwrap();
    }
    for (clock, expected) in [(&ahead, "expired"), (&behind, "not valid yet")] {
        let refused = refused(&calling, &serving(clock));
        assert!(refused.by_server && refused.text().contains(expected), "{}", refused.text());
    }
    // The same from the client's side.
    let serving = server(&world.member(Role::Server, "web-1"), peers());
    for (clock, expected) in [(&ahead, "expired"), (&behind, "not valid yet")] {
        let refused = refused(&client(&long(Role::Admin, clock), Role::Server), &serving);
        assert!(!refused.by_server && refused.text().contains(expected), "{}", refused.text());
    }
}

#[test]
fn who_shows_nothing_gets_in_only_where_that_is_allowed() {
    let world = World::new("prod");
    let serving = world.member(Role::Admin, "desk");
    let optional = server(&serving, Peers::optional([Role::Server]));
    let required = server(&serving, Peers::required([Role::Server]));
    let nobody = rogue_client(None);
    assert_eq!(connect(&nobody, &optional).unwrap().caller(), None);
    assert!(refused(&nobody, &required).by_server);
    // Optional is not for those who show what is wrong.
    let balancer = client(&world.member(Role::Balancer, "lb"), Role::Admin);
    assert!(refused(&balancer, &optional).by_server);
    let server = world.member(Role::Server, "web-1");
    let connected = connect(&client(&server, Role::Admin), &optional).unwrap();
    assert_eq!(connected.caller().unwrap(), server.identity());
}

#[test]
fn an_authority_below_the_authority_is_refused() {
    let world = World::new("prod");
    let (middle_key, middle) = forged(&world.authority, |params| {
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        params.distinguished_name.push(rcgen::DnType::CommonName, "busbar prod CA 9");
        params.key_usages = vec![rcgen::KeyUsagePurpose::KeyCertSign];
    });
    let issuer = rcgen::KeyPair::from_pem(&middle_key.to_pem()).unwrap();
    let issuer = rcgen::Issuer::from_ca_cert_der(middle.der(), issuer).unwrap();
    let mut params = rcgen::CertificateParams::default();
    params.subject_alt_names = vec![uri("urn:busbar:prod:admin:desk")];
    params.extended_key_usages =
        vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
    let key = rcgen::KeyPair::generate().unwrap();
    let leaf =
        busbar_pki::Certificate::from_der(params.signed_by(&key, &issuer).unwrap().der().to_vec()).unwrap();
    let key = busbar_pki::KeyPair::from_pem(&key.serialize_pem()).unwrap();
    let calling = client(&world.member(Role::Server, "web-1"), Role::Admin);
    assert!(!refused(&calling, &rogue_server(&[&leaf, &middle], &key)).by_server);
}

/// Good from a day ago until in a year.
fn issued_long(world: &World, role: Role) -> (busbar_pki::KeyPair, busbar_pki::Certificate) {
    let key = busbar_pki::KeyPair::generate().unwrap();
    let request = busbar_pki::Csr::new(&key).unwrap();
    let from = world.now - DAY;
    let who = subject(role, "long", &[]);
    let certificate = world.authority.issue(&request, &who, from, 400 * DAY).unwrap();
    (key, certificate)
}
