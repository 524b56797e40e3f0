//! Bodies that are too large, too short, too long, or not what they say.

use std::io::Write as _;

use busbar_egress::{Bodies, ErrorKind, Request, RequestBody, Settings, What};
use bytes::Bytes;
use flate2::{Compression, write::GzEncoder};
use http_body_util::BodyExt as _;
use tokio::io::AsyncWriteExt as _;

use crate::stage::{
    Answer, Parts, body_error, connection, error, get, listen, ok, post, read_request, reply, serve,
    settings, text,
};

const MIB: u64 = 1024 * 1024;

fn bounded(url: &str, bytes_max: u64) -> Settings {
    let bodies = Bodies { reply_bytes_max: bytes_max, request_bytes_max: bytes_max, ..Bodies::default() };
    Settings { bodies, ..settings(url) }
}

fn too_large(what: What, bytes_max: u64) -> ErrorKind {
    ErrorKind::TooLarge { what, bytes_max }
}

fn gzip(plain: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(plain).unwrap();
    encoder.finish().unwrap()
}

fn gzip_reply(body: &[u8]) -> Vec<u8> {
    let head = format!("HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: {}\r\n\r\n", body.len());
    [head.as_bytes(), body].concat()
}

/// Answers with a head, and then with zeros for as long as they are taken.
async fn endless(head: &'static str, part: &'static [u8]) -> crate::stage::Server {
    listen(move |mut stream, _| async move {
        read_request(&mut stream).await.unwrap();
        stream.write_all(head.as_bytes()).await.unwrap();
        while stream.write_all(part).await.is_ok() {}
    })
    .await
}

#[tokio::test]
async fn a_gigabyte_that_is_announced_is_not_begun() {
    let server = endless("HTTP/1.1 200 OK\r\ncontent-length: 1073741824\r\n\r\n", &[0; 4096]).await;
    let connection = connection(bounded(&server.url(), MIB));
    assert_eq!(error(&connection, get("/")).await.kind, too_large(What::ReplyBody, MIB));
    assert_eq!(connection.statistics().in_use, 0);
}

#[tokio::test]
async fn a_body_without_end_is_cut() {
    for (head, part) in [
        ("HTTP/1.1 200 OK\r\n\r\n", &[0; 4096][..]),
        ("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", b"10\r\n0123456789abcdef\r\n"),
    ] {
        let server = endless(head, part).await;
        let connection = connection(bounded(&server.url(), MIB));
        let mut body = connection.call(get("/")).await.unwrap().into_body();
        let mut bytes = 0;
        let error = loop {
            match body.frame().await.unwrap() {
                Ok(frame) => bytes += frame.into_data().unwrap().len() as u64,
                Err(error) => break error,
            }
        };
        assert_eq!(error.kind, too_large(What::ReplyBody, MIB));
        assert!(bytes <= MIB && body.frame().await.is_none());
        assert_eq!(connection.statistics().in_use, 0);
    }
}

#[tokio::test]
async fn a_body_that_breaks_off_is_no_body() {
    for answer in [
        "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhel",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\nhello\r\n",
    ] {
        let server = serve(|_, _| Answer::Close(answer.as_bytes().to_vec())).await;
        let error = body_error(&connection(settings(&server.url())), get("/")).await;
        assert!(matches!(error.kind, ErrorKind::Body { .. }), "{answer}: {error}");
        assert!(error.maybe_processed);
    }
}

#[tokio::test]
async fn what_follows_a_body_is_not_taken_for_the_next_reply() {
    let smuggled =
        "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nokHTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil";
    let server = serve(|number, _| match number {
        0 => Answer::Keep(smuggled.as_bytes().to_vec()),
        _ => ok("good"),
    })
    .await;
    let connection = connection(settings(&server.url()));
    assert_eq!(text(connection.call(get("/")).await.unwrap()).await.unwrap(), "ok");
    assert_eq!(text(connection.call(get("/")).await.unwrap()).await.unwrap(), "good");
    assert_eq!(server.connections(), 2);
}

#[tokio::test]
async fn lengths_that_contradict_each_other_are_refused() {
    for headers in
        ["content-length: 1\r\ncontent-length: 5\r\n", "content-length: -1\r\n", "content-length: 1, 5\r\n"]
    {
        let answer = format!("HTTP/1.1 200 OK\r\n{headers}\r\nhello");
        let server = serve(move |_, _| Answer::Keep(answer.clone().into_bytes())).await;
        let error = error(&connection(settings(&server.url())), get("/")).await;
        assert!(matches!(error.kind, ErrorKind::Protocol { .. }), "{headers}: {error}");
    }
}

#[tokio::test]
async fn gzip_is_decoded() {
    let server = serve(|number, _| match number {
        0 => Answer::Keep(gzip_reply(&gzip(b"hello"))),
        1 => Answer::Keep(gzip_reply(b"")),
        2 => Answer::Keep(gzip_reply(b"plain")),
        3 => Answer::Keep(gzip_reply(&gzip(b"hello")[..12])),
        _ => reply(200, "content-encoding: br\r\n", "left as it is"),
    })
    .await;
    let connection = connection(settings(&server.url()));
    let reply = connection.call(get("/")).await.unwrap();
    assert!(
        !reply.headers().contains_key("content-encoding") && !reply.headers().contains_key("content-length")
    );
    assert_eq!(text(reply).await.unwrap(), "hello");
    assert!(server.requests()[0].contains("accept-encoding: gzip\r\n"));
    assert_eq!(text(connection.call(get("/")).await.unwrap()).await.unwrap(), "");
    for _ in 0..2 {
        assert!(matches!(body_error(&connection, get("/")).await.kind, ErrorKind::Body { .. }));
    }
    let reply = connection.call(get("/")).await.unwrap();
    assert_eq!(reply.headers()["content-encoding"], "br");
    assert_eq!(text(reply).await.unwrap(), "left as it is");
}

