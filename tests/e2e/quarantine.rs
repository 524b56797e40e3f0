//! A plugin whose calls end the process is taken out of service, and its neighbours are not.

use std::time::Duration;

use busbar_tests::{Options, Quickstart, artifact, deployment::accepted, poll, process};
use nix::sys::signal::Signal;
use serde_json::{Value, json};

/// Until a process that died has a ready successor.
const REPLACED: Duration = Duration::from_secs(30);

async fn start() -> Quickstart {
    let services = vec!["echo", "faulty", "versioned"];
    Quickstart::start_with(Options { services, workers: 1, ..Options::default() }).await
}

/// The one worker, once there is one that is not `before`.
async fn worker(bus: &Quickstart, before: Option<u32>) -> u32 {
    poll::until("a ready worker", REPLACED, async || {
        let workers = bus.workers().await;
        let living = workers.iter().find(|pid| Some(**pid) != before && process::is_alive(**pid));
        living.copied().ok_or_else(|| format!("{workers:?}, not {before:?}"))
    })
    .await
}

/// Kills the worker while calls of these services are under way, each of which logs that it has begun.
async fn kill_during(bus: &Quickstart, signal: Signal, services: &[&str]) {
    let victim = worker(bus, None).await;
    let mut calls = Vec::new();
    for service in services {
        let correlation = format!("{service}-{victim}");
        let request =
            bus.invocation(service, &json!({"ms": 25_000})).header("x-correlation-id", &correlation);
        let client = bus.http().clone();
        calls.push(tokio::spawn(async move { client.try_send(&request).await.is_err() }));
        let begun = |line: &Value| line.to_string().contains("it begins");
        bus.wait_log("that it has begun", &correlation, begun).await;
    }
    // A fault that the processor does not repeat is taken for a passing one the first time.
    poll::until("the worker's end", REPLACED, async || {
        process::signal(victim, signal);
        if process::is_alive(victim) { Err(format!("{victim} lives after {signal}")) } else { Ok(()) }
    })
    .await;
    for call in calls {
        assert!(call.await.unwrap(), "a call outlived its worker");
    }
    worker(bus, Some(victim)).await;
}

async fn state(bus: &Quickstart, plugin: &str) -> String {
    bus.read(&format!("/plugins/{plugin}")).await["state"].as_str().unwrap_or_default().to_owned()
}

async fn wait_state(bus: &Quickstart, plugin: &str, wanted: &str) {
    poll::until(&format!("{plugin} is {wanted}"), Duration::from_secs(15), async || {
        let state = state(bus, plugin).await;
        if state == wanted { Ok(()) } else { Err(state) }
    })
    .await;
}

/// The plugin's file with something behind it that changes nothing but its digest.
fn another_version(plugin: &str, text: &str) -> Vec<u8> {
    let mut bytes = artifact::service(plugin);
    let name = u8::try_from(text.len()).unwrap();
    bytes.extend([0, name + 1, name]);
    bytes.extend(text.as_bytes());
    bytes
}

#[tokio::test]
async fn three_aborts_quarantine_until_someone_releases() {
    let bus = start().await;
    for _ in 0..2 {
        kill_during(&bus, Signal::SIGABRT, &["faulty.linger"]).await;
    }
    kill_during(&bus, Signal::SIGKILL, &["faulty.linger"]).await;
    assert_eq!(state(&bus, "faulty").await, "active", "two that count are one too few");
    kill_during(&bus, Signal::SIGSEGV, &["faulty.linger"]).await;
    wait_state(&bus, "faulty", "quarantined").await;
    bus.wait_invocable("faulty.count", &json!({}), 503).await;
    let refused = bus.invoke("faulty.count", &json!({})).await;
    refused.problem(503, "quarantined");
    assert!(refused.header("retry-after").is_some(), "{refused}");
    it_is_seen(&bus).await;
    // Whoever calls it from within is told too, and the neighbours serve.
    bus.http().get("/echo").await.expect_status(200);
    for neighbour in ["echo", "versioned"] {
        assert_eq!(state(&bus, neighbour).await, "active");
    }

    // It is so after everything was started anew.
    let folder = bus.stop().await;
    let bus = Quickstart::start_in(folder, Options { workers: 1, ..Options::default() }).await;
    bus.invoke("faulty.count", &json!({})).await.problem(503, "quarantined");
    bus.cli(&["plugin", "release", "faulty"]).await.expect(0);
    bus.wait_invocable("faulty.count", &json!({}), 200).await;
    assert_eq!(state(&bus, "faulty").await, "active");
    let again = bus.admin("POST", "/plugins/faulty/release", None).await;
    again.problem(409, "not-quarantined");
    bus.admin("POST", "/plugins/no-such/release", None).await.problem(404, "not-found");
    assert_eq!(bus.cli(&["plugin", "release", "faulty"]).await.code, Some(1));
    let audit = bus.read("/audit?kind=plugin&name=faulty").await;
    let actions: Vec<&str> =
        audit["items"].as_array().unwrap().iter().filter_map(|entry| entry["action"].as_str()).collect();
    assert_eq!(actions[..2], ["release", "quarantine"], "{audit}");
}

