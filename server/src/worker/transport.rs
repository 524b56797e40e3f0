//! What a connection's bytes go over: TCP or a Unix socket as they are, or TLS with a certificate of the cluster.

use std::{
    io::{self, IoSlice},
    net::Shutdown,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker, ready},
};

use tokio::{
    io::{AsyncRead as _, AsyncWrite as _, Interest, ReadBuf},
    net::{TcpStream, UnixStream},
};
use tokio_rustls::server::TlsStream;

use crate::worker::cork::Corked;

pub(crate) enum Transport {
    Bare(Arc<Corked>),
    Tls(Box<TlsStream<TcpStream>>),
}

impl Transport {
    /// Writes what there is room for at once: all of it, where nothing is on its way.
    pub(crate) fn write_now(&mut self, bytes: &[u8]) {
        match self {
            Self::Bare(corked) => drop(corked.socket.try_write(&[IoSlice::new(bytes)])),
            Self::Tls(stream) => {
                let context = &mut Context::from_waker(Waker::noop());
                let mut stream = Pin::new(stream);
                let _ = stream.as_mut().poll_write(context, bytes);
                let _ = stream.poll_flush(context);
            }
        }
    }

    pub(crate) fn socket(&self) -> socket2::SockRef<'_> {
        match self {
            Self::Bare(corked) => corked.socket.as_socket(),
            Self::Tls(stream) => stream.get_ref().0.into(),
        }
    }

    pub(crate) fn poll_read(
        &mut self,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self {
            Self::Bare(corked) => corked.socket.poll_read(context, buffer),
            Self::Tls(stream) => Pin::new(stream).poll_read(context, buffer),
        }
    }

    pub(crate) fn poll_write(
        &mut self,
        context: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self {
            Self::Bare(corked) => corked.socket.poll_write(context, pieces),
            Self::Tls(stream) => Pin::new(stream).poll_write_vectored(context, pieces),
        }
    }

    pub(crate) fn poll_flush(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Self::Bare(corked) => corked.poll_left(context),
            Self::Tls(stream) => Pin::new(stream).poll_flush(context),
        }
    }

    pub(crate) fn poll_shutdown(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Self::Bare(corked) => Poll::Ready(match corked.socket.as_socket().shutdown(Shutdown::Write) {
                // The other side was faster.
                Err(error) if error.kind() == io::ErrorKind::NotConnected => Ok(()),
                outcome => outcome,
            }),
            Self::Tls(stream) => Pin::new(stream).poll_shutdown(context),
        }
    }
}

/// A socket that can be written to from elsewhere than where it is read.
pub(crate) enum Socket {
    Tcp(TcpStream),
    Unix(UnixStream),
}

impl Socket {
    fn as_socket(&self) -> socket2::SockRef<'_> {
        match self {
            Self::Tcp(stream) => stream.into(),
            Self::Unix(stream) => stream.into(),
        }
    }

    /// Without waiting.
    pub(crate) fn try_write(&self, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
        match (self, pieces) {
            (Self::Tcp(stream), [piece]) => stream.try_write(piece),
            (Self::Unix(stream), [piece]) => stream.try_write(piece),
            (Self::Tcp(stream), _) => stream.try_write_vectored(pieces),
            (Self::Unix(stream), _) => stream.try_write_vectored(pieces),
        }
    }

    pub(crate) fn poll_write(
        &self,
        context: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        loop {
            ready!(match self {
                Self::Tcp(stream) => stream.poll_write_ready(context),
                Self::Unix(stream) => stream.poll_write_ready(context),
            })?;
            match self.try_write(pieces) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                outcome => return Poll::Ready(outcome),
            }
        }
    }

    fn poll_read(&self, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        loop {
            ready!(match self {
                Self::Tcp(stream) => stream.poll_read_ready(context),
                Self::Unix(stream) => stream.poll_read_ready(context),
            })?;
            let room = buffer.remaining();
            let read = match self {
                Self::Tcp(stream) => stream.try_read_buf(buffer),
                Self::Unix(stream) => stream.try_read_buf(buffer),
            };
            match read {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Poll::Ready(Err(error)),
                Ok(bytes) => {
                    if bytes > 0 && bytes < room {
                        self.is_empty();
                    }
                    return Poll::Ready(Ok(()));
                }
            }
        }
    }

    /// Less was read than there was room for: nothing is left, and it need not be tried. What has come since is not
    /// forgotten by this: it is noted when this thread asks for events again.
    fn is_empty(&self) {
        let empty = || Err::<(), _>(io::ErrorKind::WouldBlock.into());
        let _ = match self {
            Self::Tcp(stream) => stream.try_io(Interest::READABLE, empty),
            Self::Unix(stream) => stream.try_io(Interest::READABLE, empty),
        };
    }
}
