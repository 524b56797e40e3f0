//! `/api/v1/deliveries`.

use axum::body::Body;
use busbar_model::{
    delivery::{Claimed, Failure, NewDelivery, Outcome, Policy, Properties, Settlement, Target},
    unit::{Effects, Unit},
};
use busbar_store::Claiming;
use serde_json::{Value, json};

use crate::fixture::{Api, name, now, request};

const PATH: &str = "/api/v1/deliveries";

fn message(id: &str) -> NewDelivery {
    NewDelivery {
        id: id.to_owned(),
        target: name("mailer.send").into(),
        source: Some(name("shop")),
        content_type: Some("text/html".to_owned()),
        properties: Properties::default(),
        payload: b"<script>".to_vec(),
        order_key: Some("k".to_owned()),
        policy: Policy { attempts_max: 3, backoff_ms: 100, backoff_max_ms: 900 },
        due_at: now(),
        expires_at: now().plus_ms(60_000),
        correlation_id: "c-1".to_owned(),
        setback: None,
        created_at: now(),
    }
}

fn commit(api: &Api, unit: Unit) {
    api.odb.commits().commit(now, || vec![unit]).unwrap().remove(0).unwrap();
}

fn hand_over(api: &Api, delivery: NewDelivery) {
    let mut effects = Effects::default();
    effects.deliver(delivery).unwrap();
    commit(api, Unit { effects, ..Unit::default() });
}

fn claim(api: &Api) -> Claimed {
    let lease_ms = |_: &Target| Some(1_000);
    let claiming = Claiming { owner: "w", now: now(), limit: 1, busy: &[], lease_ms: &lease_ms, random: 0.0 };
    api.odb.claim(&claiming).unwrap().claimed.remove(0)
}

fn settle(api: &Api, claimed: Claimed, outcome: Outcome) {
    let settlement = Some(Settlement { id: claimed.id, claim: claimed.claim, outcome, output: None });
    commit(api, Unit { settlement, ..Unit::default() });
}

/// One that was given up at its first attempt.
fn failed(api: &Api, id: &str) {
    hand_over(api, message(id));
    let claimed = claim(api);
    let failure = Failure { attempt: 1, at: now(), code: "refused".to_owned(), message: "no".to_owned() };
    let state = busbar_model::delivery::DeliveryState::Failed;
    settle(api, claimed, Outcome::GivenUp { state, failure });
}

fn path(id: &str, action: &str) -> String {
    format!("{PATH}/{id}{action}")
}

async fn payload(api: &Api, id: &str) -> Vec<u8> {
    axum::body::to_bytes(
        tower::ServiceExt::oneshot(
            api.router.clone(),
            request("GET", &path(id, "/payload")).body(Body::empty()).unwrap(),
        )
        .await
        .unwrap()
        .into_body(),
        usize::MAX,
    )
    .await
    .unwrap()
    .to_vec()
}

#[tokio::test]
async fn a_delivery_is_shown_with_its_failures() {
    let api = Api::new();
    failed(&api, "1");
    let seen = api.get(&path("1", "")).await.is(200);
    assert_eq!(seen.header("etag"), "\"3\"");
    let json = &seen.json;
    for (member, expected) in [
        ("id", json!("1")),
        ("target", json!("mailer.send")),
        ("source", json!("shop")),
        ("state", json!("failed")),
        ("attempts", json!(1)),
        ("attempts_max", json!(3)),
        ("backoff_ms", json!(100)),
        ("backoff_max_ms", json!(900)),
        ("order_key", json!("k")),
        ("content_type", json!("text/html")),
        ("properties", json!({})),
        ("payload_bytes", json!(8)),
        ("due_at", Value::Null),
        ("correlation_id", json!("c-1")),
        ("href", json!("/api/v1/deliveries/1")),
    ] {
        assert_eq!(json[member], expected, "{member}");
    }
    let failure = &json["failures"][0];
    assert_eq!(
        (&failure["attempt"], &failure["code"], &failure["message"]),
        (&json!(1), &json!("refused"), &json!("no"))
    );
    for time in [&json["expires_at"], &json["created_at"], &json["updated_at"], &failure["at"]] {
        assert!(time.as_str().unwrap().ends_with('Z'), "{time}");
    }
    assert_eq!(json.as_object().unwrap().len(), 19);
    assert_eq!(api.get(PATH).await.is(200).json["items"][0], *json);
    api.get(&path("none", "")).await.refused(404, "not-found");
}

