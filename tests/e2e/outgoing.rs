//! HTTP connections: what services reach by them, what they are kept from, and what a partner's failures cost.

use std::time::{Duration, Instant};

use busbar_tests::{Options, Peer, Quickstart, Request, metrics::Samples, poll, process};
use bytes::Bytes;
use nix::sys::signal::Signal;
use serde_json::{Value, json};

/// Loopback is not reached unless it is allowed.
async fn connected(bus: &Quickstart, partner: &Peer, more: Value) -> Value {
    let mut body = json!({"name": "partner", "kind": "http", "base_url": partner.url(), "allow": ["127.0.0.1"],
        "retries": {"max": 0}});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let made = bus.admin("POST", "/connections", Some(&body)).await.expect(201);
    bus.settle().await;
    made
}

fn get(path: &str) -> Value {
    json!({"do": "http", "connection": "partner", "method": "GET", "path": path})
}

/// What each step came to.
async fn run(bus: &Quickstart, steps: Value) -> Value {
    let reply = bus.invoke("reacher.run", &json!({"steps": steps})).await.expect(200);
    reply["told"].clone()
}

async fn bus(workers: u32) -> Quickstart {
    Quickstart::start_with(Options { services: vec!["reacher"], workers, ..Options::default() }).await
}

#[tokio::test]
async fn a_service_reaches_what_it_may() {
    let (bus, partner) = tokio::join!(bus(2), Peer::start());
    let auth = json!({"auth": {"kind": "basic", "username": "shop"}, "password": "sesame-77"});
    let made = connected(&bus, &partner, auth).await;
    assert!(!made.to_string().contains("sesame"), "{made}");
    let post = json!({"do": "http", "connection": "partner", "method": "POST", "path": "/orders?a=b%20c",
        "headers": [["X-Own", "1"]], "body": "{}"});
    let told = run(
        &bus,
        json!([post, {"do": "http", "connection": "partner", "method": "GET", "path": "/large",
        "counted": true}]),
    )
    .await;
    assert_eq!(
        (&told[0]["status"], &told[0]["headers"]["x-partner"]),
        (&json!(200), &json!("yes")),
        "{told}"
    );
    let seen = told[0]["body"].as_str().unwrap().to_ascii_lowercase();
    for expected in [
        "post /orders?a=b%20c http/1.1\r\n",
        "authorization: basic c2hvcdpzzxnhbwutnzc=\r\n",
        "x-own: 1\r\n",
        "content-type: application/json\r\n",
    ] {
        assert!(seen.contains(expected), "{expected} in {seen}");
    }
    assert_eq!((&told[1]["bytes"], &told[1]["streamed"]), (&json!(262_144), &json!(true)), "{told}");
    let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let body = json!({"steps": [get("/traced")]}).to_string();
    let request = Request::post("/_busbar/invoke/reacher.run")
        .header("traceparent", parent)
        .header("content-type", "application/json")
        .header("x-api-key", bus.invoker_key())
        .body(body);
    let traced = bus.http().send(&request).await.expect(200);
    let seen = traced["told"][0]["body"].as_str().unwrap();
    assert!(seen.contains("traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-"), "{seen}");
    assert!(!seen.contains("00f067aa0ba902b7"), "this call is the parent of the next: {seen}");
}

#[tokio::test]
async fn bodies_go_through_by_handle() {
    let (bus, partner) = tokio::join!(bus(1), Peer::start());
    connected(&bus, &partner, json!({"bodies": {"request_bytes_max": 1_073_741_824_u64}})).await;
    let channel = json!({"name": "pass", "protocol": "rest", "path": "/pass", "service": "reacher.pass",
        "body_bytes_max": 1_073_741_824_u64});
    bus.admin("POST", "/channels", Some(&channel)).await.expect(201);
    bus.settle().await;
    let pieces: Vec<Bytes> = (0..64).map(|_| Bytes::from(vec![b'x'; 1024 * 1024])).collect();
    let reply = bus.http().send(&Request::post("/pass").chunks(pieces)).await;
    assert_eq!(reply.expect_status(200).text(), "67108864");
}

#[tokio::test]
async fn what_was_not_granted_is_not_reached() {
    let (bus, partner) = tokio::join!(bus(1), Peer::start());
    connected(&bus, &partner, json!({})).await;
    assert_eq!(run(&bus, json!([get("/")])).await[0]["status"], 200);
    let other = json!({"do": "http", "connection": "nowhere", "method": "GET", "path": "/"});
    assert_eq!(run(&bus, json!([other])).await[0]["fault"], "connection-unknown");
    bus.admin("PUT", "/plugins/reacher/grants", Some(&json!({"connections": ["other*"]}))).await.expect(200);
    bus.settle().await;
    assert_eq!(run(&bus, json!([get("/")])).await[0]["fault"], "not-granted");
    bus.admin("PUT", "/plugins/reacher/grants", Some(&json!({"connections": ["part*"]}))).await.expect(200);
    bus.settle().await;
    assert_eq!(run(&bus, json!([get("/")])).await[0]["status"], 200);
    bus.cli(&["connection", "update", "partner", "--inactive"]).await.expect(0);
    bus.settle().await;
    assert_eq!(run(&bus, json!([get("/")])).await[0]["fault"], "connection-unusable");
}

