//! Calls that break every limit: each is stopped, its reason is told, and its neighbours hardly notice.

use std::time::{Duration, Instant};

use busbar_tests::{Attack, Options, Quickstart, Request, poll};
use serde_json::{Value, json};
use tokio::time::sleep;

/// The promise "stopped within 100 ms of its limit", tested at three times its value.
const STOPPED: Duration = Duration::from_millis(300);
/// The promise "neighbours' p99 grows by at most 15 ms", tested at three times its value.
const GROWTH: Duration = Duration::from_millis(45);
/// Others use this machine too: a promise that is kept in one of so many rounds is kept.
const ROUNDS: usize = 6;

async fn start() -> Quickstart {
    let services = vec!["echo", "faulty", "hostile-http"];
    Quickstart::start_with(Options { services, workers: 1, ..Options::default() }).await
}

#[tokio::test]
async fn each_call_is_stopped_and_its_reason_is_told() {
    let bus = start().await;
    bus.limit("faulty.spin", &json!({"cpu_ms": 500})).await;
    let mut took = Vec::new();
    for _ in 0..ROUNDS {
        let started = Instant::now();
        bus.invoke("faulty.spin", &json!({})).await.problem(504, "cpu-limit");
        took.push(started.elapsed());
        if started.elapsed() < Duration::from_millis(500) + STOPPED {
            break;
        }
    }
    assert!(took.iter().any(|took| *took < Duration::from_millis(500) + STOPPED), "{took:?}");
    bus.limit("faulty.sleep", &json!({"timeout_ms": 500})).await;
    let started = Instant::now();
    bus.invoke("faulty.sleep", &json!({"ms": 20_000})).await.problem(504, "timeout");
    assert!(started.elapsed() < Duration::from_millis(500) + 3 * STOPPED, "took {:?}", started.elapsed());

    bus.invoke("faulty.output", &json!({"bytes": 1_000_000_000})).await.problem(500, "memory-limit");
    // With memory enough to make it, it is still not let through.
    bus.limit("faulty.output", &json!({"memory_bytes": 512 * 1024 * 1024, "output_bytes": 1024 * 1024}))
        .await;
    bus.invoke("faulty.output", &json!({"bytes": 200_000_000})).await.problem(500, "output-limit");
    bus.invoke("faulty.output", &json!({"bytes": 1_500_000})).await.problem(500, "output-limit");
    bus.invoke("faulty.output", &json!({"bytes": 1_000_000})).await.expect_status(200);

    let many = bus.invoke("faulty.handles", &json!({"number": 10_000})).await;
    many.problem(500, "trap");
    let told = |line: &Value| line["kind"] == "trap" && line.to_string().contains("handle");
    bus.wait_log("why", many.correlation_id(), told).await;
    bus.invoke("faulty.handles", &json!({"number": 1_000})).await.expect_status(200);
    bus.invoke("faulty.recurse", &json!({})).await.problem(500, "nesting-limit");
}

#[tokio::test]
async fn a_plain_component_is_stopped_too() {
    let bus = start().await;
    bus.limit("hostile-http", &json!({"cpu_ms": 500, "output_bytes": 1024 * 1024})).await;
    let get = async |path: &str| bus.http().get(&format!("/hostile-http/{path}")).await;
    get("fine").await.expect_status(200);
    get("spin").await.problem(504, "cpu-limit");
    get("allocate").await.problem(500, "memory-limit");
    get("trap").await.problem(500, "trap");
    get("silent").await.problem(500, "failed");
    // What had begun well breaks off, which tells that it is not whole.
    for path in ["then-trap", "then-spin", "flood"] {
        let request = Request::get(&format!("/hostile-http/{path}"));
        let started = Instant::now();
        let broken = bus.http().try_send(&request).await;
        assert!(broken.is_err(), "{path}: {broken:?}");
        assert!(started.elapsed() < Duration::from_secs(20), "{path} took {:?}", started.elapsed());
    }
    // Nothing of it lives on: all places are free again.
    bus.limit("hostile-http", &json!({"concurrency": 1, "queue": 0, "cpu_ms": 500})).await;
    poll::until_true("a free place", Duration::from_secs(20), async || get("fine").await.status == 200).await;
}

