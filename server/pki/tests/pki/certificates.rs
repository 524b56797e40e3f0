//! What the certificates say, read by OpenSSL.

use busbar_pki::{Csr, Identity, KeyPair, LEAF_VALIDITY, Role, haproxy_pem, role_host};
use tempfile::TempDir;

use crate::{
    openssl::{openssl, put},
    world::{World, forged, issued_by, subject, trust},
};

fn text(certificate: &str) -> String {
    openssl(&["x509", "-noout", "-text"], certificate).success()
}

#[test]
fn the_authority_signs_leaves_and_nothing_else() {
    let world = World::new("prod");
    let text = text(&world.authority.certificate_pem());
    for expected in [
        "Subject: CN = busbar prod CA 1",
        "Issuer: CN = busbar prod CA 1",
        "ecdsa-with-SHA256",
        "ASN1 OID: prime256v1",
        "X509v3 Basic Constraints: critical",
        "CA:TRUE, pathlen:0",
        "X509v3 Key Usage: critical",
        "Certificate Sign, CRL Sign",
    ] {
        assert!(text.contains(expected), "{expected} in {text}");
    }
    let print = ["x509", "-noout", "-fingerprint", "-sha256"];
    let fingerprint = openssl(&print, &world.authority.certificate_pem()).success();
    let fingerprint = fingerprint.trim().split_once('=').unwrap().1;
    assert_eq!(fingerprint.parse::<busbar_pki::Fingerprint>().unwrap(), world.authority.fingerprint());
}

#[test]
fn a_leaf_says_who_it_is_for_and_what_it_is_good_for() {
    let world = World::new("prod");
    let key = KeyPair::generate().unwrap();
    let request = Csr::new(&key).unwrap();
    for role in Role::ALL {
        let who = subject(role, "web-1", &["web-1.example.com", "10.0.0.7", "::1"]);
        let leaf = world.authority.issue(&request, &who, world.now, LEAF_VALIDITY).unwrap();
        let text = text(&leaf.to_pem());
        let urn = format!("URI:urn:busbar:prod:{role}:web-1");
        let subject = format!("Subject: O = busbar prod, OU = {role}, CN = web-1");
        for expected in [
            urn.as_str(),
            &subject,
            "DNS:web-1.example.com",
            "IP Address:10.0.0.7",
            "IP Address:0:0:0:0:0:0:0:1",
            "CA:FALSE",
            "Digital Signature\n",
            "TLS Web Client Authentication",
            "X509v3 Authority Key Identifier",
        ] {
            assert!(text.contains(expected), "{role}: {expected} in {text}");
        }
        let own_host = format!("DNS:{}", role_host(world.authority.anchor().cluster(), role, &who.name));
        assert_eq!(text.contains("TLS Web Server Authentication"), role.serves());
        assert_eq!(text.contains(&own_host), role.serves(), "{own_host} in {text}");

        let identity = Identity::of(leaf.der()).unwrap();
        assert_eq!(
            (identity.role, identity.name.as_str(), identity.cluster.as_str()),
            (role, "web-1", "prod")
        );
        assert_eq!(identity.not_after, world.now + LEAF_VALIDITY);
        let serial = openssl(&["x509", "-noout", "-serial"], &leaf.to_pem()).success();
        assert_eq!(serial.trim().to_lowercase(), format!("serial={}", identity.serial));
    }
}

#[test]
fn openssl_verifies_the_chain_and_the_purpose() {
    let (world, foreign) = (World::new("prod"), World::new("prod"));
    let folder = TempDir::new().unwrap();
    let authority = put(&folder, "ca.pem", &world.trust().to_pem());
    let other = put(&folder, "other.pem", &foreign.trust().to_pem());
    let next = world.authority.next(world.now, busbar_pki::AUTHORITY_VALIDITY).unwrap();
    let bundle = put(&folder, "bundle.pem", &trust(&[&world.authority, &next]).to_pem());
    for role in Role::ALL {
        let leaf = world.issued(role, "web-1").1.to_pem();
        let verify = |purpose: &str, file: &str| {
            openssl(&["verify", "-x509_strict", "-purpose", purpose, "-CAfile", file], &leaf)
        };
        verify("sslclient", &authority).success();
        verify("sslclient", &bundle).success();
        verify("sslclient", &other).failure();
        if role.serves() {
            verify("sslserver", &authority).success();
        } else {
            verify("sslserver", &authority).failure();
        }
        let of_next = issued_by(&next, role, "web-1", world.now).1.to_pem();
        openssl(&["verify", "-x509_strict", "-CAfile", &bundle], &of_next).success();
        openssl(&["verify", "-x509_strict", "-CAfile", &authority], &of_next).failure();
    }
}