#[tokio::test]
async fn who_decodes_for_himself_gets_it_as_it_came() {
    let encoded = gzip(b"hello");
    let length = encoded.len();
    let server = serve(move |_, _| Answer::Keep(gzip_reply(&encoded))).await;
    let mut request = get("/");
    request.headers.insert("accept-encoding", "gzip".parse().unwrap());
    let reply = connection(settings(&server.url())).call(request).await.unwrap();
    assert_eq!(reply.headers()["content-encoding"], "gzip");
    assert_eq!(reply.into_body().collect().await.unwrap().to_bytes().len(), length);
}

#[tokio::test]
async fn a_bomb_is_stopped_at_the_bound() {
    let bomb = gzip(&vec![0; 64 * 1024 * 1024]);
    assert!(bomb.len() < 100 * 1024);
    let server = serve(move |_, _| Answer::Keep(gzip_reply(&bomb))).await;
    let error = body_error(&connection(bounded(&server.url(), MIB)), get("/")).await;
    assert_eq!(error.kind, too_large(What::ReplyBody, MIB));
}

#[tokio::test]
async fn an_endless_row_of_empty_members_is_stopped_too() {
    let member: &'static [u8] = Box::leak(gzip(b"").repeat(1000).into_boxed_slice());
    let server = endless("HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\n\r\n", member).await;
    let error = body_error(&connection(settings(&server.url())), get("/")).await;
    assert!(error.to_string().contains("too many members"), "{error}");
}

#[tokio::test]
async fn bodies_stream_in_both_directions() {
    let server = listen(|mut stream, _| async move {
        let request = read_request(&mut stream).await.unwrap();
        assert!(
            request.contains("transfer-encoding: chunked") && request.contains("5\r\nhello\r\n"),
            "{request}"
        );
        stream.write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\none\r\n").await.unwrap();
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        stream.write_all(b"3\r\ntwo\r\n0\r\n\r\n").await.unwrap();
        std::future::pending().await
    })
    .await;
    let (sender, receiver) = tokio::sync::mpsc::channel(1);
    let connection = connection(settings(&server.url()));
    let request = Request { body: RequestBody::stream(Parts(receiver)), ..post("/", "") };
    let send = async move {
        for part in ["hello", ", ", "you"] {
            sender.send(Bytes::from_static(part.as_bytes())).await.unwrap();
        }
    };
    let (reply, ()) = tokio::join!(connection.call(request), send);
    let mut body = reply.unwrap().into_body();
    assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap(), "one");
    assert_eq!(connection.statistics().in_use, 1);
    assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap(), "two");
    assert!(body.frame().await.is_none());
    assert_eq!((connection.statistics().in_use, connection.statistics().idle), (0, 1));
}

#[tokio::test]
async fn a_stream_goes_out_with_each_method() {
    let server = serve(|_, _| ok("")).await;
    let connection = connection(settings(&server.url()));
    for method in ["GET", "HEAD", "DELETE", "POST"] {
        let (sender, receiver) = tokio::sync::mpsc::channel(1);
        sender.send(Bytes::from_static(b"hello")).await.unwrap();
        drop(sender);
        let method = method.parse().unwrap();
        let request = Request {
            body: RequestBody::stream(Parts(receiver)),
            ..Request::new(method, "/".parse().unwrap())
        };
        connection.call(request).await.unwrap();
    }
    let sent = server.requests();
    assert!(
        sent.len() == 4 && sent.iter().all(|request| request.ends_with("5\r\nhello\r\n0\r\n\r\n")),
        "{sent:?}"
    );
}

#[tokio::test]
async fn a_request_has_its_bound_too() {
    let server = serve(|_, _| ok("")).await;
    let connection = connection(bounded(&server.url(), 4));
    let whole = error(&connection, post("/", "hello")).await;
    assert_eq!((whole.kind, whole.maybe_processed), (too_large(What::RequestBody, 4), false));
    assert_eq!(server.connections(), 0);
    let (sender, receiver) = tokio::sync::mpsc::channel(2);
    sender.send(Bytes::from_static(b"hel")).await.unwrap();
    sender.send(Bytes::from_static(b"lo")).await.unwrap();
    let request = Request { body: RequestBody::stream(Parts(receiver)), ..post("/", "") };
    let stream = error(&connection, request).await;
    assert_eq!((stream.kind, stream.maybe_processed), (too_large(What::RequestBody, 4), true));
}

#[tokio::test]
async fn a_reply_that_is_dropped_closes_its_connection() {
    let server = endless("HTTP/1.1 200 OK\r\n\r\n", &[0; 64]).await;
    let connection = connection(settings(&server.url()));
    let reply = connection.call(get("/")).await.unwrap();
    assert_eq!(connection.statistics().in_use, 1);
    drop(reply);
    assert_eq!((connection.statistics().in_use, connection.statistics().idle), (0, 0));
}
