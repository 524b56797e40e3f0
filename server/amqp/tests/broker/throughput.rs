//! How much of what bare lapin does is left. Prints figures; run it by its name, on an idle machine.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use busbar_amqp::{Endpoint, Link};
use busbar_test_broker::Broker;
use lapin::{
    BasicProperties, Channel, Connection, ConnectionProperties,
    options::{BasicPublishOptions, ConfirmSelectOptions},
};

use crate::stage::{connected, endpoint, message, publish};

const IN_FLIGHT: usize = 256;
const CHANNELS: usize = 4;
const MESSAGES: usize = 40_000;
const ROUNDS: usize = 5;
const BODY: &[u8] = &[b'x'; 512];

/// Confirms per second of so many tasks that publish one message after the other.
async fn rate<F: Future<Output = ()> + Send + 'static>(task: impl Fn(usize, Arc<AtomicUsize>) -> F) -> f64 {
    let (left, started) = (Arc::new(AtomicUsize::new(MESSAGES)), Instant::now());
    let tasks: Vec<_> = (0..IN_FLIGHT).map(|number| tokio::spawn(task(number, Arc::clone(&left)))).collect();
    for task in tasks {
        task.await.unwrap();
    }
    MESSAGES as f64 / started.elapsed().as_secs_f64()
}

fn more(left: &AtomicUsize) -> bool {
    left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok()
}

async fn bare(channels: &[Channel], queue: &'static str) -> f64 {
    rate(|number, left| {
        let channel = channels[number % channels.len()].clone();
        async move {
            let options = BasicPublishOptions { mandatory: true, ..BasicPublishOptions::default() };
            while more(&left) {
                let properties = BasicProperties::default().with_delivery_mode(2);
                let sent = channel.basic_publish("".into(), queue.into(), options, BODY, properties);
                assert!(sent.await.unwrap().await.unwrap().is_ack());
            }
        }
    })
    .await
}

async fn linked(link: &Link, queue: &'static str) -> f64 {
    rate(|_, left| {
        let link = link.clone();
        async move {
            while more(&left) {
                publish(&link, message(queue, BODY)).await.unwrap();
            }
        }
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "measures; takes half a minute"]
async fn publishing_beside_bare_lapin() {
    let broker = Broker::start();
    let connection = Connection::connect(&broker.url(), ConnectionProperties::default()).await.unwrap();
    let mut channels = Vec::new();
    for _ in 0..CHANNELS {
        let channel = connection.create_channel().await.unwrap();
        channel.confirm_select(ConfirmSelectOptions::default()).await.unwrap();
        channels.push(channel);
    }
    let link = Link::start(Endpoint { publishers: CHANNELS, ..endpoint(&broker, "/") }).unwrap();
    connected(&link).await;
    for (kind, queue) in [("classic", "in-classic"), ("quorum", "in-quorum")] {
        broker.declare("/", queue, kind);
        let mut shares = Vec::new();
        for _ in 0..ROUNDS {
            let (bare, linked) = (bare(&channels, queue).await, linked(&link, queue).await);
            println!("{kind}: bare {bare:.0}/s, link {linked:.0}/s, {:.0} %", 100.0 * linked / bare);
            shares.push(linked / bare);
            broker.delete("/", queue);
            broker.declare("/", queue, kind);
        }
        shares.sort_by(f64::total_cmp);
        let median = shares[ROUNDS / 2];
        println!("{kind}: {:.0} % in the median", 100.0 * median);
        assert!(median >= 0.8, "{median}");
    }
    link.stop(tokio::time::Instant::now() + Duration::from_secs(5)).await;
}
