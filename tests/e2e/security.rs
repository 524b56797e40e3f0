//! Who may come in.

use std::time::{Duration, Instant};

use busbar_tests::{Quickstart, Request, poll};
use serde_json::json;

/// (14, 15, 16, 20)
#[tokio::test]
async fn channels_ask_for_credentials() {
    let bus = Quickstart::start(&["echo", "faulty"]).await;
    let password = "correct horse battery";
    bus.create_basic("people", "ada", password).await;
    let (definition, key) = bus.create_key("partner").await;
    bus.create_channel("basic", "/basic", "echo", json!({"security": "people"})).await;
    bus.create_channel("keyed", "/keyed", "echo", json!({"security": "partner"})).await;
    bus.create_channel("told", "/told", "faulty.context", json!({"security": "partner"})).await;
    bus.settle().await;

    basic_credentials_are_checked(&bus, password).await;
    api_keys_are_checked(&bus, &key).await;
    calls_by_name_need_the_invokers_key(&bus, &key).await;
    secrets_are_nowhere(&bus, &[password, &key, bus.token(), bus.invoker_key()]).await;
    a_definition_in_use_stays(&bus, definition["id"].as_str().unwrap()).await;
}

/// There is a certificate behind a balancer only: what a client says of one is not believed, and reaches no service.
#[tokio::test]
async fn nobody_forges_a_certificate() {
    let bus = Quickstart::start(&["echo"]).await;
    let fleet = json!({"name": "fleet", "kind": "client-certificate", "subjects": ["/CN=ada"]});
    bus.admin("POST", "/security", Some(&fleet)).await.expect(201);
    bus.create_channel("fleet", "/fleet", "echo", json!({"security": "fleet"})).await;
    bus.create_channel("open", "/open", "echo", json!({})).await;
    bus.settle().await;

    let forged = |path: &str| Request::get(path).header("X-Busbar-Tls-Subject", "/CN=ada");
    let reply = bus.http().send(&forged("/fleet")).await;
    reply.problem(401, "certificate-required");
    assert_eq!(reply.header("www-authenticate"), None, "{reply}");
    let echo = bus.http().send(&forged("/open").header("x-own", "1")).await.expect(200);
    let headers = echo["headers"].as_object().unwrap();
    assert!(
        headers.contains_key("x-own") && !headers.keys().any(|name| name.starts_with("x-busbar-")),
        "{echo}"
    );
}

async fn basic_credentials_are_checked(bus: &Quickstart, password: &str) {
    for mut bad in [
        Request::get("/basic"),
        Request::get("/basic").basic("ada", "wrong"),
        Request::get("/basic").basic("bob", password),
        Request::get("/basic").basic("ada", ""),
        Request::get("/basic").header("authorization", "Basic !!!"),
        Request::get("/basic").bearer(password),
        Request::get("/basic").key(password),
    ] {
        bad = bad.header("x-secret-probe", "1");
        let reply = bus.http().send(&bad).await;
        reply.problem(401, "unauthenticated");
        let challenge = reply.header("www-authenticate").unwrap_or_default();
        assert!(challenge.starts_with("Basic realm="), "{challenge}");
    }
    let echo = bus.http().send(&Request::get("/basic").basic("ada", password)).await.expect(200);
    assert!(echo["headers"].get("authorization").is_none(), "the credential goes no further: {echo}");
}

async fn api_keys_are_checked(bus: &Quickstart, key: &str) {
    let cut = &key[..key.len() - 1];
    for bad in [
        Request::get("/keyed"),
        Request::get("/keyed").key("wrong"),
        Request::get("/keyed").key(cut),
        Request::get("/keyed").key(bus.invoker_key()),
        Request::get("/keyed").bearer(key),
    ] {
        let reply = bus.http().send(&bad).await;
        reply.problem(401, "unauthenticated");
        assert!(reply.header("www-authenticate").is_some(), "{reply}");
    }
    let echo = bus.http().send(&Request::get("/keyed").key(key)).await.expect(200);
    assert!(echo["headers"].get("x-api-key").is_none(), "the credential goes no further: {echo}");
    let told = bus.http().send(&Request::get("/told").key(key)).await.expect(200);
    assert_eq!(told["caller"], "partner");
}

