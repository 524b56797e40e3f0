//! What services keep: committed together, after the call and before its reply.

use std::time::Duration;

use busbar_tests::{Quickstart, Reply, Request};
use serde_json::{Value, json};

/// Calls the service that does steps.
pub(crate) async fn steps(bus: &Quickstart, steps: Value) -> Reply {
    bus.http().send(&request(&steps)).await
}

pub(crate) fn request(steps: &Value) -> Request {
    Request::post("/keeper").json(&json!({"steps": steps}))
}

/// The results of steps that must succeed.
pub(crate) async fn done(bus: &Quickstart, list: Value) -> Value {
    steps(bus, list).await.expect(200)["results"].take()
}

/// The value of a key, as a call of its own sees it.
pub(crate) async fn value(bus: &Quickstart, key: &str) -> Value {
    done(bus, json!([{"do": "get", "key": key}])).await[0]["value"].take()
}

#[tokio::test]
async fn effects_are_kept_together() {
    let bus = Quickstart::start(&["keeper"]).await;
    everything(&bus).await;
}

pub(crate) async fn everything(bus: &Quickstart) {
    reads_see_what_was_staged(bus).await;
    a_fault_discards_everything(bus).await;
    a_nested_fault_discards_the_nested_part(bus).await;
    siblings_of_a_fan_out_are_merged(bus).await;
    a_version_is_expected_until_the_commit(bus).await;
    a_hundred_increments_are_a_hundred(bus).await;
    values_expire(bus).await;
    limits_are_told(bus).await;
}

async fn reads_see_what_was_staged(bus: &Quickstart) {
    let results = done(
        bus,
        json!([
            {"do": "put", "key": "seen/a", "value": "1"},
            {"do": "get", "key": "seen/a"},
            {"do": "put", "key": "seen/b", "value": "2"},
            {"do": "delete", "key": "seen/a"},
            {"do": "list", "prefix": "seen/", "limit": 10},
        ]),
    )
    .await;
    assert_eq!(results[1]["value"], "1");
    assert_eq!(results[4]["entries"][0][0], "seen/b", "{results}");
    assert_eq!((value(bus, "seen/a").await, value(bus, "seen/b").await), (Value::Null, json!("2")));
}

async fn a_fault_discards_everything(bus: &Quickstart) {
    let last = [
        (json!({"do": "fail", "code": "no"}), 500),
        (json!({"do": "reject", "code": "no", "status": 409}), 409),
        (json!({"do": "trap"}), 500),
    ];
    for (last, status) in last {
        let list = json!([
            {"do": "put", "key": "lost", "value": "1"},
            {"do": "deliver", "service": "keeper.receive", "input": {"name": "lost"}},
            last,
        ]);
        steps(bus, list).await.expect_status(status);
    }
    assert_eq!(value(bus, "lost").await, Value::Null);
    let received = bus.invoke("keeper.received", &json!({"name": "lost"})).await.expect(200);
    assert_eq!(received["count"], 0);
}

async fn a_nested_fault_discards_the_nested_part(bus: &Quickstart) {
    let nested = json!({"steps": [
        {"do": "put", "key": "nested/in", "value": "1"},
        {"do": "increment", "key": "nested/count", "by": 10},
        {"do": "fail", "code": "no"},
    ]});
    let good = json!({"steps": [
        {"do": "increment", "key": "nested/count", "by": 100},
        {"do": "get", "key": "nested/out"},
    ]});
    let results = done(
        bus,
        json!([
            {"do": "put", "key": "nested/out", "value": "1"},
            {"do": "increment", "key": "nested/count", "by": 1},
            {"do": "invoke", "service": "keeper.run", "input": nested},
            {"do": "invoke", "service": "keeper.run", "input": good},
            {"do": "get", "key": "nested/count"},
        ]),
    )
    .await;
    assert_eq!(results[2], json!({"fault": "no"}), "{results}");
    assert_eq!(results[3]["results"][1]["value"], "1", "a nested call sees what stands above it");
    assert_eq!(results[4]["value"], "101");
    assert_eq!(value(bus, "nested/in").await, Value::Null);
    assert_eq!(value(bus, "nested/count").await, "101");
}

