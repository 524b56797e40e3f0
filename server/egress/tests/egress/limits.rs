//! How much goes out at once, and how often.

use std::time::{Duration, Instant};

use busbar_egress::{ErrorKind, Limit, Limits, Settings};
use tokio::time::sleep;

use crate::stage::{Answer, connection, error, get, ok, serve, settings, text};

fn over(kind: &ErrorKind) -> (Limit, Duration) {
    match kind {
        ErrorKind::OverLimit { limit, retry_after } => (*limit, *retry_after),
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn calls_at_once_are_counted_to_the_end_of_their_replies() {
    let server = serve(|_, _| ok("hello")).await;
    let limits = Limits { concurrent: 2, ..Limits::default() };
    let connection = connection(Settings { limits, ..settings(&server.url()) });
    let first = connection.call(get("/")).await.unwrap();
    let second = connection.call(get("/")).await.unwrap();
    let refused = error(&connection, get("/")).await;
    assert_eq!(over(&refused.kind).0, Limit::Concurrency);
    assert!(!refused.maybe_processed);
    text(first).await.unwrap();
    drop(second);
    for _ in 0..2 {
        text(connection.call(get("/")).await.unwrap()).await.unwrap();
    }
    assert_eq!(server.requests().len(), 4);
    assert_eq!(connection.statistics().errors, [("over-limit", 1)]);
}

#[tokio::test]
async fn one_over_the_limit_waits_as_long_as_it_may() {
    let server = serve(|_, _| Answer::Hang(Vec::new())).await;
    let limits = Limits { concurrent: 1, wait_ms: 100, ..Limits::default() };
    let connection = connection(Settings { limits, ..settings(&server.url()) });
    let held = tokio::spawn({
        let connection = connection.clone();
        async move { connection.call(get("/")).await.map(|_| ()) }
    });
    sleep(Duration::from_millis(50)).await;
    let started = Instant::now();
    assert_eq!(over(&error(&connection, get("/")).await.kind).0, Limit::Concurrency);
    assert!(started.elapsed() >= Duration::from_millis(99));
    held.abort();
    let _ = held.await;
    assert_eq!(connection.statistics().in_use, 0, "one that is given up makes room");
    let limited = tokio::time::timeout(Duration::from_millis(50), connection.call(get("/"))).await;
    assert!(limited.is_err(), "it went out");
}

#[tokio::test]
async fn calls_per_second_are_bounded() {
    let server = serve(|_, _| ok("")).await;
    let limits = Limits { per_second: Some(1), burst: Some(3), ..Limits::default() };
    let refusing = connection(Settings { limits: limits.clone(), ..settings(&server.url()) });
    for _ in 0..3 {
        refusing.call(get("/")).await.unwrap();
    }
    let (limit, retry_after) = over(&error(&refusing, get("/")).await.kind);
    assert!(limit == Limit::Rate && retry_after <= Duration::from_secs(1), "{retry_after:?}");

    let waiting = connection(Settings {
        limits: Limits { per_second: Some(20), wait_ms: 1_000, ..limits },
        ..settings(&server.url())
    });
    let started = Instant::now();
    for _ in 0..7 {
        waiting.call(get("/")).await.unwrap();
    }
    assert!(started.elapsed() >= Duration::from_millis(195), "{:?}", started.elapsed());
}
