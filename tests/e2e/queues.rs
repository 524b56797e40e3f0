//! Channels of AMQP against a RabbitMQ of the test's own: what is acknowledged is kept, and what is kept is kept once.

use std::time::Duration;

use busbar_amqp::Properties;
use busbar_test_broker::Broker;
use busbar_tests::{
    Options, Quickstart, poll,
    queues::{Peer, with_id},
};
use serde_json::{Value, json};

pub(crate) async fn start() -> (Broker, Quickstart, Peer) {
    let broker = Broker::start();
    let options = Options { services: vec!["echo", "keeper"], ..Options::default() };
    let bus = Quickstart::start_with(options).await;
    bus.connect(&broker).await;
    let peer = Peer::new(&broker);
    (broker, bus, peer)
}

/// The delivery that a message of this correlation became.
async fn delivery(bus: &Quickstart, correlation: &str, state: &str) -> Value {
    poll::until(&format!("{correlation} is {state}"), Duration::from_secs(30), async || {
        let list = bus.read("/deliveries?limit=500").await;
        let items = list["items"].as_array().cloned().unwrap_or_default();
        let found = items.iter().find(|one| one["correlation_id"] == correlation && one["state"] == state);
        found.cloned().ok_or_else(|| list.to_string())
    })
    .await
}

