//! The member `cors` of `/api/v1/channels`.

use serde_json::{Value, json};

use crate::fixture::Api;

const PATH: &str = "/api/v1/channels";

#[tokio::test]
async fn pages_of_other_origins_are_let_in_and_out_again() {
    let api = Api::new();
    let body = json!({"path": "/c", "service": "s", "cors": {"origins": ["https://App.example:443"]}});
    let made = api.post(PATH, body).await.is(201);
    let expected = json!({"origins": ["https://app.example"], "headers": [], "expose": [], "credentials": false,
        "max_age_s": 600});
    assert_eq!(made.json["cors"], expected);
    let href = made.text("href");
    // A patch merges (RFC 7396): what it does not name stays.
    let patch = json!({"cors": {"headers": ["Content-Type"], "expose": ["X-Total"], "credentials": true}});
    let changed = api.patch(href, patch).await.is(200);
    let expected = json!({"origins": ["https://app.example"], "headers": ["content-type"], "expose": ["x-total"],
        "credentials": true, "max_age_s": 600});
    assert_eq!(changed.json["cors"], expected);
    let back = api.patch(href, json!({"cors": {"headers": null, "max_age_s": 0}})).await.is(200);
    assert_eq!((&back.json["cors"]["headers"], &back.json["cors"]["max_age_s"]), (&json!([]), &json!(0)));
    assert_eq!(api.patch(href, json!({"cors": null})).await.is(200).json["cors"], Value::Null);
    let audit = api.get("/api/v1/audit").await.is(200);
    assert_eq!(audit.json["items"][0]["before"]["cors"]["origins"], json!(["https://app.example"]));
}

#[tokio::test]
async fn every_wrong_member_is_named_by_its_path() {
    let api = Api::new();
    let cors = json!({"origins": ["https://a.example", "https://a.example/x"], "headers": ["*", "x"],
        "expose": ["*"], "max_age_s": 86_401});
    api.post(PATH, json!({"path": "/c", "service": "s", "cors": cors}))
        .await
        .invalid_at("/cors/origins/1", &["\"https://a.example/x\"", "without a path"])
        .invalid_at("/cors/headers/0", &["\"*\"", "no other"])
        .invalid_at("/cors/expose/0", &["\"*\"", "header"])
        .invalid_at("/cors/max_age_s", &["is 86401", "0 to 86400"]);
    let many = vec!["x"; 65];
    for (cors, path, part) in [
        (json!({}), "/cors/origins", "required"),
        (json!({"origins": []}), "/cors/origins", "required"),
        (json!({"origins": null}), "/cors/origins", "null"),
        (json!({"origins": ["null"]}), "/cors/origins/0", "\"null\""),
        (json!({"origins": ["*"], "headers": many}), "/cors/headers", "64"),
        (json!({"origins": ["*"], "credentials": true}), "/cors/credentials", "name the origins"),
        (json!({"origins": "*"}), "/cors/origins", "sequence"),
        (json!({"origins": ["*", 5]}), "/cors/origins/1", "string"),
        (json!({"origins": ["*"], "methods": []}), "/cors/methods", "`origins`"),
        (json!(true), "/cors", "true"),
    ] {
        let body = json!({"path": "/c", "service": "s", "cors": cors});
        api.post(PATH, body).await.invalid_at(path, &[part]);
    }
    // Nor by way of two patches.
    let body = json!({"path": "/c", "service": "s", "cors": {"origins": ["https://a.example"], "credentials": true}});
    let made = api.post(PATH, body).await.is(201);
    let patch = json!({"cors": {"origins": ["*"]}});
    let refused = api.patch(made.text("href"), patch).await.refused(409, "cors-conflict");
    assert_eq!(refused.json["errors"][0]["path"], "/cors/credentials");
    let open = api.post(PATH, json!({"path": "/d", "service": "s"})).await.is(201);
    let patch = json!({"cors": {"credentials": true}});
    let refused = api.patch(open.text("href"), patch).await.refused(409, "cors-conflict");
    assert_eq!(refused.json["errors"][0]["path"], "/cors/origins");
}
