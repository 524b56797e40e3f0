//! Servers that take their time.

use std::time::{Duration, Instant};

use busbar_egress::{ErrorKind, RequestBody, Settings, Timeouts, Which};
use bytes::Bytes;
use tokio::{io::AsyncWriteExt as _, net::TcpListener, time::sleep};

use crate::stage::{
    Answer, Names, Parts, body_error, connection, error, get, listen, post, read_request, serve, settings,
    text,
};

fn which(kind: &ErrorKind) -> Which {
    match kind {
        ErrorKind::Timeout { which, .. } => *which,
        other => panic!("{other}"),
    }
}

fn short(url: &str) -> Settings {
    let timeouts = Timeouts { connect_ms: 200, first_byte_ms: 200, total_ms: 600 };
    Settings { timeouts, ..settings(url) }
}

#[tokio::test]
async fn one_that_accepts_and_never_answers() {
    let server = serve(|_, _| Answer::Hang(Vec::new())).await;
    let connection = connection(short(&server.url()));
    let started = Instant::now();
    let error = error(&connection, get("/")).await;
    assert_eq!(which(&error.kind), Which::FirstByte);
    assert!(error.maybe_processed);
    assert!(started.elapsed() < Duration::from_secs(2));
    assert_eq!(connection.statistics().in_use, 0);
}

#[tokio::test]
async fn one_that_leaves_tls_waiting() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let tls = connection(short(&format!("https://{address}")));
    let error = error(&tls, get("/")).await;
    assert_eq!(which(&error.kind), Which::Connect, "TLS is part of connecting");
    assert!(!error.maybe_processed);
}

#[tokio::test]
async fn a_name_that_never_resolves() {
    struct Never;
    impl busbar_egress::Resolve for Never {
        fn resolve<'a>(&'a self, _: &'a str) -> busbar_egress::Resolving<'a> {
            Box::pin(std::future::pending())
        }
    }
    let outside = busbar_egress::Outside {
        resolver: std::sync::Arc::new(Never),
        ..Names::new("a", &[&["127.0.0.1"]]).outside()
    };
    let connection = busbar_egress::Connection::new(short("http://a"), &Default::default(), outside).unwrap();
    assert_eq!(which(&error(&connection, get("/")).await.kind), Which::Connect);
}

#[tokio::test]
async fn a_head_a_byte_at_a_time() {
    let server = listen(|mut stream, _| async move {
        read_request(&mut stream).await.unwrap();
        for byte in b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n" {
            sleep(Duration::from_millis(50)).await;
            if stream.write_all(&[*byte]).await.is_err() {
                return;
            }
        }
    })
    .await;
    assert_eq!(which(&error(&connection(short(&server.url())), get("/")).await.kind), Which::FirstByte);
}

#[tokio::test]
async fn an_endless_row_of_heads_before_the_head() {
    let server = listen(|mut stream, _| async move {
        read_request(&mut stream).await.unwrap();
        while stream.write_all(&b"HTTP/1.1 100 Continue\r\n\r\n".repeat(100)).await.is_ok() {}
    })
    .await;
    assert_eq!(which(&error(&connection(short(&server.url())), get("/")).await.kind), Which::FirstByte);
}

#[tokio::test]
async fn a_body_a_byte_a_second() {
    let server = listen(|mut stream, _| async move {
        read_request(&mut stream).await.unwrap();
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n").await.unwrap();
        loop {
            sleep(Duration::from_secs(1)).await;
            if stream.write_all(b"x").await.is_err() {
                return;
            }
        }
    })
    .await;
    let connection = connection(short(&server.url()));
    let started = Instant::now();
    let error = body_error(&connection, get("/")).await;
    assert_eq!(which(&error.kind), Which::Total);
    assert!(started.elapsed() < Duration::from_secs(3));
    assert_eq!(connection.statistics().errors, [("timeout-total", 1)]);
}

#[tokio::test]
async fn a_call_ends_by_the_deadline_of_its_caller() {
    let server = serve(|_, _| Answer::Hang(Vec::new())).await;
    let connection = connection(settings(&server.url()));
    let deadline = Some(tokio::time::Instant::now() + Duration::from_millis(300));
    let request = busbar_egress::Request { deadline, ..get("/") };
    let late = error(&connection, request).await;
    assert!(which(&late.kind) == Which::Total && late.maybe_processed);
    let request = busbar_egress::Request { deadline: Some(tokio::time::Instant::now()), ..get("/") };
    let too_late = error(&connection, request).await;
    assert!(which(&too_late.kind) == Which::Total && !too_late.maybe_processed);
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn an_upload_that_goes_on_is_not_cut() {
    let server = listen(|mut stream, _| async move {
        read_request(&mut stream).await.unwrap();
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await.unwrap();
        std::future::pending().await
    })
    .await;
    let slow = |count: u64, every: u64| {
        let (sender, receiver) = tokio::sync::mpsc::channel(1);
        tokio::spawn(async move {
            for _ in 0..count {
                sleep(Duration::from_millis(every)).await;
                let _ = sender.send(Bytes::from_static(b"part")).await;
            }
        });
        RequestBody::stream(Parts(receiver))
    };
    let timeouts = Timeouts { connect_ms: 2_000, first_byte_ms: 400, total_ms: 5_000 };
    let connection = connection(Settings { timeouts, ..settings(&server.url()) });
    let request = busbar_egress::Request { body: slow(8, 100), ..post("/", "") };
    assert_eq!(text(connection.call(request).await.unwrap()).await.unwrap(), "ok");
    let request = busbar_egress::Request { body: slow(2, 1_500), ..post("/", "") };
    let stalled = error(&connection, request).await;
    assert!(matches!(stalled.kind, ErrorKind::Request { .. }) && stalled.maybe_processed, "{stalled}");
}
