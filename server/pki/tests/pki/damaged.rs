//! Text that is not what it should be.

use base64::{Engine, engine::general_purpose::STANDARD};
use busbar_pki::{
    AUTHORITY_VALIDITY, Anchor, Authority, Certificate, Credentials, Csr, Error, Host, KeyPair,
    LEAF_VALIDITY, Role, Trust,
};

use crate::world::{DAY, World, forged, subject, trust};

fn said<T>(result: Result<T, Error>) -> String {
    result.err().expect("this must be refused").to_string()
}

#[test]
fn pem_is_told_to_be_cut_off_or_damaged_or_something_else() {
    let world = World::new("prod");
    let (key, certificate) = world.issued(Role::Server, "web-1");
    let (pem, key_pem) = (certificate.to_pem(), key.to_pem());
    assert_eq!(Certificate::from_pem(&pem).unwrap(), certificate);
    assert_eq!(Certificate::from_pem(&pem.replace('\n', "\r\n")).unwrap(), certificate);

    assert_eq!(said(Certificate::from_pem("")), "read PEM: no line says BEGIN CERTIFICATE");
    assert_eq!(said(Certificate::from_pem("hello")), "read PEM: no line says BEGIN CERTIFICATE");
    let cut = &pem[..pem.len() - 30];
    assert_eq!(said(Certificate::from_pem(cut)), "read PEM: no line says END CERTIFICATE: is it cut off?");
    let odd = pem.replacen("MII", "M!I", 1);
    assert!(said(Certificate::from_pem(&odd)).contains("no base64"), "{odd}");
    let two = format!("{pem}{pem}");
    assert_eq!(said(Certificate::from_pem(&two)), "read PEM: one CERTIFICATE is expected, and there are 2");
    assert!(said(Certificate::from_pem(&key_pem)).contains("a PrivateKey stands where only a CERTIFICATE"));
    assert!(said(KeyPair::from_pem(&pem)).contains("a Certificate stands where only a PRIVATE KEY"));
    assert!(said(Csr::from_pem(&pem)).contains("only a CERTIFICATE REQUEST"));
    assert!(said(Certificate::from_pem(&" ".repeat(70_000))).contains("70000 bytes are more than 65536"));
}

#[test]
fn no_byte_of_a_certificate_can_be_changed() {
    let world = World::new("prod");
    let (key, certificate) = world.issued(Role::Server, "web-1");
    let der = certificate.der().to_vec();
    for at in 0..der.len() {
        let mut damaged = der.clone();
        damaged[at] ^= 1;
        if let Ok(damaged) = Certificate::from_der(damaged) {
            assert!(Credentials::new(&key, damaged, world.trust(), world.clock()).is_err(), "byte {at}");
        }
        assert!(Certificate::from_der(&der[..at]).is_err(), "cut at {at}");
    }
    assert!(said(Certificate::from_der([der.as_slice(), &[0]].concat())).contains("something follows"));
}

#[test]
fn no_byte_of_a_request_can_be_changed() {
    let pem = Csr::new(&KeyPair::generate().unwrap()).unwrap().to_pem();
    let lines: Vec<&str> = pem.lines().collect();
    let der = STANDARD.decode(lines[1..lines.len() - 1].concat()).unwrap();
    // What is signed, and the signature; between them stand 15 bytes that say how.
    for at in (3..103).chain(118..der.len()) {
        let mut damaged = der.clone();
        damaged[at] ^= 1;
        let body = STANDARD.encode(damaged);
        let pem = format!("{}\n{body}\n{}\n", lines[0], lines[lines.len() - 1]);
        assert!(Csr::from_pem(&pem).is_err(), "byte {at}");
    }
}

#[test]
fn an_authority_needs_its_own_key() {
    let (one, two) = (World::new("prod").authority, World::new("prod").authority);
    let read = Authority::from_pem(&one.certificate_pem(), &one.key_pem()).unwrap();
    assert_eq!(read.fingerprint(), one.fingerprint());
    assert!(matches!(Authority::from_pem(&one.certificate_pem(), &two.key_pem()), Err(Error::KeyOfAnother)));
    let (key, leaf) = World::new("prod").issued(Role::Admin, "desk");
    assert!(
        said(Authority::from_pem(&leaf.to_pem(), &key.to_pem())).contains("not an authority's (CA:TRUE)")
    );
}

