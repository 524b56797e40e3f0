//! AMQP channels.

use serde_json::{Value, json};

use crate::fixture::Api;

const CHANNELS: &str = "/api/v1/channels";

async fn broker(api: &Api) -> String {
    let body = json!({"name": "broker", "kind": "amqp", "host": "mq", "username": "ada", "password": "hush"});
    api.post("/api/v1/connections", body).await.is(201).text("href").to_owned()
}

fn channel(amqp: Value) -> Value {
    json!({"name": "orders", "protocol": "amqp", "service": "orders.submit", "amqp": amqp})
}

fn paths(problem: &Value) -> Vec<String> {
    let errors = problem["errors"].as_array().unwrap().iter();
    errors.map(|error| error["path"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_queue_becomes_a_channel_with_defaults() {
    let api = Api::new();
    let connection = broker(&api).await;
    let made = api.post(CHANNELS, channel(json!({"connection": "broker", "queue": "orders"}))).await.is(201);
    for member in ["path", "methods", "security", "cors", "soap"] {
        assert_eq!(made.json[member], Value::Null, "{member}");
    }
    let retry = json!({"immediate": 1, "attempts": 10, "backoff_ms": 1_000, "backoff_max_ms": 300_000});
    let expected = json!({"connection": "broker", "queue": "orders", "declare": null, "bindings": [], "prefetch": 32,
        "concurrency": 8, "ordered": false, "deduplicate": "message-id", "retry": retry, "failed": "error-queue"});
    assert_eq!(made.json["amqp"], expected);
    let href = made.text("href");
    let ordered =
        api.patch(href, json!({"amqp": {"ordered": true, "deduplicate": {"header": "x-id"}}})).await.is(200);
    let amqp = &ordered.json["amqp"];
    assert_eq!((&amqp["prefetch"], &amqp["concurrency"]), (&json!(1), &json!(1)));
    assert_eq!(amqp["deduplicate"], json!({"header": "x-id"}));
    let conflict = api.patch(href, json!({"amqp": {"prefetch": 2}})).await.refused(409, "protocol-conflict");
    assert_eq!(paths(&conflict.json), ["/amqp/prefetch"]);
    let declare = json!({"dead_letter_exchange": "dead", "max_length": 5});
    let more =
        json!({"declare": declare, "failed": "dead-letter", "retry": {"attempts": 0}, "ordered": false});
    let declared = api.patch(href, json!({"amqp": more})).await.is(200);
    let amqp = &declared.json["amqp"];
    assert_eq!((&amqp["declare"]["kind"], &amqp["prefetch"]), (&json!("quorum"), &json!(32)));
    assert_eq!((&amqp["retry"]["attempts"], &amqp["retry"]["immediate"]), (&json!(0), &json!(1)));
    let conflict = api.patch(href, json!({"amqp": {"declare": {"dead_letter_exchange": null}}})).await;
    assert_eq!(paths(&conflict.refused(409, "protocol-conflict").json), ["/amqp/failed"]);
    assert_eq!(api.get(&format!("{CHANNELS}?connection=broker")).await.names(), ["orders"]);
    assert_eq!(api.get(&format!("{CHANNELS}?protocol=rest")).await.names(), [""; 0]);
    let used = api.delete(&connection).await.refused(409, "in-use");
    assert!(used.text("detail").contains("channel \"orders\""), "{used:?}");
    let rest = json!({"protocol": "rest", "path": "/orders", "amqp": null});
    assert_eq!(api.patch(href, rest).await.is(200).json["amqp"], Value::Null);
    api.delete(&connection).await.is(204);
}

#[tokio::test]
async fn what_no_amqp_channel_has_is_refused() {
    let api = Api::new();
    broker(&api).await;
    api.post(CHANNELS, json!({"protocol": "amqp", "service": "s"})).await.invalid_at("/amqp", &["required"]);
    let nothing = api.post(CHANNELS, channel(json!({}))).await.invalid_at("/amqp/connection", &["required"]);
    nothing.invalid_at("/amqp/queue", &["required"]);
    let mut http = channel(json!({"connection": "broker", "queue": "q"}));
    http["path"] = json!("/q");
    http["methods"] = json!(["GET"]);
    http["security"] = json!("clerk");
    http["cors"] = json!({"origins": ["*"]});
    let refused = api.post(CHANNELS, http).await.refused(400, "invalid-input");
    assert_eq!(paths(&refused.json), ["/path", "/methods", "/security", "/cors"]);
    let rest = json!({"path": "/q", "service": "s", "amqp": {"connection": "broker", "queue": "q"}});
    api.post(CHANNELS, rest).await.invalid_at("/amqp", &["protocol amqp"]);
    let elsewhere = channel(json!({"connection": "nowhere", "queue": "q"}));
    let unknown = api.post(CHANNELS, elsewhere).await.refused(409, "unknown-connection");
    assert_eq!(paths(&unknown.json), ["/amqp/connection"]);
    for (amqp, place) in [
        (json!({"queue": "amq.q"}), "/amqp/queue"),
        (json!({"prefetch": 0}), "/amqp/prefetch"),
        (json!({"concurrency": 1001}), "/amqp/concurrency"),
        (json!({"ordered": true, "concurrency": 2}), "/amqp/concurrency"),
        (json!({"deduplicate": "body"}), "/amqp/deduplicate"),
        (json!({"deduplicate": {"header": ""}}), "/amqp/deduplicate/header"),
        (json!({"deduplicate": {"id": "x"}}), "/amqp/deduplicate"),
        (json!({"bindings": [{"exchange": "", "routing_key": "k"}]}), "/amqp/bindings/0/exchange"),
        (json!({"declare": {"kind": "stream"}}), "/amqp/declare/kind"),
        (json!({"declare": {"kind": "classic", "delivery_limit": 3}}), "/amqp/declare/delivery_limit"),
        (json!({"declare": {"dead_letter_routing_key": "k"}}), "/amqp/declare/dead_letter_routing_key"),
        (json!({"declare": {}, "failed": "dead-letter"}), "/amqp/failed"),
        (json!({"failed": "lost"}), "/amqp/failed"),
        (json!({"retry": {"immediate": 11}}), "/amqp/retry/immediate"),
        (json!({"retry": {"backoff_ms": 0}}), "/amqp/retry/backoff_ms"),
        (json!({"exclusive": true}), "/amqp/exclusive"),
    ] {
        let mut whole = json!({"connection": "broker", "queue": "q"});
        whole.as_object_mut().unwrap().extend(amqp.as_object().unwrap().clone());
        api.post(CHANNELS, channel(whole)).await.invalid_at(place, &[]);
    }
}

#[tokio::test]
async fn a_queue_has_one_channel_that_can_be_paused() {
    let api = Api::new();
    broker(&api).await;
    let queue = json!({"connection": "broker", "queue": "orders"});
    let made = api.post(CHANNELS, channel(queue.clone())).await.is(201);
    let mut second = channel(queue);
    second["name"] = json!("second");
    let taken = api.post(CHANNELS, second.clone()).await.refused(409, "address-taken");
    assert_eq!(paths(&taken.json), ["/amqp/queue"]);
    let href = made.text("href");
    let paused = api.post(&format!("{href}/pause"), Value::Null).await.is(200);
    assert_eq!((&paused.json["active"], paused.header("etag")), (&json!(false), "\"2\""));
    api.post(CHANNELS, second).await.is(201);
    api.post(&format!("{href}/resume"), Value::Null).await.refused(409, "address-taken");
    api.post(&format!("{CHANNELS}/nothing/pause"), Value::Null).await.refused(404, "not-found");
}

#[tokio::test]
async fn pausing_is_for_every_protocol_and_heeds_tags() {
    let api = Api::new();
    let made = api.post(CHANNELS, json!({"path": "/a", "service": "s"})).await.is(201);
    let pause = format!("{}/pause", made.text("href"));
    let stale = api.send_if("POST", &pause, "\"7\"", Value::Null).await;
    stale.refused(412, "precondition-failed");
    assert_eq!(api.post(&pause, Value::Null).await.is(200).json["active"], json!(false));
    let again = api.post(&pause, Value::Null).await.is(200);
    assert_eq!(again.header("etag"), "\"2\"", "what is paused stays as it is");
    let resumed = api.post(&format!("{}/resume", made.text("href")), Value::Null).await.is(200);
    assert_eq!(resumed.json["active"], json!(true));
}
