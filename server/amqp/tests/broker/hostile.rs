//! What others may put into a queue.

use busbar_amqp::{Body, Headers, Link, Settlement, Subscription, Value};
use busbar_test_broker::Broker;

use crate::stage::{connected, consuming, endpoint, next, quorum, text, until};

const LARGE: usize = 100 * 1024 * 1024;

#[tokio::test(flavor = "multi_thread")]
async fn no_message_ends_the_connection() {
    let broker = Broker::start();
    let link = Link::start(endpoint(&broker, "/")).unwrap();
    let consumer = link.consume(Subscription { body_bytes_max: 1000, ..quorum("work") }).unwrap();
    consuming(&consumer).await;
    broker.evaluate(
        "rabbit_binding:add({binding, rabbit_misc:r(<<\"/\">>, exchange, <<\"amq.fanout\">>), <<>>,
           rabbit_misc:r(<<\"/\">>, queue, <<\"work\">>), []}, <<\"test\">>), <<>>",
    );

    for levels in [31, 33, 1000, 18_000] {
        let nested =
            format!("lists:foldl(fun(_, T) -> [{{<<\"t\">>, table, T}}] end, [], lists:seq(1, {levels}))");
        broker.publish_as("/", "", b"work", &nested, "<<>>");
        let incoming = next(&consumer).await;
        let (mut table, mut seen) = (&incoming.headers, 0);
        while let Some(Value::Table(inner)) = table.get("t") {
            (table, seen) = (inner, seen + 1);
        }
        assert_eq!(seen, levels.min(32));
        assert_eq!(matches!(table.get("t"), Some(Value::Bytes(_))), levels > 32);
        incoming.settle(Settlement::Ack);
    }

    broker.publish_as("/", "", b"work", "[{<<255, \"a\">>, longstr, <<254>>}]", "<<\"names\">>");
    let incoming = next(&consumer).await;
    let bytes = Value::Bytes(vec![254].into());
    assert_eq!(incoming.headers, Headers::from([("?a".to_owned(), bytes)]));
    incoming.settle(Settlement::Ack);

    broker.publish_as("/", "amq.fanout", b"\xffkey", "[]", "<<\"keys\">>");
    let incoming = next(&consumer).await;
    assert_eq!((incoming.routing_key.as_str(), text(&incoming).as_str()), ("?key", "keys"));
    incoming.settle(Settlement::Ack);

    for (bytes, settlement) in [(1001, Settlement::Ack), (LARGE, Settlement::Reject)] {
        broker.publish_as("/", "", b"work", "[]", &format!("<<0:({bytes} * 8)>>"));
        let incoming = next(&consumer).await;
        assert_eq!(incoming.body, Body::Oversized { bytes });
        incoming.settle(settlement);
    }
    broker.publish_as("/", "", b"work", "[]", "<<0:(1000 * 8)>>");
    let incoming = next(&consumer).await;
    assert_eq!(incoming.body, Body::Whole(vec![0; 1000].into()));
    incoming.settle(Settlement::Ack);

    until("an empty queue", || broker.depth("/", "work") == Some(0)).await;
    connected(&link).await;
    assert_eq!(consumer.stale_settlements(), 0, "it was one connection all the time");
}