/// A typed payload is refused by what it would become, before any of it is made.
#[tokio::test]
async fn too_many_values_and_too_deep_ones_are_refused() {
    let bus = start().await;
    let worker = bus.workers().await[0];
    let post = async |body: Vec<u8>| {
        let request = bus.invocation("faulty.output", &json!({})).body(body);
        bus.http().send(&request).await
    };
    post(b"{\"bytes\": 1}".to_vec()).await.expect_status(200);
    let before = peak_kib(worker);
    let array = |items: usize| format!("[{}1]", "1,".repeat(items - 1)).into_bytes();
    let refused = post(array(8 * 1024 * 1024 - 1)).await.problem(413, "too-large");
    assert!(refused["detail"].as_str().unwrap_or_default().contains("1000000 JSON values"), "{refused}");
    let grown = peak_kib(worker) - before;
    assert!(grown < 128 * 1024, "the worker took {grown} KiB more for a body of 16 MiB");
    // As many as are taken are looked at, and refused for what they are.
    let most = post(array(999_999)).await.problem(400, "invalid-input");
    assert!(!most["detail"].to_string().contains("JSON values"), "{most}");
    let deep = [b"[".repeat(10_000), b"]".repeat(10_000)].concat();
    let refused = post(deep).await.problem(400, "invalid-input");
    assert!(refused["errors"].to_string().contains("deeper than 127"), "{refused}");
}

/// The most memory that a process ever held.
fn peak_kib(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("the process lives");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("the kernel tells");
    line.trim().trim_end_matches(" kB").parse().expect("a number")
}

/// What one attack is: requests that are sent again and again, so many at once.
fn attacks(bus: &Quickstart) -> Vec<(&'static str, Request, usize)> {
    let call = |service: &str, input: Value| bus.invocation(service, &input);
    vec![
        ("one that spins", call("faulty.spin", json!({})), 1),
        ("eight that spin", call("faulty.spin", json!({})), 8),
        ("allocates", call("faulty.allocate", json!({})), 2),
        ("traps", call("faulty.trap", json!({})), 4),
        ("recurses", call("faulty.recurse", json!({})), 2),
        ("returns 1 GB", call("faulty.output", json!({"bytes": 1_000_000_000})), 2),
        ("floods the log", call("faulty.log", json!({"lines": 100_000, "text": "y".repeat(500)})), 2),
        ("holds handles", call("faulty.handles", json!({"number": 10_000})), 2),
        ("plain, spins", Request::get("/hostile-http/spin"), 4),
        ("plain, floods", Request::get("/hostile-http/flood"), 2),
    ]
}

#[tokio::test]
async fn neighbours_hardly_notice() {
    let bus = start().await;
    for service in ["faulty.spin", "hostile-http"] {
        bus.limit(service, &json!({"cpu_ms": 300})).await;
    }
    let mut failures = Vec::new();
    for (name, request, at_once) in attacks(&bus) {
        let mut growths = Vec::new();
        for _ in 0..ROUNDS {
            let calm = p99(&bus).await;
            let attack = Attack::start(&bus, &request, at_once);
            // Until it is in full swing.
            sleep(Duration::from_millis(100)).await;
            let attacked = p99(&bus).await;
            attack.stop().await;
            growths.push(attacked.saturating_sub(calm));
            if attacked < calm + GROWTH {
                break;
            }
        }
        eprintln!("{name}: p99 grew by {growths:?}");
        if growths.iter().all(|growth| *growth >= GROWTH) {
            failures.push(format!("{name}: {growths:?}"));
        }
    }
    assert!(failures.is_empty(), "{failures:#?}");
}

/// Of a caller that asks for little, again and again.
async fn p99(bus: &Quickstart) -> Duration {
    let (mut connection, mut took) = (bus.http().connect().await, Vec::new());
    for _ in 0..120 {
        let started = Instant::now();
        connection.get("/echo").await.expect_status(200);
        took.push(started.elapsed());
        sleep(Duration::from_millis(2)).await;
    }
    took.sort_unstable();
    took[took.len() * 99 / 100]
}