fn tracked(id: &str) -> Properties {
    Properties { correlation_id: Some(id.to_owned()), ..with_id(id) }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn messages_are_calls() {
    let (broker, bus, peer) = start().await;
    let retry = json!({"retry": {"immediate": 1, "attempts": 3, "backoff_ms": 50, "backoff_max_ms": 100}});
    let channel = bus.consume(&broker, "orders", "keeper.receive", retry).await;
    bus.patch_channel(&channel["id"], &json!({"body_bytes_max": 1024 * 1024})).await;
    bus.wait_consumers(&broker, "orders", 2).await;
    taken_in_once(&bus, &broker, &peer).await;
    tried_again(&bus, &peer).await;
    given_up(&bus, &peer).await;
    bus.wait_empty(&broker, "orders").await;
    paused(&bus, &broker, &peer, &channel).await;
    answered(&bus, &broker, &peer).await;
    seen(&bus).await;
    bus.stop().await;
    drop(broker);
}

async fn taken_in_once(bus: &Quickstart, broker: &Broker, peer: &Peer) {
    for number in 0..100 {
        for _ in 0..2 {
            let id = format!("twice-{number}");
            peer.put_json("orders", &id, &json!({"name": "twice"})).await;
        }
    }
    bus.wait_empty(broker, "orders").await;
    assert_eq!(bus.received("twice").await, 100, "each has its id");
    for _ in 0..3 {
        let properties = Properties { message_id: None, ..with_id("") };
        peer.put("orders", properties, json!({"name": "nameless"}).to_string()).await;
    }
    bus.wait_received("nameless", 3).await;
}

async fn tried_again(bus: &Quickstart, peer: &Peer) {
    peer.put("orders", tracked("at-once"), json!({"name": "at-once", "fail": 1}).to_string()).await;
    bus.wait_received("at-once", 1).await;
    peer.put("orders", tracked("later"), json!({"name": "later", "fail": 3}).to_string()).await;
    bus.wait_received("later", 1).await;
    let delivery = delivery(bus, "later", "confirmed").await;
    assert_eq!(delivery["source"], "orders", "{delivery}");
    assert_eq!(delivery["failures"][0]["code"], "not-yet", "{delivery}");
    // It was taken in, so it is not again.
    peer.put("orders", tracked("later"), json!({"name": "later", "fail": 3}).to_string()).await;
}

async fn given_up(bus: &Quickstart, peer: &Peer) {
    peer.put("orders", tracked("refused"), json!({"name": "refused", "reject": true}).to_string()).await;
    let refused = delivery(bus, "refused", "failed").await;
    assert_eq!(refused["failures"][0]["code"], "refused", "{refused}");
    peer.put("orders", tracked("poison"), json!({"name": "poison", "fail": 1000}).to_string()).await;
    let poison = delivery(bus, "poison", "failed").await;
    assert_eq!(poison["attempts"], 5, "one, one at once, three later: {poison}");
    peer.put("orders", tracked("no-json"), "no JSON").await;
    assert_eq!(delivery(bus, "no-json", "failed").await["failures"][0]["code"], "invalid-input");
    let large = json!({"name": "large", "ballast": "x".repeat(2 * 1024 * 1024)});
    peer.put("orders", tracked("large"), large.to_string()).await;
    let large = delivery(bus, "large", "failed").await;
    assert_eq!(large["failures"][0]["code"], "too-large", "{large}");
    assert_eq!(bus.received("later").await, 1, "it had been taken in");
    // Mended by a person.
    let path = format!("/deliveries/{}", refused["id"].as_str().unwrap());
    let (_, tag) = (bus.read(&path).await, bus.admin("GET", &path, None).await);
    let tag = tag.header("etag").unwrap().to_owned();
    let edit = busbar_tests::Request::post(&format!("/api/v1{path}/retry"))
        .bearer(bus.token())
        .header("if-match", &tag)
        .json(&json!({"payload": {"name": "refused"}}));
    bus.admin_client().send(&edit).await.expect_status(200);
    bus.wait_received("refused", 1).await;
}

async fn paused(bus: &Quickstart, broker: &Broker, peer: &Peer, channel: &Value) {
    bus.cli(&["channel", "pause", "orders"]).await.expect(0);
    bus.wait_consumers(broker, "orders", 0).await;
    peer.put_json("orders", "while-paused", &json!({"name": "while-paused"})).await;
    assert_eq!(bus.received("while-paused").await, 0);
    bus.cli(&["channel", "resume", "orders"]).await.expect(0);
    bus.wait_received("while-paused", 1).await;
    assert_eq!(bus.read(&format!("/channels/{}", channel["id"].as_str().unwrap())).await["active"], true);
}

/// A call over AMQP.
async fn answered(bus: &Quickstart, broker: &Broker, peer: &Peer) {
    bus.consume(broker, "calls", "echo", json!({})).await;
    broker.declare("/", "answers", "classic");
    let properties = Properties { reply_to: Some("answers".to_owned()), ..tracked("call-1") };
    for _ in 0..2 {
        peer.put("calls", properties.clone(), json!({"a": 1}).to_string()).await;
        let answer = peer.take("answers").await;
        assert_eq!(answer.properties.correlation_id.as_deref(), Some("call-1"));
        assert_eq!(answer.properties.content_type.as_deref(), Some("application/json"));
        assert_eq!(serde_json::Value::from(answer.headers["status"].clone()), 200);
        let body = answer.json();
        assert_eq!(body["body"], json!({"a": 1}));
        assert_eq!(body["headers"]["amqp-message-id"], json!(["call-1"]), "{body}");
    }
    // A fault is an answer too.
    bus.consume(broker, "refusals", "keeper.receive", json!({})).await;
    let properties = Properties { reply_to: Some("answers".to_owned()), ..tracked("call-2") };
    peer.put("refusals", properties, json!({"name": "x", "reject": true}).to_string()).await;
    let answer = peer.take("answers").await;
    assert_eq!(answer.properties.content_type.as_deref(), Some("application/problem+json"));
    assert_eq!(answer.json()["code"], "refused");
}

/// State, for a person.
async fn seen(bus: &Quickstart) {
    let channel = bus.cli(&["channel", "show", "orders"]).await;
    assert!(channel.expect(0).stdout.contains("consuming"), "{channel:?}");
    let connection = bus.cli(&["connection", "show", "broker"]).await;
    assert!(connection.expect(0).stdout.contains("connected"), "{connection:?}");
}

/// The examples, as `make run AMQP=URL` starts them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn orders_come_in_by_a_queue_too() {
    let broker = Broker::start();
    let services = vec!["mailer", "orders", "prices"];
    let options = Options { services, amqp: Some(broker.url()), ..Options::default() };
    let bus = Quickstart::start_with(options.clone()).await;
    bus.wait_consumers(&broker, "orders", 2).await;
    let order =
        json!({"customer": "Ada", "email": "ada@example.org", "lines": [{"sku": "tea", "quantity": 2}]});
    Peer::new(&broker).put_json("orders", "order-1", &order).await;
    bus.wait_empty(&broker, "orders").await;
    poll::until("its confirmation", Duration::from_secs(20), async || {
        let list = bus.read("/deliveries?target=mailer.confirm").await;
        if list["items"][0]["state"] == "confirmed" { Ok(()) } else { Err(list.to_string()) }
    })
    .await;
    // Started again it is the same connection.
    let revision = async |bus: &Quickstart| bus.read("/audit?kind=connection").await["items"].clone();
    let before = revision(&bus).await;
    let folder = bus.stop().await;
    let bus = Quickstart::start_in(folder, options).await;
    bus.wait_consumers(&broker, "orders", 2).await;
    assert_eq!(revision(&bus).await, before);
    let refused = bus.cli(&["quickstart", "--amqp", "amqp://nobody"]).await;
    assert!(refused.expect(2).stderr.contains("user and password"), "{refused:?}");
    bus.stop().await;
    drop(broker);
}

