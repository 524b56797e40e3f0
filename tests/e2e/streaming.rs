//! Large bodies, piece by piece.

use std::time::Duration;

use busbar_tests::{Quickstart, Request, http::Connection, poll, raw::Raw};
use bytes::Bytes;
use futures_util::stream;
use http_body_util::{BodyExt as _, StreamBody, combinators::UnsyncBoxBody};
use hyper::body::Frame;
use serde_json::json;
use sha2::{Digest as _, Sha256};
use tokio::{sync::mpsc, time::timeout};

const MEGABYTE: usize = 1024 * 1024;

/// Bytes without a short period, so that a piece lost or doubled shows.
fn noise(length: usize) -> Bytes {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let words = (0..length / 8).flat_map(|_| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    });
    words.collect()
}

async fn open_body_channel(bus: &Quickstart, bytes: usize) {
    let channel = bus.channel_at("/echo/body").await;
    bus.patch_channel(&channel["id"], &json!({"body_bytes_max": bytes})).await;
    bus.settle().await;
}

#[tokio::test]
async fn a_large_body_comes_back_as_it_went() {
    let bus = Quickstart::start(&["echo"]).await;
    let body = noise(50 * MEGABYTE);
    a_sender_in_the_middle_of_it_is_told(&bus, &body).await;
    open_body_channel(&bus, 64 * MEGABYTE).await;
    let digest = Sha256::digest(&body);
    let announced =
        Request::post("/echo/body").header("content-type", "application/x-noise").body(body.clone());
    let pieces: Vec<Bytes> = body.chunks(777_777).map(Bytes::copy_from_slice).collect();
    for request in [announced.clone(), Request::post("/echo/body").chunks(pieces), announced] {
        let reply = bus.http().send(&request).await;
        assert_eq!((reply.status, reply.body.len()), (200, body.len()));
        assert_eq!(Sha256::digest(&reply.body), digest);
    }
    for worker in bus.workers().await {
        let resident = resident_bytes(worker);
        assert!(resident < 40 * MEGABYTE + baseline_bytes(), "worker {worker} holds {resident} bytes");
    }
}

/// The refusal arrives although the body is under way.
async fn a_sender_in_the_middle_of_it_is_told(bus: &Quickstart, body: &Bytes) {
    for _ in 0..5 {
        let mut raw = Raw::connect(bus.http().authority()).await;
        raw.write(format!(
            "POST /echo/body HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n\r\n",
            body.len()
        ))
        .await;
        raw.write_while_taken(&body[..4 * MEGABYTE]).await;
        let (head, problem) = raw.read_reply().await;
        assert!(head.starts_with("HTTP/1.1 413 ") && problem.contains("too-large"), "{head}{problem}");
    }
}

/// What a worker has without any body in it, generously.
fn baseline_bytes() -> usize {
    60 * MEGABYTE
}

/// `RssAnon`: files that are mapped do not count.
fn resident_bytes(pid: u32) -> usize {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<usize>().unwrap() * 1024
}

/// A request whose body is sent from a channel.
async fn start(
    bus: &Quickstart,
    connection: &mut Connection,
) -> (mpsc::Sender<Bytes>, hyper::Response<hyper::body::Incoming>) {
    let (sender, receiver) = mpsc::channel(1);
    let frames = stream::unfold(receiver, async |mut receiver: mpsc::Receiver<Bytes>| {
        let bytes = receiver.recv().await?;
        Some((Ok(Frame::data(bytes)), receiver))
    });
    let body: UnsyncBoxBody<Bytes, _> = StreamBody::new(frames).boxed_unsync();
    let request =
        http::Request::post("/echo/body").header("host", bus.http().authority()).body(body).unwrap();
    sender.send(Bytes::from_static(b"first")).await.unwrap();
    let response = timeout(Duration::from_secs(20), connection.start(request)).await;
    (sender, response.expect("the head comes before the body's end").unwrap())
}

#[tokio::test]
async fn a_stream_is_passed_on_while_it_comes() {
    let bus = Quickstart::start(&["echo"]).await;
    open_body_channel(&bus, 1_000).await;
    let mut connection = bus.http().connect().await;
    let (sender, mut response) = start(&bus, &mut connection).await;
    assert_eq!(response.status(), 200);
    let mut next = async || {
        let frame =
            timeout(Duration::from_secs(20), response.frame()).await.expect("the piece comes on its own");
        frame.map(|frame| {
            frame.map_err(|error| error.to_string()).and_then(|f| f.into_data().map_err(|_| String::new()))
        })
    };
    assert_eq!(next().await, Some(Ok(Bytes::from_static(b"first"))));
    sender.send(Bytes::from_static(b"second")).await.unwrap();
    assert_eq!(next().await, Some(Ok(Bytes::from_static(b"second"))));
    drop(sender);
    assert_eq!(next().await, None);

    // Over the limit after the reply began: it must not look like a whole one.
    let mut connection = bus.http().connect().await;
    let (sender, response) = start(&bus, &mut connection).await;
    let _ = sender.send(Bytes::from(vec![b'x'; 2_000])).await;
    drop(sender);
    let rest = timeout(Duration::from_secs(20), response.into_body().collect()).await;
    assert!(rest.expect("the reply ends").is_err(), "a cut reply is no whole reply");

    a_client_that_goes_away_harms_nobody(&bus).await;
}

async fn a_client_that_goes_away_harms_nobody(bus: &Quickstart) {
    for _ in 0..20 {
        let mut connection = bus.http().connect().await;
        let (sender, response) = start(bus, &mut connection).await;
        drop((connection, response, sender));
    }
    poll::until("the bus goes on", poll::CHANGE_BOUND, async || {
        let reply = bus.http().send(&Request::post("/echo/body").body("well")).await;
        if reply.text() == "well" { Ok(()) } else { Err(reply.to_string()) }
    })
    .await;
    bus.http().send(&Request::post("/echo").body("well")).await.expect_status(200);
}
