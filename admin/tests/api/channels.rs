//! `/api/v1/channels`.

use serde_json::{Value, json};

use crate::fixture::Api;

const PATH: &str = "/api/v1/channels";

#[tokio::test]
async fn a_channel_lives_through_its_requests() {
    let api = Api::new();
    let made = api.post(PATH, json!({"path": "/orders/{id}", "service": "orders.get"})).await.is(201);
    assert_eq!(made.header("location"), made.text("href"));
    assert_eq!(made.header("etag"), "\"1\"");
    let mut expected = made.json.clone();
    for member in ["id", "created_at", "updated_at", "href"] {
        assert!(!expected.as_object_mut().unwrap().remove(member).unwrap().as_str().unwrap().is_empty());
    }
    assert_eq!(
        expected,
        json!({
            "name": "orders.get", "protocol": "rest", "path": "/orders/{id}", "methods": [],
            "service": "orders.get", "security": null, "active": true,
            "body_bytes_max": 16 * 1024 * 1024, "timeout_ms": 30_000, "cors": null, "soap": null, "amqp": null,
        })
    );
    let href = made.text("href");
    assert_eq!(api.get(href).await.is(200).json, made.json);

    let body = json!({"methods": ["POST", "GET"], "active": false, "timeout_ms": 1});
    let changed = api.patch(href, body).await.is(200);
    assert_eq!(changed.header("etag"), "\"2\"");
    assert_eq!(changed.json["methods"], json!(["GET", "POST"]));
    assert_eq!(changed.json["path"], "/orders/{id}");
    let back = api.patch(href, json!({"methods": null, "active": null, "timeout_ms": null})).await.is(200);
    assert_eq!((&back.json["methods"], &back.json["timeout_ms"]), (&json!([]), &json!(30_000)));

    let gone = api.delete(href).await.is(204);
    assert_eq!(gone.json, Value::Null);
    api.get(href).await.refused(404, "not-found");
    api.delete(href).await.refused(404, "not-found");
    assert_eq!(api.hints(), 4);
}

#[tokio::test]
async fn an_unnamed_channel_gets_the_first_free_name() {
    let api = Api::new();
    for (path, name) in [("/a", "s"), ("/b", "s-2"), ("/c", "s-3")] {
        let made = api.post(PATH, json!({"path": path, "service": "s"})).await.is(201);
        assert_eq!(made.json["name"], name);
    }
}

#[tokio::test]
async fn what_is_taken_is_refused_with_the_other_channel() {
    let api = Api::new();
    api.channel("first", "/x/{a}").await;
    let body = json!({"name": "first", "path": "/y", "service": "s"});
    let taken = api.post(PATH, body).await.refused(409, "name-taken");
    assert!(taken.text("detail").contains("first"));
    let body = json!({"name": "second", "path": "/x/{b}", "service": "s"});
    let taken = api.post(PATH, body).await.refused(409, "address-taken");
    assert!(taken.text("detail").contains("\"first\""));
    // An unnamed one does not look for names until its address is free.
    let taken = api.post(PATH, json!({"path": "/x/{b}", "service": "s"})).await;
    taken.refused(409, "address-taken");
    let other = api.channel("second", "/z").await;
    api.patch(other.text("href"), json!({"path": "/x/{c}"})).await.refused(409, "address-taken");
    api.patch(other.text("href"), json!({"name": "first"})).await.refused(409, "name-taken");
    assert_eq!(api.hints(), 2);
}

#[tokio::test]
async fn everything_wrong_is_named_at_once() {
    let api = Api::new();
    let body = json!({
        "name": "No", "protocol": "mqtt", "path": "x", "methods": ["get"],
        "body_bytes_max": 5_000_000_000_u64, "timeout_ms": 0,
    });
    api.post(PATH, body)
        .await
        .invalid_at("/name", &["\"No\"", "lower-case"])
        .invalid_at("/protocol", &["\"mqtt\"", "\"rest\", \"soap\" or \"amqp\""])
        .invalid_at("/path", &["\"x\"", "begin with"])
        .invalid_at("/methods", &["\"get\"", "upper-case"])
        .invalid_at("/body_bytes_max", &["5000000000", "0 to 4294967296"])
        .invalid_at("/timeout_ms", &["is 0", "1 to 3600000"])
        .invalid_at("/service", &["required"]);
    api.post(PATH, json!({})).await.invalid_at("/path", &["required"]);
    assert_eq!(api.hints(), 0);
}

