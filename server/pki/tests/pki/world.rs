//! A cluster of a test's own: its authority, its members, and a clock that can be moved.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use busbar_pki::{
    AUTHORITY_VALIDITY, Authority, Certificate, Clock, Cluster, Credentials, Csr, Host, KeyPair,
    LEAF_VALIDITY, Role, Subject, TICKET_LIFETIME, Trust,
};
use tokio_rustls::rustls::{pki_types::UnixTime, time_provider::TimeProvider};

pub(crate) const HOUR: Duration = Duration::from_secs(60 * 60);
pub(crate) const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// A time that is told.
#[derive(Debug)]
pub(crate) struct Told(AtomicU64);

impl Told {
    pub(crate) fn at(time: SystemTime) -> Arc<Self> {
        Arc::new(Self(AtomicU64::new(time.duration_since(UNIX_EPOCH).unwrap().as_secs())))
    }

    pub(crate) fn advance(&self, by: Duration) {
        self.0.fetch_add(by.as_secs(), Ordering::SeqCst);
    }
}

impl TimeProvider for Told {
    fn current_time(&self) -> Option<UnixTime> {
        Some(UnixTime::since_unix_epoch(Duration::from_secs(self.0.load(Ordering::SeqCst))))
    }
}

pub(crate) struct World {
    pub(crate) authority: Authority,
    pub(crate) now: SystemTime,
    pub(crate) clock: Arc<Told>,
}

impl World {
    /// Certificates begin at the real time, since OpenSSL has no other. The clock of handshakes stands an hour into the
    /// next span of tickets, so that it does not matter when a test is run.
    pub(crate) fn new(cluster: &str) -> Self {
        let now = UNIX_EPOCH + Duration::from_secs(UnixTime::now().as_secs());
        let cluster: Cluster = cluster.parse().unwrap();
        let authority = Authority::create(&cluster, now, AUTHORITY_VALIDITY).unwrap();
        let span = TICKET_LIFETIME.as_secs();
        let next = now.duration_since(UNIX_EPOCH).unwrap().as_secs() / span + 1;
        Self { authority, now, clock: Told::at(UNIX_EPOCH + Duration::from_secs(next * span) + HOUR) }
    }

    pub(crate) fn trust(&self) -> Trust {
        trust(&[&self.authority])
    }

    pub(crate) fn clock(&self) -> Clock {
        Arc::clone(&self.clock) as Clock
    }

    pub(crate) fn member(&self, role: Role, name: &str) -> Arc<Credentials> {
        self.member_at(role, name, self.clock())
    }

    pub(crate) fn member_at(&self, role: Role, name: &str, clock: Clock) -> Arc<Credentials> {
        let (key, certificate) = self.issued(role, name);
        Credentials::new(&key, certificate, self.trust(), clock).unwrap()
    }

    pub(crate) fn issued(&self, role: Role, name: &str) -> (KeyPair, Certificate) {
        issued_by(&self.authority, role, name, self.now)
    }
}

pub(crate) fn issued_by(
    authority: &Authority,
    role: Role,
    name: &str,
    now: SystemTime,
) -> (KeyPair, Certificate) {
    let key = KeyPair::generate().unwrap();
    let request = Csr::from_pem(&Csr::new(&key).unwrap().to_pem()).unwrap();
    let certificate = authority.issue(&request, &subject(role, name, &[]), now, LEAF_VALIDITY).unwrap();
    (key, certificate)
}

pub(crate) fn subject(role: Role, name: &str, hosts: &[&str]) -> Subject {
    let hosts: Vec<Host> = hosts.iter().map(|host| host.parse().unwrap()).collect();
    Subject { role, name: name.parse().unwrap(), hosts }
}

pub(crate) fn trust(authorities: &[&Authority]) -> Trust {
    Trust::new(authorities.iter().map(|authority| authority.anchor().clone()).collect()).unwrap()
}

/// A certificate that the authority would never issue, though it has the authority's signature.
pub(crate) fn forged(
    authority: &Authority,
    change: impl FnOnce(&mut rcgen::CertificateParams),
) -> (KeyPair, Certificate) {
    let key = rcgen::KeyPair::generate().unwrap();
    let issuer = rcgen::KeyPair::from_pem(&authority.key_pem()).unwrap();
    let issuer = rcgen::Issuer::from_ca_cert_der(authority.anchor().certificate().der(), issuer).unwrap();
    let mut params = rcgen::CertificateParams::default();
    params.extended_key_usages =
        vec![rcgen::ExtendedKeyUsagePurpose::ServerAuth, rcgen::ExtendedKeyUsagePurpose::ClientAuth];
    change(&mut params);
    let certificate = params.signed_by(&key, &issuer).unwrap();
    let key = KeyPair::from_pem(&key.serialize_pem()).unwrap();
    (key, Certificate::from_der(certificate.der().to_vec()).unwrap())
}

pub(crate) fn uri(text: &str) -> rcgen::SanType {
    rcgen::SanType::URI(text.try_into().unwrap())
}
