//! What a machine runs out of: it is told, it harms only what needs it, and it passes.

use std::{fs, process::Command, time::Duration};

use busbar_tests::{
    Load, Options, Plan, Quickstart, Request, artifact,
    crowd::{Crowd, Manner, connections_possible},
    deployment, poll,
    process::pss_bytes,
    wasm,
};
use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::unit_of_work::request;

/// From what was met to what is told: heartbeats are 2 s apart.
const TOLD: Duration = Duration::from_secs(15);
/// A trouble is over 10 s after it was last met.
const OVER: Duration = Duration::from_secs(45);

const PING: &str = "GET /_busbar/ping HTTP/1.1\r\nHost: localhost\r\n\r\n";

fn idle() -> Manner {
    Manner { first: PING.to_owned(), then: "", unread: false }
}

fn lacks(worker: &Value, what: &str) -> bool {
    worker["load"]["troubles"].as_array().is_some_and(|troubles| troubles.iter().any(|one| one == what))
}

/// Waits until some worker lacks something, or none does.
async fn wait_lack(bus: &Quickstart, what: &str, some: bool, bound: Duration) {
    poll::until(&format!("{what} lacking: {some}"), bound, async || {
        let workers = bus.worker_states().await;
        if workers.iter().any(|worker| lacks(worker, what)) == some {
            Ok(())
        } else {
            Err(format!("{workers:?}"))
        }
    })
    .await;
}

#[tokio::test]
async fn ten_thousand_idle_connections_are_held_and_let_go() {
    let size = 10_000.min(connections_possible());
    if size < 10_000 {
        eprintln!("{size} connections, not 10,000: the limit of descriptors allows no more");
    }
    let environment = vec![("BUSBAR_HTTP_IDLE_TIMEOUT_MS", "600000".to_owned())];
    let options = Options { services: vec!["echo"], environment, ..Options::default() };
    let bus = Quickstart::start_with(options).await;
    let workers = bus.workers().await;
    let load =
        Load::start(Plan::new(bus.http(), 4, vec![Request::get("/echo")]).pause(Duration::from_millis(4)));
    load.wait_good(1_000).await;
    let before = load.report().p99;
    let memory = || workers.iter().map(|worker| pss_bytes(*worker)).sum::<u64>();
    let memory_before = memory();
    let crowd = Crowd::gather(bus.http().authority(), size, idle()).await;
    poll::until("all connections", TOLD, async || {
        let states = bus.worker_states().await;
        let open: u64 = states.iter().filter_map(|worker| worker["load"]["connections_idle"].as_u64()).sum();
        if open >= size as u64 { Ok(()) } else { Err(open.to_string()) }
    })
    .await;
    load.forget_latencies();
    load.wait_good(1_000).await;
    let during = load.report().p99;
    let each = memory().saturating_sub(memory_before) / size as u64;
    eprintln!("an idle connection takes {each} bytes; p99 {before:?}, beside {size} idle ones {during:?}");
    assert_eq!(crowd.open(), size, "none was turned away");
    assert!(each < 32 * 1024, "an idle connection takes {each} bytes");
    assert!(during <= before * 3 + Duration::from_millis(40), "p99 was {before:?} and is {during:?}");
    drop(crowd);
    poll::until("their end", TOLD, async || {
        let states = bus.worker_states().await;
        let open: u64 = states.iter().filter_map(|worker| worker["load"]["connections"].as_u64()).sum();
        if open < 50 { Ok(()) } else { Err(open.to_string()) }
    })
    .await;
    load.stop().await.expect_clean();
}

#[tokio::test]
async fn the_limit_of_descriptors_is_raised_as_far_as_it_goes() {
    let options = Options { limits: Some("-S -n 256"), ..Options::default() };
    let bus = Quickstart::start_with(options).await;
    for process in bus.processes() {
        let limits = fs::read_to_string(format!("/proc/{}/limits", process.pid)).unwrap_or_default();
        let line = limits.lines().find_map(|line| line.strip_prefix("Max open files")).unwrap_or_default();
        let numbers: Vec<&str> = line.split_whitespace().take(2).collect();
        assert!(numbers.len() == 2 && numbers[0] == numbers[1], "{}: {line}", process.command);
    }
}

