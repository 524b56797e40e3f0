//! Handshakes in memory.

use std::{
    io::{Read, Write},
    sync::Arc,
};

use busbar_pki::{Acceptor, Certificate, Connector, Identity, KeyPair};
use tokio_rustls::rustls::{
    ClientConfig, ClientConnection, Connection, DigitallySignedStruct, Error, HandshakeKind, ServerConfig,
    ServerConnection, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::ring::default_provider,
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime, pem::PemObject},
};

/// Both ends of a connection over which a word went each way.
pub(crate) struct Connected {
    pub(crate) client: ClientConnection,
    pub(crate) server: ServerConnection,
}

/// What the end said that refused; the other one hears of it by an alert.
#[derive(Debug)]
pub(crate) struct Refused {
    pub(crate) by_server: bool,
    pub(crate) error: Error,
}

impl Refused {
    pub(crate) fn text(&self) -> String {
        busbar_pki::reason(&self.error)
    }
}

impl Connected {
    /// Whom the server took the client for.
    pub(crate) fn caller(&self) -> Option<Identity> {
        let shown = self.server.peer_certificates()?.first()?;
        Some(Identity::of(shown).unwrap())
    }

    pub(crate) fn served_by(&self) -> Identity {
        Identity::of(&self.client.peer_certificates().unwrap()[0]).unwrap()
    }

    pub(crate) fn resumed(&self) -> bool {
        assert_eq!(self.client.handshake_kind(), self.server.handshake_kind());
        self.server.handshake_kind() == Some(HandshakeKind::Resumed)
    }
}

/// Of one client, or of one that asks for each connection.
pub(crate) trait ClientSide {
    fn next(&self) -> Arc<ClientConfig>;
}

pub(crate) trait ServerSide {
    fn next(&self) -> Arc<ServerConfig>;
}

impl ClientSide for Arc<ClientConfig> {
    fn next(&self) -> Arc<ClientConfig> {
        Arc::clone(self)
    }
}

impl ClientSide for Connector {
    fn next(&self) -> Arc<ClientConfig> {
        self.config()
    }
}

impl ServerSide for Arc<ServerConfig> {
    fn next(&self) -> Arc<ServerConfig> {
        Arc::clone(self)
    }
}

impl ServerSide for Acceptor {
    fn next(&self) -> Arc<ServerConfig> {
        self.config()
    }
}

pub(crate) fn connect(client: &impl ClientSide, server: &impl ServerSide) -> Result<Connected, Refused> {
    connect_while(client, server, &mut || ())
}

/// Calls `between` before each flight.
pub(crate) fn connect_while(
    client: &impl ClientSide,
    server: &impl ServerSide,
    between: &mut dyn FnMut(),
) -> Result<Connected, Refused> {
    let name = ServerName::try_from("busbar").unwrap();
    let client = ClientConnection::new(client.next(), name).unwrap();
    let server = ServerConnection::new(server.next()).unwrap();
    let (mut client, mut server) = (Connection::from(client), Connection::from(server));
    client.writer().write_all(b"ask").unwrap();
    exchange(&mut client, &mut server, between)?;
    server.writer().write_all(b"answer").unwrap();
    exchange(&mut client, &mut server, between)?;
    assert_eq!(read(&mut server), b"ask");
    assert_eq!(read(&mut client), b"answer");
    match (client, server) {
        (Connection::Client(client), Connection::Server(server)) => Ok(Connected { client, server }),
        _ => unreachable!("they were made so"),
    }
}

fn read(connection: &mut Connection) -> Vec<u8> {
    let mut bytes = vec![0; 64];
    let read = connection.reader().read(&mut bytes).unwrap();
    bytes.truncate(read);
    bytes
}

/// Until neither has anything to say.
fn exchange(
    client: &mut Connection,
    server: &mut Connection,
    between: &mut dyn FnMut(),
) -> Result<(), Refused> {
    let mut refused = None;
    while client.wants_write() || server.wants_write() {
        for by_server in [true, false] {
            between();
            let (from, to) =
                if by_server { (&mut *client, &mut *server) } else { (&mut *server, &mut *client) };
            if let Err(error) = carry(from, to) {
                refused.get_or_insert(Refused { by_server, error });
            }
        }
    }
    refused.map_or(Ok(()), Err)
}

fn carry(from: &mut Connection, to: &mut Connection) -> Result<(), Error> {
    let mut bytes = Vec::new();
    while from.wants_write() {
        from.write_tls(&mut bytes).unwrap();
    }
    let mut rest = bytes.as_slice();
    while !rest.is_empty() {
        to.read_tls(&mut rest).unwrap();
        to.process_new_packets()?;
    }
    Ok(())
}

/// A server that shows what it is given and asks for nothing, as somebody would make it who is up to no good.
pub(crate) fn rogue_server(chain: &[&Certificate], key: &KeyPair) -> Arc<ServerConfig> {
    let chain: Vec<CertificateDer<'static>> =
        chain.iter().map(|certificate| certificate.der().clone()).collect();
    let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, private(key))
        .unwrap();
    Arc::new(config)
}

/// A client that shows what it is given, and believes every server.
pub(crate) fn rogue_client(shown: Option<(&Certificate, &KeyPair)>) -> Arc<ClientConfig> {
    let builder = ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Credulous));
    Arc::new(match shown {
        None => builder.with_no_client_auth(),
        Some((shown, key)) => builder.with_client_auth_cert(vec![shown.der().clone()], private(key)).unwrap(),
    })
}

#[derive(Debug)]
struct Credulous;

impl ServerCertVerifier for Credulous {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        default_provider().signature_verification_algorithms.supported_schemes()
    }
}

fn private(key: &KeyPair) -> PrivateKeyDer<'static> {
    PrivateKeyDer::from_pem_slice(key.to_pem().as_bytes()).unwrap()
}
