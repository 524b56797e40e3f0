//! Heads: what goes out and comes in, and what is too much or no HTTP.

use busbar_egress::{Bodies, ErrorKind, Request, Settings, Trace, What};
use http::{HeaderMap, HeaderName, HeaderValue};
use tokio::io::AsyncWriteExt as _;

use crate::stage::{Answer, connection, error, get, listen, ok, post, read_request, reply, serve, settings};

const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
    let pair = |(name, value): &(&'static str, &'static str)| {
        (HeaderName::from_static(name), HeaderValue::from_static(value))
    };
    pairs.iter().map(pair).collect()
}

#[tokio::test]
async fn a_request_goes_out_clean() {
    let server =
        serve(|_, _| reply(200, "connection: x-hop\r\nx-hop: 1\r\nkeep-alive: 5\r\nx-kept: 1\r\n", "")).await;
    let request = Request {
        headers: headers(&[
            ("host", "elsewhere.example"),
            ("connection", "close, x-mine"),
            ("x-mine", "1"),
            ("content-length", "99"),
            ("transfer-encoding", "chunked"),
            ("upgrade", "websocket"),
            ("accept", "text/plain"),
        ]),
        trace: Trace::new(PARENT, Some("a=b")),
        ..post("/orders?open=1", "hello")
    };
    let connection = connection(settings(&format!("{}/v1/", server.url())));
    let reply = connection.call(request).await.unwrap();
    let sent = server.requests().remove(0);
    assert!(
        sent.starts_with("POST /v1/orders?open=1 HTTP/1.1\r\n") && sent.ends_with("\r\n\r\nhello"),
        "{sent}"
    );
    for line in [
        format!("host: {}", server.address),
        "content-length: 5".to_owned(),
        "accept: text/plain".to_owned(),
        format!("traceparent: {PARENT}"),
        "tracestate: a=b".to_owned(),
        concat!("user-agent: busbar/", env!("CARGO_PKG_VERSION")).to_owned(),
    ] {
        assert_eq!(sent.matches(&format!("\r\n{line}\r\n")).count(), 1, "{line} in {sent}");
    }
    for name in ["connection", "x-mine", "transfer-encoding", "upgrade", "elsewhere", "99"] {
        assert!(!sent.contains(name), "{name} in {sent}");
    }
    assert_eq!(reply.headers()["x-kept"], "1");
    for name in ["connection", "x-hop", "keep-alive"] {
        assert!(!reply.headers().contains_key(name), "{name}");
    }
}

#[tokio::test]
async fn a_line_can_not_be_ended_by_a_header_or_a_path() {
    assert!(HeaderValue::from_str("a\r\nx: y").is_err());
    assert!("/a\r\nx: y".parse::<http::uri::PathAndQuery>().is_err());
    let server = serve(|_, _| ok("")).await;
    let connection = connection(settings(&format!("{}/v1", server.url())));
    let error = error(&connection, get("/../admin")).await;
    assert!(matches!(error.kind, ErrorKind::Request { .. }) && !error.maybe_processed);
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn a_head_has_its_bound() {
    let server = listen(|mut stream, _| async move {
        read_request(&mut stream).await.unwrap();
        stream.write_all(b"HTTP/1.1 200 OK\r\nx: ").await.unwrap();
        while stream.write_all(&[b'x'; 1024]).await.is_ok() {}
    })
    .await;
    let bodies = Bodies { reply_head_bytes_max: 8192, ..Bodies::default() };
    let connection = connection(Settings { bodies, ..settings(&server.url()) });
    let error = error(&connection, get("/")).await;
    assert_eq!(error.kind, ErrorKind::TooLarge { what: What::ReplyHead, bytes_max: 8192 });
}

#[tokio::test]
async fn a_thousand_headers_are_too_many() {
    let server = serve(|_, _| reply(200, &"a: b\r\n".repeat(1000), "")).await;
    let error = error(&connection(settings(&server.url())), get("/")).await;
    assert!(matches!(error.kind, ErrorKind::TooLarge { what: What::ReplyHead, .. }), "{error}");
}

#[tokio::test]
async fn what_is_no_http_is_told() {
    for answer in [
        "SSH-2.0-OpenSSH\r\n",
        "HTTP/1.1 abc\r\n\r\n",
        "\0\0\0\0\r\n\r\n",
        "HTTP/1.1 200 OK\r\na b: c\r\n\r\n",
    ] {
        let server = serve(move |_, _| Answer::Close(answer.as_bytes().to_vec())).await;
        let error = error(&connection(settings(&server.url())), get("/")).await;
        assert!(matches!(error.kind, ErrorKind::Protocol { .. }), "{answer:?}: {error}");
        assert!(error.maybe_processed);
    }
    let switches = "HTTP/1.1 101 X\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n";
    let server = serve(move |_, _| Answer::Hang(switches.as_bytes().to_vec())).await;
    let error = error(&connection(settings(&server.url())), get("/")).await;
    assert!(matches!(error.kind, ErrorKind::Protocol { .. }), "{error}");
}
