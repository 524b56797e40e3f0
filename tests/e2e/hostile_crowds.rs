//! Thousands of callers at once that are slow, or don't read: they get no more than their share.

use std::time::Duration;

use busbar_tests::{
    Load, Options, Plan, Quickstart, Request,
    crowd::{Crowd, Manner, connections_possible},
    poll,
    process::pss_bytes,
};
use serde_json::json;

/// "Less than doubled", tested at three times the first value; and what a busy machine adds by itself.
const P99_FACTOR: u32 = 3;
const P99_SLACK: Duration = Duration::from_millis(40);
/// Good replies that a p99 is taken of.
const SAMPLE: u64 = 1_500;

async fn start(environment: &[(&'static str, &str)]) -> Quickstart {
    let environment = environment.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
    let services = vec!["echo", "greeter", "faulty"];
    Quickstart::start_with(Options { services, environment, ..Options::default() }).await
}

/// Callers of the services that others are slow with.
fn honest(bus: &Quickstart) -> Load {
    let requests = vec![
        Request::get("/greet/Ada"),
        Request::post("/echo").json(&json!({"note": "a small body"})),
        Request::post("/greet").json(&json!({"name": "Ada"})),
    ];
    Load::start(Plan::new(bus.http(), 4, requests).pause(Duration::from_millis(4)))
}

async fn p99(load: &Load) -> Duration {
    load.forget_latencies();
    load.wait_good(SAMPLE).await;
    load.report().p99
}

fn memory(workers: &[u32]) -> u64 {
    workers.iter().map(|worker| pss_bytes(*worker)).sum()
}

#[tokio::test]
async fn five_thousand_slow_callers_take_nobodys_place() {
    let bus = start(&[]).await;
    let size = 5_000.min(connections_possible());
    let workers = bus.workers().await;
    let load = honest(&bus);
    load.wait_good(500).await;
    let (before, memory_before) = (p99(&load).await, memory(&workers));
    let post = |path: &str, rest: &str| format!("POST {path} HTTP/1.1\r\nHost: localhost\r\n{rest}");
    let manners = [
        Manner {
            first: "GET /echo HTTP/1.1\r\nHost: localhost\r\nX-Slow: ".to_owned(),
            then: "x",
            unread: false,
        },
        Manner {
            first: post("/greet", "Content-Length: 1000000\r\n\r\n{\"name\":\""),
            then: "a",
            unread: false,
        },
        // A byte a second, each in a chunk of its own; raw, so that the service reads what comes.
        Manner {
            first: post("/echo", "Transfer-Encoding: chunked\r\n\r\n"),
            then: "1\r\na\r\n",
            unread: false,
        },
        Manner { first: post("/echo", "Content-Length: 70000\r\n\r\n"), then: "a", unread: false },
    ];
    let authority = bus.http().authority();
    let crowds = futures_util::future::join_all(
        manners.into_iter().map(|manner| Crowd::gather(authority, size / 4, manner)),
    )
    .await;
    let during = p99(&load).await;
    let (memory_during, open) = (memory(&workers), crowds.iter().map(Crowd::open).sum::<usize>());
    eprintln!(
        "p99 of honest callers {before:?}, beside {open} slow ones {during:?}; workers' memory {} MB, then {} MB",
        memory_before >> 20,
        memory_during >> 20
    );
    assert!(open > 0, "they are there while it is measured");
    assert!(during <= before * P99_FACTOR + P99_SLACK, "p99 was {before:?} and is {during:?}");
    assert!(
        memory_during < memory_before + 64 * 1024 * size as u64,
        "{memory_before} became {memory_during}"
    );
    for crowd in &crowds {
        crowd.wait_gone(Duration::from_secs(60)).await;
        let replies = crowd.replies();
        // 504: a raw body that got its place late, and was read until the end of its call.
        let told: usize = [400, 408, 503, 504].iter().filter_map(|status| replies.get(status)).sum();
        assert!(told * 10 >= crowd.size() * 9, "{} of {}: {replies:?}", told, crowd.size());
    }
    load.stop().await.expect_clean();
    assert_eq!(bus.workers().await, workers, "no worker was lost");
}

#[tokio::test]
async fn who_does_not_read_is_dropped() {
    let bus = start(&[("BUSBAR_HTTP_WRITE_IDLE_TIMEOUT_MS", "3000")]).await;
    let workers = bus.workers().await;
    let load = honest(&bus);
    load.wait_good(500).await;
    let (before, memory_before) = (p99(&load).await, memory(&workers));
    let body = json!({"bytes": 8 * 1024 * 1024}).to_string();
    let first = format!(
        "POST /_busbar/invoke/faulty.output HTTP/1.1\r\nHost: localhost\r\nX-API-Key: {}\r\nContent-Length: {}\r\n\r\n{body}",
        bus.invoker_key(),
        body.len()
    );
    let crowd = Crowd::gather(bus.http().authority(), 80, Manner { first, then: "", unread: true }).await;
    let mut most = 0;
    let during = p99(&load).await;
    poll::until("their end", Duration::from_secs(60), async || {
        most = most.max(memory(&workers));
        if crowd.open() == 0 { Ok(()) } else { Err(format!("{} are there", crowd.open())) }
    })
    .await;
    eprintln!(
        "p99 {before:?}, beside 80 who don't read {during:?}; workers' memory {} MB, at most {} MB",
        memory_before >> 20,
        most >> 20
    );
    // Of each worker: the replies that are kept, and calls in the making, which have theirs twice.
    assert!(most < memory_before + 2 * 600 * 1024 * 1024, "{memory_before} became {most}");
    // Where nobody calls, the allocator gives nothing back either.
    poll::until("memory that is given back", Duration::from_secs(30), async || {
        let now = memory(&workers);
        if now < memory_before + 400 * 1024 * 1024 { Ok(()) } else { Err(format!("{} MB", now >> 20)) }
    })
    .await;
    load.stop().await.expect_clean();
    assert_eq!(bus.workers().await, workers, "no worker was lost");
}