#[tokio::test]
async fn unknown_members_and_wrong_types_are_named() {
    let api = Api::new();
    let href = api.channel("c", "/c").await.text("href").to_owned();
    let allowed = ["`name`", "`security`", "`timeout_ms`"];
    api.patch(&href, json!({"nme": "x"})).await.invalid_at("/nme", &allowed);
    api.post(PATH, json!({"path": "/", "service": "s", "id": 1})).await.invalid_at("/id", &allowed);
    api.patch(&href, json!({"path": 5})).await.invalid_at("/path", &["`5`", "a string"]);
    api.patch(&href, json!({"methods": ["GET", 5]})).await.invalid_at("/methods/1", &["`5`"]);
    api.patch(&href, json!({"active": "yes"})).await.invalid_at("/active", &["\"yes\"", "boolean"]);
    api.patch(&href, json!({"timeout_ms": 1.5})).await.invalid_at("/timeout_ms", &["1.5", "whole"]);
    api.patch(&href, json!({"name": null})).await.invalid_at("/name", &["null"]);
}

#[tokio::test]
async fn a_security_definition_must_exist() {
    let api = Api::new();
    let body = json!({"path": "/c", "service": "s", "security": "nobody"});
    let refused = api.post(PATH, body.clone()).await.refused(409, "unknown-security");
    assert_eq!(refused.json["errors"][0]["path"], "/security");
    assert!(refused.text("detail").contains("\"nobody\" does not exist"));
    api.post("/api/v1/security", json!({"name": "nobody", "kind": "api-key"})).await.is(201);
    let made = api.post(PATH, body).await.is(201);
    assert_eq!(made.json["security"], "nobody");
    let open = api.patch(made.text("href"), json!({"security": null})).await.is(200);
    assert_eq!(open.json["security"], Value::Null);
}

#[tokio::test]
async fn a_stale_tag_loses() {
    let api = Api::new();
    let made = api.channel("c", "/c").await;
    let href = made.text("href");
    let tag = made.header("etag");
    api.send_if("PATCH", href, tag, json!({"active": false})).await.is(200);
    let stale = api.send_if("PATCH", href, tag, json!({"active": true})).await;
    assert_eq!(stale.refused(412, "precondition-failed").header("etag"), "\"2\"");
    api.send_if("DELETE", href, tag, json!(null)).await.refused(412, "precondition-failed");
    api.send_if("DELETE", href, "W/\"2\"", json!(null)).await.refused(412, "precondition-failed");
    api.send_if("DELETE", href, "2", json!(null)).await.refused(400, "invalid-input");
    api.send_if("DELETE", href, "*", json!(null)).await.is(204);
    // A change to the same is none.
    let made = api.channel("d", "/d").await;
    let same = api.patch(made.text("href"), json!({"name": "d"})).await.is(200);
    assert_eq!(same.header("etag"), "\"1\"");
}

#[tokio::test]
async fn concurrent_patches_lose_nothing() {
    let api = Api::new();
    let href = api.channel("c", "/c").await.text("href").to_owned();
    let (a, b) = tokio::join!(
        api.patch(&href, json!({"timeout_ms": 5})),
        api.patch(&href, json!({"body_bytes_max": 6})),
    );
    for reply in [a, b] {
        reply.is(200);
    }
    let both = api.get(&href).await.is(200);
    assert_eq!((&both.json["timeout_ms"], &both.json["body_bytes_max"]), (&json!(5), &json!(6)));
}
