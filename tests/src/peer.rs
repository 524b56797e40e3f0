//! A system of others that speaks HTTP and misbehaves as the path of a request says.

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    time::sleep,
};

/// Listens on loopback for as long as the test runs.
#[derive(Clone, Debug)]
pub struct Peer {
    address: SocketAddr,
    state: Arc<State>,
}

#[derive(Debug, Default)]
struct State {
    requests: Mutex<Vec<String>>,
    connections: AtomicUsize,
    is_down: AtomicBool,
}

/// What a gigabyte is sent in.
const BLOCK: usize = 1024 * 1024;

impl Peer {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let address = listener.local_addr().expect("a listener has an address");
        let partner = Self { address, state: Arc::default() };
        let told = partner.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                told.state.connections.fetch_add(1, SeqCst);
                let told = told.clone();
                tokio::spawn(async move { told.serve(stream).await });
            }
        });
        partner
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Heads of requests, in their order.
    pub fn requests(&self) -> Vec<String> {
        self.state.requests.lock().expect("nobody panics here").clone()
    }

    /// How many requests have a path that begins so.
    pub fn count(&self, path: &str) -> usize {
        let begins = |head: &String| head.split(' ').nth(1).is_some_and(|target| target.starts_with(path));
        self.requests().iter().filter(|head| begins(head)).count()
    }

    pub fn connections(&self) -> usize {
        self.state.connections.load(SeqCst)
    }

    /// While it is down, `/work` is answered with 503.
    pub fn down(&self, is_down: bool) {
        self.state.is_down.store(is_down, SeqCst);
    }

    async fn serve(&self, mut stream: TcpStream) {
        let mut read = Vec::new();
        while let Some((head, rest)) = head(&mut stream, std::mem::take(&mut read)).await {
            self.state.requests.lock().expect("nobody panics here").push(head.clone());
            read = rest;
            if self.answer(&mut stream, &head, &mut read).await.is_none() {
                return;
            }
        }
    }

    /// `None`: the connection is over.
    async fn answer(&self, stream: &mut TcpStream, head: &str, read: &mut Vec<u8>) -> Option<()> {
        let target = head.split(' ').nth(1)?.to_owned();
        let (path, query) = target.split_once('?').unwrap_or((&target, ""));
        match path {
            "/silent" => std::future::pending().await,
            "/drip" => {
                write(stream, b"HTTP/1.1 200 OK\r\ncontent-length: 600\r\n\r\n").await?;
                for _ in 0..600 {
                    write(stream, b".").await?;
                    sleep(Duration::from_millis(500)).await;
                }
                Some(())
            }
            "/cut" => {
                write(stream, b"HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\nit begins well").await?;
                None
            }
            "/huge" => {
                write(stream, b"HTTP/1.1 200 OK\r\ncontent-length: 1073741824\r\n\r\n").await?;
                let block = vec![b'x'; BLOCK];
                for _ in 0..1024 {
                    write(stream, &block).await?;
                }
                Some(())
            }
            "/short" => {
                write(stream, b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nOK and more than that").await?;
                Some(())
            }
            "/nonsense" => {
                write(stream, b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n\r\n").await?;
                None
            }
            "/loop" => status(stream, 302, &format!("location: {target}\r\n"), "").await,
            "/to" => status(stream, 302, &format!("location: {query}\r\n"), "").await,
            "/count" => {
                let length = upload(stream, head, read).await?;
                status(stream, 200, "", &length.to_string()).await
            }
            "/large" => {
                let body = "0123456789abcdef".repeat(16 * 1024);
                status(stream, 200, "content-type: text/plain\r\n", &body).await
            }
            "/work" if self.state.is_down.load(SeqCst) => status(stream, 503, "", "down").await,
            _ => {
                let length = upload(stream, head, read).await?;
                status(stream, 200, "x-partner: yes\r\n", &format!("{head}[{length}]")).await
            }
        }
    }
}

async fn write(stream: &mut TcpStream, bytes: &[u8]) -> Option<()> {
    stream.write_all(bytes).await.ok()
}

async fn status(stream: &mut TcpStream, status: u16, headers: &str, body: &str) -> Option<()> {
    let length = body.len();
    let reply = format!("HTTP/1.1 {status} X\r\n{headers}content-length: {length}\r\n\r\n{body}");
    write(stream, reply.as_bytes()).await
}

/// A head, and what came behind it.
async fn head(stream: &mut TcpStream, mut read: Vec<u8>) -> Option<(String, Vec<u8>)> {
    loop {
        if let Some(at) = read.windows(4).position(|window| window == b"\r\n\r\n") {
            let rest = read.split_off(at + 4);
            return Some((String::from_utf8_lossy(&read).into_owned(), rest));
        }
        more(stream, &mut read).await?;
    }
}

async fn more(stream: &mut TcpStream, read: &mut Vec<u8>) -> Option<()> {
    let mut buffer = [0; 65_536];
    let count = stream.read(&mut buffer).await.ok().filter(|count| *count > 0)?;
    read.extend_from_slice(&buffer[..count]);
    Some(())
}

/// Reads a body to its end, of which only the length is kept.
async fn upload(stream: &mut TcpStream, head: &str, read: &mut Vec<u8>) -> Option<u64> {
    let header = |name: &str| {
        let lines = head.lines().filter_map(|line| line.split_once(':'));
        lines.filter(|(given, _)| given.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim()).next()
    };
    if let Some(length) = header("content-length") {
        let length: usize = length.parse().ok()?;
        let mut left = length;
        loop {
            let taken = left.min(read.len());
            read.drain(..taken);
            left -= taken;
            if left == 0 {
                return Some(length as u64);
            }
            more(stream, read).await?;
        }
    }
    if header("transfer-encoding").is_none() {
        return Some(0);
    }
    let mut total = 0;
    loop {
        let Some(at) = read.windows(2).position(|window| window == b"\r\n") else {
            more(stream, read).await?;
            continue;
        };
        let line = String::from_utf8_lossy(&read[..at]).into_owned();
        let size = usize::from_str_radix(line.split(';').next()?, 16).ok()?;
        while read.len() < at + 2 + size + 2 {
            more(stream, read).await?;
        }
        read.drain(..at + 2 + size + 2);
        total += size as u64;
        if size == 0 {
            return Some(total);
        }
    }
}
