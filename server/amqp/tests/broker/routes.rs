//! Messages that can't go where they are sent, and those beside them that can.

use std::time::Duration;

use busbar_amqp::{
    Confirmed, Endpoint, Link, Outgoing, Overflow, PublishError, Queue, QueueKind, Subscription,
};
use busbar_test_broker::Broker;
use futures_util::future::join_all;

use crate::stage::{consuming, endpoint, message, publish, quorum, until, within};

#[tokio::test(flavor = "multi_thread")]
async fn each_message_learns_its_own_fate() {
    let broker = Broker::start();
    // One channel, so that all are in each other's way.
    let link =
        Link::start(Endpoint { publishers: 1, body_bytes_max: 2000, ..endpoint(&broker, "/") }).unwrap();
    let consumer = link.consume(Subscription { prefetch: 1, ..quorum("work") }).unwrap();
    consuming(&consumer).await;

    // The same body everywhere: only the way tells which was returned.
    let sent = (0..600).map(|number| {
        let key = if number % 3 == 0 { "nowhere" } else { "work" };
        let link = &link;
        async move { (key, publish(link, message(key, "same")).await) }
    });
    for (key, outcome) in join_all(sent).await {
        match (key, outcome) {
            ("work", Ok(Confirmed { .. })) => {}
            ("nowhere", Err(PublishError::Unroutable { code: 312, text })) => assert_eq!(text, "NO_ROUTE"),
            (key, other) => panic!("{key}: {other:?}"),
        }
    }
    until("400 messages", || broker.depth("/", "work") == Some(400)).await;

    // A message to an exchange that does not exist takes no other with it.
    let sent = (0..300).map(|number| {
        let exchange = if number % 10 == 0 { "missing" } else { "" };
        let outgoing = Outgoing { exchange: exchange.to_owned(), ..message("work", "again") };
        let link = &link;
        async move { (exchange, publish(link, outgoing).await) }
    });
    for (exchange, outcome) in join_all(sent).await {
        match (exchange, outcome) {
            ("", Ok(_)) => {}
            ("missing", Err(error @ PublishError::NoExchange { .. })) => {
                assert_eq!(error.to_string(), "exchange \"missing\" does not exist");
            }
            (exchange, other) => panic!("{exchange:?}: {other:?}"),
        }
    }
    until("670 messages", || broker.depth("/", "work") == Some(670)).await;

    // One that was there, and is deleted: the channel breaks, its message knows why, and the next one is sent.
    let declare = "rabbit_exchange:declare(rabbit_misc:r(<<\"/\">>, exchange, <<\"late\">>), fanout, true,
        false, false, [], <<\"test\">>), <<>>";
    broker.evaluate(declare);
    let late = || Outgoing { exchange: "late".to_owned(), mandatory: false, ..message("", "x") };
    publish(&link, late()).await.unwrap();
    broker.evaluate(
        "rabbit_exchange:delete(rabbit_misc:r(<<\"/\">>, exchange, <<\"late\">>), false, <<\"test\">>), <<>>",
    );
    assert_eq!(publish(&link, late()).await, Err(PublishError::NoExchange { exchange: "late".to_owned() }));
    publish(&link, message("work", "after")).await.unwrap();
    assert_eq!(publish(&link, late()).await, Err(PublishError::NoExchange { exchange: "late".to_owned() }));

    let large = publish(&link, message("work", vec![0; 2001])).await;
    assert_eq!(large, Err(PublishError::TooLarge { bytes: 2001, bytes_max: 2000 }));

    let full = Queue {
        kind: QueueKind::Classic,
        length_max: Some(1),
        overflow: Some(Overflow::RejectPublish),
        ..Queue::default()
    };
    let taker = link.consume(Subscription { declare: Some(full), ..Subscription::to("full") }).unwrap();
    consuming(&taker).await;
    taker.pause();
    until("no consumer", || broker.consumers("/", "full") == Some(0)).await;
    publish(&link, message("full", "first")).await.unwrap();
    assert_eq!(publish(&link, message("full", "second")).await, Err(PublishError::Nacked));

    link.stop(within(Duration::from_secs(5))).await;
    let stopped = publish(&link, message("work", "x")).await.unwrap_err();
    assert_eq!(stopped.to_string(), "there is no connection: the link was stopped");
}
