//! Nothing that was confirmed is lost, nothing that was acknowledged comes again, and order is kept, while the broker
//! is killed again and again.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use busbar_amqp::{Endpoint, Link, Outgoing, Settlement, Subscription};
use busbar_test_broker::Broker;
use tokio::time::timeout;

use crate::stage::{BOUND, consuming, endpoint, message, next, publish, quorum, text, until, within};

const KILLS: usize = 3;

#[tokio::test(flavor = "multi_thread")]
async fn what_was_confirmed_is_in_the_queue() {
    let mut broker = Broker::start();
    broker.declare("/", "quorum", "quorum");
    broker.declare("/", "classic", "classic");
    let link = Link::start(endpoint(&broker, "/")).unwrap();
    let (stop, confirmed) = (Arc::new(AtomicBool::new(false)), Arc::new(Mutex::new(BTreeSet::new())));
    let publishers: Vec<_> = (0..16)
        .map(|publisher| {
            let (link, stop, confirmed) = (link.clone(), Arc::clone(&stop), Arc::clone(&confirmed));
            tokio::spawn(async move {
                let mut failed = 0;
                for number in 0.. {
                    if stop.load(Ordering::Relaxed) {
                        break;
                    }
                    let queue = if publisher % 2 == 0 { "quorum" } else { "classic" };
                    let name = format!("{queue}/{publisher}/{number}");
                    match publish(&link, message(queue, name.clone())).await {
                        Ok(_) => drop(confirmed.lock().unwrap().insert(name)),
                        Err(error) => {
                            assert!(error.is_temporary(), "{error}");
                            failed += 1;
                        }
                    }
                }
                failed
            })
        })
        .collect();
    for _ in 0..KILLS {
        let before = confirmed.lock().unwrap().len();
        until("some hundred more", || confirmed.lock().unwrap().len() > before + 400).await;
        broker.kill();
        broker.start_again();
    }
    let before = confirmed.lock().unwrap().len();
    until("some more", || confirmed.lock().unwrap().len() > before + 100).await;
    stop.store(true, Ordering::Relaxed);
    let mut failed = 0;
    for publisher in publishers {
        failed += publisher.await.unwrap();
    }

    let mut found = BTreeMap::<String, usize>::new();
    for queue in ["quorum", "classic"] {
        for message in broker.take_all("/", queue) {
            *found.entry(message.body).or_default() += 1;
        }
    }
    let confirmed = confirmed.lock().unwrap();
    let lost: Vec<_> = confirmed.iter().filter(|name| !found.contains_key(*name)).collect();
    println!("{} confirmed, {failed} failed, {} found", confirmed.len(), found.len());
    assert_eq!(lost, Vec::<&String>::new());
    // What is sent again by itself was never sent.
    let doubled: Vec<_> = found.iter().filter(|(_, times)| **times > 1).collect();
    assert_eq!(doubled, Vec::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_consumed_is_neither_lost_nor_done_twice() {
    const MESSAGES: usize = 3000;
    const PREFETCH: u16 = 100;
    let mut broker = Broker::start();
    let link = Link::start(endpoint(&broker, "/")).unwrap();
    let consumer = Arc::new(link.consume(Subscription { prefetch: PREFETCH, ..quorum("work") }).unwrap());
    consuming(&consumer).await;
    consumer.pause();
    let sent = (0..MESSAGES).map(|number| publish(&link, message("work", number.to_string())));
    for outcome in futures_util::future::join_all(sent).await {
        outcome.unwrap();
    }
    consumer.resume();

    // How often each was acknowledged, and by which of the connections.
    let seen = Arc::new(Mutex::new(BTreeMap::<usize, usize>::new()));
    let workers: Vec<_> = (0..8)
        .map(|worker| {
            let (consumer, seen) = (Arc::clone(&consumer), Arc::clone(&seen));
            tokio::spawn(async move {
                while let Some(incoming) = consumer.next().await {
                    let number: usize = text(&incoming).parse().unwrap();
                    // Some are thrown back the first time, which must not count as done.
                    if number % 7 == worker && !incoming.redelivered {
                        incoming.settle(Settlement::Requeue);
                        continue;
                    }
                    *seen.lock().unwrap().entry(number).or_default() += 1;
                    incoming.settle(Settlement::Ack);
                }
            })
        })
        .collect();
    for kill in 1..=KILLS {
        until("a part of them", || seen.lock().unwrap().len() > MESSAGES * kill / (KILLS + 2)).await;
        broker.kill();
        broker.start_again();
    }
    until("all of them", || seen.lock().unwrap().len() == MESSAGES).await;
    until("an empty queue", || broker.depth("/", "work") == Some(0)).await;
    workers.iter().for_each(tokio::task::JoinHandle::abort);

    let seen = seen.lock().unwrap();
    let repeated: usize = seen.values().map(|times| times - 1).sum();
    println!(
        "{repeated} of {MESSAGES} were repeated, {} settlements were stale",
        consumer.stale_settlements()
    );
    // A message is repeated only if the broker had not read its acknowledgement when it died: it hands out no more
    // than the prefetch before it has.
    assert!(repeated <= KILLS * usize::from(PREFETCH), "{repeated} of {MESSAGES} were repeated");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "one run in five meets the second message before the first after a kill; whose fault it is is not known yet"]
async fn an_ordered_consumer_keeps_the_order() {
    const MESSAGES: usize = 800;
    let mut broker = Broker::start();
    let link = Link::start(Endpoint { publishers: 1, ..endpoint(&broker, "/") }).unwrap();
    let consumer = link.consume(Subscription { ordered: true, ..quorum("work") }).unwrap();
    consuming(&consumer).await;
    let outgoing = |number: usize| Outgoing { ..message("work", number.to_string()) };
    let mut sent_again = 0;
    for number in 0..MESSAGES {
        while let Err(error) = publish(&link, outgoing(number)).await {
            assert!(error.may_have_arrived(), "{error}");
            sent_again += 1;
        }
        if number == MESSAGES / 2 {
            broker.kill();
            broker.start_again();
        }
    }
    let (mut expected, mut repeated, mut kills) = (0, 0, 0);
    while expected < MESSAGES {
        let incoming = next(&consumer).await;
        // Nothing is handed out beside it.
        assert!(timeout(Duration::from_micros(50), consumer.next()).await.is_err());
        let number: usize = text(&incoming).parse().unwrap();
        if number + 1 == expected {
            repeated += 1;
        } else {
            assert_eq!(number, expected, "none is left out and none overtakes");
            expected += 1;
        }
        if expected == MESSAGES * (kills + 1) / (KILLS + 1) && kills < KILLS {
            kills += 1;
            // The one in hand belongs to the connection that dies.
            broker.kill();
            broker.start_again();
        }
        incoming.settle(Settlement::Ack);
    }
    println!("{repeated} repeated, {sent_again} sent again");
    assert!(repeated <= 2 * KILLS + sent_again, "{repeated} were repeated");
    assert!(consumer.drain(within(BOUND)).await);
    until("an empty queue", || broker.depth("/", "work") == Some(0)).await;
}
