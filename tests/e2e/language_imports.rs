//! All that the bus offers is there in Python and JavaScript, and what goes wrong in them hurts one call only.

use std::time::{Duration, Instant};

use busbar_tests::{Quickstart, Reply, Request, poll};
use bytes::Bytes;
use serde_json::{Value, json};

use crate::languages::bus_with;

#[tokio::test]
async fn all_that_the_bus_offers_is_there_in_python() {
    check("python-imports").await;
}

#[tokio::test]
async fn all_that_the_bus_offers_is_there_in_javascript() {
    check("javascript-imports").await;
}

/// One of the two plugins, which do the same.
struct Plugin<'b> {
    bus: &'b Quickstart,
    name: &'static str,
}

impl Plugin<'_> {
    async fn call(&self, what: &str, value: Value) -> Reply {
        self.bus.invoke(&format!("{}.use", self.name), &json!({"what": what, "value": value})).await
    }

    async fn result(&self, what: &str, value: Value) -> Value {
        self.call(what, value).await.expect(200)["result"].clone()
    }
}

async fn check(name: &'static str) {
    // One worker, so that pooled instances are met again.
    let bus = bus_with(&["echo", name], 1).await;
    let plugin = Plugin { bus: &bus, name };
    values_are_kept(&plugin).await;
    others_are_called(&plugin).await;
    settings_and_secrets_are_read(&plugin).await;
    the_call_is_known(&plugin).await;
    bodies_pass(&plugin).await;
    faults_are_told(&plugin).await;
    instances_are_used_again_and_differ(&plugin).await;
    limits_hold(&plugin).await;
}

async fn values_are_kept(plugin: &Plugin<'_>) {
    let kept = plugin.result("kv", json!(4)).await;
    assert_eq!(kept, json!([{"value": [4]}, 42, ["a/1"], null, null]));
    // It is there already.
    plugin.call("kv", json!(4)).await.problem(409, "conflict");
    plugin.call("conflict", json!(null)).await.problem(409, "conflict");
    plugin.call("number", json!(null)).await.problem(500, "not-a-number");
    plugin.call("limit", json!(null)).await.problem(500, "limit");
    assert_eq!(plugin.result("cache", json!([1, "ä"])).await, json!([[1, "ä"], null]));
}

async fn others_are_called(plugin: &Plugin<'_>) {
    assert_eq!(plugin.result("invoke", json!(4)).await, json!([5, 2, ["no-such", 404], "hello"]));
    let unknown = json!(["connection-unknown", "connection-unknown"]);
    assert_eq!(plugin.result("broker", json!(4)).await, unknown);
    let mut ways_out = vec!["connection-unknown"; 8];
    ways_out.extend(["dictionary-unknown"; 2]);
    assert_eq!(plugin.result("ways_out", json!(null)).await, json!(ways_out));
    let ids = plugin.result("deliver", json!(null)).await;
    for (id, state) in [(&ids[1], "confirmed"), (&ids[0], "waiting")] {
        let path = format!("/deliveries/{}", id.as_str().unwrap());
        poll::until(&format!("a delivery is {state}"), poll::CHANGE_BOUND, async || {
            let delivery = plugin.bus.read(&path).await;
            if delivery["state"] == state { Ok(()) } else { Err(delivery.to_string()) }
        })
        .await;
    }
    plugin
        .bus
        .admin("PUT", &format!("/plugins/{}/grants", plugin.name), Some(&json!({})))
        .await
        .expect_status(200);
    plugin.bus.settle().await;
    plugin.call("invoke", json!(4)).await.problem(403, "not-granted");
    plugin.call("deliver", json!(4)).await.problem(403, "not-granted");
    assert_eq!(plugin.result("broker", json!(4)).await, json!(["not-granted", "not-granted"]));
    let grants = json!({"invoke": ["*"], "secrets": ["*"]});
    plugin
        .bus
        .admin("PUT", &format!("/plugins/{}/grants", plugin.name), Some(&grants))
        .await
        .expect_status(200);
    plugin.bus.settle().await;
}

async fn settings_and_secrets_are_read(plugin: &Plugin<'_>) {
    let Plugin { bus, name } = plugin;
    let colour = json!({"colour": "red"});
    bus.admin("PUT", &format!("/plugins/{name}/config"), Some(&colour)).await.expect_status(200);
    bus.admin("POST", "/secrets", Some(&json!({"name": "pay-key", "value": "hunter2-and-more"})))
        .await
        .expect_status(201);
    bus.settle().await;
    assert_eq!(plugin.result("config", json!(null)).await, json!(["red", 5, colour]));
    let reply = plugin.call("secrets", json!(null)).await;
    assert_eq!(reply.expect(200)["result"], 16);
    bus.wait_log("the secret's name", reply.correlation_id(), |line| {
        line.to_string().contains("the key is [secret pay-key]")
    })
    .await;
    assert!(!bus.log_text().contains("hunter2-and-more"));
}

