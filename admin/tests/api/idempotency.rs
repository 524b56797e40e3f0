//! `Idempotency-Key`.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use axum::{body::Body, http::Request};
use busbar_store::{Page, channel::Filter};
use serde_json::{Value, json};

use crate::fixture::{Api, Reply, request};

const PATH: &str = "/api/v1/channels";

fn keyed(method: &str, uri: &str, key: &str, body: &Value) -> Request<Body> {
    let request = request(method, uri).header("idempotency-key", key);
    let body = if body.is_null() { Body::empty() } else { body.to_string().into() };
    request.header("content-type", "application/json").body(body).unwrap()
}

async fn send(api: &Api, method: &str, uri: &str, key: &str, body: Value) -> Reply {
    api.send(keyed(method, uri, key, &body)).await
}

fn channels(api: &Api) -> usize {
    api.odb.channels(&Page::first(99), &Filter::default()).unwrap().items.len()
}

#[tokio::test]
async fn a_repeat_does_nothing_and_gets_the_same_reply() {
    let api = Api::new();
    let body = json!({"path": "/a", "service": "s"});
    let made = send(&api, "POST", PATH, "key-1", body.clone()).await.is(201);
    assert_eq!(made.header("idempotency-replayed"), "");
    for key in ["key-1", "\"key-1\""] {
        let again = send(&api, "POST", PATH, key, body.clone()).await.is(201);
        assert_eq!((&again.json, again.header("idempotency-replayed")), (&made.json, "true"));
        for header in ["etag", "location", "content-type"] {
            assert_eq!(again.header(header), made.header(header), "{header}");
        }
        assert_ne!(again.header("x-correlation-id"), made.header("x-correlation-id"));
    }
    assert_eq!((channels(&api), api.hints()), (1, 1));
    let other = send(&api, "POST", PATH, "key-2", body.clone()).await;
    other.refused(409, "address-taken");
    send(&api, "POST", PATH, "key-1", json!({"path": "/b", "service": "s"}))
        .await
        .refused(422, "idempotency-key-reused");
    let query = format!("{PATH}?x=1");
    send(&api, "POST", &query, "key-1", body.clone()).await.refused(422, "idempotency-key-reused");
    send(&api, "PATCH", made.text("href"), "key-1", body).await.refused(422, "idempotency-key-reused");
    assert_eq!(channels(&api), 1);
}

#[tokio::test]
async fn every_method_that_changes_something_takes_a_key() {
    let api = Api::new();
    api.deploy("p", b"v1", &["p"]);
    api.deploy("p", b"v2", &["p"]);
    let href = api.channel("c", "/c").await.text("href").to_owned();
    for (number, (method, uri, body)) in [
        ("PATCH", href.as_str(), json!({"timeout_ms": 5})),
        ("PUT", "/api/v1/plugins/p/config", json!({"a": 1})),
        ("PUT", "/api/v1/plugins/p/grants", json!({"invoke": []})),
        ("PATCH", "/api/v1/services/p", json!({"limits": {"queue": 1}})),
        ("POST", "/api/v1/plugins/p/rollback", Value::Null),
        ("POST", "/api/v1/plugins/p/recall", Value::Null),
        ("DELETE", "/api/v1/services/p", Value::Null),
        ("DELETE", "/api/v1/plugins/p", Value::Null),
        ("DELETE", &href, Value::Null),
        ("POST", "/api/v1/deployments?name=q", json!("as good as any")),
    ]
    .into_iter()
    .enumerate()
    {
        let send = async || {
            let key = format!("key {number}");
            let mut request = keyed(method, uri, &key, &body);
            if uri.contains("deployments") {
                let wasm = "application/wasm".parse().unwrap();
                request.headers_mut().insert("content-type", wasm);
            }
            api.send(request).await
        };
        let first = send().await;
        assert!(first.status.is_success(), "{method} {uri}: {first:?}");
        let head = api.odb.head().unwrap();
        let again = send().await;
        assert_eq!((again.status, &again.json), (first.status, &first.json), "{method} {uri}");
        assert_eq!(again.header("idempotency-replayed"), "true", "{method} {uri}");
        assert_eq!(again.header("content-type"), first.header("content-type"), "{method} {uri}");
        assert_eq!(api.odb.head().unwrap(), head, "{method} {uri}");
    }
}

