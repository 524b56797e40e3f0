//! A broker that stops, dies, falls silent or forgets everything.

use std::time::Duration;

use busbar_amqp::{
    Binding, ConsumerState, Endpoint, Exchange, ExchangeKind, Link, Outgoing, PublishError, Queue, Reason,
    Settlement, State, Subscription,
};
use busbar_test_broker::Broker;

use crate::stage::{
    BOUND, classic, connected, consuming, endpoint, message, next, publish, quorum, text, until,
    until_consumer, until_state, within,
};

fn is_reconnecting(state: &State) -> bool {
    matches!(state, State::Reconnecting { .. })
}

type Outage = fn(&mut Broker);

#[tokio::test(flavor = "multi_thread")]
async fn links_and_consumers_come_back() {
    let mut broker = Broker::start();
    let link = Link::start(endpoint(&broker, "/")).unwrap();
    let bound = Subscription {
        exchanges: vec![Exchange { name: "events".to_owned(), kind: ExchangeKind::Topic }],
        bindings: vec![Binding {
            exchange: "events".to_owned(),
            routing_key: "orders.*".to_owned(),
            ..Binding::default()
        }],
        ..quorum("orders")
    };
    let orders = link.consume(bound).unwrap();
    let other = link.consume(classic("other")).unwrap();
    let event = |body: &str| Outgoing { exchange: "events".to_owned(), ..message("orders.new", body) };
    let outages: [(&str, Outage); 4] = [
        ("nothing", |_| {}),
        ("stopped", |broker| {
            broker.stop();
            broker.start_again();
        }),
        ("killed", |broker| {
            broker.kill();
            broker.start_again();
        }),
        ("wiped", Broker::wipe),
    ];
    consuming(&orders).await;
    for (what, outage) in outages {
        // In hand while the broker goes.
        publish(&link, event(what)).await.unwrap();
        let held = next(&orders).await;
        assert_eq!((text(&held).as_str(), held.routing_key.as_str()), (what, "orders.new"));
        let stale = orders.stale_settlements();
        outage(&mut broker);
        consuming(&orders).await;
        consuming(&other).await;
        connected(&link).await;
        held.settle(Settlement::Ack);
        if what != "nothing" {
            // It was not told to the broker, which therefore has the message still, unless it forgot everything.
            until("one more", || orders.stale_settlements() == stale + 1).await;
        }
        if what != "nothing" && what != "wiped" {
            let again = next(&orders).await;
            assert_eq!((text(&again).as_str(), again.redelivered), (what, true));
            again.settle(Settlement::Ack);
        }
        until("an empty queue", || broker.depth("/", "orders") == Some(0)).await;
        publish(&link, message("other", what)).await.unwrap();
        next(&other).await.settle(Settlement::Ack);
    }

    // Nobody has to be there for it to be said what is wrong.
    broker.stop();
    until_state(&link, "reconnecting", is_reconnecting).await;
    let unsent = link.publish(event("x"), within(Duration::from_millis(50))).await.unwrap_err();
    assert!(matches!(unsent, PublishError::Unavailable(_)) && !unsent.may_have_arrived(), "{unsent:?}");
    let lost =
        until_consumer(&orders, "reconnecting", |state| matches!(state, ConsumerState::Reconnecting { .. }));
    lost.await;
    let unreachable = |state: &State| {
        matches!(state, State::Reconnecting { reason: Reason::Unreachable { .. }, attempts: 2.., .. })
    };
    until_state(&link, "unreachable", unreachable).await;
    link.stop(within(BOUND)).await;
    assert!(orders.next().await.is_none());
    assert!(matches!(*orders.state().borrow(), ConsumerState::Stopped));
}

#[tokio::test(flavor = "multi_thread")]
async fn silence_and_a_close_by_the_broker_are_noticed() {
    let broker = Broker::start();
    let quick = Endpoint { heartbeat: Duration::from_secs(2), publishers: 1, ..endpoint(&broker, "/") };
    let link = Link::start(quick).unwrap();
    let consumer = link.consume(quorum("work")).unwrap();
    consuming(&consumer).await;

    broker.close_connections();
    until_consumer(&consumer, "away", |state| !matches!(state, ConsumerState::Consuming)).await;
    consuming(&consumer).await;
    publish(&link, message("work", "before")).await.unwrap();
    next(&consumer).await.settle(Settlement::Ack);
    until("an empty queue", || broker.depth("/", "work") == Some(0)).await;

    broker.freeze();
    let under_way = tokio::spawn({
        let link = link.clone();
        async move { publish(&link, message("work", "silence")).await }
    });
    until_state(&link, "reconnecting", is_reconnecting).await;
    let outcome = under_way.await.unwrap();
    assert!(matches!(&outcome, Err(error) if error.may_have_arrived()), "{outcome:?}");
    // The operating system takes connections for a process that is halted.
    let silent = |state: &State| matches!(state, State::Reconnecting { reason: Reason::Silent { .. }, .. });
    until_state(&link, "silent", silent).await;
    broker.thaw();
    consuming(&consumer).await;
    publish(&link, message("work", "after")).await.unwrap();
    let mut first = next(&consumer).await;
    // It was on its way when the broker fell silent, and may have been thrown away with the connection.
    if text(&first) == "silence" {
        first.settle(Settlement::Ack);
        first = next(&consumer).await;
    }
    assert_eq!(text(&first), "after");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_consumer_pauses_and_drains() {
    let broker = Broker::start();
    let link = Link::start(endpoint(&broker, "/")).unwrap();
    // With a limit, what comes back comes to where it was.
    let limited = Queue { delivery_limit: Some(10), ..Queue::default() };
    let subscription = Subscription { prefetch: 4, declare: Some(limited), ..Subscription::to("work") };
    let consumer = link.consume(subscription).unwrap();
    consuming(&consumer).await;
    for number in 0..10 {
        publish(&link, message("work", number.to_string())).await.unwrap();
    }
    let held = next(&consumer).await;
    consumer.pause();
    until_consumer(&consumer, "paused", |state| matches!(state, ConsumerState::Paused)).await;
    assert_eq!(broker.consumers("/", "work"), Some(0));
    // What came before the pause is in hand; nothing follows.
    let mut others = Vec::new();
    for _ in 0..3 {
        others.push(next(&consumer).await);
    }
    assert_eq!(others.iter().map(text).collect::<Vec<_>>(), ["1", "2", "3"]);
    others.into_iter().for_each(|incoming| incoming.settle(Settlement::Ack));
    held.settle(Settlement::Ack);
    until("the rest", || broker.depth("/", "work") == Some(6)).await;
    let none = tokio::time::timeout(Duration::from_millis(200), consumer.next()).await;
    assert!(none.is_err());

    consumer.resume();
    consuming(&consumer).await;
    let held = next(&consumer).await;
    assert_eq!(text(&held), "4");
    assert!(!consumer.drain(within(Duration::from_millis(100))).await, "one is in hand");
    assert!(consumer.next().await.is_none());
    held.settle(Settlement::Ack);
    assert!(consumer.drain(within(BOUND)).await);
    drop(consumer);
    until("what was not handed out", || broker.depth("/", "work") == Some(5)).await;
    let left: Vec<String> = broker.take_all("/", "work").into_iter().map(|message| message.body).collect();
    assert_eq!(left, ["5", "6", "7", "8", "9"]);
}
