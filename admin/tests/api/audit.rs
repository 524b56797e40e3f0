//! `/api/v1/audit`.

use axum::body::Body;
use serde_json::{Value, json};

use crate::fixture::{Api, request};

#[tokio::test]
async fn every_change_is_accounted_for() {
    let api = Api::with(|settings| settings.development = true);
    let headers = |method, uri| {
        request(method, uri).header("host", "localhost").header("x-correlation-id", "of-the-caller")
    };
    let body = json!({"name": "c", "path": "/c", "service": "s"}).to_string();
    let made = api.send(headers("POST", "/api/v1/channels").body(body.into()).unwrap()).await.is(201);
    let gone = headers("DELETE", made.text("href")).body(Body::empty()).unwrap();
    api.send(gone).await.is(204);

    let all = api.send(headers("GET", "/api/v1/audit").body(Body::empty()).unwrap()).await.is(200);
    let items = all.json["items"].as_array().unwrap();
    let told: Vec<_> = items.iter().map(|item| (item["number"].as_i64(), item["action"].as_str())).collect();
    assert_eq!(told, [(Some(2), Some("delete")), (Some(1), Some("create"))]);
    assert_eq!(items[1]["object"], json!({"kind": "channel", "id": made.text("id"), "name": "c"}));
    assert_eq!((&items[1]["before"], &items[1]["after"]["path"]), (&Value::Null, &json!("/c")));
    assert_eq!((&items[0]["before"]["path"], &items[0]["after"]), (&json!("/c"), &Value::Null));
    for item in items {
        assert_eq!((&item["actor"], &item["correlation_id"]), (&json!("admin"), &json!("of-the-caller")));
    }
}

#[tokio::test]
async fn pages_go_back_to_the_first_change() {
    let api = Api::new();
    for path in ["/a", "/b", "/c"] {
        api.channel(&path[1..], path).await;
    }
    let page = api.get("/api/v1/audit?limit=2").await.is(200);
    assert_eq!(page.text("next"), "/api/v1/audit?limit=2&before=2");
    let last = api.get(page.text("next")).await.is(200);
    assert_eq!((&last.json["items"][0]["number"], &last.json["next"]), (&json!(1), &Value::Null));
    api.get("/api/v1/audit?before=x").await.invalid_at("/before", &["\"x\""]);
    api.get("/api/v1/audit?actor=x").await.invalid_at("/actor", &["allowed is limit, before"]);
}