/// What a service hands over to an exchange gets there, once the broker has a place for it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_handed_over_to_an_exchange_gets_there() {
    let (mut broker, bus, peer) = start().await;
    let deliver = |target: &str, options: Value| {
        let step = json!({"do": "deliver", "service": target, "input": {"a": 1}, "options": options});
        json!({"steps": [step]})
    };
    broker.declare("/", "out", "quorum");
    let handed = bus.invoke("keeper.run", &deliver("amqp:broker//out", json!({}))).await.expect(200);
    let taken = peer.take("out").await;
    assert_eq!(taken.json(), json!({"a": 1}));
    assert_eq!(taken.properties.message_id.as_deref(), handed["results"][0].as_str(), "{handed}");
    assert_eq!(taken.properties.content_type.as_deref(), Some("application/json"));
    // Nobody takes it yet: a failure that a person sees, and no end.
    let patient = json!({"backoff_ms": 200, "backoff_max_ms": 200});
    bus.invoke("keeper.run", &deliver("amqp:broker//late", patient)).await.expect(200);
    poll::until("it is unroutable", Duration::from_secs(20), async || {
        let list = bus.read("/deliveries?target=amqp:broker//late").await;
        if list["items"][0]["failures"][0]["code"] == "unroutable" { Ok(()) } else { Err(list.to_string()) }
    })
    .await;
    broker.declare("/", "late", "quorum");
    assert_eq!(peer.take("late").await.json(), json!({"a": 1}));
    // The broker is away: nothing is lost, and no attempt is used up.
    broker.stop();
    bus.invoke("keeper.run", &deliver("amqp:broker//out", json!({"attempts": 1}))).await.expect(200);
    let away = bus.cli(&["connection", "show", "broker"]).await;
    assert_eq!(away.expect(0).code, Some(0));
    broker.start_again();
    assert_eq!(peer.take("out").await.json(), json!({"a": 1}));
    let unknown = bus.invoke("keeper.run", &deliver("amqp:nowhere//out", json!({}))).await;
    assert!(unknown.to_string().contains("connection-unknown"), "{unknown}");
    bus.stop().await;
    drop(broker);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_published_is_there_at_once_and_with_what_goes_with_it() {
    let (mut broker, bus, peer) = start().await;
    broker.declare("/", "out", "quorum");
    let message = |routing_key: &str| {
        json!({"connection": "broker", "routing_key": routing_key, "input": {"a": 1}, "headers": [["tenant", "acme"]],
            "reply_to": "answers", "kind": "note", "priority": 3, "expiration_ms": 600_000})
    };
    let step = |what: &str, message: Value| {
        let mut step = message;
        step["do"] = json!(what);
        step
    };
    let run = async |steps: Value| bus.invoke("keeper.run", &json!({"steps": steps})).await;
    // Past the unit of work: the call fails, and the message is there.
    let failing = run(json!([step("publish", message("out")), {"do": "reject", "code": "no"}])).await;
    failing.problem(400, "no");
    let handed = run(json!([step("hand_over", message("out"))])).await.expect(200);
    let ids = [None, handed["results"][0].as_str()];
    for id in ids {
        let taken = peer.take("out").await;
        let properties = &taken.properties;
        assert_eq!((taken.json(), &taken.headers["tenant"]), (json!({"a": 1}), &Value::from("acme").into()));
        assert_eq!((properties.kind.as_deref(), properties.priority), (Some("note"), Some(3)));
        assert_eq!(
            (properties.reply_to.as_deref(), properties.expiration_ms),
            (Some("answers"), Some(600_000))
        );
        assert!(
            properties.message_id.is_some() && properties.correlation_id.is_some() && !properties.transient
        );
        assert!(id.is_none() || properties.message_id.as_deref() == id, "{properties:?}");
    }
    let long = json!({"connection": "broker", "routing_key": "out", "input": 1, "kind": "k".repeat(256)});
    let refused = json!([
        step("publish", message("nowhere")),
        step("publish", json!({"connection": "nowhere", "routing_key": "out", "input": 1})),
        step("publish", long.clone()),
        step("hand_over", long),
        step(
            "publish",
            json!({"connection": "broker", "exchange": "none", "routing_key": "out", "input": 1})
        ),
    ]);
    let codes = ["unroutable", "connection-unknown", "invalid-input", "invalid-input", "unroutable"];
    let codes = codes.map(|code| json!({"fault": code}));
    assert_eq!(run(refused).await.expect(200)["results"], json!(codes));
    bus.admin("PUT", "/plugins/keeper/grants", Some(&json!({"connections": ["other"]})))
        .await
        .expect_status(200);
    bus.settle().await;
    let both = json!([step("publish", message("out")), step("hand_over", message("out"))]);
    let not_granted = json!([{"fault": "not-granted"}, {"fault": "not-granted"}]);
    assert_eq!(run(both.clone()).await.expect(200)["results"], not_granted);
    bus.admin("PUT", "/plugins/keeper/grants", Some(&json!({"connections": ["*"]}))).await.expect_status(200);
    bus.settle().await;
    pinged(&bus, &broker).await;
    // The broker is away: the service is told in time, and what was handed over waits.
    broker.stop();
    let away = bus.cli(&["connection", "ping", "broker"]).await;
    assert!(away.expect(1).stderr.contains("can't be reached"), "{away:?}");
    let away = run(both).await.expect(200);
    assert_eq!(away["results"][0], json!({"fault": "broker-unavailable"}));
    broker.start_again();
    assert_eq!(peer.take("out").await.properties.message_id.as_deref(), away["results"][1].as_str());
    bus.stop().await;
    drop(broker);
}

