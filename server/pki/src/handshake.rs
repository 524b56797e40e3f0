//! Handshakes of members over TCP.

use std::{io, sync::Arc};

use tokio::net::TcpStream;
use tokio_rustls::{
    TlsAcceptor, TlsConnector, client,
    rustls::{ClientConfig, pki_types::ServerName},
    server,
};

use crate::{Acceptor, Identity};

/// What came in.
#[derive(Debug)]
pub enum Incoming {
    /// With who is at the other end, if it showed a certificate.
    Tls(Box<server::TlsStream<TcpStream>>, Option<Identity>),
    /// It speaks something else, nothing of which was read: HTTP in the clear, by its first letter.
    Plain(TcpStream),
}

impl Acceptor {
    /// Errors out where the peer goes away, does not speak TLS, or is refused.
    pub async fn accept(&self, stream: TcpStream) -> io::Result<Incoming> {
        let mut first = [0];
        // The first octet of TLS is 22, the type of a handshake's record.
        if stream.peek(&mut first).await? == 1 && first[0].is_ascii_alphabetic() {
            return Ok(Incoming::Plain(stream));
        }
        let stream = TlsAcceptor::from(self.config()).accept(stream).await?;
        let (_, session) = stream.get_ref();
        let shown = session.peer_certificates().and_then(<[_]>::first);
        let identity = shown.map(|der| Identity::of(der)).transpose().map_err(io::Error::other)?;
        Ok(Incoming::Tls(Box::new(stream), identity))
    }
}

/// The host is said to the server, and not checked: members check roles.
pub async fn connect(
    config: Arc<ClientConfig>,
    host: &str,
    stream: TcpStream,
) -> io::Result<client::TlsStream<TcpStream>> {
    let bare = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host);
    let name = ServerName::try_from(bare.to_owned()).map_err(io::Error::other)?;
    TlsConnector::from(config).connect(name, stream).await
}
