//! A stock client of AMQP calls services, and takes what they hand over: pika, a program that Busbar had no hand in.

use std::{env, path::PathBuf, process::Stdio, time::Duration};

use busbar_test_broker::Broker;
use busbar_tests::{Options, Quickstart, artifact::repository};
use serde_json::{Value, json};
use tokio::{io::AsyncWriteExt as _, process::Command, time::timeout};

const RUN_BOUND: Duration = Duration::from_secs(150);

const MISSING: &str =
    "run `make amqp-clients`, and set BUSBAR_AMQP_CLIENTS to TARGET/amqp-clients, as `make test` does";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stock_client_calls_by_queues_and_takes_what_is_handed_over() {
    let broker = Broker::start();
    let services = vec!["echo", "keeper", "mailer", "orders", "prices"];
    let options = Options { services, amqp: Some(broker.url()), ..Options::default() };
    let bus = Quickstart::start_with(options).await;
    bus.wait_consumers(&broker, "orders", 2).await;
    bus.consume(&broker, "echoes", "echo", json!({})).await;
    let bindings = json!({"bindings": [{"exchange": "amq.topic", "routing_key": "steps.*"}]});
    bus.consume(&broker, "steps", "keeper.run", bindings).await;
    ordered(&bus, &broker).await;
    echoed(&bus, &broker).await;
    followed(&bus, &broker).await;
    bus.stop().await;
    drop(broker);
}

/// An order's answer is the order, whether its sender waits in a queue of its own or directly; what can't be ordered is
/// told, too.
async fn ordered(bus: &Quickstart, broker: &Broker) {
    let order =
        json!({"customer": "Ada", "email": "ada@example.org", "lines": [{"sku": "tea", "quantity": 2}]});
    let calls = json!([
        {"queue": "orders", "body": order, "properties": {"message_id": "order-1"}},
        {"queue": "orders", "body": order, "properties": {"message_id": "order-2"}, "direct": true},
        {"queue": "orders", "body": order, "properties": {"message_id": "order-1"}},
        {"queue": "orders", "body": {"customer": ""}, "properties": {"message_id": "order-3"}},
    ]);
    let said = peer(broker, &json!({"call": calls})).await;
    let [first, direct, again, refused] = said["answers"].as_array().unwrap().as_slice() else {
        panic!("four answers in {said}")
    };
    for answer in [first, direct, again] {
        assert_eq!(answer["properties"]["headers"]["status"], 201, "{answer}");
        assert_eq!(answer["properties"]["content_type"], "application/json", "{answer}");
    }
    let id = |answer: &Value| body(answer)["id"].as_str().unwrap().to_owned();
    assert_ne!(id(first), id(direct));
    assert_eq!(id(first), id(again), "the same message has the same answer");
    let kept = bus.http().get(&format!("/orders/{}", id(direct))).await.expect(200);
    assert_eq!(kept, body(direct));
    assert_eq!(refused["properties"]["headers"]["status"], 400, "{refused}");
    assert_eq!(refused["properties"]["content_type"], "application/problem+json", "{refused}");
    assert!(body(refused)["errors"].is_array(), "{refused}");
}

