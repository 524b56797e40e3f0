//! Requests: one, and many at once over connections that are kept.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use http_body_util::{BodyExt, Empty};
use hyper::{Request, client::conn::http1};
use hyper_util::rt::TokioIo;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::TcpStream,
    task::JoinHandle,
    time::{sleep, timeout},
};

use crate::stage::{PATIENCE, until};

/// Status, and all of the answer.
pub(crate) async fn once(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    path: &str,
    headers: &str,
) -> (u16, String) {
    let request = format!("GET {path} HTTP/1.1\r\nHost: bus\r\nConnection: close\r\n{headers}\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    // A peer of TLS may end without saying so.
    let _ = timeout(PATIENCE, stream.read_to_end(&mut answer)).await.unwrap();
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let status = answer.get(9..12).and_then(|status| status.parse().ok());
    (status.unwrap_or_else(|| panic!("no HTTP: {answer:?}")), answer)
}

/// Clients that send one request after the other, until they are told to stop.
pub(crate) struct Load {
    counts: Arc<Counts>,
    clients: Vec<JoinHandle<()>>,
}

#[derive(Default)]
struct Counts {
    done: AtomicU64,
    stop: AtomicBool,
    failures: Mutex<Vec<String>>,
}

impl Load {
    pub(crate) fn start(port: u16, clients: usize) -> Self {
        let counts = Arc::new(Counts::default());
        let clients = (0..clients).map(|_| tokio::spawn(client(port, Arc::clone(&counts)))).collect();
        Self { counts, clients }
    }

    pub(crate) fn done(&self) -> u64 {
        self.counts.done.load(Ordering::Relaxed)
    }

    /// That many more.
    pub(crate) async fn more(&self, requests: u64) {
        let goal = self.done() + requests;
        until("more requests are done", || self.done() >= goal).await;
    }

    /// How many were answered well; any other is a failure.
    pub(crate) async fn all_well(self) -> u64 {
        self.counts.stop.store(true, Ordering::Relaxed);
        for client in self.clients {
            timeout(PATIENCE, client).await.unwrap().unwrap();
        }
        let failures = self.counts.failures.lock().unwrap();
        assert!(
            failures.is_empty(),
            "{} failed: {:?}",
            failures.len(),
            failures.iter().take(5).collect::<Vec<_>>()
        );
        self.counts.done.load(Ordering::Relaxed)
    }
}

async fn client(port: u16, counts: Arc<Counts>) {
    let stopped = || counts.stop.load(Ordering::Relaxed);
    while !stopped() {
        let Err(failure) = connection(port, &counts).await else { continue };
        counts.failures.lock().unwrap().push(failure);
        sleep(Duration::from_millis(20)).await;
    }
}

/// Until the other end says that it closes, as HTTP lets it.
async fn connection(port: u16, counts: &Counts) -> Result<(), String> {
    let stream =
        TcpStream::connect(("127.0.0.1", port)).await.map_err(|error| format!("connect: {error}"))?;
    stream.set_nodelay(true).map_err(|error| error.to_string())?;
    let (mut sender, connection) =
        http1::handshake(TokioIo::new(stream)).await.map_err(|error| format!("begin: {error}"))?;
    tokio::spawn(connection);
    while !counts.stop.load(Ordering::Relaxed) {
        let request = Request::get("/x").header("host", "bus").body(Empty::<Bytes>::new()).unwrap();
        let asked = async {
            let response = sender.send_request(request).await.map_err(|error| format!("send: {error:?}"))?;
            let (head, body) = response.into_parts();
            body.collect().await.map_err(|error| format!("read: {error:?}"))?;
            Ok::<_, String>(head)
        };
        let head = timeout(PATIENCE, asked).await.map_err(|_| "no answer".to_owned())??;
        if head.status != 200 {
            return Err(format!("status {}", head.status));
        }
        counts.done.fetch_add(1, Ordering::Relaxed);
        if head.headers.get("connection").is_some_and(|value| value == "close") {
            return Ok(());
        }
        // A person's pace, so that connections are idle now and then.
        sleep(Duration::from_millis(3)).await;
    }
    Ok(())
}
