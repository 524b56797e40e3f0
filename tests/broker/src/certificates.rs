//! Certificates that are made when they are needed and trusted by nobody else.

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose};

/// A certificate with its key, in PEM.
#[derive(Clone, Debug)]
pub struct Identity {
    pub certificate_pem: String,
    pub key_pem: String,
}

/// An authority, a server that it vouches for as `localhost` and `127.0.0.1`, and a client.
#[derive(Clone, Debug)]
pub struct Certificates {
    pub ca_pem: String,
    pub server: Identity,
    pub client: Identity,
}

impl Certificates {
    pub fn make() -> Self {
        let mut params = named("Busbar test authority", &[]);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let key = KeyPair::generate().expect("a key can be made");
        let authority = params.self_signed(&key).expect("an authority can be made");
        let issuer = Issuer::new(params, key);
        let identity = |params: CertificateParams| {
            let key = KeyPair::generate().expect("a key can be made");
            let certificate = params.signed_by(&key, &issuer).expect("a certificate can be made");
            Identity { certificate_pem: certificate.pem(), key_pem: key.serialize_pem() }
        };
        Self {
            ca_pem: authority.pem(),
            server: identity(named("localhost", &["localhost", "127.0.0.1"])),
            client: identity(named("client", &["client"])),
        }
    }
}

fn named(name: &str, others: &[&str]) -> CertificateParams {
    let others: Vec<String> = others.iter().map(|other| (*other).to_owned()).collect();
    let mut params = CertificateParams::new(others).expect("names are names");
    params.distinguished_name.push(DnType::CommonName, name);
    params
}
