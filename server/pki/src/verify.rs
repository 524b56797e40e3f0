//! Who is let into a connection: chain, time and purpose, and then cluster, role and name.

use std::{error::Error as StdError, io, sync::Arc};

use tokio_rustls::rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, Error as TlsError, OtherError,
    SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::{
        WebPkiSupportedAlgorithms, ring::default_provider, verify_tls12_signature, verify_tls13_signature,
    },
    pki_types::{CertificateDer, ServerName, UnixTime},
    server::danger::{ClientCertVerified, ClientCertVerifier},
};

use crate::{
    Anchor, Certificate, Cluster, Error, Fingerprint, Identity, Name, Role, Trust, credentials::Current,
};

/// Which clients a server lets in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peers {
    pub(crate) roles: Vec<Role>,
    pub(crate) required: bool,
}

impl Peers {
    /// Only who shows a certificate of one of these roles.
    pub fn required(roles: impl IntoIterator<Item = Role>) -> Self {
        Self { roles: sorted(roles), required: true }
    }

    /// Who shows none too. A certificate of another role, or one that is not to be believed, is still refused.
    pub fn optional(roles: impl IntoIterator<Item = Role>) -> Self {
        Self { roles: sorted(roles), required: false }
    }
}

fn sorted(roles: impl IntoIterator<Item = Role>) -> Vec<Role> {
    let mut roles: Vec<Role> = roles.into_iter().collect();
    roles.sort_unstable();
    roles.dedup();
    roles
}

/// Which server a client wants to talk to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expected {
    pub(crate) role: Role,
    pub(crate) name: Option<Name>,
}

impl Expected {
    /// Any member of that role.
    pub fn any(role: Role) -> Self {
        Self { role, name: None }
    }

    /// That member and no other.
    pub fn named(role: Role, name: Name) -> Self {
        Self { role, name: Some(name) }
    }
}

/// Why a peer with a good chain is refused: see [`reason`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("accept the peer {found}: it is not of cluster {expected}")]
    Cluster { expected: Cluster, found: String },
    #[error("accept the peer {found}: the role {expected} is expected")]
    Role { expected: String, found: String },
    #[error("accept the peer {found}: {expected} is expected")]
    Name { expected: Name, found: String },
    #[error("accept the server: no certificate of its chain has the fingerprint that is pinned")]
    NotPinned,
}

/// What was wrong with a peer, for the log: of an error of rustls, or of an input and output error around it. Of others
/// it is their own text.
pub fn reason(error: &(dyn StdError + 'static)) -> String {
    let inside = error.downcast_ref::<io::Error>().and_then(|error| error.get_ref());
    let error = inside.map_or(error, |inside| inside as &(dyn StdError + 'static));
    match error.downcast_ref::<TlsError>() {
        Some(TlsError::InvalidCertificate(CertificateError::Other(OtherError(cause)))) => cause.to_string(),
        _ => error.to_string(),
    }
}

fn refused(error: impl StdError + Send + Sync + 'static) -> TlsError {
    TlsError::InvalidCertificate(CertificateError::Other(OtherError(Arc::new(error))))
}

fn check(leaf: &[u8], cluster: &Cluster, roles: &[Role], name: Option<&Name>) -> Result<(), TlsError> {
    let identity = Identity::of(leaf).map_err(refused)?;
    let found = identity.urn();
    if identity.cluster != *cluster {
        return Err(refused(Refusal::Cluster { expected: cluster.clone(), found }));
    }
    if !roles.contains(&identity.role) {
        let expected = roles.iter().map(|role| role.as_str()).collect::<Vec<_>>().join(" or ");
        return Err(refused(Refusal::Role { expected, found }));
    }
    match name {
        Some(expected) if identity.name != *expected => {
            Err(refused(Refusal::Name { expected: expected.clone(), found }))
        }
        _ => Ok(()),
    }
}

fn algorithms() -> WebPkiSupportedAlgorithms {
    default_provider().signature_verification_algorithms
}

/// Judges clients.
#[derive(Debug)]
pub(crate) struct ClientVerifier {
    pub(crate) current: Arc<Current>,
    pub(crate) peers: Peers,
}

impl ClientCertVerifier for ClientVerifier {
    fn client_auth_mandatory(&self) -> bool {
        self.peers.required
    }

    /// None: members have one certificate, so there is nothing to choose by them.
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        leaf: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, TlsError> {
        let trust = &self.current.trust;
        trust.verify_client(leaf, now)?;
        check(leaf, trust.cluster(), &self.peers.roles, None)?;
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        verify_tls12_signature(message, leaf, signed, &algorithms())
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        verify_tls13_signature(message, leaf, signed, &algorithms())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        algorithms().supported_schemes()
    }
}

/// How a server is judged.
#[derive(Debug)]
pub(crate) enum ServerVerifier {
    Member {
        current: Arc<Current>,
        expected: Expected,
    },
    /// By who joins: an admin, vouched for by an authority of which the fingerprint is known.
    Pinned(Vec<Fingerprint>),
}

impl ServerCertVerifier for ServerVerifier {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, TlsError> {
        match self {
            Self::Member { current, expected } => {
                current.trust.verify_server(leaf, now)?;
                check(leaf, current.trust.cluster(), &[expected.role], expected.name.as_ref())?;
            }
            Self::Pinned(pins) => {
                let trust = pinned(others, pins)?;
                trust.verify_server(leaf, now)?;
                check(leaf, trust.cluster(), &[Role::Admin], None)?;
            }
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        verify_tls12_signature(message, leaf, signed, &algorithms())
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        verify_tls13_signature(message, leaf, signed, &algorithms())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        algorithms().supported_schemes()
    }
}

/// Trust in the certificate that has a pinned fingerprint, if one of those that came along has.
fn pinned(others: &[CertificateDer<'_>], pins: &[Fingerprint]) -> Result<Trust, TlsError> {
    let found = others.iter().find(|der| pins.contains(&Fingerprint::of(der)));
    let found = found.ok_or_else(|| refused(Refusal::NotPinned))?;
    let anchor =
        |der: &[u8]| -> Result<Trust, Error> { Trust::new(vec![Anchor::new(Certificate::from_der(der)?)?]) };
    anchor(found).map_err(refused)
}