async fn calls_by_name_need_the_invokers_key(bus: &Quickstart, other: &str) {
    for bad in [
        Request::post("/_busbar/invoke/echo"),
        Request::post("/_busbar/invoke/echo").key(other),
        // Whether a service exists is not told to strangers.
        Request::post("/_busbar/invoke/no-such-service"),
    ] {
        bus.http().send(&bad).await.problem(401, "unauthenticated");
    }
}

/// (20)
async fn secrets_are_nowhere(bus: &Quickstart, secrets: &[&str]) {
    let lists =
        ["/security", "/channels", "/plugins", "/services", "/servers", "/deployments", "/openapi.json"];
    for path in lists {
        let text = bus.read(path).await.to_string();
        for secret in secrets {
            assert!(!text.contains(secret), "{path} shows a secret");
        }
        assert!(!text.contains("argon2"), "{path} shows a password's hash");
        // The API's description tells what a configuration may hold.
        assert!(path == "/openapi.json" || !text.contains("key_sha256"), "{path} shows a key's digest");
    }
    let openapi = bus.http().get("/_busbar/openapi.json").await;
    let logs = bus.log_text() + &bus.folder().console();
    for secret in secrets {
        assert!(!openapi.text().contains(secret), "the channels' OpenAPI shows a secret");
        assert!(!logs.contains(secret), "the logs show a secret");
    }
}

async fn a_definition_in_use_stays(bus: &Quickstart, id: &str) {
    let reply = bus.admin("DELETE", &format!("/security/{id}"), None).await;
    reply.expect_status(409);
    assert!(reply.text().contains("keyed"), "its users are named: {reply}");
    let unknown =
        json!({"name": "odd", "protocol": "rest", "path": "/odd", "service": "echo", "security": "nobody"});
    let reply = bus.admin("POST", "/channels", Some(&unknown)).await;
    assert!((400..500).contains(&reply.status), "{reply}");
    assert_eq!(bus.http().get("/odd").await.status, 404);
}

/// (18, 32)
#[tokio::test]
async fn a_new_password_holds_on_every_worker() {
    let bus = Quickstart::start_with(busbar_tests::Options {
        services: vec!["echo"],
        workers: 3,
        ..busbar_tests::Options::default()
    })
    .await;
    let definition = bus.create_basic("people", "ada", "first-password").await;
    bus.create_channel("basic", "/basic", "echo", json!({"security": "people"})).await;
    bus.settle().await;
    let (old, new) = (
        Request::get("/basic").basic("ada", "first-password"),
        Request::get("/basic").basic("ada", "second-password"),
    );
    // Verified results are cached: all workers have seen the old one.
    bus.wait_everywhere("the old password", poll::CHANGE_BOUND, &old, |reply| reply.status == 200).await;
    let mut connections = bus.connect_each().await;
    let path = format!("/security/{}", definition["id"].as_str().unwrap());
    bus.admin("PATCH", &path, Some(&json!({"password": "second-password"}))).await.expect_status(200);
    let changed = Instant::now();
    for connection in &mut connections {
        let left = poll::CHANGE_BOUND.saturating_sub(changed.elapsed()).max(Duration::from_millis(100));
        poll::until("the new password", left, async || {
            let reply = connection.send(&new).await;
            if reply.status == 200 { Ok(()) } else { Err(reply.to_string()) }
        })
        .await;
    }
    for _ in 0..3 {
        for connection in &mut connections {
            assert_eq!(connection.send(&old).await.status, 401);
            assert_eq!(connection.send(&new).await.status, 200);
        }
    }
    // Many connections, for no worker is left out.
    let clients: Vec<_> = (0..24).map(|_| bus.http().send(&old)).collect();
    for reply in futures_util::future::join_all(clients).await {
        assert_eq!(reply.status, 401);
    }
    assert!(!bus.log_text().contains("-password"), "the logs show a password");
}