async fn siblings_of_a_fan_out_are_merged(bus: &Quickstart) {
    let of = |number: u32| {
        let mut steps = vec![
            json!({"do": "increment", "key": "fan/count", "by": 1}),
            json!({"do": "put", "key": format!("fan/{number}"), "value": "x"}),
        ];
        if number == 3 {
            steps.push(json!({"do": "trap"}));
        }
        json!({"steps": steps})
    };
    let inputs: Vec<Value> = (0..6).map(of).collect();
    let results = done(bus, json!([{"do": "all", "service": "keeper.run", "inputs": inputs}])).await;
    assert_eq!(results[0][3], json!({"fault": "trap"}), "{results}");
    assert_eq!((value(bus, "fan/count").await, value(bus, "fan/3").await), (json!("5"), Value::Null));
    let raced = json!({"steps": [
        {"do": "put", "key": "fan/once", "value": "x", "expected": 0},
        {"do": "sleep", "ms": 200},
    ]});
    let results = done(bus, json!([{"do": "all", "service": "keeper.run", "inputs": [raced, raced]}])).await;
    let conflicts = results[0].as_array().unwrap().iter().filter(|result| result["fault"] == "conflict");
    assert_eq!(conflicts.count(), 1, "{results}");
}

async fn a_version_is_expected_until_the_commit(bus: &Quickstart) {
    done(bus, json!([{"do": "put", "key": "v", "value": "1", "expected": 0}])).await;
    let version = done(bus, json!([{"do": "get", "key": "v"}])).await[0]["version"].take();
    let slow = json!([
        {"do": "put", "key": "v", "value": "2", "expected": version},
        {"do": "put", "key": "v/beside", "value": "1"},
        {"do": "sleep", "ms": 300},
    ]);
    let (first, second) = tokio::join!(steps(bus, slow.clone()), steps(bus, slow.clone()));
    let mut statuses = [first.status, second.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 409], "{first}\n{second}");
    let refused = steps(bus, slow).await;
    refused.problem(409, "conflict");
    let absent = json!([{"do": "put", "key": "v", "value": "3", "expected": 0}]);
    steps(bus, absent).await.problem(409, "conflict");
    assert_eq!(value(bus, "v").await, "2");
}

/// On both workers, in one call each.
async fn a_hundred_increments_are_a_hundred(bus: &Quickstart) {
    let calls = (0..100).map(|_| {
        let (client, request) =
            (bus.http().clone(), request(&json!([{"do": "increment", "key": "hundred", "by": 1}])));
        tokio::spawn(async move { client.send(&request).await.status })
    });
    for call in calls.collect::<Vec<_>>() {
        assert_eq!(call.await.unwrap(), 200);
    }
    assert_eq!(value(bus, "hundred").await, "100");
}

async fn values_expire(bus: &Quickstart) {
    done(bus, json!([{"do": "put", "key": "brief", "value": "1", "ttl_ms": 400}])).await;
    assert_eq!(value(bus, "brief").await, "1");
    tokio::time::sleep(Duration::from_millis(450)).await;
    assert_eq!(value(bus, "brief").await, Value::Null);
    done(bus, json!([{"do": "put", "key": "brief", "value": "2", "expected": 0}])).await;
    assert_eq!(value(bus, "brief").await, "2");
}

