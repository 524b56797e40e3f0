//! The stream to PostgreSQL: encrypted or not, and closed by a message that is larger than a result may be. Its driver
//! would put any together, a gigabyte too.

use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    task::{Context, Poll},
    time::Duration,
};

use socket2::{SockRef, TcpKeepalive};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};
use tokio_postgres::{
    CancelToken, Client, Config, NoTls,
    tls::{ChannelBinding, TlsConnect},
};
use tokio_rustls::{TlsConnector, client::TlsStream, rustls::pki_types::ServerName};

use super::{Target, error};
use crate::{ErrorKind, SqlError, tls::Encryption};

/// A type, and a length that counts itself but not the type.
const HEAD_BYTES: usize = 5;
const KEEPALIVE: Duration = Duration::from_secs(60);

/// Says, of a connection that is gone, whether a message was too large.
pub(super) type Overrun = Arc<AtomicBool>;

pub(super) async fn connect(
    target: &Target,
    config: &Config,
    bytes_max: u64,
) -> Result<(Client, Overrun), SqlError> {
    let unreachable = |error: io::Error| ErrorKind::Unreachable { text: error.to_string() }.undone();
    let tcp = dial(target).await.map_err(unreachable)?;
    let overrun = Overrun::default();
    let bound = Bound { bytes_max, overrun: Arc::clone(&overrun) };
    let failed = |error: tokio_postgres::Error| error::of_connecting(&error);
    let client = match &target.encryption {
        Encryption::Off => {
            let (client, connection) =
                config.connect_raw(Guarded::new(tcp, bound), NoTls).await.map_err(failed)?;
            drive(connection);
            client
        }
        Encryption::On { connector, name } => {
            let tls = Encrypting { connector: connector.clone(), name: name.clone(), bound };
            let (client, connection) = config.connect_raw(tcp, tls).await.map_err(failed)?;
            drive(connection);
            client
        }
    };
    Ok((client, overrun))
}

/// Returns when the server has been told and has closed the connection that this takes.
pub(super) async fn cancel(target: &Target, token: &CancelToken) {
    let Ok(tcp) = dial(target).await else { return };
    let _ = match &target.encryption {
        Encryption::Off => token.cancel_query_raw(tcp, NoTls).await,
        Encryption::On { connector, name } => {
            let bound = Bound { bytes_max: u64::MAX, overrun: Overrun::default() };
            let tls = Encrypting { connector: connector.clone(), name: name.clone(), bound };
            token.cancel_query_raw(tcp, tls).await
        }
    };
}

async fn dial(target: &Target) -> io::Result<TcpStream> {
    let tcp = TcpStream::connect((target.host.as_str(), target.port)).await?;
    tcp.set_nodelay(true)?;
    SockRef::from(&tcp).set_tcp_keepalive(&TcpKeepalive::new().with_time(KEEPALIVE))?;
    Ok(tcp)
}

fn drive(connection: impl Future<Output = Result<(), tokio_postgres::Error>> + Send + 'static) {
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!(error = %error::explain(&error), "a connection to a database was lost");
        }
    });
}

struct Bound {
    bytes_max: u64,
    overrun: Overrun,
}

/// Follows the messages that are read.
pub(super) struct Guarded<S> {
    stream: S,
    bound: Bound,
    head: [u8; HEAD_BYTES],
    head_length: usize,
    /// Of the message whose head was read.
    left: u64,
}

impl<S> Guarded<S> {
    fn new(stream: S, bound: Bound) -> Self {
        Self { stream, bound, head: [0; HEAD_BYTES], head_length: 0, left: 0 }
    }

    fn follow(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        loop {
            let passed = usize::try_from(self.left).unwrap_or(usize::MAX).min(bytes.len());
            self.left -= passed as u64;
            bytes = bytes.get(passed..).unwrap_or_default();
            if bytes.is_empty() {
                return Ok(());
            }
            let taken = (HEAD_BYTES - self.head_length).min(bytes.len());
            let (of_head, rest) = bytes.split_at(taken);
            if let Some(place) = self.head.get_mut(self.head_length..self.head_length + taken) {
                place.copy_from_slice(of_head);
            }
            self.head_length += taken;
            bytes = rest;
            if self.head_length == HEAD_BYTES {
                self.head_length = 0;
                let [_, length @ ..] = self.head;
                self.left = u64::from(u32::from_be_bytes(length)).saturating_sub(4);
                if self.left > self.bound.bytes_max {
                    self.bound.overrun.store(true, Relaxed);
                    return Err(io::Error::other("a message is larger than a result may be"));
                }
            }
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Guarded<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let polled = Pin::new(&mut self.stream).poll_read(cx, buffer);
        if matches!(polled, Poll::Ready(Ok(()))) {
            self.follow(buffer.filled().get(before..).unwrap_or_default())?;
        }
        polled
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Guarded<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

impl tokio_postgres::tls::TlsStream for Guarded<TlsStream<TcpStream>> {
    fn channel_binding(&self) -> ChannelBinding {
        ChannelBinding::none()
    }
}

struct Encrypting {
    connector: TlsConnector,
    name: ServerName<'static>,
    bound: Bound,
}

impl TlsConnect<TcpStream> for Encrypting {
    type Stream = Guarded<TlsStream<TcpStream>>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Self::Stream>> + Send>>;

    fn connect(self, stream: TcpStream) -> Self::Future {
        Box::pin(async move {
            let encrypted = self.connector.connect(self.name, stream).await?;
            Ok(Guarded::new(encrypted, self.bound))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(length: u32) -> Vec<u8> {
        [&b"D"[..], &(length + 4).to_be_bytes(), &vec![7; length as usize]].concat()
    }

    #[test]
    fn a_message_that_is_too_large_is_known_by_its_head() {
        let stream: Vec<u8> = [message(100), message(0), message(99), message(101)].concat();
        for part in [1, 3, 5, 64, 1_000] {
            let bound = Bound { bytes_max: 100, overrun: Overrun::default() };
            let mut guarded = Guarded::new((), bound);
            let mut read = 0;
            let failed = stream.chunks(part).find_map(|part| {
                read += part.len();
                guarded.follow(part).err()
            });
            assert!(failed.is_some() && guarded.bound.overrun.load(Relaxed), "{part}");
            assert!(
                (105 + 5 + 104 + 5..=105 + 5 + 104 + 5 + part).contains(&read) || part == 1_000,
                "{part} {read}"
            );
        }
    }
}