#[test]
fn openssl_refuses_an_authority_below_the_authority() {
    let world = World::new("prod");
    let folder = TempDir::new().unwrap();
    let (middle_key, middle) = forged(&world.authority, |params| {
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        params.distinguished_name = rcgen::DistinguishedName::new();
        params.distinguished_name.push(rcgen::DnType::CommonName, "middle");
        params.extended_key_usages = vec![];
    });
    let issuer = rcgen::KeyPair::from_pem(&middle_key.to_pem()).unwrap();
    let issuer = rcgen::Issuer::from_ca_cert_der(middle.der(), issuer).unwrap();
    let key = rcgen::KeyPair::generate().unwrap();
    let leaf = rcgen::CertificateParams::default().signed_by(&key, &issuer).unwrap().pem();
    let authority = put(&folder, "ca.pem", &world.trust().to_pem());
    let middle = put(&folder, "middle.pem", &middle.to_pem());
    let said = openssl(&["verify", "-CAfile", &authority, "-untrusted", &middle], &leaf).failure();
    assert!(said.contains("path length constraint exceeded"), "{said}");
}

#[test]
fn requests_and_keys_go_both_ways() {
    let folder = TempDir::new().unwrap();
    let ours = Csr::new(&KeyPair::generate().unwrap()).unwrap().to_pem();
    openssl(&["req", "-verify", "-noout"], &ours).success();

    let make = |arguments: &[&str]| openssl(arguments, "").success();
    let key = make(&["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"]);
    let read = KeyPair::from_pem(&key).unwrap();
    assert_eq!(*read.to_pem(), key);
    let theirs = |key: &str, name: &str| {
        let key = put(&folder, name, key);
        make(&[
            "req",
            "-new",
            "-key",
            &key,
            "-subj",
            "/CN=urn:busbar:prod:admin:eve",
            "-addext",
            "basicConstraints=CA:TRUE",
        ])
    };
    // Whatever a request asks for, who it is for is said by the authority.
    let world = World::new("prod");
    let request = Csr::from_pem(&theirs(&key, "p256.pem")).unwrap();
    let who = subject(Role::Operator, "ann", &[]);
    let leaf = world.authority.issue(&request, &who, world.now, LEAF_VALIDITY).unwrap();
    let text = text(&leaf.to_pem());
    assert!(!text.contains("eve") && !text.contains("CA:TRUE"), "{text}");
    assert_eq!(Identity::of(leaf.der()).unwrap().urn(), "urn:busbar:prod:operator:ann");

    let sec1 = make(&["ecparam", "-name", "prime256v1", "-genkey", "-noout"]);
    let error = KeyPair::from_pem(&sec1).unwrap_err().to_string();
    assert!(error.contains("a EcPrivateKey stands where only a PRIVATE KEY"), "{error}");
    for (name, others) in [
        ("p384", &["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"][..]),
        ("rsa", &["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"]),
        ("ed25519", &["-algorithm", "ED25519"]),
    ] {
        let key = make(&[&["genpkey"], others].concat());
        let error = KeyPair::from_pem(&key).unwrap_err().to_string();
        assert!(error.contains("ECDSA P-256"), "{name}: {error}");
        let error = Csr::from_pem(&theirs(&key, name)).unwrap_err().to_string();
        assert!(error.contains("ECDSA P-256"), "{name}: {error}");
    }
}

#[test]
fn a_file_for_haproxy_holds_the_certificate_then_its_key() {
    let world = World::new("prod");
    let (key, leaf) = world.issued(Role::Balancer, "lb");
    let file = haproxy_pem(&[leaf.clone(), world.authority.anchor().certificate().clone()], &key);
    let of_key = openssl(&["pkey", "-pubout"], &file).success();
    let of_leaf = openssl(&["x509", "-noout", "-pubkey"], &file).success();
    assert_eq!(of_key, of_leaf);
    let sections: Vec<&str> = file.lines().filter(|line| line.starts_with("-----BEGIN")).collect();
    let [certificate, private] = ["-----BEGIN CERTIFICATE-----", "-----BEGIN PRIVATE KEY-----"];
    assert_eq!(sections, [certificate, certificate, private]);
    assert!(file.lines().all(|line| line.len() <= 64));
}
