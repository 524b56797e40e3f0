//! A service can hurt only its own call.

use std::time::{Duration, Instant};

use busbar_tests::{Load, Plan, Quickstart, Reply, Request};
use futures_util::future::join_all;
use serde_json::{Value, json};

#[tokio::test]
async fn a_call_ends_at_its_limits() {
    let bus = Quickstart::start(&["echo", "faulty"]).await;
    a_trap_is_a_fault_of_one_call(&bus).await;
    time_is_limited(&bus).await;
    memory_is_limited(&bus).await;
    output_is_limited(&bus).await;
    log_text_is_limited(&bus).await;
    limits_out_of_range_are_refused(&bus).await;
}

/// (3, 10) The caller sees a general text; the log has the wasm backtrace under the correlation id.
async fn a_trap_is_a_fault_of_one_call(bus: &Quickstart) {
    for service in ["faulty.trap", "faulty.panic"] {
        let reply = bus.invoke(service, &json!({})).await;
        reply.problem(500, "trap");
        for detail in ["wasm", "unreachable", "backtrace", "panicked", "src/", "faulty"] {
            assert!(!reply.text().contains(detail), "{detail:?} is none of the caller's business: {reply}");
        }
        let trace = |line: &Value| {
            let text = line.to_string();
            text.contains("wasm backtrace") && text.contains("faulty")
        };
        bus.wait_log("the backtrace", reply.correlation_id(), trace).await;
    }
    let panicked = bus.invoke("faulty.panic", &json!({})).await;
    let message = |line: &Value| line.to_string().contains("panicked on request");
    bus.wait_log("the panic's message", panicked.correlation_id(), message).await;
    bus.invoke("faulty.count", &json!({})).await.expect_status(200);
}

async fn time_is_limited(bus: &Quickstart) {
    bus.limit("faulty.sleep", &json!({"timeout_ms": 300})).await;
    let started = Instant::now();
    bus.invoke("faulty.sleep", &json!({"ms": 20_000})).await.problem(504, "timeout");
    assert!(started.elapsed() < Duration::from_secs(3), "took {:?}", started.elapsed());
    bus.invoke("faulty.sleep", &json!({"ms": 1})).await.expect_status(200);
    bus.limit("faulty.sleep", &json!({"timeout_ms": 30_000})).await;

    bus.create_channel("hasty", "/hasty", "faulty.sleep", json!({"timeout_ms": 300})).await;
    bus.settle().await;
    bus.http().get("/hasty?ms=20000").await.problem(504, "timeout");
    bus.http().get("/hasty?ms=1").await.expect_status(200);
    // A nested call inherits the deadline.
    bus.create_channel("nested", "/nested", "faulty.invoke", json!({"timeout_ms": 300})).await;
    bus.settle().await;
    let nested = Request::post("/nested").json(&json!({"service": "faulty.sleep", "input": {"ms": 20_000}}));
    let started = Instant::now();
    let reply = bus.http().send(&nested).await;
    assert!(started.elapsed() < Duration::from_secs(3), "took {:?}", started.elapsed());
    assert!(reply.status == 504 || reply.json()["fault"]["code"] == "timeout", "{reply}");
}

async fn memory_is_limited(bus: &Quickstart) {
    bus.limit("faulty.allocate", &json!({"memory_bytes": 16 * 1024 * 1024})).await;
    for _ in 0..3 {
        bus.invoke("faulty.allocate", &json!({})).await.problem(500, "memory-limit");
    }
    bus.invoke("faulty.count", &json!({})).await.expect_status(200);
}

async fn output_is_limited(bus: &Quickstart) {
    bus.limit("faulty.output", &json!({"output_bytes": 1_000})).await;
    let exact = bus.invoke("faulty.output", &json!({"bytes": 1_000})).await;
    assert_eq!((exact.status, exact.body.len()), (200, 1_000));
    bus.invoke("faulty.output", &json!({"bytes": 1_001})).await.problem(500, "output-limit");
}