#[test]
fn an_anchor_is_a_cluster_authority_and_nothing_else() {
    use rcgen::{BasicConstraints, DnType, IsCa, KeyUsagePurpose};
    let own = |ca: IsCa, usages: &[KeyUsagePurpose], name: &str| {
        let key = rcgen::KeyPair::generate().unwrap();
        let mut params = rcgen::CertificateParams::default();
        (params.is_ca, params.key_usages) = (ca, usages.to_vec());
        params.distinguished_name.push(DnType::CommonName, name);
        Anchor::from_pem(&params.self_signed(&key).unwrap().pem())
    };
    let (right, usage, name) =
        (IsCa::Ca(BasicConstraints::Constrained(0)), [KeyUsagePurpose::KeyCertSign], "busbar prod CA 3");
    assert_eq!(own(right, &usage, name).unwrap().number(), 3);
    assert!(said(own(IsCa::NoCa, &usage, name)).contains("CA:TRUE"));
    assert!(said(own(IsCa::Ca(BasicConstraints::Unconstrained), &usage, name)).contains("path length"));
    assert!(said(own(IsCa::Ca(BasicConstraints::Constrained(1)), &usage, name)).contains("path length"));
    assert!(said(own(right, &[KeyUsagePurpose::CrlSign], name)).contains("may not sign"));
    for name in ["prod", "busbar prod CA", "busbar prod CA x", "busbar prod CA 03", "busbar Prod CA 3"] {
        assert!(said(own(right, &usage, name)).contains("not named busbar CLUSTER CA N"), "{name}");
    }
    let world = World::new("prod");
    let (_, signed_by_other) = forged(&world.authority, |params| {
        (params.is_ca, params.key_usages) = (right, usage.to_vec());
        params.distinguished_name.push(DnType::CommonName, name);
    });
    assert!(said(Anchor::new(signed_by_other)).contains("not signed by itself"));
}

#[test]
fn trust_is_in_one_authority_or_two_of_one_cluster() {
    let (one, other) = (World::new("prod"), World::new("test"));
    let anchor = one.authority.anchor().clone();
    let anchors = |number: usize| {
        (0..number).map(|_| World::new("prod").authority.anchor().clone()).collect::<Vec<_>>()
    };
    assert!(matches!(Trust::new(vec![]), Err(Error::TrustCount { found: 0 })));
    assert!(matches!(Trust::new(anchors(3)), Err(Error::TrustCount { found: 3 })));
    assert!(matches!(
        Trust::new(vec![anchor.clone(), other.authority.anchor().clone()]),
        Err(Error::TrustMixed { .. })
    ));
    assert!(matches!(Trust::new(vec![anchor.clone(), anchor]), Err(Error::TrustTwice { .. })));
    let next = one.authority.next(one.now, AUTHORITY_VALIDITY).unwrap();
    let both = trust(&[&one.authority, &next]);
    let read = Trust::from_pem(&both.to_pem()).unwrap();
    assert_eq!(read.anchors(), both.anchors());
    let (_, leaf) = one.issued(Role::Admin, "desk");
    assert!(said(Trust::from_pem(&leaf.to_pem())).contains("CA:TRUE"));
}

#[test]
fn an_authority_issues_within_its_own_time_and_bounds() {
    let world = World::new("prod");
    let request = Csr::new(&KeyPair::generate().unwrap()).unwrap();
    let who = subject(Role::Server, "web-1", &[]);
    let ends = world.authority.anchor().certificate().not_after();
    let last = world.authority.issue(&request, &who, ends - DAY, LEAF_VALIDITY).unwrap();
    assert_eq!(last.not_after(), ends);
    let late = world.authority.issue(&request, &who, ends + DAY, LEAF_VALIDITY);
    assert!(matches!(late, Err(Error::AuthorityExpired)));
    let mut crowd = who.clone();
    crowd.hosts = (0..33).map(|number| Host::Dns(format!("h{number}"))).collect();
    let error = said(world.authority.issue(&request, &crowd, world.now, LEAF_VALIDITY));
    assert_eq!(error, "name 33 hosts in one certificate: at most 32 are allowed");
    let again = world.authority.issue(&request, &who, world.now, LEAF_VALIDITY).unwrap();
    assert_ne!(again.fingerprint(), last.fingerprint());
}