async fn limits_are_told(bus: &Quickstart) {
    let results = done(
        bus,
        json!([
            {"do": "fill", "key": "large", "bytes": 1_048_577},
            {"do": "put", "key": "k".repeat(513), "value": ""},
            {"do": "put", "key": "", "value": ""},
            {"do": "put", "key": "t", "value": "", "ttl_ms": 0},
            {"do": "put", "key": "text", "value": "text"},
            {"do": "increment", "key": "text", "by": 1},
            {"do": "deliver", "service": "no-such.service", "input": {}},
            {"do": "deliver", "service": "keeper.receive", "input": {}, "options": {"attempts": 0}},
        ]),
    )
    .await;
    let codes: Vec<&str> =
        results.as_array().unwrap().iter().map(|result| result["fault"].as_str().unwrap_or("ok")).collect();
    let expected =
        ["limit", "limit", "limit", "limit", "ok", "not-a-number", "service-unknown", "invalid-options"];
    assert_eq!(codes, expected, "{results}");
    let many: Vec<Value> =
        (0..1_001).map(|n| json!({"do": "put", "key": format!("many/{n}"), "value": ""})).collect();
    let results = done(bus, json!(many)).await;
    assert_eq!(results[1_000], json!({"fault": "limit"}));
    let page = done(bus, json!([{"do": "list", "prefix": "many/", "limit": 5_000}])).await;
    assert_eq!(page[0]["entries"].as_array().unwrap().len(), 1_000);
}

/// The same request twice is answered once.
#[tokio::test]
async fn an_idempotency_key_stands_for_one_request() {
    let bus = Quickstart::start(&["keeper"]).await;
    let count = json!([{"do": "increment", "key": "count", "by": 1}, {"do": "sleep", "ms": 200}]);
    let keyed = |key: &str, steps: &Value| request(steps).header("idempotency-key", key);
    // At once, on both workers: both run, one happens.
    let mut connections = bus.connect_each().await;
    let (left, right) = connections.split_at_mut(1);
    let request = keyed("once", &count);
    let (first, second) = tokio::join!(left[0].send(&request), right[0].send(&request));
    let both = [&first, &second];
    both.iter().for_each(|reply| {
        reply.expect_status(200);
    });
    assert_eq!(first.body, second.body);
    let replayed = both.iter().filter(|reply| reply.header("idempotency-replayed") == Some("true"));
    assert_eq!(replayed.count(), 1);
    assert_eq!(value(&bus, "count").await, "1");
    // Later, and quoted.
    let again = bus.http().send(&keyed("\"once\"", &count)).await;
    assert_eq!((again.header("idempotency-replayed"), &again.body), (Some("true"), &first.body));
    assert_eq!(again.header("content-type"), Some("application/json"));
    assert_eq!(value(&bus, "count").await, "1");
    // Another request under it.
    let other = json!([{"do": "increment", "key": "count", "by": 5}]);
    bus.http().send(&keyed("once", &other)).await.problem(422, "idempotency-key-reused");
    // What failed was never done: it is tried again.
    let fails = json!([{"do": "increment", "key": "count", "by": 1}, {"do": "fail", "code": "no"}]);
    bus.http().send(&keyed("failing", &fails)).await.expect_status(500);
    bus.http().send(&keyed("failing", &count)).await.expect_status(200);
    assert_eq!(value(&bus, "count").await, "2");
    bus.http().send(&keyed("no spaces", &count)).await.problem(400, "idempotency-key-invalid");
    let twice = keyed("a", &count).header("idempotency-key", "b");
    bus.http().send(&twice).await.problem(400, "idempotency-key-invalid");
    // Bodies of any kind, and calls by name, whose callers have keys of their own.
    let raw = Request::new("PUT", "/keeper/raw").header("idempotency-key", "raw").body(vec![7; 200_000]);
    assert_eq!(bus.http().send(&raw).await.text(), "200000");
    assert_eq!(bus.http().send(&raw).await.header("idempotency-replayed"), Some("true"));
    let by_name = bus.invocation("keeper.run", &json!({"steps": count})).header("idempotency-key", "once");
    let reply = bus.http().send(&by_name).await;
    assert_eq!((reply.status, reply.header("idempotency-replayed")), (200, None), "{reply}");
    // It survives a restart.
    let folder = bus.stop().await;
    let options = busbar_tests::Options { services: vec!["keeper"], ..busbar_tests::Options::default() };
    let bus = Quickstart::start_in(folder, options).await;
    let reply = bus.http().send(&keyed("once", &count)).await;
    assert_eq!(reply.header("idempotency-replayed"), Some("true"), "{reply}");
}