async fn log_text_is_limited(bus: &Quickstart) {
    let reply = bus.invoke("faulty.log", &json!({"lines": 1_000, "text": "y".repeat(1_000)})).await;
    reply.expect_status(200);
    let told = |line: &Value| line.to_string().contains("dropped");
    bus.wait_log("that lines were dropped", reply.correlation_id(), told).await;
    let lines = bus.log_lines();
    let kept = lines.iter().filter(|line| line.to_string().contains(&"y".repeat(1_000))).count();
    assert!((1..=66).contains(&kept), "{kept} lines");
}

async fn limits_out_of_range_are_refused(bus: &Quickstart) {
    for bad in [
        json!({"timeout_ms": 0}),
        json!({"concurrency": 0}),
        json!({"no_such_limit": 1}),
        json!({"cpu_ms": "x"}),
    ] {
        let reply = bus.admin("PATCH", "/services/faulty.sleep", Some(&json!({"limits": bad}))).await;
        assert_eq!(
            reply.problem(400, "invalid-input")["errors"].as_array().map(Vec::len),
            Some(1),
            "{bad}: {reply}"
        );
    }
    let reply =
        bus.admin("PATCH", "/services/no-such.service", Some(&json!({"limits": {"timeout_ms": 5}}))).await;
    assert_eq!(reply.status, 404, "{reply}");
}

/// A loop is stopped, and those beside it go on meanwhile.
#[tokio::test]
async fn processor_time_is_limited_and_shared() {
    let bus = Quickstart::start_with(busbar_tests::Options {
        services: vec!["echo", "faulty"],
        workers: 1,
        ..busbar_tests::Options::default()
    })
    .await;
    bus.limit("faulty.spin", &json!({"cpu_ms": 500})).await;
    let started = Instant::now();
    bus.invoke("faulty.spin", &json!({})).await.problem(504, "cpu-limit");
    assert!(started.elapsed() < Duration::from_secs(5), "took {:?}", started.elapsed());

    let neighbour =
        Load::start(Plan::new(bus.http(), 2, vec![Request::get("/echo")]).pause(Duration::from_millis(2)));
    neighbour.wait_good(20).await;
    let spins = join_all((0..3).map(async |_| bus.invoke("faulty.spin", &json!({})).await)).await;
    for reply in spins {
        reply.problem(504, "cpu-limit");
    }
    let report = neighbour.stop().await;
    report.expect_clean();
    assert!(report.slowest < Duration::from_secs(1), "{report}");
    assert!(report.good > 50, "{report}");
}

#[tokio::test]
async fn overload_is_told_at_once() {
    let bus = Quickstart::start_with(busbar_tests::Options {
        services: vec!["faulty"],
        workers: 1,
        ..busbar_tests::Options::default()
    })
    .await;
    bus.limit("faulty.sleep", &json!({"concurrency": 1, "queue": 0})).await;
    let slow = async || bus.invoke("faulty.sleep", &json!({"ms": 1_500})).await;
    let replies: Vec<Reply> = join_all((0..4).map(async |_| slow().await)).await;
    let (good, refused): (Vec<_>, Vec<_>) = replies.iter().partition(|reply| reply.status == 200);
    assert_eq!((good.len(), refused.len()), (1, 3), "{replies:?}");
    for reply in refused {
        reply.problem(503, "overloaded");
        let seconds: u32 =
            reply.header("retry-after").unwrap_or_default().parse().expect("Retry-After is a number");
        assert!(seconds > 0);
    }
    // Others have places of their own.
    let beside = async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        bus.invoke("faulty.count", &json!({})).await
    };
    let (slow_one, beside) = tokio::join!(slow(), beside);
    assert_eq!((slow_one.status, beside.status), (200, 200));
    // One may wait.
    bus.limit("faulty.sleep", &json!({"concurrency": 1, "queue": 1})).await;
    let replies = join_all((0..3).map(async |_| bus.invoke("faulty.sleep", &json!({"ms": 700})).await)).await;
    let mut statuses: Vec<u16> = replies.iter().map(|reply| reply.status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 200, 503]);
}
