//! Connections that are used again, and those that should not be.

use std::time::Duration;

use busbar_egress::{Pool, Settings};
use tokio::time::sleep;

use crate::stage::{Answer, connection, get, ok, post, reply, serve, settings, text, until};

#[tokio::test]
async fn calls_one_after_the_other_share_a_connection() {
    let server = serve(|_, _| ok("hello")).await;
    let connection = connection(settings(&server.url()));
    for _ in 0..20 {
        assert_eq!(text(connection.call(get("/")).await.unwrap()).await.unwrap(), "hello");
    }
    let found = connection.statistics();
    assert_eq!((server.connections(), found.opened, found.in_use, found.idle), (1, 1, 0, 1));
    assert_eq!((found.calls, found.replies[1]), (20, 20));
    assert_eq!(found.latency.iter().sum::<u64>(), 20);
}

#[tokio::test]
async fn one_that_was_closed_meanwhile_is_noticed() {
    let server = serve(|_, _| Answer::Close(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n".to_vec())).await;
    let connection = connection(settings(&server.url()));
    for _ in 0..5 {
        // Also of what may not be sent twice: nothing of it went out.
        text(connection.call(post("/", "x")).await.unwrap()).await.unwrap();
        sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(server.requests().len(), 5);
}

#[tokio::test]
async fn one_that_is_closed_just_then_is_replaced_if_the_call_may_go_out_twice() {
    let server = serve(|number, _| if number == 1 { Answer::Close(Vec::new()) } else { ok("hello") }).await;
    let connection = connection(settings(&server.url()));
    for _ in 0..2 {
        assert_eq!(text(connection.call(get("/")).await.unwrap()).await.unwrap(), "hello");
    }
    assert_eq!((server.requests().len(), server.connections()), (3, 2));
    assert_eq!(connection.statistics().retries, 0);
}

#[tokio::test]
async fn one_that_waited_long_enough_is_closed() {
    let server = serve(|_, _| ok("")).await;
    let settings = Settings { pool: Pool { idle_max: 4, idle_ms: 300 }, ..settings(&server.url()) };
    let connection = connection(settings);
    connection.call(get("/")).await.unwrap();
    assert_eq!(connection.statistics().idle, 1);
    until("none is open", || connection.statistics().idle == 0).await;
    connection.call(get("/")).await.unwrap();
    assert_eq!((server.connections(), connection.statistics().idle), (2, 1));
    until("again none is open", || connection.statistics().idle == 0).await;
}

#[tokio::test]
async fn no_more_wait_than_may() {
    let server = serve(|_, _| ok("")).await;
    let settings = Settings { pool: Pool { idle_max: 2, idle_ms: 10_000 }, ..settings(&server.url()) };
    let connection = connection(settings);
    let call = || connection.call(get("/"));
    let _ = tokio::join!(call(), call(), call(), call());
    assert_eq!((connection.statistics().opened, connection.statistics().idle), (4, 2));
}

#[tokio::test]
async fn a_reply_that_says_so_ends_its_connection() {
    let server = serve(|_, _| reply(200, "connection: close\r\n", "hello")).await;
    let connection = connection(settings(&server.url()));
    for _ in 0..3 {
        assert_eq!(text(connection.call(post("/", "x")).await.unwrap()).await.unwrap(), "hello");
    }
    assert_eq!(server.connections(), 3);
}
