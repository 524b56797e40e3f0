//! The API behind a real listener.

use std::{net::SocketAddr, time::Duration};

use busbar_admin::{Settings, serve};
use serde_json::json;
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpStream, UnixListener},
    sync::oneshot,
    task::JoinHandle,
    time::timeout,
};

use crate::fixture::{TOKEN, settings};

const PATIENCE: Duration = Duration::from_secs(20);

struct Served {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    ended: JoinHandle<Result<(), busbar_admin::Error>>,
    folder: TempDir,
}

fn start(change: impl FnOnce(&mut Settings, &TempDir)) -> Served {
    let (mut settings, _, folder) = settings();
    change(&mut settings, &folder);
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel();
    let ended = tokio::spawn(serve(listener, settings, async {
        let _ = stopped.await;
    }));
    Served { address, stop, ended, folder }
}

impl Served {
    async fn exchange(&self, request: &[u8]) -> String {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(request).await.unwrap();
        let mut reply = String::new();
        timeout(PATIENCE, stream.read_to_string(&mut reply)).await.unwrap().unwrap();
        reply
    }

    async fn get(&self, path: &str) -> String {
        let head = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        self.exchange(head.as_bytes()).await
    }
}

#[tokio::test]
async fn a_request_in_flight_is_finished() {
    let served = start(|_, _| {});
    let body = json!({"path": "/c", "service": "s"}).to_string();
    let (first, rest) = body.split_at(5);
    let mut busy = TcpStream::connect(served.address).await.unwrap();
    let head = format!(
        "POST /api/v1/channels HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\n\
         Content-Length: {}\r\nExpect: 100-continue\r\n\r\n",
        body.len()
    );
    busy.write_all(head.as_bytes()).await.unwrap();
    // That it is asked for its body shows that the request is being answered.
    let mut asked = [0; 25];
    timeout(PATIENCE, busy.read_exact(&mut asked)).await.unwrap().unwrap();
    assert_eq!(&asked, b"HTTP/1.1 100 Continue\r\n\r\n");
    busy.write_all(first.as_bytes()).await.unwrap();
    let mut idle = TcpStream::connect(served.address).await.unwrap();

    served.stop.send(()).unwrap();
    let mut nothing = Vec::new();
    timeout(PATIENCE, idle.read_to_end(&mut nothing)).await.unwrap().unwrap();
    assert!(nothing.is_empty());
    busy.write_all(rest.as_bytes()).await.unwrap();
    let mut reply = String::new();
    timeout(PATIENCE, busy.read_to_string(&mut reply)).await.unwrap().unwrap();
    assert!(reply.starts_with("HTTP/1.1 201 Created"), "{reply}");
    timeout(PATIENCE, served.ended).await.unwrap().unwrap().unwrap();
    assert!(TcpStream::connect(served.address).await.is_err());
}

#[tokio::test]
async fn a_request_that_waits_to_be_accepted_is_answered() {
    for _ in 0..20 {
        let served = start(|_, _| {});
        let mut stream = TcpStream::connect(served.address).await.unwrap();
        stream.write_all(b"GET /_busbar/ping HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
        served.stop.send(()).unwrap();
        let mut reply = String::new();
        timeout(PATIENCE, stream.read_to_string(&mut reply)).await.unwrap().unwrap();
        assert!(reply.starts_with("HTTP/1.1 200 OK"), "{reply}");
        timeout(PATIENCE, served.ended).await.unwrap().unwrap().unwrap();
    }
}

#[tokio::test]
async fn the_sender_of_a_large_body_sees_why_it_is_refused() {
    let served = start(|_, _| {});
    for (authorization, status) in [(TOKEN, "413 Payload Too Large"), ("wrong", "401 Unauthorized")] {
        let mut request = format!(
            "POST /api/v1/channels HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {authorization}\r\n\
             Content-Length: 8000000\r\nConnection: close\r\n\r\n"
        )
        .into_bytes();
        request.resize(request.len() + 8_000_000, b'x');
        let reply = served.exchange(&request).await;
        assert!(reply.starts_with(&format!("HTTP/1.1 {status}")), "{reply}");
        assert!(reply.contains("application/problem+json"), "{reply}");
    }
}

#[tokio::test]
async fn metrics_are_those_of_the_server() {
    let served = start(|settings, folder| settings.metrics = Some(folder.path().join("ops.sock")));
    let absent = served.get("/metrics").await;
    assert!(absent.starts_with("HTTP/1.1 503") && absent.contains("metrics-unavailable"), "{absent}");

    let listener = UnixListener::bind(served.folder.path().join("ops.sock")).unwrap();
    let answer = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut head = vec![0; 1024];
        let size = stream.read(&mut head).await.unwrap();
        let reply = "HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4\r\nContent-Length: 11\r\n\r\nrequests 1\n";
        stream.write_all(reply.as_bytes()).await.unwrap();
        head.truncate(size);
        String::from_utf8(head).unwrap()
    });
    let reply = served.get("/metrics").await;
    assert!(reply.starts_with("HTTP/1.1 200 OK") && reply.ends_with("requests 1\n"), "{reply}");
    assert!(reply.contains("content-type: text/plain; version=0.0.4"), "{reply}");
    assert!(answer.await.unwrap().starts_with("GET /metrics HTTP/1.1"));
}

#[tokio::test]
async fn metrics_that_nobody_has_are_not_found() {
    let reply = start(|_, _| {}).get("/metrics").await;
    assert!(reply.starts_with("HTTP/1.1 404"), "{reply}");
}
