//! A system that keeps failing is left alone, and tried again by one call.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    time::{Duration, Instant},
};

use busbar_egress::{BreakerSettings, ErrorKind, Phase, Request, RequestBody, Settings};
use tokio::time::sleep;

use crate::stage::{Answer, Parts, Server, body_error, connection, error, get, ok, reply, serve, settings};

fn guarded(url: &str, open_ms: u64) -> Settings {
    let breaker = BreakerSettings { failures: 3, open_ms, open_max_ms: 60_000, ..BreakerSettings::default() };
    Settings { breaker: Some(breaker), ..settings(url) }
}

async fn ailing() -> (Server, Arc<AtomicBool>) {
    let is_well = Arc::new(AtomicBool::new(false));
    let told = Arc::clone(&is_well);
    let server = serve(move |_, _| if told.load(SeqCst) { ok("") } else { reply(500, "", "") }).await;
    (server, is_well)
}

#[tokio::test]
async fn it_opens_probes_with_one_call_and_closes() {
    let (server, is_well) = ailing().await;
    let connection = connection(guarded(&server.url(), 500));
    for _ in 0..3 {
        assert_eq!(connection.call(get("/")).await.unwrap().status(), 500);
    }
    let refused = error(&connection, get("/")).await;
    let ErrorKind::BreakerOpen { retry_after } = refused.kind else { panic!("{refused}") };
    assert!(retry_after <= Duration::from_millis(500) && !refused.maybe_processed);
    assert_eq!(server.requests().len(), 3);

    sleep(Duration::from_millis(510)).await;
    let call = || connection.call(get("/"));
    let (probe, other) = tokio::join!(call(), call());
    assert_eq!(probe.unwrap().status(), 500);
    assert!(matches!(other.err().unwrap().kind, ErrorKind::BreakerOpen { .. }), "one probe at a time");
    assert_eq!(server.requests().len(), 4);

    is_well.store(true, SeqCst);
    sleep(Duration::from_millis(510)).await;
    assert!(connection.call(get("/")).await.is_err(), "the pause has doubled");
    sleep(Duration::from_millis(510)).await;
    for _ in 0..3 {
        assert_eq!(connection.call(get("/")).await.unwrap().status(), 200);
    }
    assert_eq!(connection.breaker().unwrap().phase, Phase::Closed);
}

#[tokio::test]
async fn no_connection_and_no_answer_open_it_and_so_do_bodies_that_break_off() {
    let broken = b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n".to_vec();
    let server = serve(move |_, _| Answer::Close(broken.clone())).await;
    let settings = guarded(&server.url(), 60_000);
    let settings = Settings {
        breaker: settings.breaker.clone().map(|breaker| BreakerSettings { percent: 40, ..breaker }),
        ..settings
    };
    let connection = connection(settings);
    for _ in 0..3 {
        body_error(&connection, get("/")).await;
    }
    assert!(matches!(error(&connection, get("/")).await.kind, ErrorKind::BreakerOpen { .. }));
}

#[tokio::test]
async fn what_the_caller_did_wrong_does_not() {
    let server = serve(|_, _| reply(404, "", "")).await;
    let connection = connection(guarded(&server.url(), 60_000));
    for _ in 0..10 {
        assert_eq!(connection.call(get("/")).await.unwrap().status(), 404);
        assert!(matches!(error(&connection, get("/..")).await.kind, ErrorKind::Request { .. }));
    }
}

#[tokio::test]
async fn a_caller_that_is_slow_or_in_a_hurry_does_not_either() {
    let server = crate::stage::listen(|mut stream, _| async move {
        while let Some(request) = crate::stage::read_request(&mut stream).await {
            if request.starts_with("GET /slow") {
                tokio::time::sleep(Duration::from_secs(3)).await;
            }
            let head = b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n";
            tokio::io::AsyncWriteExt::write_all(&mut stream, head).await.unwrap();
        }
    })
    .await;
    let mut settings = guarded(&server.url(), 60_000);
    settings.breaker = Some(BreakerSettings { failures: 1, ..BreakerSettings::default() });
    settings.timeouts.first_byte_ms = 1_000;
    settings.timeouts.total_ms = 2_000;
    let connection = connection(settings);
    for _ in 0..2 {
        let deadline = Some(tokio::time::Instant::now() + Duration::from_millis(20));
        let hurried = error(&connection, Request { deadline, ..get("/slow") }).await;
        assert!(matches!(hurried.kind, ErrorKind::Timeout { .. }), "{hurried}");
        let (sender, receiver) = tokio::sync::mpsc::channel(1);
        let request = Request { body: RequestBody::stream(Parts(receiver)), ..get("/upload") };
        let stalled = error(&connection, request).await;
        assert!(matches!(stalled.kind, ErrorKind::Request { .. }), "{stalled}");
        drop(sender);
        body_error(&connection, get("/")).await;
    }
    assert_eq!(connection.breaker().unwrap().failures, 0);
}

#[tokio::test]
async fn a_probe_that_is_given_up_leaves_room_for_another() {
    let server = serve(|number, _| match number {
        0..3 => reply(500, "", ""),
        3 => Answer::Hang(Vec::new()),
        _ => ok(""),
    })
    .await;
    let connection = connection(guarded(&server.url(), 50));
    for _ in 0..3 {
        connection.call(get("/")).await.unwrap();
    }
    sleep(Duration::from_millis(60)).await;
    let given_up = tokio::time::timeout(Duration::from_millis(100), connection.call(get("/"))).await;
    assert!(given_up.is_err());
    assert_eq!(connection.call(get("/")).await.unwrap().status(), 200);
}

#[tokio::test]
async fn it_survives_its_process() {
    let (server, _) = ailing().await;
    let before = connection(guarded(&server.url(), 60_000));
    for _ in 0..3 {
        before.call(get("/")).await.unwrap();
    }
    let kept = serde_json::to_string(&before.breaker().unwrap()).unwrap();
    drop(before);
    let after = connection(guarded(&server.url(), 60_000));
    after.put_back_breaker(&serde_json::from_str(&kept).unwrap());
    assert!(matches!(error(&after, get("/")).await.kind, ErrorKind::BreakerOpen { .. }));
    assert_eq!(server.requests().len(), 3);
    assert_eq!(after.statistics().breaker.unwrap().phase, Phase::Open);
}

#[tokio::test]
async fn a_call_does_not_wait_for_a_retry_that_would_be_refused() {
    let (server, _) = ailing().await;
    let mut settings = guarded(&server.url(), 60_000);
    settings.retries = busbar_egress::Retries {
        max: 10,
        pause_ms: 1,
        statuses: vec![500],
        ..busbar_egress::Retries::default()
    };
    let connection = connection(settings);
    assert_eq!(connection.call(get("/")).await.unwrap().status(), 500, "it gets what there was");
    assert_eq!(server.requests().len(), 3);
}

#[tokio::test]
async fn an_open_one_answers_at_once() {
    let (server, _) = ailing().await;
    let connection = connection(guarded(&server.url(), 60_000));
    for _ in 0..3 {
        connection.call(get("/")).await.unwrap();
    }
    let mut times = Vec::new();
    for _ in 0..1000 {
        let request = get("/");
        let started = Instant::now();
        assert!(connection.call(request).await.is_err());
        times.push(started.elapsed());
    }
    times.sort_unstable();
    println!(
        "an open breaker answers in {:?} (median), {:?} (of a thousand, the tenth slowest)",
        times[500], times[990]
    );
    assert!(times[500] < Duration::from_micros(20), "{:?}", times[500]);
}
