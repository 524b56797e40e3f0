//! From an origin to a stream: names, the allow-list, TCP, TLS.

use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use busbar_model::connection::http::origin::Origin;
use tokio::{
    net::TcpStream,
    time::{Instant, timeout_at},
};
use tokio_rustls::{
    TlsConnector,
    rustls::{ClientConfig, pki_types::ServerName},
};

use crate::{AllowList, ErrorKind, Outside, Which, bounds::ADDRESSES_MAX, stream::Stream, tls::explain};

pub(crate) struct Dialer {
    pub(crate) allow: AllowList,
    pub(crate) outside: Outside,
    pub(crate) connect: Duration,
}

impl Dialer {
    /// `tls` is for an origin of https, with whom its certificate must name if not its host.
    pub(crate) async fn dial(
        &self,
        origin: &Origin,
        tls: &Arc<ClientConfig>,
        server_name: Option<&str>,
        call_deadline: Instant,
    ) -> Result<Stream, ErrorKind> {
        let deadline = call_deadline.min(Instant::now() + self.connect);
        let opened = timeout_at(deadline, async {
            let stream = self.tcp(origin, deadline).await?;
            if !origin.is_tls {
                return Ok(Stream::Plain(stream));
            }
            encrypt(stream, origin, tls, server_name.unwrap_or(&origin.host)).await
        });
        let late = ErrorKind::Timeout { which: Which::Connect, bound: self.connect };
        opened.await.unwrap_or(Err(late))
    }

    async fn tcp(&self, origin: &Origin, deadline: Instant) -> Result<TcpStream, ErrorKind> {
        let found = match origin.address {
            Some(address) => vec![address],
            None => self.resolve(&origin.host).await?,
        };
        let allowed: Vec<IpAddr> =
            found.iter().copied().filter(|address| self.allow.permits(*address)).collect();
        if let (Some(address), true) = (found.first(), allowed.is_empty()) {
            return Err(ErrorKind::RefusedAddress { host: origin.host.clone(), address: *address });
        }
        let mut text = "its name has no address".to_owned();
        for (place, address) in allowed.iter().enumerate().take(ADDRESSES_MAX) {
            // One that does not answer leaves time for the others.
            let others = u32::try_from(allowed.len().min(ADDRESSES_MAX) - place).unwrap_or(1);
            let share = deadline.saturating_duration_since(Instant::now()) / others;
            let connected =
                timeout_at(Instant::now() + share, TcpStream::connect((*address, origin.port))).await;
            match connected {
                Ok(Ok(stream)) => {
                    // Only costs time if it fails.
                    let _ = stream.set_nodelay(true);
                    return Ok(stream);
                }
                Ok(Err(error)) => text = format!("{}: {error}", SocketAddr::new(*address, origin.port)),
                Err(_) if others == 1 => {
                    return Err(ErrorKind::Timeout { which: Which::Connect, bound: self.connect });
                }
                Err(_) => {}
            }
        }
        Err(ErrorKind::Connect { host: origin.host.clone(), text })
    }

    async fn resolve(&self, host: &str) -> Result<Vec<IpAddr>, ErrorKind> {
        let unknown =
            |error: std::io::Error| ErrorKind::Connect { host: host.to_owned(), text: error.to_string() };
        self.outside.resolver.resolve(host).await.map_err(unknown)
    }
}

async fn encrypt(
    stream: TcpStream,
    origin: &Origin,
    tls: &Arc<ClientConfig>,
    name: &str,
) -> Result<Stream, ErrorKind> {
    let failed = |text: String| ErrorKind::Tls { host: origin.host.clone(), text };
    let server_name = ServerName::try_from(name.to_owned()).map_err(|error| failed(error.to_string()))?;
    let connected = TlsConnector::from(Arc::clone(tls)).connect(server_name, stream).await;
    let stream = connected.map_err(|error| failed(explain(&error, name)))?;
    Ok(Stream::Tls(Box::new(stream)))
}
