//! Bytes on a socket, for requests that no decent client would send.

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};

use crate::http::PATIENCE;

/// A connection without any idea of HTTP.
#[derive(Debug)]
pub struct Raw {
    stream: TcpStream,
    read: Vec<u8>,
}

impl Raw {
    pub async fn connect(authority: &str) -> Self {
        let stream =
            TcpStream::connect(authority).await.unwrap_or_else(|error| panic!("{authority}: {error}"));
        stream.set_nodelay(true).expect("a socket takes TCP_NODELAY");
        Self { stream, read: Vec::new() }
    }

    pub async fn write(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream
            .write_all(bytes.as_ref())
            .await
            .unwrap_or_else(|error| panic!("failed to write: {error}"));
    }

    /// Writes what the server may not want to read to its end.
    pub async fn write_while_taken(&mut self, bytes: impl AsRef<[u8]>) {
        // A server that has answered already may close.
        let _ = self.stream.write_all(bytes.as_ref()).await;
    }

    /// The same; whether it was taken.
    pub async fn write_if_taken(&mut self, bytes: impl AsRef<[u8]>) -> bool {
        let writing = timeout(PATIENCE, self.stream.write_all(bytes.as_ref())).await;
        writing.is_ok_and(|written| written.is_ok())
    }

    /// Nothing more will be written.
    pub async fn finish(&mut self) {
        let _ = self.stream.shutdown().await;
    }

    /// All that was read and not yet taken, until it contains `needle` (which is taken along).
    pub async fn read_until(&mut self, needle: &str) -> String {
        let needle = needle.as_bytes();
        loop {
            if let Some(at) = self.read.windows(needle.len()).position(|window| window == needle) {
                let rest = self.read.split_off(at + needle.len());
                return String::from_utf8_lossy(&std::mem::replace(&mut self.read, rest)).into_owned();
            }
            let ended = self.read_more().await;
            assert!(!ended, "the connection ended after {:?}", String::from_utf8_lossy(&self.read));
        }
    }

    /// The head of the next reply and its body, by `Content-Length`.
    pub async fn read_reply(&mut self) -> (String, String) {
        let head = self.read_until("\r\n\r\n").await;
        let length = head
            .lines()
            .filter_map(|line| line.split_once(':'))
            .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
            .map_or(0, |(_, value)| value.trim().parse().expect("Content-Length is a number"));
        while self.read.len() < length {
            assert!(!self.read_more().await, "the connection ended within a body");
        }
        let rest = self.read.split_off(length);
        (head, String::from_utf8_lossy(&std::mem::replace(&mut self.read, rest)).into_owned())
    }

    /// The rest, to the end of the connection.
    pub async fn read_to_end(&mut self) -> String {
        while !self.read_more().await {}
        String::from_utf8_lossy(&std::mem::take(&mut self.read)).into_owned()
    }

    /// True at the end, which may be a reset.
    async fn read_more(&mut self) -> bool {
        let mut piece = [0; 16 * 1024];
        let reading = timeout(PATIENCE, self.stream.read(&mut piece)).await;
        let read = reading.unwrap_or_else(|_| panic!("nothing more came within {PATIENCE:?}")).unwrap_or(0);
        self.read.extend_from_slice(&piece[..read]);
        read == 0
    }
}