#[tokio::test]
async fn where_descriptors_are_few_those_who_idle_give_theirs_up() {
    connections_possible();
    let options = Options { services: vec!["echo"], limits: Some("-n 300"), ..Options::default() };
    let bus = Quickstart::start_with(options).await;
    let workers = bus.workers().await;
    // Each time on a new connection, as those who were there before would have it easy.
    let plan = Plan::new(bus.http(), 2, vec![Request::get("/echo")]).fresh_connections();
    let load = Load::start(plan.pause(Duration::from_millis(10)));
    load.wait_good(50).await;
    let crowd = Crowd::gather(bus.http().authority(), 1_000, idle()).await;
    load.wait_good(200).await;
    wait_lack(&bus, "connections", true, TOLD).await;
    let status = bus.cli(&["status"]).await;
    assert!(status.expect(0).stdout.contains("connections"), "{status:?}");
    let page = bus.admin_client().get("/metrics").await;
    assert!(page.text().contains("kind=\"connections\"} 1"), "{page}");
    assert!(crowd.open() <= 2 * 120, "{} are open", crowd.open());
    // What the bus does for itself goes on: it has kept descriptors for that.
    bus.deploy("late.wasm", &artifact::service("greeter")).await;
    let warned = bus.log_lines().iter().filter(|line| line["trouble"] == "connections").count();
    assert!((1..=20).contains(&warned), "{warned} lines: told, but not at every connection");
    drop(crowd);
    wait_lack(&bus, "connections", false, OVER).await;
    load.stop().await.expect_clean();
    assert_eq!(bus.workers().await, workers, "no worker was lost");
}

#[tokio::test]
async fn where_a_workers_memory_is_all_taken_callers_are_told_to_come_again() {
    let environment = vec![("BUSBAR_WORKERS_MEMORY_BYTES_MAX", (64 * 1024 * 1024).to_string())];
    let options = Options { services: vec!["echo", "faulty"], environment, workers: 1, ..Options::default() };
    let bus = Quickstart::start_with(options).await;
    let worker = bus.workers().await;
    bus.limit("faulty.sleep", &json!({"concurrency": 300, "queue": 0})).await;
    let replies =
        join_all((0..200).map(async |_| bus.invoke("faulty.sleep", &json!({"ms": 4_000})).await)).await;
    let (good, refused): (Vec<_>, Vec<_>) = replies.iter().partition(|reply| reply.status == 200);
    assert!(!good.is_empty() && !refused.is_empty(), "{} good, {} refused", good.len(), refused.len());
    for reply in refused {
        reply.problem(503, "overloaded");
        assert!(reply.header("retry-after").is_some(), "{reply}");
    }
    wait_lack(&bus, "memory", true, TOLD).await;
    bus.invoke("faulty.sleep", &json!({"ms": 1})).await.expect_status(200);
    bus.http().get("/echo").await.expect_status(200);
    wait_lack(&bus, "memory", false, OVER).await;
    assert_eq!(bus.workers().await, worker, "no worker was lost");
}

/// Files may grow no further than this: what a full disk does to those who write, without being root.
fn limit_files(bus: &Quickstart, bytes: &str) {
    for process in bus.processes() {
        let mut limit = Command::new("prlimit");
        limit.args(["--pid", &process.pid.to_string(), &format!("--fsize={bytes}:")]);
        assert!(limit.status().is_ok_and(|status| status.success()), "prlimit (util-linux) sets a limit");
    }
}

#[tokio::test]
async fn a_full_disk_fails_a_deploy_and_loses_log_lines_and_passes() {
    let bus = Quickstart::start(&["echo", "keeper"]).await;
    bus.deploy("versioned.wasm", &wasm::version(1)).await;
    let keep = |key: &str| request(&json!([{"do": "put", "key": key, "value": "1"}]));
    bus.http().send(&keep("before")).await.expect_status(200);
    limit_files(&bus, "1000");
    // What needs no disk goes on.
    for _ in 0..50 {
        bus.http().get("/echo").await.expect_status(200);
    }
    let refused = bus.http().send(&keep("during")).await;
    refused.problem(503, "odb-unavailable");
    assert!(refused.header("retry-after").is_some(), "{refused}");
    let file = wasm::version(2);
    let reply = bus.post_deployment("versioned.wasm", &file).await;
    reply.problem(503, "unavailable");
    // Lines are written every 200 ms; what is lost leaves no trace until there is room.
    tokio::time::sleep(Duration::from_secs(1)).await;
    limit_files(&bus, "unlimited");
    poll::until("room", TOLD, async || {
        let reply = bus.http().send(&keep("after")).await;
        if reply.status == 200 { Ok(()) } else { Err(reply.to_string()) }
    })
    .await;
    bus.deploy("versioned.wasm", &file).await;
    bus.wait_workers("versioned", Some(&deployment::digest(&file))).await;
    // Nothing is half written: every line is read as JSON, and one of them tells of those that are not there.
    poll::until("the lost lines", TOLD, async || {
        bus.http().get("/echo").await.expect_status(200);
        let lines = bus.log_lines();
        if lines.iter().any(|line| line["lost"].as_u64() > Some(0)) { Ok(()) } else { Err(String::new()) }
    })
    .await;
    let folder = bus.stop().await;
    assert!(fs::metadata(folder.path("logs")).is_ok());
}