async fn pinged(bus: &Quickstart, broker: &Broker) {
    let works = bus.cli(&["connection", "ping", "broker"]).await;
    assert!(works.expect(0).stdout.contains("connection broker works; it took "), "{works:?}");
    let stranger = json!({"name": "stranger", "kind": "amqp", "url": broker.url(), "active": false});
    let stranger = bus.admin("POST", "/connections", Some(&stranger)).await.expect(201);
    let wrong = json!({"password": "wrong"});
    let href = format!("/connections/{}", stranger["id"].as_str().unwrap());
    bus.admin("PATCH", &href, Some(&wrong)).await.expect_status(200);
    let refused = bus.admin("POST", &format!("{href}/ping"), None).await.expect(200);
    assert!(refused["problem"].as_str().unwrap().contains("the password is wrong"), "{refused}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_ordered_channel_keeps_the_order() {
    let (broker, bus, peer) = start().await;
    let ordered = json!({
        "ordered": true,
        "retry": {"immediate": 0, "attempts": 5, "backoff_ms": 100, "backoff_max_ms": 200},
    });
    bus.consume(&broker, "orders", "keeper.receive", ordered).await;
    for number in 0..10 {
        let fail = if number % 3 == 0 { 2 } else { 0 };
        let message = json!({"name": format!("n-{number}"), "fail": fail});
        peer.put_json("orders", &format!("n-{number}"), &message).await;
    }
    for number in (0..10).rev() {
        // Whenever one has been taken in, all before it have.
        bus.wait_received("n-9", 1).await;
        assert_eq!(bus.received(&format!("n-{number}")).await, 1);
    }
    bus.stop().await;
    drop(broker);
}