/// None of these addresses is on a list of what may be reached, whichever way they are named.
#[tokio::test]
async fn no_address_is_reached_that_is_not_allowed() {
    let (bus, partner) = tokio::join!(bus(1), Peer::start());
    let port = partner.address().port();
    for (place, host) in
        ["127.0.0.1", "localhost", "[::1]", "2130706433", "0x7f.1", "[::ffff:127.0.0.1]", "169.254.169.254"]
            .into_iter()
            .enumerate()
    {
        let name = format!("c{place}");
        let body = json!({"name": name, "kind": "http", "base_url": format!("http://{host}:{port}")});
        bus.admin("POST", "/connections", Some(&body)).await.expect(201);
        bus.settle().await;
        let step = json!({"do": "http", "connection": name, "method": "GET", "path": "/"});
        assert_eq!(run(&bus, json!([step])).await[0]["fault"], "address-refused", "{host}");
    }
    let redirects = json!({"redirects": {"kind": "hosts", "max": 5, "hosts": ["localhost", "169.254.169.254", "127.0.0.1"]}});
    connected(&bus, &partner, redirects).await;
    let other = format!("http://169.254.169.254:{port}/latest/meta-data");
    let steps = json!([get(&format!("/to?{other}")), get("/loop"), get("/to?ftp://127.0.0.1/")]);
    let told = run(&bus, steps).await;
    assert_eq!(told[0]["fault"], "address-refused", "{told}");
    assert_eq!(told[1]["fault"], "redirect-refused", "{told}");
    assert_eq!(told[2]["fault"], "redirect-refused", "{told}");
    assert_eq!(partner.count("/latest"), 0);
    assert!(partner.count("/loop") <= 6, "{}", partner.count("/loop"));
}

/// Each costs its own call, in its own time.
#[tokio::test]
async fn a_partner_that_misbehaves_fails_its_call() {
    let (bus, partner) = tokio::join!(bus(1), Peer::start());
    let patience =
        json!({"timeouts": {"connect_ms": 1000, "first_byte_ms": 700, "total_ms": 1500}, "breaker": null});
    connected(&bus, &partner, patience).await;
    for (path, codes, bound_ms) in [
        ("/silent", &["no-reply"][..], 4_500),
        ("/drip", &["no-reply", "body-broken"], 4_500),
        ("/cut", &["no-reply", "body-broken"], 3_000),
        ("/huge", &["bad-reply", "too-large"], 4_500),
        ("/nonsense", &["bad-reply"], 3_000),
    ] {
        let started = Instant::now();
        let told = run(&bus, json!([get(path)])).await;
        let fault = told[0]["fault"].as_str().unwrap_or_default().to_owned();
        assert!(codes.contains(&fault.as_str()), "{path}: {told}");
        assert!(started.elapsed() < Duration::from_millis(bound_ms), "{path} took {:?}", started.elapsed());
    }
    let told = run(&bus, json!([get("/short"), get("/after")])).await;
    assert_eq!((&told[0]["body"], &told[1]["status"]), (&json!("OK"), &json!(200)), "{told}");
    let statistics = bus.read("/connections?name=partner").await["items"][0]["href"].clone();
    let statistics = format!("{}/statistics", statistics.as_str().unwrap().strip_prefix("/api/v1").unwrap());
    let counted = poll::until("statistics", poll::CHANGE_BOUND, async || {
        let found = bus.read(&statistics).await["items"][0].clone();
        if found["calls"] == 7 { Ok(found) } else { Err(found.to_string()) }
    })
    .await;
    assert_eq!(counted["errors"], json!({"no-reply": 3, "bad-reply": 2}), "{counted}");
    assert!(counted["latency"]["p99_us"].as_u64().unwrap() >= 500_000, "{counted}");
    let page = bus.admin_client().get("/metrics").await;
    let page = page.expect_status(200).text();
    let good = [("connection", "partner"), ("outcome", "ok")];
    assert_eq!(Samples::parse(page).sum("busbar_connection_calls_total", &good), 3.0, "{page}");
    let broken = [("connection", "partner"), ("outcome", "no-reply")];
    assert_eq!(Samples::parse(page).sum("busbar_connection_calls_total", &broken), 3.0, "{page}");
}

/// What a worker found out is not forgotten with it.
#[tokio::test]
async fn an_open_circuit_outlives_the_worker() {
    let (bus, partner) = tokio::join!(bus(1), Peer::start());
    let breaker = json!({"breaker": {"failures": 3, "open_ms": 30_000, "open_max_ms": 60_000}});
    connected(&bus, &partner, breaker).await;
    partner.down(true);
    let told = run(&bus, json!([get("/work"), get("/work"), get("/work"), get("/work")])).await;
    assert_eq!((&told[2]["status"], &told[3]["fault"]), (&json!(503), &json!("circuit-open")), "{told}");
    let before = partner.count("/work");
    for _ in 0..2 {
        let victim = bus.workers().await[0];
        process::signal(victim, Signal::SIGKILL);
        poll::until("a successor", Duration::from_secs(20), async || match bus.workers().await[..] {
            [one] if one != victim => Ok(()),
            ref others => Err(format!("{others:?}")),
        })
        .await;
        let told = run(&bus, json!([get("/work")])).await;
        assert_eq!(told[0]["fault"], "circuit-open", "{told}");
    }
    assert_eq!(partner.count("/work"), before, "nothing went out");
    bus.cli(&["reload"]).await.expect(0);
    assert_eq!(run(&bus, json!([get("/work")])).await[0]["fault"], "circuit-open");
    // An edit closes it.
    partner.down(false);
    let found = bus.read("/connections?name=partner").await["items"][0].clone();
    let path = format!("/connections/{}", found["id"].as_str().unwrap());
    bus.admin("PATCH", &path, Some(&json!({"limits": {"concurrent": 8}}))).await.expect(200);
    bus.settle().await;
    assert_eq!(run(&bus, json!([get("/work")])).await[0]["status"], 200);
}