#[tokio::test]
async fn refusals_are_kept_as_they_were() {
    let api = Api::new();
    let body = json!({"path": "no slash", "service": "s"});
    let refused = send(&api, "POST", PATH, "k", body.clone()).await.refused(400, "invalid-input");
    let again = send(&api, "POST", PATH, "k", body).await.is(400);
    assert_eq!((&again.json, again.header("idempotency-replayed")), (&refused.json, "true"));
    assert_eq!(again.header("content-type"), "application/problem+json");
    let gone = format!("{PATH}/none");
    send(&api, "DELETE", &gone, "l", Value::Null).await.refused(404, "not-found");
    assert_eq!(send(&api, "DELETE", &gone, "l", Value::Null).await.header("idempotency-replayed"), "true");
    send(&api, "POST", PATH, "", json!({})).await.refused(400, "idempotency-key-invalid");
    api.get("/api/v1/channels").await.is(200);
}

#[tokio::test]
async fn a_failure_of_ours_is_not_kept() {
    let api = Api::with(|settings| {
        let hash = settings.hash_password.clone();
        let failed = AtomicBool::new(false);
        settings.hash_password = Arc::new(move |password| {
            if failed.swap(true, Ordering::SeqCst) { hash(password) } else { Err("no luck".into()) }
        });
    });
    let body = json!({"name": "b", "kind": "basic", "username": "u", "password": "hush"});
    let uri = "/api/v1/security";
    send(&api, "POST", uri, "k", body.clone()).await.refused(500, "internal");
    let made = send(&api, "POST", uri, "k", body.clone()).await.is(201);
    assert_eq!(send(&api, "POST", uri, "k", body).await.json, made.json);
}

#[tokio::test]
async fn a_secret_is_not_in_what_is_kept() {
    let api = Api::new();
    let body = json!({"name": "k", "kind": "api-key"});
    let made = send(&api, "POST", "/api/v1/security", "k", body.clone()).await.is(201);
    let rotated = send(&api, "PATCH", made.text("href"), "r", json!({"rotate": true})).await.is(200);
    for (first, again) in [
        (&made, send(&api, "POST", "/api/v1/security", "k", body).await.is(201)),
        (&rotated, send(&api, "PATCH", made.text("href"), "r", json!({"rotate": true})).await.is(200)),
    ] {
        let mut expected = first.json.clone();
        assert!(expected.as_object_mut().unwrap().remove("key").is_some());
        assert_eq!((&again.json, again.header("etag")), (&expected, first.header("etag")));
    }
    assert_eq!(api.get("/api/v1/security").await.json["items"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn of_many_at_once_one_takes_effect_and_all_get_its_reply() {
    let api = Api::new();
    let body = json!({"path": "/a", "service": "s"});
    let one = || send(&api, "POST", PATH, "k", body.clone());
    let replies = futures_util::future::join_all((0..8).map(|_| one())).await;
    let replayed = replies.iter().filter(|reply| reply.header("idempotency-replayed") == "true").count();
    assert_eq!((replayed, channels(&api)), (7, 1));
    for reply in &replies {
        assert_eq!((reply.status.as_u16(), &reply.json), (201, &replies[0].json));
    }
}

#[tokio::test]
async fn a_repeat_waits_for_the_one_that_is_under_way_even_if_its_caller_is_gone() {
    let (open, gate) = std::sync::mpsc::channel::<()>();
    let gate = Mutex::new(gate);
    let api = Api::with(|settings| {
        settings.hash_password = Arc::new(move |_| {
            gate.lock().unwrap().recv()?;
            Ok("$hash".to_owned())
        });
    });
    let body = json!({"name": "b", "kind": "basic", "username": "u", "password": "hush"});
    let one = || send(&api, "POST", "/api/v1/security", "k", body.clone());
    tokio::time::timeout(Duration::from_millis(200), one()).await.unwrap_err();
    let (again, ()) = tokio::join!(one(), async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        open.send(()).unwrap();
    });
    assert_eq!(again.is(201).header("idempotency-replayed"), "true");
    assert_eq!(api.get("/api/v1/security").await.names(), ["b"]);
}