async fn the_call_is_known(plugin: &Plugin<'_>) {
    let request = plugin
        .bus
        .invocation(&format!("{}.use", plugin.name), &json!({"what": "context"}))
        .header("x-colour", "blue")
        .header("idempotency-key", "k-1");
    let reply = plugin.bus.http().send(&request).await;
    let known = reply.expect(200)["result"].clone();
    let expected = [
        ("method", json!("POST")),
        ("header", json!("blue")),
        ("correlation", json!(reply.correlation_id())),
        ("remaining", json!(true)),
        ("attempt", json!(1)),
        ("key", json!("k-1")),
    ];
    for (member, value) in expected {
        assert_eq!(known[member], value, "{member} of {known}");
    }
    let reply = plugin.call("log", json!(5)).await;
    reply.expect_status(200);
    let line = plugin.bus.wait_log("a line with a field", reply.correlation_id(), |line| {
        line.to_string().contains("from the log")
    });
    let line = line.await.to_string();
    assert!(line.contains("WARN") && line.contains("colour"), "{line}");
    plugin
        .bus
        .wait_log("what was printed", reply.correlation_id(), |line| {
            line.to_string().contains("from print 5")
        })
        .await;
}

async fn bodies_pass(plugin: &Plugin<'_>) {
    let path = |what: &str| format!("/{}/{what}", plugin.name);
    let send = async |what: &str, body: Vec<u8>| {
        let request =
            Request::post(&path(what)).header("content-type", "application/x-thing").body(Bytes::from(body));
        plugin.bus.http().send(&request).await
    };
    let large: Vec<u8> = (0..3_000_000_u32).map(|at| at.to_le_bytes()[1]).collect();
    let reply = send("pass", large.clone()).await;
    reply.expect_status(202);
    assert!(reply.body == large, "{} bytes came back", reply.body.len());
    assert_eq!(reply.header("content-type"), Some("application/x-thing"));
    assert!(
        reply.header("x-kind").is_some_and(|kind| kind.contains("Body")),
        "a handle: {:?}",
        reply.header("x-kind")
    );
    let reply = send("pass", vec![0, 255, 10]).await;
    assert_eq!((reply.status, &reply.body[..]), (202, &[0, 255, 10][..]));
    assert_eq!(send("count", large).await.text(), "3000000");
    assert_eq!(send("count", Vec::new()).await.text(), "0");
}

async fn faults_are_told(plugin: &Plugin<'_>) {
    let problem = plugin.call("reject", json!(null)).await.problem(404, "no-such");
    assert_eq!(problem["errors"], json!([{"path": "/value", "message": "is none"}]));
    let later = plugin.call("later", json!(null)).await;
    later.problem(503, "unavailable");
    assert_eq!(later.header("retry-after"), Some("7"));
    let bad = plugin.bus.invoke(&format!("{}.use", plugin.name), &json!({"what": 5})).await;
    assert_eq!(bad.problem(400, "invalid-input")["errors"][0]["path"], "/what");
    for (what, told) in [("uncaught", "the inside story"), ("recursion", "recursion")] {
        let reply = plugin.call(what, json!(1)).await;
        reply.problem(500, "failed");
        for detail in ["inside", "Traceback", "Error", "service.", "recursion"] {
            assert!(!reply.text().contains(detail), "{detail:?} is none of the caller's business: {reply}");
        }
        let trace = |line: &Value| line.to_string().contains(told) && line.to_string().contains("service.");
        plugin.bus.wait_log("the trace", reply.correlation_id(), trace).await;
    }
}

/// Pooled by default: the next call meets what this one left, but not after a failure.
async fn instances_are_used_again_and_differ(plugin: &Plugin<'_>) {
    let first = plugin.result("served", json!(null)).await.as_u64().unwrap();
    assert_eq!(plugin.result("served", json!(null)).await, first + 1);
    plugin.call("reject", json!(null)).await.problem(404, "no-such");
    assert_eq!(plugin.result("served", json!(null)).await, first + 3);
    plugin.call("uncaught", json!(null)).await.problem(500, "failed");
    assert_eq!(plugin.result("served", json!(null)).await, 1, "one that failed is not used again");
    let service = format!("{}.use", plugin.name);
    plugin.bus.limit(&service, &json!({"calls_per_instance": 1})).await;
    let mut seen = Vec::new();
    for _ in 0..4 {
        let chance = plugin.result("chance", json!(null)).await;
        let late = chrono::Utc::now().timestamp() - chance[1].as_f64().unwrap() as i64;
        assert!(late.abs() < 60, "the time is the machine's: {chance}");
        assert!(!seen.contains(&chance[0]), "each instance has chances of its own: {seen:?}");
        seen.push(chance[0].clone());
    }
    assert_eq!(plugin.result("served", json!(null)).await, 1);
}

async fn limits_hold(plugin: &Plugin<'_>) {
    let service = format!("{}.use", plugin.name);
    // An interpreter and some data fit into what a service has by default.
    assert_eq!(plugin.result("memory", json!(16)).await, 16);
    let reply = plugin.call("memory", json!(100)).await;
    assert_eq!(reply.status, 500, "{reply}");
    assert!(["failed", "memory-limit"].contains(&reply.json()["code"].as_str().unwrap()), "{reply}");
    plugin.bus.limit(&service, &json!({"cpu_ms": 500})).await;
    let started = Instant::now();
    plugin.call("spin", json!(null)).await.problem(504, "cpu-limit");
    assert!(started.elapsed() < Duration::from_secs(6), "took {:?}", started.elapsed());
    assert_eq!(plugin.result("add", json!(1)).await, 2);
}
