//! Calls by name, and services that call services.

use busbar_tests::{Quickstart, Request};
use serde_json::{Value, json};

#[tokio::test]
async fn services_are_called_by_name() {
    let bus = Quickstart::start(&["echo", "greeter", "faulty"]).await;
    by_name(&bus).await;
    fan_out_has_a_result_per_target(&bus).await;
    recursion_ends_at_the_limit(&bus).await;
    correlation_and_trace_are_passed_on(&bus).await;
    faults_become_replies(&bus).await;
}

/// (35)
async fn by_name(bus: &Quickstart) {
    let greeting = bus.invoke("greeter.greet", &json!({"name": "Ada"})).await;
    assert_eq!(greeting.header("content-type"), Some("application/json"));
    assert_eq!(greeting.expect(200), json!({"greeting": "Hello, Ada!"}));
    let echo = bus.invoke("echo", &json!({"a": 1})).await.expect(200);
    assert_eq!((&echo["method"], &echo["body"]), (&json!("POST"), &json!({"a": 1})));
    bus.invoke("no-such.service", &json!({})).await.problem(404, "service-unknown");
    let bad = Request::post("/_busbar/invoke/greeter.greet").key(bus.invoker_key()).body("{");
    bus.http().send(&bad).await.problem(400, "invalid-input");
    let get = Request::get("/_busbar/invoke/greeter.greet").key(bus.invoker_key());
    let reply = bus.http().send(&get).await;
    reply.problem(405, "method-not-allowed");
    assert_eq!(reply.header("allow"), Some("POST"));
}

/// (37)
async fn fan_out_has_a_result_per_target(bus: &Quickstart) {
    let targets = json!({"targets": [
        {"service": "greeter.greet", "input": {"name": "Ada"}},
        {"service": "faulty.trap", "input": {}},
        {"service": "greeter.greet", "input": {}},
        {"service": "no-such.service", "input": {}},
        {"service": "greeter.greet", "input": {"name": "Bob", "language": "de"}},
    ]});
    let reply = bus.invoke("faulty.fan", &targets).await;
    let results = reply.expect(200);
    assert_eq!(results.as_array().unwrap().len(), 5, "{results}");
    assert_eq!(results[0], json!({"ok": {"greeting": "Hello, Ada!"}}));
    assert_eq!(results[1]["fault"]["code"], "trap");
    assert_eq!(results[2]["fault"]["code"], "invalid-input");
    assert_eq!(results[3]["fault"]["code"], "service-unknown");
    assert_eq!(results[4], json!({"ok": {"greeting": "Hallo, Bob!"}}));
    let none = bus.invoke("faulty.fan", &json!({"targets": []})).await;
    assert_eq!(none.expect(200), json!([]));
    let one = json!({"service": "faulty.sleep", "input": {"ms": 600}});
    let slow = bus.invoke("faulty.fan", &json!({"targets": vec![one; 8]})).await;
    let slept: Vec<Value> = serde_json::from_value(slow.expect(200)).unwrap();
    assert!(slept.iter().all(|result| result["ok"]["slept_ms"].as_u64() >= Some(600)), "{slept:?}");
}

/// (38)
async fn recursion_ends_at_the_limit(bus: &Quickstart) {
    let reply = bus.invoke("faulty.recurse", &json!({})).await;
    let problem = reply.problem(500, "nesting-limit");
    assert_eq!(problem["correlation_id"], reply.correlation_id());
    // The whole tree ends, and nothing of it stays.
    for _ in 0..5 {
        assert!(bus.invoke("faulty.recurse", &json!({})).await.status >= 400);
    }
    let via =
        bus.invoke("faulty.invoke", &json!({"service": "faulty.recurse", "input": {}})).await.expect(200);
    assert!(via["fault"]["code"].is_string(), "{via}");
    // A call that waits for a place which its own tree holds would wait for itself.
    bus.limit("faulty.recurse", &json!({"concurrency": 1})).await;
    let started = std::time::Instant::now();
    let alone = bus.invoke("faulty.recurse", &json!({})).await;
    assert!(alone.status >= 400 && started.elapsed().as_secs() < 10, "{alone}");
    bus.invoke("greeter.greet", &json!({"name": "Ada"})).await.expect_status(200);
}

