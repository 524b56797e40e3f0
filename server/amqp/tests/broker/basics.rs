//! What works while the broker does.

use std::time::Duration;

use busbar_amqp::{Headers, Outgoing, Properties, Settlement, Value};
use busbar_test_broker::Broker;

use crate::stage::{BOUND, consuming, link, message, next, publish, quorum, text, until, within};

#[tokio::test(flavor = "multi_thread")]
async fn messages_go_in_and_come_out() {
    let broker = Broker::start();
    let link = link(&broker, "/");
    let consumer = link.consume(quorum("work")).unwrap();
    consuming(&consumer).await;

    let outgoing = Outgoing {
        properties: Properties {
            message_id: Some("m-1".to_owned()),
            user_id: Some("guest".to_owned()),
            expiration_ms: Some(600_000),
            priority: Some(2),
            ..Properties::default()
        },
        headers: Headers::from([
            ("list".to_owned(), Value::List(vec![Value::Integer(-1), Value::Null, Value::from("\u{e4}")])),
            ("table".to_owned(), Value::Table(Headers::from([("n".to_owned(), Value::Number(0.5))]))),
        ]),
        ..message("work", "hello")
    };
    publish(&link, outgoing.clone()).await.unwrap();
    let incoming = next(&consumer).await;
    assert_eq!(
        (text(&incoming), incoming.redelivered, incoming.delivery_count),
        ("hello".to_owned(), false, 0)
    );
    assert_eq!((&incoming.properties, &incoming.headers), (&outgoing.properties, &outgoing.headers));
    assert_eq!((incoming.exchange.as_str(), incoming.routing_key.as_str()), ("", "work"));

    incoming.settle(Settlement::Requeue);
    let again = next(&consumer).await;
    assert_eq!((again.redelivered, again.delivery_count), (true, 1));
    drop(again);
    let again = next(&consumer).await;
    assert_eq!(again.delivery_count, 2);
    again.settle(Settlement::Ack);
    until("an empty queue", || broker.depth("/", "work") == Some(0)).await;

    publish(&link, message("work", "")).await.unwrap();
    let empty = next(&consumer).await;
    assert_eq!(text(&empty), "");
    empty.settle(Settlement::Reject);
    until("an empty queue", || broker.depth("/", "work") == Some(0)).await;

    assert!(link.ping(within(BOUND)).await.unwrap() < Duration::from_secs(5));
    assert_eq!(broker.connections(), ["busbar"]);
    assert!(consumer.drain(within(BOUND)).await);
    link.stop(within(BOUND)).await;
    until("no connection", || broker.connections().is_empty()).await;
}
