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
    for odd in ["+1", "-1", "1.0", "99999999999999999999"] {
        api.get(&format!("/api/v1/audit?before={odd}")).await.refused(400, "invalid-input");
    }
}

#[tokio::test]
async fn the_trail_is_narrowed_by_each_of_its_fields() {
    let api = Api::with(|settings| settings.development = true);
    let get = async |query: &str| {
        let request = request("GET", &format!("/api/v1/audit?{query}")).header("host", "localhost");
        api.send(request.body(Body::empty()).unwrap()).await
    };
    for (number, path) in ["/a", "/b"].into_iter().enumerate() {
        let body = json!({"name": &path[1..], "path": path, "service": "s"}).to_string();
        let made = request("POST", "/api/v1/channels").header("host", "localhost");
        let made = made.header("x-correlation-id", format!("c-{number}")).body(body.into()).unwrap();
        api.send(made).await.is(201);
    }
    api.deploy("p", b"1", &["p"]);
    for (query, expected) in [
        ("actor=admin", &[2, 1][..]),
        ("actor=ada&kind=plugin", &[4]),
        ("kind=deployment", &[3]),
        ("name=b", &[2]),
        ("action=create&kind=service", &[5]),
        ("correlation_id=c-0", &[1]),
        ("since=2000-01-01T00:00:00Z&until=2000-01-01T00:00:01%2B02:00", &[]),
        ("until=2999-01-01T00:00:00Z&name=a", &[1]),
    ] {
        let found = get(query).await.is(200);
        let items = found.json["items"].as_array().unwrap();
        let numbers: Vec<_> = items.iter().map(|item| item["number"].as_i64().unwrap()).collect();
        assert_eq!(numbers, expected, "{query}");
    }
    get("since=yesterday").await.invalid_at("/since", &["\"yesterday\"", "2026-01-31T12:00:00Z"]);
    get("action=mend").await.invalid_at("/action", &["\"mend\"", "create, update, delete, deploy"]);
    get("kind=x").await.invalid_at("/kind", &["plugin, service, channel"]);
    let page = get("limit=1&actor=admin").await.is(200);
    assert_eq!(page.text("next"), "/api/v1/audit?limit=1&before=2&actor=admin");
}

#[tokio::test]
async fn the_trail_says_who_asked_for_a_deployment() {
    let api = Api::new();
    let made = api.upload("?name=p.wasm", b"bytes").await.is(202);
    let trail = api.get("/api/v1/audit").await.is(200);
    let entry = &trail.json["items"][0];
    assert_eq!((&entry["action"], &entry["actor"]), (&json!("deploy"), &json!("admin")));
    assert_eq!(entry["object"], json!({"kind": "deployment", "id": made.text("id"), "name": "p"}));
    assert_eq!(entry["correlation_id"], made.header("x-correlation-id"));
    assert_eq!(entry["after"]["digest"], made.json["digest"]);
}
