//! Whom a member believes: the authority of its cluster, and during a roll the next one too.

use std::{collections::BTreeSet, sync::Arc};

use tokio_rustls::rustls::{
    self, RootCertStore,
    client::verify_server_cert_signed_by_trust_anchor,
    crypto::ring::default_provider,
    pki_types::{CertificateDer, UnixTime},
    server::{ParsedCertificate, WebPkiClientVerifier, danger::ClientCertVerifier},
};

use crate::{Anchor, Certificate, Cluster, Error, Fingerprint};

/// The old one and the new one.
const ANCHORS_MAX: usize = 2;

/// One or two authorities of one cluster.
#[derive(Clone, Debug)]
pub struct Trust {
    cluster: Cluster,
    anchors: Vec<Anchor>,
    roots: Arc<RootCertStore>,
    clients: Arc<dyn ClientCertVerifier>,
}

impl Trust {
    pub fn new(anchors: Vec<Anchor>) -> Result<Self, Error> {
        let found = anchors.len();
        let Some(first) = anchors.first().filter(|_| found <= ANCHORS_MAX) else {
            return Err(Error::TrustCount { found });
        };
        let cluster = first.cluster().clone();
        let mut roots = RootCertStore::empty();
        let mut seen = BTreeSet::new();
        for anchor in &anchors {
            if *anchor.cluster() != cluster {
                return Err(Error::TrustMixed { expected: cluster, found: anchor.cluster().clone() });
            }
            if !seen.insert(anchor.fingerprint()) {
                return Err(Error::TrustTwice { fingerprint: anchor.fingerprint() });
            }
            roots.add(anchor.certificate().der().clone())?;
        }
        let roots = Arc::new(roots);
        let provider = Arc::new(default_provider());
        let clients = WebPkiClientVerifier::builder_with_provider(Arc::clone(&roots), provider).build();
        let clients = clients.map_err(|error| rustls::Error::General(error.to_string()))?;
        Ok(Self { cluster, anchors, roots, clients })
    }

    /// What [`to_pem`](Self::to_pem) wrote.
    pub fn from_pem(text: &str) -> Result<Self, Error> {
        let anchors = Certificate::all_from_pem(text)?.into_iter().map(Anchor::new);
        Self::new(anchors.collect::<Result<_, _>>()?)
    }

    /// The text of a CA file, as HAProxy (`ca-file`), OpenSSL, RabbitMQ and databases read it.
    pub fn to_pem(&self) -> String {
        self.anchors.iter().map(|anchor| anchor.certificate().to_pem()).collect()
    }

    pub fn cluster(&self) -> &Cluster {
        &self.cluster
    }

    pub fn anchors(&self) -> &[Anchor] {
        &self.anchors
    }

    pub fn fingerprints(&self) -> BTreeSet<Fingerprint> {
        self.anchors.iter().map(Anchor::fingerprint).collect()
    }

    /// The one that signed a certificate. Says nothing of times and purposes.
    pub fn issuer_of(&self, certificate: &Certificate) -> Option<&Anchor> {
        self.anchors.iter().find(|anchor| certificate.is_signed_by(anchor.certificate()))
    }

    /// Chain, time and purpose of a client's certificate. Whatever else was sent along is not looked at: members are
    /// signed for by the authority itself.
    pub(crate) fn verify_client(
        &self,
        leaf: &CertificateDer<'_>,
        now: UnixTime,
    ) -> Result<(), rustls::Error> {
        self.clients.verify_client_cert(leaf, &[], now).map(|_| ())
    }

    /// The same of a server's. Not the host name: see the decision record on identities.
    pub(crate) fn verify_server(
        &self,
        leaf: &CertificateDer<'_>,
        now: UnixTime,
    ) -> Result<(), rustls::Error> {
        let algorithms = default_provider().signature_verification_algorithms.all;
        let parsed = ParsedCertificate::try_from(leaf)?;
        verify_server_cert_signed_by_trust_anchor(&parsed, &self.roots, &[], now, algorithms)
    }
}
