//! Queues while workers, the singleton and the broker die, and a broker that lacks what it needs: nothing is lost, and
//! what has a key is done once.

use std::{collections::BTreeMap, time::Duration};

use busbar_amqp::Properties;
use busbar_test_broker::Broker;
use busbar_tests::{Quickstart, poll, process, queues::with_id};
use nix::sys::signal::Signal;
use serde_json::{Value, json};

use crate::queues::start;

const BOUND: Duration = Duration::from_secs(60);

/// A call that counts itself as `in` and hands a message over to the queue `out`, in one unit of work.
fn onwards() -> Value {
    let onward =
        json!({"do": "hand_over", "connection": "broker", "routing_key": "out", "input": {"name": "out"}});
    json!({"steps": [{"do": "increment", "key": "received/in", "by": 1}, onward]})
}

/// Channels of the queues `orders`, whose messages are calls like [`onwards`], and `out`, which counts what comes.
async fn through(bus: &Quickstart, broker: &Broker) {
    bus.consume(broker, "out", "keeper.receive", json!({})).await;
    bus.consume(broker, "orders", "keeper.run", json!({"prefetch": 64})).await;
}

/// Ends something that the bus needs, each time something else.
async fn strike(bus: &Quickstart, broker: &mut Broker, turn: usize) {
    match turn % 3 {
        0 => process::signal(bus.workers().await[0], Signal::SIGKILL),
        1 => {
            broker.kill();
            broker.start_again();
        }
        _ => process::signal(bus.singleton().await, Signal::SIGKILL),
    }
}

