//! What can be wrong with certificates, keys and names.

use crate::{Cluster, Fingerprint, Role};

/// Each is a fragment that fits after "failed to …".
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("take {text:?} for the name of a {what}: allowed are {allowed}")]
    Name { what: &'static str, text: String, allowed: &'static str },
    #[error("take {text:?} for a role: roles are server, balancer, admin, operator")]
    Role { text: String },
    #[error("take {text:?} for a host: {why}")]
    Host { text: String, why: &'static str },
    #[error("take {text:?} for a SHA-256 fingerprint: it has 64 hexadecimal digits")]
    Fingerprint { text: String },
    #[error("take {text:?} for the state of a roll: it is settled, introducing, reissuing or retiring")]
    Roll { text: String },
    #[error("name {found} hosts in one certificate: at most {most} are allowed")]
    TooManyHosts { found: usize, most: usize },
    #[error("read PEM: {why}")]
    Pem { why: String },
    #[error("read a certificate: {why}")]
    Certificate { why: &'static str },
    #[error("read a certificate of an authority: {why}")]
    Anchor { why: &'static str },
    #[error("read a private key: it has to be ECDSA P-256 in PKCS #8 (BEGIN PRIVATE KEY)")]
    Key(#[source] Option<rcgen::Error>),
    #[error("read a certificate request: {why}")]
    Request { why: &'static str },
    #[error("make a private key")]
    Generate(#[source] rcgen::Error),
    #[error("sign")]
    Sign(#[source] rcgen::Error),
    #[error("draw random bytes")]
    Random,
    #[error("use the key with this certificate: it belongs to another one")]
    KeyOfAnother,
    #[error("find out who a certificate is for: {why}")]
    Identity { why: String },
    #[error("reckon with a time that no certificate can say")]
    Time,
    #[error("issue certificates: the authority's own has expired")]
    AuthorityExpired,
    #[error("use a certificate: it has expired")]
    Expired,
    #[error("use a certificate: none of the trusted authorities signed it")]
    Untrusted,
    #[error("trust {found} authorities: one is needed, and during a roll two")]
    TrustCount { found: usize },
    #[error("trust an authority of cluster {found} along with one of cluster {expected}")]
    TrustMixed { expected: Cluster, found: Cluster },
    #[error("trust the authority {fingerprint} twice")]
    TrustTwice { fingerprint: Fingerprint },
    #[error("replace the certificate of {expected} by one of {found}")]
    AnotherIdentity { expected: String, found: String },
    #[error("serve with a certificate of the role {role}: servers and admins do that")]
    NeverServes { role: Role },
    #[error("let peers in: no role is named")]
    NoPeers,
    #[error("pin {found} authorities: one is needed, and during a roll two")]
    PinCount { found: usize },
    #[error("set up TLS")]
    Tls(#[from] tokio_rustls::rustls::Error),
}