async fn correlation_and_trace_are_passed_on(bus: &Quickstart) {
    let trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let request = bus.invocation("faulty.context", &json!({})).header("traceparent", trace);
    let request = request.header("x-correlation-id", "own-id-1");
    let context = bus.http().send(&request).await.expect(200);
    assert_eq!(context["correlation_id"], "own-id-1");
    assert_eq!(context["caller"], "invoker");
    let remaining = context["remaining_ms"].as_u64().unwrap();
    assert!((1..=30_000).contains(&remaining), "{context}");
    let seen = context["head"]["headers"].as_array().unwrap();
    let parent = seen.iter().find(|header| header[0] == "traceparent").map(|header| &header[1]);
    let parent = parent.and_then(Value::as_str).unwrap_or_else(|| panic!("no traceparent in {context}"));
    assert!(parent.starts_with("00-4bf92f3577b34da6a3ce929d0e0e4736-"), "the trace goes on: {parent}");

    let nested = json!({"service": "faulty.context", "input": {}});
    let request = bus.invocation("faulty.invoke", &nested).header("x-correlation-id", "own-id-2");
    let inner = bus.http().send(&request).await.expect(200);
    assert_eq!(inner["correlation_id"], "own-id-2", "nested calls share the id: {inner}");
    assert_eq!(inner["caller"], "faulty");
}

async fn faults_become_replies(bus: &Quickstart) {
    let reply = async |input: Value| bus.invoke("faulty.reply", &input).await;
    let rejected = reply(json!({"disposition": "reject", "message": "no such order"})).await;
    assert_eq!(rejected.problem(400, "rejected")["detail"], "no such order");
    let own = reply(json!({"disposition": "reject", "status": 409, "code": "order-closed"})).await;
    own.problem(409, "order-closed");
    let odd = reply(json!({"disposition": "reject", "status": 302, "code": "odd"})).await;
    odd.problem(400, "odd");
    let later = reply(json!({"disposition": "retry-after", "seconds": 7, "message": "at lunch"})).await;
    later.problem(503, "unavailable");
    assert_eq!(later.header("retry-after"), Some("7"));
    let failed =
        reply(json!({"disposition": "fail", "message": "the cellar is flooded", "code": "store-down"})).await;
    failed.problem(500, "store-down");
    assert!(!failed.text().contains("cellar"), "{failed}");
    let cause = |line: &Value| line.to_string().contains("the cellar is flooded");
    bus.wait_log("the cause of the failure", failed.correlation_id(), cause).await;
}

#[tokio::test]
async fn a_plugin_reaches_what_it_was_granted() {
    let bus = Quickstart::start(&["echo", "greeter", "faulty"]).await;
    let greet = json!({"service": "greeter.greet", "input": {"name": "Ada"}});
    let outcome = async || bus.invoke("faulty.invoke", &greet).await.expect(200);
    assert_eq!(outcome().await, json!({"greeting": "Hello, Ada!"}), "development mode grants everything");
    for (grants, allowed) in [
        (json!({"invoke": []}), false),
        (json!({"invoke": ["greeter.*"]}), true),
        (json!({"invoke": ["echo", "greeter.greet2"]}), false),
        (json!({"invoke": ["greeter.greet"]}), true),
    ] {
        bus.admin("PUT", "/plugins/faulty/grants", Some(&grants)).await.expect_status(200);
        bus.settle().await;
        let seen = outcome().await;
        match allowed {
            true => assert_eq!(seen, json!({"greeting": "Hello, Ada!"}), "{grants}"),
            false => assert_eq!(seen["fault"]["code"], "not-granted", "{grants}"),
        }
    }
    let odd = bus.admin("PUT", "/plugins/faulty/grants", Some(&json!({"invoke": ["a*b"]}))).await;
    assert!((400..500).contains(&odd.status), "{odd}");
    let fan = json!({"targets": [{"service": "echo", "input": {}}, greet]});
    let results = bus.invoke("faulty.fan", &fan).await.expect(200);
    assert_eq!(results[0]["fault"]["code"], "not-granted");
    assert!(results[1]["ok"].is_object(), "{results}");
    config_is_the_plugins_own(&bus).await;
    the_cache_is_a_workers_own(&bus).await;
    nothing_of_the_host_is_seen(&bus).await;
}