#[tokio::test]
async fn lists_are_narrowed() {
    let api = Api::new();
    failed(&api, "1");
    let mut other = message("2");
    (other.target, other.source, other.correlation_id) = (name("printer").into(), None, "c-2".to_owned());
    hand_over(&api, other);
    let ids = async |query: &str| -> Vec<String> {
        let reply = api.get(&format!("{PATH}?{query}")).await.is(200);
        let items = reply.json["items"].as_array().unwrap();
        items.iter().map(|item| item["id"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(ids("").await, ["2", "1"]);
    assert_eq!(ids("state=failed").await, ["1"]);
    assert_eq!(ids("target=printer&state=waiting").await, ["2"]);
    assert_eq!(ids("source=shop").await, ["1"]);
    assert_eq!(ids("correlation_id=c-2").await, ["2"]);
    let page = api.get(&format!("{PATH}?limit=1&target=printer&source=shop")).await.is(200);
    assert_eq!((&page.json["items"], &page.json["next"]), (&json!([]), &Value::Null));
    let page = api.get(&format!("{PATH}?limit=1")).await.is(200);
    assert_eq!(page.text("next"), "/api/v1/deliveries?limit=1&before=2");
    let wrong = api.get(&format!("{PATH}?state=Failed")).await;
    wrong.invalid_at("/state", &["\"Failed\"", "in-doubt", "discarded"]);
    let counts = api.get(&format!("{PATH}/counts")).await.is(200).json;
    let expected = json!({"waiting": 1, "in-progress": 0, "confirmed": 0, "in-doubt": 0, "failed": 1,
        "expired": 0, "discarded": 0});
    assert_eq!(counts, expected);
}

#[tokio::test]
async fn a_payload_is_given_byte_for_byte_and_never_shown() {
    let api = Api::new();
    failed(&api, "1");
    let reply = api.get(&path("1", "/payload")).await.is(200);
    for (header, expected) in [
        ("content-type", "text/html"),
        ("content-disposition", "attachment"),
        ("x-content-type-options", "nosniff"),
        ("cache-control", "no-store"),
        ("etag", "\"3\""),
    ] {
        assert_eq!(reply.header(header), expected);
    }
    assert_eq!(payload(&api, "1").await, b"<script>");
    hand_over(&api, NewDelivery { content_type: None, payload: vec![0xff, 0], ..message("2") });
    let reply = api.get(&path("2", "/payload")).await.is(200);
    assert_eq!(reply.header("content-type"), "application/octet-stream");
    assert_eq!(payload(&api, "2").await, [0xff, 0]);
    hand_over(&api, NewDelivery { content_type: Some("a\nb".to_owned()), ..message("3") });
    let reply = api.get(&path("3", "/payload")).await.is(200);
    assert_eq!(reply.header("content-type"), "application/octet-stream");
    api.get(&path("none", "/payload")).await.refused(404, "not-found");
}

#[tokio::test]
async fn an_edit_and_its_retry_are_one_compare_and_swap() {
    let api = Api::new();
    failed(&api, "1");
    let body = json!({"payload": {"name": "Ada"}});
    let stale = api.send_if("POST", &path("1", "/retry"), "\"2\"", body.clone()).await;
    assert_eq!(stale.refused(412, "precondition-failed").header("etag"), "\"3\"");
    assert_eq!(payload(&api, "1").await, b"<script>");
    let retried = api.send_if("POST", &path("1", "/retry"), "\"3\"", body.clone()).await.is(200);
    assert_eq!((retried.text("state"), retried.text("content_type")), ("waiting", "application/json"));
    assert_eq!((&retried.json["attempts"], &retried.json["payload_bytes"]), (&json!(0), &json!(14)));
    assert_eq!(retried.header("etag"), "\"4\"");
    assert_eq!(payload(&api, "1").await, br#"{"name":"Ada"}"#);
    assert_eq!(api.get(&path("1", "")).await.json, retried.json);
    api.send_if("POST", &path("1", "/retry"), "\"3\"", body).await.refused(412, "precondition-failed");
    assert_eq!(api.hints(), 1);

    let bytes = json!({"payload_base64": "/wA=", "content_type": "image/png"});
    let retried = api.post(&path("1", "/retry"), bytes).await.is(200);
    assert_eq!((retried.text("content_type"), &retried.json["payload_bytes"]), ("image/png", &json!(2)));
    assert_eq!(payload(&api, "1").await, [0xff, 0]);
    api.post_empty(&path("1", "/retry")).await.is(200);
    api.post(&path("1", "/retry"), json!({})).await.is(200);
    assert_eq!(payload(&api, "1").await, [0xff, 0]);
    let wrong = api.post(&path("1", "/retry"), json!({"payload": 1, "payload_base64": ""})).await;
    wrong.invalid_at("/payload_base64", &["does not go with payload"]);
    api.post(&path("1", "/retry"), json!({"pay": 1})).await.invalid_at("/pay", &["unknown field"]);
    let text = request("POST", &path("1", "/retry")).header("content-type", "text/plain");
    api.send(text.body("{}".into()).unwrap()).await.refused(415, "unsupported-media-type");
    api.post_empty(&path("none", "/retry")).await.refused(404, "not-found");
}

#[tokio::test]
async fn a_payload_of_the_largest_size_can_be_sent_again() {
    let api = Api::new();
    failed(&api, "1");
    let most = usize::try_from(busbar_model::bounds::DELIVERY_BYTES_MAX).unwrap();
    let quoted = |bytes: usize| format!("{{\"payload\":\"{}\"}}", "x".repeat(bytes - 2));
    let send = async |text: String| {
        let retry = request("POST", &path("1", "/retry")).header("content-type", "application/json");
        api.send(retry.body(text.into()).unwrap()).await
    };
    send(quoted(most + 1)).await.refused(413, "too-large");
    let retried = send(quoted(most)).await.is(200);
    assert_eq!(retried.json["payload_bytes"], most);
}

#[tokio::test]
async fn what_is_under_way_or_ended_stays_so() {
    let api = Api::new();
    hand_over(&api, message("1"));
    let claimed = claim(&api);
    let refused = async |id: &str, state: &str| {
        for action in ["/retry", "/discard"] {
            let refused = api.post_empty(&path(id, action)).await.refused(409, "wrong-state");
            assert!(refused.text("detail").contains(state), "{refused:?}");
        }
    };
    refused("1", "in-progress").await;
    settle(&api, claimed, Outcome::Confirmed);
    refused("1", "confirmed").await;

    failed(&api, "2");
    let stale = json!(null);
    api.send_if("POST", &path("2", "/discard"), "\"2\"", stale.clone())
        .await
        .refused(412, "precondition-failed");
    let discarded = api.send_if("POST", &path("2", "/discard"), "\"3\"", stale).await.is(200);
    assert_eq!((discarded.text("state"), discarded.header("etag")), ("discarded", "\"4\""));
    refused("2", "discarded").await;
    let audit = api.get("/api/v1/audit").await.is(200);
    let entry = &audit.json["items"][0];
    assert_eq!((&entry["action"], &entry["object"]["kind"]), (&json!("discard"), &json!("delivery")));
    assert!(!audit.json.to_string().contains("script"));
}

#[tokio::test]
async fn a_message_for_a_broker_is_found_by_its_target() {
    let api = Api::new();
    let properties =
        Properties { headers: vec![("x-a".to_owned(), "1".to_owned())], ..Properties::default() };
    let target = Target::Amqp {
        connection: name("broker"),
        exchange: "shop".to_owned(),
        routing_key: "new orders".to_owned(),
    };
    hand_over(&api, NewDelivery { target, properties, ..message("1") });
    hand_over(&api, message("2"));
    for filter in ["amqp:broker/shop/new%2520orders", "amqp:broker/shop/new%20orders"] {
        let found = api.get(&format!("/api/v1/deliveries?target={filter}")).await.is(200);
        assert_eq!(found.json["items"].as_array().unwrap().len(), 1, "{filter}");
        assert_eq!(found.json["items"][0]["target"], "amqp:broker/shop/new%20orders");
        assert_eq!(found.json["items"][0]["properties"], json!({"headers": [["x-a", "1"]]}));
    }
}
