//! Connections and AMQP channels as definitions: by the API, the command line and documents.

use std::fs;

use busbar_tests::Quickstart;
use serde_json::{Value, json};

const MARK: &str = "sesame-41d8";

async fn broker(bus: &Quickstart) -> Value {
    let body =
        json!({"name": "broker", "kind": "amqp", "url": format!("amqps://ada:{MARK}@mq.example.com/orders")});
    bus.admin("POST", "/connections", Some(&body)).await.expect(201)
}

/// By the command line.
async fn queue(bus: &Quickstart) -> Value {
    let line = "channel create --protocol amqp --service echo --name orders-in --connection broker --queue orders \
                --declare quorum --bind shop=orders.# --ordered --json";
    let made = bus.cli(&line.split_whitespace().collect::<Vec<_>>()).await;
    serde_json::from_str(&made.expect(0).stdout).unwrap()
}

#[tokio::test]
async fn a_queue_is_defined_paused_and_let_go() {
    let bus = Quickstart::start(&["echo"]).await;
    let made = broker(&bus).await;
    assert_eq!((&made["port"], &made["vhost"]), (&json!(5671), &json!("orders")));
    let channel = queue(&bus).await;
    assert_eq!((&channel["path"], &channel["amqp"]["prefetch"]), (&Value::Null, &json!(1)));
    bus.settle().await;
    // What is no way in by HTTP is none, and stands in no description of those.
    bus.http().get("/orders").await.expect_status(404);
    let described = bus.http().get("/_busbar/openapi.json").await.expect(200);
    assert!(!described.to_string().contains("orders-in"), "{described}");
    let listed = bus.cli(&["channel", "list"]).await;
    assert!(listed.expect(0).stdout.contains("orders of broker"), "{listed:?}");
    let used = bus.cli(&["connection", "delete", "broker"]).await;
    assert!(used.expect(1).stderr.contains("channel \"orders-in\""), "{used:?}");
    let paused = bus.cli(&["channel", "pause", "orders-in"]).await;
    assert!(paused.expect(0).stdout.contains("active"), "{paused:?}");
    assert_eq!(bus.read("/channels?name=orders-in").await["items"][0]["active"], false);
    bus.cli(&["channel", "resume", "orders-in"]).await.expect(0);
    assert_eq!(bus.read("/channels?name=orders-in").await["items"][0]["active"], true);
    bus.cli(&["channel", "delete", "orders-in"]).await.expect(0);
    bus.cli(&["connection", "delete", "broker"]).await.expect(0);
    assert_eq!(bus.read("/connections").await["items"], json!([]));
}

#[tokio::test]
async fn what_is_exported_makes_the_same_and_shows_no_secret() {
    let (source, target) = tokio::join!(Quickstart::start(&["echo"]), Quickstart::start(&["echo"]));
    broker(&source).await;
    queue(&source).await;
    let exported = source.cli(&["export"]).await.expect(0).stdout.clone();
    assert!(
        exported.contains("password: ${CONNECTION_PASSWORD_BROKER}") && !exported.contains(MARK),
        "{exported}"
    );
    let file = target.folder().root().join("busbar.yaml");
    fs::write(&file, &exported).unwrap();
    let file = file.to_str().unwrap();
    let refused = target.cli(&["apply", file]).await;
    assert!(refused.expect(1).stderr.contains("CONNECTION_PASSWORD_BROKER"), "{refused:?}");
    let variable = format!("CONNECTION_PASSWORD_BROKER={MARK}");
    let apply = ["apply", file, "--var", variable.as_str()];
    let done = target.cli(&apply).await;
    assert!(done.expect(0).stdout.contains("+ channel orders-in\n"), "{done:?}");
    assert!(!done.stdout.contains(MARK), "{done:?}");
    assert_eq!(target.cli(&["export"]).await.expect(0).stdout, exported);
    let again = target.cli(&apply).await;
    assert!(!again.expect(0).stdout.contains("broker"), "a second time changes nothing: {again:?}");
}