async fn config_is_the_plugins_own(bus: &Quickstart) {
    assert_eq!(bus.invoke("faulty.config", &json!({})).await.expect(200), json!({}));
    let config = json!({"url": "https://example.com", "retries": 3, "nested": {"a": [1, null]}});
    bus.admin("PUT", "/plugins/faulty/config", Some(&config)).await.expect_status(200);
    bus.settle().await;
    assert_eq!(bus.invoke("faulty.config", &json!({})).await.expect(200), config);
    let odd = bus.admin("PUT", "/plugins/faulty/config", Some(&json!([1]))).await;
    assert!((400..500).contains(&odd.status), "{odd}");
}

async fn the_cache_is_a_workers_own(bus: &Quickstart) {
    let mut connections = bus.connect_each().await;
    for (number, connection) in connections.iter_mut().enumerate() {
        let mut ask =
            async |input: Value| connection.send(&bus.invocation("faulty.cache", &input)).await.expect(200);
        assert_eq!(ask(json!({"op": "get", "key": "k"})).await, json!({"value": null}), "worker {number}");
        let put = json!({"op": "put", "key": "k", "value": {"worker": number}});
        assert_eq!(ask(put).await, json!({"stored": true}));
        assert_eq!(ask(json!({"op": "get", "key": "k"})).await, json!({"value": {"worker": number}}));
        ask(json!({"op": "put", "key": "short", "value": 1, "ttl_ms": 1})).await;
        busbar_tests::poll::until("the value's end", busbar_tests::poll::CHANGE_BOUND, async || {
            let seen = ask(json!({"op": "get", "key": "short"})).await;
            if seen == json!({"value": null}) { Ok(()) } else { Err(seen.to_string()) }
        })
        .await;
    }
    for (number, connection) in connections.iter_mut().enumerate() {
        let get = bus.invocation("faulty.cache", &json!({"op": "get", "key": "k"}));
        assert_eq!(
            connection.send(&get).await.expect(200),
            json!({"value": {"worker": number}}),
            "not shared"
        );
        let delete = bus.invocation("faulty.cache", &json!({"op": "delete", "key": "k"}));
        connection.send(&delete).await.expect_status(200);
        assert_eq!(connection.send(&get).await.expect(200), json!({"value": null}));
    }
}

async fn nothing_of_the_host_is_seen(bus: &Quickstart) {
    let seen = bus.invoke("faulty.env", &json!({})).await.expect(200);
    assert_eq!(seen["variables"], 0, "{seen}");
    assert!(seen["arguments"].as_u64() <= Some(1), "{seen}");
    for reach in ["root", "socket"] {
        assert!(seen[reach].as_str().unwrap().starts_with("error: "), "{reach}: {seen}");
    }
}

#[tokio::test]
async fn instances_are_fresh_unless_a_service_asks_otherwise() {
    let bus = Quickstart::start_with(busbar_tests::Options {
        services: vec!["faulty"],
        workers: 1,
        ..busbar_tests::Options::default()
    })
    .await;
    let mut connection = bus.http().connect().await;
    let mut count = async |service: &str| {
        connection.send(&bus.invocation(service, &json!({}))).await.expect(200)["calls"].as_u64().unwrap()
    };
    for _ in 0..5 {
        assert_eq!(count("faulty.count").await, 1, "a fresh instance per call");
    }
    let mut counts = Vec::new();
    for _ in 0..20 {
        counts.push(count("faulty.count-pooled").await);
    }
    let expected: Vec<u64> = (1..=10).chain(1..=10).collect();
    assert_eq!(counts, expected, "an instance serves ten");
    bus.limit("faulty.count", &json!({"calls_per_instance": 3})).await;
    let mut counts = Vec::new();
    for _ in 0..7 {
        counts.push(count("faulty.count").await);
    }
    assert_eq!(counts, [1, 2, 3, 1, 2, 3, 1]);
    bus.limit("faulty.count", &json!({"calls_per_instance": 1})).await;
    assert_eq!((count("faulty.count").await, count("faulty.count").await), (1, 1));
}
