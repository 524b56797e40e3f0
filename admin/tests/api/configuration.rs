//! `/api/v1/export` and `/api/v1/apply`.

use axum::body::Body;
use http_body_util::BodyExt as _;
use serde_json::json;
use tower::ServiceExt as _;

use crate::fixture::{Api, Reply, request};

const DOCUMENT: &str = "busbar: 1
security:
  clerk: {kind: basic, username: bob, password: 'hush hush'}
  partner: {kind: api-key, key_id: abc, key_sha256: 0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a}
secrets:
  pay-key: {description: for the shop, value: open sesame}
plugins:
  shop: {grants: {invoke: ['*'], secrets: [pay-key]}, config: {url: '$${x}'}}
services:
  shop.buy: {plugin: shop, limits: {cpu_ms: 7}}
channels:
  orders: {path: '/orders/{id}', service: shop.buy, security: clerk}
";

impl Api {
    async fn apply(&self, query: &str, document: &str) -> Reply {
        let uri = format!("/api/v1/apply{query}");
        let request = request("POST", &uri).header("content-type", "application/yaml");
        self.send(request.body(document.to_owned().into()).unwrap()).await
    }

    async fn export(&self) -> String {
        let request = request("GET", "/api/v1/export").body(Body::empty()).unwrap();
        let response = self.router.clone().oneshot(request).await.unwrap();
        assert_eq!(response.headers()["content-type"], "application/yaml");
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        String::from_utf8(bytes.to_vec()).unwrap()
    }
}

/// The changes of a reply, as `create channel a`.
fn changes(reply: &Reply) -> Vec<String> {
    let changes = reply.json["changes"].as_array().unwrap_or_else(|| panic!("{reply:?}")).iter();
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    changes.map(|c| [&c["action"], &c["kind"], &c["name"]].map(text).join(" ")).collect()
}

#[tokio::test]
async fn what_is_exported_makes_the_same_elsewhere() {
    let api = Api::new();
    let first = api.apply("", DOCUMENT).await.is(200);
    let all = [
        "security clerk",
        "security partner",
        "secret pay-key",
        "plugin shop",
        "service shop.buy",
        "channel orders",
    ];
    assert_eq!(changes(&first), all.map(|object| format!("create {object}")));
    assert_eq!(first.json["dry_run"], false);
    let exported = api.export().await;
    assert!(!exported.contains("sesame") && exported.contains("value: ${SECRET_PAY_KEY}"), "{exported}");
    assert!(!exported.contains("hush") && exported.contains("password: ${PASSWORD_CLERK}"), "{exported}");
    let hints = api.hints();
    for again in [DOCUMENT, &exported] {
        assert_eq!(changes(&api.apply("?prune=true", again).await.is(200)), [""; 0], "{again}");
    }
    assert!(hints > 0);
    assert_eq!(api.odb.head().unwrap().version, 6);
    let other = Api::new();
    let refused = other.apply("", &exported).await.refused(409, "conflict");
    refused
        .says_at(
            "/security/clerk",
            &["\"clerk\" has no password yet", "variable PASSWORD_CLERK is not given"],
        )
        .says_at(
            "/secrets/pay-key",
            &["\"pay-key\" has no value yet", "variable SECRET_PAY_KEY is not given"],
        );
    assert_eq!(other.odb.head().unwrap().version, 0);
    let filled = exported.replace("${PASSWORD_CLERK}", "elsewhere").replace("${SECRET_PAY_KEY}", "barley");
    other.apply("", &filled).await.is(200);
    assert_eq!(other.export().await, exported);
}

#[tokio::test]
async fn json_does_as_well() {
    let api = Api::new();
    let document = json!({"busbar": 1, "channels": {"a": {"path": "/a", "service": "s"}}});
    let done = api.post("/api/v1/apply", document.clone()).await.is(200);
    assert_eq!(changes(&done), ["create channel a"]);
    let twice = r#"{"busbar": 1, "channels": {"a": {"path": "/a", "service": "s"}, "a": {}}}"#;
    let twice =
        request("POST", "/api/v1/apply").header("content-type", "application/json").body(twice.into());
    api.send(twice.unwrap()).await.invalid_at("", &["stands twice"]);
    api.post("/api/v1/apply", json!([])).await.invalid_at("", &["must be a map"]);
}