async fn it_is_seen(bus: &Quickstart) {
    let plugin = bus.read("/plugins/faulty").await;
    let reason = plugin["quarantine"]["reason"].as_str().unwrap_or_default();
    assert!(reason.contains("SIGSEGV") && plugin["quarantine"]["since"].is_string(), "{plugin}");
    let list = bus.cli(&["plugin", "list"]).await;
    assert!(list.expect(0).stdout.contains("quarantined"), "{list:?}");
    let shown = bus.cli(&["plugin", "show", "faulty"]).await;
    assert!(shown.expect(0).stdout.contains("SIGSEGV"), "{shown:?}");
    let status = bus.cli(&["status"]).await;
    assert!(status.expect(0).stdout.contains("1 quarantined"), "{status:?}");
}

#[tokio::test]
async fn a_new_version_is_not_quarantined_and_neighbours_are_spared() {
    let bus = start().await;
    // The neighbour has a call under way each time; the culprit's code is what runs.
    let neighbour = bus.http().clone();
    let waiting = bus.invocation("versioned.slow", &json!({"ms": 25_000}));
    for _ in 0..3 {
        let (client, request) = (neighbour.clone(), waiting.clone());
        let there = tokio::spawn(async move { client.try_send(&request).await.is_err() });
        kill_during(&bus, Signal::SIGABRT, &["faulty.hog"]).await;
        assert!(there.await.unwrap(), "the neighbour's call outlived its worker");
    }
    wait_state(&bus, "faulty", "quarantined").await;
    assert_eq!(state(&bus, "versioned").await, "active");
    bus.wait_invocable("faulty.count", &json!({}), 503).await;
    // A singleton that died knows it still.
    process::signal(bus.singleton().await, Signal::SIGKILL);
    let id = poll::until("a deployment", REPLACED, async || {
        let reply = bus.post_deployment("faulty.wasm", &another_version("faulty", "mended")).await;
        if reply.status == 202 { Ok(accepted(&reply)) } else { Err(reply.to_string()) }
    })
    .await;
    bus.wait_state(&id, "active").await;
    bus.wait_invocable("faulty.count", &json!({}), 200).await;
    assert_eq!(state(&bus, "faulty").await, "active");
}

/// A message whose attempts end the process is neither lost nor tried for ever; it is delivered once its
/// target is in service again.
#[tokio::test]
async fn a_delivery_waits_for_a_target_in_quarantine() {
    let bus = start().await;
    let call = bus.invocation("faulty.linger", &json!({"ms": 3_000})).header("prefer", "respond-async");
    let accepted = bus.http().send(&call.header("x-correlation-id", "poison")).await;
    accepted.expect_status(202);
    let mut seen = 0;
    for _ in 0..3 {
        let victim = worker(&bus, None).await;
        seen = poll::until("an attempt has begun", REPLACED, async || {
            let lines = bus.log_lines();
            let begun = lines.iter().filter(|line| {
                busbar_tests::logs::mentions(line, "poison") && line.to_string().contains("it begins")
            });
            let begun = begun.count();
            if begun > seen { Ok(begun) } else { Err(format!("{begun} attempts")) }
        })
        .await;
        poll::until("the worker's end", REPLACED, async || {
            process::signal(victim, Signal::SIGABRT);
            if process::is_alive(victim) { Err(format!("{victim} lives")) } else { Ok(()) }
        })
        .await;
    }
    wait_state(&bus, "faulty", "quarantined").await;
    wait_delivery(&bus, &["waiting", "in-doubt"]).await;
    assert_eq!(state(&bus, "echo").await, "active");
    bus.cli(&["plugin", "release", "faulty"]).await.expect(0);
    wait_delivery(&bus, &["confirmed"]).await;
}

/// The one delivery, once it is in one of these states.
async fn wait_delivery(bus: &Quickstart, wanted: &[&str]) {
    poll::until(&format!("it is {wanted:?}"), REPLACED, async || {
        let delivery = bus.read("/deliveries?limit=10").await["items"][0].clone();
        let state = delivery["state"].as_str().unwrap_or_default();
        if wanted.contains(&state) { Ok(()) } else { Err(delivery.to_string()) }
    })
    .await;
}
