//! Which calls are made again, and when.

use std::time::{Duration, Instant};

use busbar_egress::{ErrorKind, Request, RequestBody, Retries, Settings};
use http::Method;

use crate::stage::{Answer, Parts, connection, error, get, ok, post, reply, serve, settings, text};

fn retrying(url: &str) -> Settings {
    let retries = Retries { max: 2, pause_ms: 20, ..Retries::default() };
    Settings { retries, ..settings(url) }
}

#[tokio::test]
async fn what_may_be_done_twice_is_tried_again() {
    for method in [Method::GET, Method::HEAD, Method::PUT, Method::DELETE, Method::OPTIONS] {
        let server = serve(|number, _| match number {
            0 => Answer::Close(Vec::new()),
            1 => reply(503, "", ""),
            _ => reply(204, "", ""),
        })
        .await;
        let connection = connection(retrying(&server.url()));
        let body = RequestBody::Bytes("again".into());
        let request = Request { body, ..Request::new(method.clone(), "/".parse().unwrap()) };
        assert_eq!(connection.call(request).await.unwrap().status(), 204, "{method}");
        let sent = server.requests();
        assert!(sent.len() == 3 && sent.iter().all(|request| request.ends_with("again")), "{sent:?}");
        let found = connection.statistics();
        assert_eq!((found.calls, found.retries), (1, 2));
    }
}

#[tokio::test]
async fn what_may_not_is_not() {
    for method in [Method::POST, Method::PATCH] {
        let server =
            serve(|number, _| if number == 0 { reply(503, "", "") } else { Answer::Close(Vec::new()) }).await;
        let connection = connection(retrying(&server.url()));
        let request = || Request::new(method.clone(), "/".parse().unwrap());
        assert_eq!(connection.call(request()).await.unwrap().status(), 503);
        let lost = error(&connection, request()).await;
        assert!(matches!(lost.kind, ErrorKind::Connect { .. }) && lost.maybe_processed, "{lost}");
        assert_eq!(server.requests().len(), 2);
    }
}

#[tokio::test]
async fn a_stream_is_sent_once() {
    let server = serve(|_, _| reply(503, "", "")).await;
    let (sender, receiver) = tokio::sync::mpsc::channel(1);
    drop(sender);
    let request = Request { body: RequestBody::stream(Parts(receiver)), ..get("/") };
    assert_eq!(connection(retrying(&server.url())).call(request).await.unwrap().status(), 503);
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn what_certainly_did_not_get_there_is_tried_again_whatever_it_is() {
    let names = crate::stage::Names::new("api.example", &[&[], &["127.0.0.1"]]);
    let server = serve(|_, _| ok("hello")).await;
    let url = format!("http://api.example:{}", server.address.port());
    let connection =
        busbar_egress::Connection::new(retrying(&url), &Default::default(), names.outside()).unwrap();
    assert_eq!(text(connection.call(post("/", "x")).await.unwrap()).await.unwrap(), "hello");
    assert_eq!(connection.statistics().retries, 1);
}

#[tokio::test]
async fn the_last_reply_is_the_callers() {
    let server = serve(|_, _| reply(503, "", "still down")).await;
    let reply = connection(retrying(&server.url())).call(get("/")).await.unwrap();
    assert_eq!(reply.status(), 503);
    assert_eq!(text(reply).await.unwrap(), "still down");
    assert_eq!((server.requests().len(), server.connections()), (3, 1));
}

#[tokio::test]
async fn a_retry_after_is_waited_for() {
    let server =
        serve(|number, _| if number == 0 { reply(429, "retry-after: 1\r\n", "") } else { ok("") }).await;
    let started = Instant::now();
    assert_eq!(connection(retrying(&server.url())).call(get("/")).await.unwrap().status(), 200);
    assert!(started.elapsed() >= Duration::from_secs(1));
}

#[tokio::test]
async fn one_that_is_too_far_off_is_told_the_caller() {
    let server = serve(|_, _| reply(503, "retry-after: 3600\r\n", "")).await;
    let started = Instant::now();
    let reply = connection(retrying(&server.url())).call(get("/")).await.unwrap();
    assert_eq!((reply.status().as_u16(), reply.headers()["retry-after"].as_bytes()), (503, &b"3600"[..]));
    assert!(started.elapsed() < Duration::from_secs(2));
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn all_attempts_together_have_the_time_of_one_call() {
    let server = serve(|_, _| Answer::Hang(Vec::new())).await;
    let mut settings = retrying(&server.url());
    settings.timeouts.first_byte_ms = 150;
    settings.timeouts.total_ms = 400;
    let started = Instant::now();
    error(&connection(settings), get("/")).await;
    assert!(started.elapsed() < Duration::from_secs(2));
}