#[tokio::test]
async fn a_dry_run_shows_before_and_after_and_changes_nothing() {
    let api = Api::new();
    api.apply("", DOCUMENT).await.is(200);
    let other = DOCUMENT
        .replace("cpu_ms: 7", "cpu_ms: 8")
        .replace("hush hush", "another one")
        .replace("sesame", "barley");
    let told = api.apply("?dry_run=true", &other).await.is(200);
    assert_eq!(changes(&told), ["update security clerk", "update secret pay-key", "update service shop.buy"]);
    let members = |at: usize| &told.json["changes"][at]["members"];
    assert_eq!(*members(0), json!([{"member": "secret", "before": null, "after": "replaced"}]));
    assert_eq!(*members(1), json!([{"member": "value", "before": null, "after": "replaced"}]));
    assert_eq!(*members(2), json!([{"member": "limits.cpu_ms", "before": 7, "after": 8}]));
    assert_eq!((api.odb.head().unwrap().version, &told.json["dry_run"]), (6, &json!(true)));
    let pruned = api.apply("?dry_run=true&prune=true", "busbar: 1\n").await.is(200);
    assert_eq!(changes(&pruned).len(), 6);
    api.apply("?dry_run=maybe", DOCUMENT).await.invalid_at("/dry_run", &["true or false"]);
    api.apply("?force=true", DOCUMENT).await.invalid_at("/force", &["not a query parameter"]);
}

#[tokio::test]
async fn all_that_is_wrong_is_told_with_its_line() {
    let api = Api::new();
    let wrong = "busbar: 1\nchannels:\n  a:\n    path: nowhere\n    service: s\n    colour: red\n";
    api.apply("", wrong)
        .await
        .invalid_at("/channels/a/path", &["line 4: "])
        .invalid_at("/channels/a/colour", &["line 6: is not known here"]);
    api.apply("", "busbar: 2\n").await.invalid_at("/busbar", &["is 2", "format 1 only"]);
    api.apply("", "busbar: 1\nbusbar: 1\n").await.invalid_at("", &["line 2: \"busbar\" stands twice"]);
    api.apply("", "").await.invalid_at("", &["empty"]);
    let unknown = "busbar: 1\nchannels: {a: {path: /a, service: s, security: nobody}}\n";
    let refused = api.apply("", unknown).await.refused(409, "conflict");
    refused.says_at("/channels/a/security", &["\"nobody\" does not exist"]);
    let text = request("POST", "/api/v1/apply").header("content-type", "text/plain").body("busbar: 1".into());
    api.send(text.unwrap()).await.refused(415, "unsupported-media-type");
    let bytes = request("POST", "/api/v1/apply").body(vec![b'a', 0xff].into());
    api.send(bytes.unwrap()).await.invalid_at("", &["not UTF-8"]);
    assert_eq!(api.odb.head().unwrap().version, 0);
}

#[tokio::test]
async fn what_is_there_already_is_not_pushed_aside() {
    let api = Api::new();
    api.channel("first", "/a").await;
    let document = "busbar: 1\nchannels: {second: {path: /a, service: s}, third: {path: /b, service: s}}\n";
    let refused = api.apply("", document).await.refused(409, "conflict");
    assert_eq!(refused.json["errors"][0]["path"], "/channels/second/path");
    assert!(refused.text("detail").contains("\"first\""), "{refused:?}");
    assert_eq!(api.get("/api/v1/channels").await.names(), ["first"]);
    api.apply("?prune=true", document).await.is(200);
    assert_eq!(api.get("/api/v1/channels").await.names(), ["third", "second"]);
}
