//! `/api/v1/services`.

use serde_json::json;

use crate::fixture::Api;

const PATH: &str = "/api/v1/services";

#[tokio::test]
async fn a_service_shows_its_contract_limits_and_channels() {
    let api = Api::new();
    api.deploy("greeter", b"v1", &["some-service", "other-service"]);
    let channel = api.channel("greet", "/greet").await;
    let service = api.get("/api/v1/services/some-service").await.is(200);
    assert_eq!(service.header("etag"), "\"1\"");
    assert_eq!((service.text("plugin"), service.text("state")), ("greeter", "live"));
    assert_eq!(service.text("summary"), "Does things.");
    assert_eq!(service.json["input_schema"], json!({"type": "object"}));
    assert_eq!(service.json["output_schema"], json!(null));
    assert_eq!(service.json["channels"], json!([{"name": "greet", "href": channel.text("href")}]));
    assert_eq!(service.json["limits"]["calls_per_instance"], 7);
    assert_eq!(service.json["limits"]["timeout_ms"], 30_000);
    assert_eq!(service.json["limits_set"], json!({}));
    assert_eq!(api.get(PATH).await.names(), ["other-service", "some-service"]);
    api.deploy("second", b"v2", &["third-service"]);
    assert_eq!(api.get("/api/v1/services?plugin=second").await.names(), ["third-service"]);
    assert_eq!(api.get("/api/v1/services?plugin=none").await.is(200).names(), [""; 0]);
    api.get("/api/v1/services/none").await.refused(404, "not-found");
}

#[tokio::test]
async fn limits_are_set_one_by_one_and_unset() {
    let api = Api::new();
    api.deploy("p", b"v1", &["p"]);
    let uri = "/api/v1/services/p";
    let set = api.patch(uri, json!({"limits": {"timeout_ms": 5, "queue": 0}})).await.is(200);
    assert_eq!(set.json["limits_set"], json!({"timeout_ms": 5, "queue": 0}));
    assert_eq!((&set.json["limits"]["timeout_ms"], set.header("etag")), (&json!(5), "\"2\""));
    let less = api.patch(uri, json!({"limits": {"timeout_ms": null, "concurrency": 3}})).await.is(200);
    assert_eq!(less.json["limits_set"], json!({"queue": 0, "concurrency": 3}));
    assert_eq!(less.json["limits"]["timeout_ms"], 30_000);
    let none = api.patch(uri, json!({"limits": null})).await.is(200);
    assert_eq!(none.json["limits_set"], json!({}));
    let stale = json!({"limits": {"queue": 1}});
    api.send_if("PATCH", uri, "\"2\"", stale).await.refused(412, "precondition-failed");
    assert_eq!(api.hints(), 3);
}

#[tokio::test]
async fn a_limit_out_of_range_is_told_the_range() {
    let api = Api::new();
    api.deploy("p", b"v1", &["p"]);
    let uri = "/api/v1/services/p";
    let wrong = json!({"limits": {"cpu_ms": 0, "concurrency": 1_001, "memory_bytes": -1}});
    api.patch(uri, wrong)
        .await
        .invalid_at("/limits/cpu_ms", &["is 0", "1 to 600000"])
        .invalid_at("/limits/concurrency", &["is 1001", "1 to 1000"])
        .invalid_at("/limits/memory_bytes", &["is -1", "65536 to 1073741824"]);
    let unknown = json!({"limits": {"cpu": 1}});
    api.patch(uri, unknown).await.invalid_at("/limits/cpu", &["`cpu_ms`", "`queue`"]);
    api.patch(uri, json!({"limits": [1, 2]})).await.invalid_at("/limits", &["an object"]);
    api.patch(uri, json!({"timeout_ms": 1})).await.invalid_at("/timeout_ms", &["`limits`"]);
    api.patch("/api/v1/services/none", json!({})).await.refused(404, "not-found");
    assert_eq!(api.get(uri).await.header("etag"), "\"1\"");
}

#[tokio::test]
async fn a_service_is_deleted_after_its_plugin_is_recalled() {
    let api = Api::new();
    api.deploy("p", b"v1", &["some-service"]);
    let channel = api.channel("c", "/c").await;
    let uri = "/api/v1/services/some-service";
    let used = api.delete(uri).await.refused(409, "in-use");
    assert_eq!(used.json["errors"], json!([{"path": "", "message": "channel \"c\" uses it"}]));
    api.delete(channel.text("href")).await.is(204);
    let active = api.delete(uri).await.refused(409, "plugin-active");
    assert!(active.text("detail").contains("goes with its plugin"), "{}", active.json);
    api.post_empty("/api/v1/plugins/p/recall").await.is(202);
    api.delete(uri).await.is(204);
    api.get(uri).await.refused(404, "not-found");
    assert_eq!(api.get("/api/v1/plugins/p").await.json["services"], json!([]));
}