async fn none_failed(bus: &Quickstart) {
    poll::until("an empty outbox", BOUND, async || {
        let list = bus.read("/deliveries?limit=100").await;
        let states: Vec<&Value> =
            list["items"].as_array().unwrap().iter().map(|delivery| &delivery["state"]).collect();
        assert!(!states.iter().any(|state| **state == "failed"), "{list}");
        if states.iter().all(|state| **state == "confirmed") { Ok(()) } else { Err(list.to_string()) }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_dies_nothing_is_lost_or_doubled() {
    dying(600, 3).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "long: run by make test-long"]
async fn long_ten_thousand_messages_while_everything_dies() {
    dying(10_000, 21).await;
}

async fn dying(messages: usize, deaths: usize) {
    let (mut broker, bus, peer) = start().await;
    through(&bus, &broker).await;
    let every = messages / (deaths + 1);
    for number in 0..messages {
        peer.put_json("orders", &format!("m-{number}"), &onwards()).await;
        if number % every == every - 1 && number < messages - every {
            strike(&bus, &mut broker, number / every).await;
        }
    }
    let all = i64::try_from(messages).unwrap();
    bus.wait_received("in", all).await;
    bus.wait_received("out", all).await;
    for queue in ["orders", "out"] {
        bus.wait_empty(&broker, queue).await;
    }
    assert_eq!((bus.received("in").await, bus.received("out").await), (all, all));
    none_failed(&bus).await;
    bus.stop().await;
    drop(broker);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_ordered_channel_keeps_the_order_whatever_dies() {
    const MESSAGES: usize = 300;
    let (mut broker, bus, peer) = start().await;
    broker.declare("/", "answers", "quorum");
    bus.consume(&broker, "orders", "keeper.run", json!({"ordered": true})).await;
    let next = json!({"steps": [{"do": "increment", "key": "received/in", "by": 1}]}).to_string();
    for number in 0..MESSAGES {
        let properties = Properties { reply_to: Some("answers".to_owned()), ..with_id(&number.to_string()) };
        peer.put("orders", properties, next.clone()).await;
        if number % 75 == 74 && number < MESSAGES - 75 {
            strike(&bus, &mut broker, number / 75).await;
        }
    }
    // Each was told how many had been dealt with: itself and all before it. An answer may come twice.
    let mut places = BTreeMap::new();
    while places.len() < MESSAGES {
        let answer = peer.take("answers").await;
        let number: usize = answer.properties.correlation_id.as_deref().unwrap().parse().unwrap();
        let place = answer.json()["results"][0].clone();
        assert_eq!(places.entry(number).or_insert_with(|| place.clone()), &place, "{number}");
    }
    for (number, place) in &places {
        assert_eq!(place, &json!(number + 1), "{places:?}");
    }
    bus.stop().await;
    drop(broker);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broker_that_was_wiped_is_set_up_again() {
    wiped(Duration::from_secs(2)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "long: run by make test-long"]
async fn long_a_broker_is_away_for_a_minute_and_comes_back_empty() {
    wiped(Duration::from_secs(60)).await;
}

async fn wiped(away: Duration) {
    let (mut broker, bus, peer) = start().await;
    through(&bus, &broker).await;
    peer.put_json("orders", "before", &onwards()).await;
    bus.wait_received("out", 1).await;
    broker.stop();
    for _ in 0..20 {
        bus.invoke("keeper.run", &onwards()).await.expect(200);
    }
    tokio::time::sleep(away).await;
    broker.wipe();
    // By nobody's hand: the queues are declared again, and what the broker had never confirmed is sent to them.
    bus.wait_received("out", 21).await;
    peer.put_json("orders", "after", &onwards()).await;
    bus.wait_received("out", 22).await;
    none_failed(&bus).await;
    bus.stop().await;
    drop(broker);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broker_in_an_alarm_holds_up_only_what_is_sent_to_it() {
    let (broker, bus, peer) = start().await;
    broker.declare("/", "aside", "classic");
    through(&bus, &broker).await;
    bus.invoke("keeper.run", &onwards()).await.expect(200);
    bus.wait_received("out", 1).await;
    for (turn, alarm) in (1..).zip([Broker::alarm_memory, Broker::alarm_disk]) {
        bus.cli(&["channel", "pause", "orders"]).await.expect(0);
        peer.put_json("orders", &format!("before-{turn}"), &onwards()).await;
        alarm(&broker, true);
        // What is there already is taken, and what it hands over waits.
        bus.cli(&["channel", "resume", "orders"]).await.expect(0);
        bus.wait_received("in", turn + 1).await;
        blocked(&bus).await;
        let links = bus.cli(&["connection", "show", "broker"]).await;
        assert!(links.expect(0).stdout.contains(" out blocked since "), "{links:?}");
        assert_eq!(bus.received("out").await, turn);
        alarm(&broker, false);
        bus.wait_received("out", turn + 1).await;
    }
    bus.stop().await;
    drop(broker);
}

/// Until a service is told at once that nothing can be sent. A broker tells a connection of its alarm when something is
/// sent, which it then leaves without an answer; each worker has a connection of its own.
async fn blocked(bus: &Quickstart) {
    let publish = json!({"do": "publish", "connection": "broker", "routing_key": "aside", "input": 1});
    poll::until("a fault that can be acted on", BOUND, async || {
        let told = bus.invoke("keeper.run", &json!({"steps": [publish]})).await.expect(200);
        match told["results"][0]["fault"].as_str() {
            Some("broker-unavailable") => Ok(()),
            Some("unconfirmed") => Err(told.to_string()),
            _ => panic!("{told}"),
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_of_a_hundred_megabytes_holds_up_no_other() {
    let (broker, bus, peer) = start().await;
    let channel = bus.consume(&broker, "orders", "keeper.receive", json!({"prefetch": 4})).await;
    peer.put("orders", with_id("huge"), vec![b' '; 100 * 1024 * 1024]).await;
    for number in 0..20 {
        peer.put_json("orders", &number.to_string(), &json!({"name": "small"})).await;
    }
    bus.wait_received("small", 20).await;
    let path = format!("/channels/{}/consumers", channel["id"].as_str().unwrap());
    poll::until("the channel says so", BOUND, async || {
        let told = bus.read(&path).await.to_string();
        if told.contains("stay unacknowledged") { Ok(()) } else { Err(told) }
    })
    .await;
    // Nobody can keep it, so it is where it was.
    bus.wait_depth(&broker, "orders", 1).await;
    bus.stop().await;
    drop(broker);
}