/// Properties and headers, as pika writes each kind, are headers to the service.
async fn echoed(bus: &Quickstart, broker: &Broker) {
    let headers = json!({"X-Colour": "blue", "size": 12, "big": 5_000_000_000_i64, "urgent": true, "none": null,
        "tags": ["a", 1], "nested": {"a": {"b": "c"}}, "name": "Zoë"});
    let properties = json!({"headers": headers, "message_id": "m-1", "type": "order.new", "app_id": "shop",
        "user_id": "guest", "priority": 3, "timestamp": 1_700_000_000, "content_encoding": "utf-8", "delivery_mode": 2,
        "correlation_id": "from-pika", "expiration": "60000"});
    let call = json!([{"queue": "echoes", "body": {"a": [1, "ü"]}, "properties": properties}]);
    let said = peer(broker, &json!({"call": call})).await;
    let answer = &said["answers"][0];
    assert_eq!(answer["properties"]["headers"]["x-correlation-id"], "from-pika", "{answer}");
    let seen = body(answer);
    assert_eq!(seen["body"], json!({"a": [1, "ü"]}), "{seen}");
    for (name, wanted) in [
        ("x-colour", "blue"),
        ("size", "12"),
        ("big", "5000000000"),
        ("urgent", "true"),
        ("tags", r#"["a",1]"#),
        ("nested", r#"{"a":{"b":"c"}}"#),
        ("name", "Zoë"),
        ("content-type", "application/json"),
        ("content-encoding", "utf-8"),
        ("amqp-message-id", "m-1"),
        ("amqp-correlation-id", "from-pika"),
        ("amqp-type", "order.new"),
        ("amqp-app-id", "shop"),
        ("amqp-user-id", "guest"),
        ("amqp-priority", "3"),
        ("amqp-timestamp", "1700000000"),
        ("amqp-routing-key", "echoes"),
        ("amqp-redelivered", "false"),
    ] {
        assert_eq!(seen["headers"][name], json!([wanted]), "{name}: {seen}");
    }
    let trail = bus.read("/deliveries?target=echo").await;
    assert_eq!(trail["items"], json!([]), "none of it waits");
}

/// A message to an exchange is a call, and what the service hands over to an exchange comes back to who is bound there.
async fn followed(bus: &Quickstart, broker: &Broker) {
    let message = |id: &str, input: &Value| {
        let steps =
            json!([{"do": "deliver", "service": "amqp:broker/amq.topic/shipped.today", "input": input}]);
        json!({"exchange": "amq.topic", "routing_key": "steps.new", "body": {"steps": steps},
            "properties": {"message_id": id, "correlation_id": id}})
    };
    let inputs = [json!({"parcel": 1}), json!({"parcel": "zwei ü"})];
    let publish = [message("parcel-1", &inputs[0]), message("parcel-2", &inputs[1])];
    let follow = json!({"exchange": "amq.topic", "routing_key": "shipped.*", "publish": publish});
    let said = peer(broker, &json!({"follow": follow})).await;
    let taken = said["followed"].as_array().unwrap();
    assert_eq!(taken.len(), inputs.len(), "{said}");
    let deliveries = bus.read("/deliveries?target=amqp:broker/amq.topic/shipped.today").await;
    for (number, (one, input)) in taken.iter().zip(&inputs).enumerate() {
        assert_eq!(&body(one), input, "{one}");
        assert_eq!((&one["exchange"], &one["routing_key"]), (&json!("amq.topic"), &json!("shipped.today")));
        let properties = &one["properties"];
        assert_eq!(properties["delivery_mode"], 2, "it is persistent: {one}");
        assert_eq!(properties["content_type"], "application/json", "{one}");
        let delivery =
            deliveries["items"].as_array().unwrap().iter().find(|it| it["id"] == properties["message_id"]);
        let delivery = delivery.unwrap_or_else(|| panic!("{one} is none of {deliveries}"));
        assert_eq!(delivery["correlation_id"], json!(format!("parcel-{}", number + 1)), "{delivery}");
    }
}

fn body(message: &Value) -> Value {
    serde_json::from_str(message["body"].as_str().unwrap())
        .unwrap_or_else(|error| panic!("{error}: {message}"))
}

/// What `tests/amqp/peer.py` says; `tests/amqp/README.md` tells of the task.
async fn peer(broker: &Broker, task: &Value) -> Value {
    let python = env::var_os("BUSBAR_AMQP_CLIENTS").map(|folder| PathBuf::from(folder).join("bin/python"));
    let python =
        python.filter(|python| python.exists()).unwrap_or_else(|| panic!("pika is missing: {MISSING}"));
    let run = async {
        let mut child = Command::new(python)
            .arg(repository().join("tests/amqp/peer.py"))
            .arg(broker.url())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        // One that ends early says more by its standard error than a broken pipe does.
        if let Some(mut input) = child.stdin.take() {
            let _ = input.write_all(task.to_string().as_bytes()).await;
        }
        child.wait_with_output().await
    };
    let output = timeout(RUN_BOUND, run).await.expect("pika ends in time").expect("pika can be run");
    let complained = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "pika ended with {} for {task}:\n{complained}", output.status);
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}\n{complained}"))
}
