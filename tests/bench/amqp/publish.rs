//! Messages that are published and confirmed: the bus's own way out, beside bare lapin with as many in flight on as
//! many channels.

use std::time::{Duration, Instant};

use busbar_amqp::{Endpoint, Link, Outgoing};
use busbar_test_broker::Broker;
use bytes::Bytes;
use lapin::{
    BasicProperties, Channel, Connection, ConnectionProperties,
    options::{BasicPublishOptions, ConfirmSelectOptions},
};

use super::{BODY, PUBLISH_TARGET, Pair, Rounds};

const IN_FLIGHT: usize = 256;
const CHANNELS: usize = 4;
/// For a confirm.
const BOUND: Duration = Duration::from_secs(60);

/// Confirms per second of so many tasks that publish one message after the other. `task` gets its number and when to
/// end, and tells how many were confirmed.
async fn rate<F: Future<Output = u32> + Send + 'static>(
    time: Duration,
    task: impl Fn(usize, Instant) -> F,
) -> f64 {
    let started = Instant::now();
    let tasks: Vec<_> = (0..IN_FLIGHT).map(|number| tokio::spawn(task(number, started + time))).collect();
    let mut confirmed = 0;
    for task in tasks {
        confirmed += task.await.unwrap();
    }
    f64::from(confirmed) / started.elapsed().as_secs_f64()
}

async fn bare(time: Duration, channels: &[Channel], queue: &'static str) -> f64 {
    rate(time, |number, end| {
        let channel = channels[number % channels.len()].clone();
        async move {
            let options = BasicPublishOptions { mandatory: true, ..BasicPublishOptions::default() };
            let mut confirmed = 0;
            while Instant::now() < end {
                let properties = BasicProperties::default().with_delivery_mode(2);
                let sent = channel.basic_publish("".into(), queue.into(), options, &BODY, properties);
                assert!(sent.await.unwrap().await.unwrap().is_ack(), "{queue} takes messages");
                confirmed += 1;
            }
            confirmed
        }
    })
    .await
}

async fn linked(time: Duration, link: &Link, queue: &'static str) -> f64 {
    rate(time, |_, end| {
        let link = link.clone();
        async move {
            let mut confirmed = 0;
            while Instant::now() < end {
                let outgoing = Outgoing {
                    routing_key: queue.to_owned(),
                    body: Bytes::from_static(&BODY),
                    mandatory: true,
                    ..Outgoing::default()
                };
                link.publish(outgoing, tokio::time::Instant::now() + BOUND).await.unwrap();
                confirmed += 1;
            }
            confirmed
        }
    })
    .await
}

pub(super) async fn report(broker: &Broker, rounds: Rounds) {
    let connection = Connection::connect(&broker.url(), ConnectionProperties::default()).await.unwrap();
    let mut channels = Vec::new();
    for _ in 0..CHANNELS {
        let channel = connection.create_channel().await.unwrap();
        channel.confirm_select(ConfirmSelectOptions::default()).await.unwrap();
        channels.push(channel);
    }
    let endpoint = Endpoint::new(broker.host(), broker.port(), "/", "guest", "guest");
    let link = Link::start(Endpoint { publishers: CHANNELS, in_flight_max: IN_FLIGHT, ..endpoint }).unwrap();
    println!("Published with confirms: {IN_FLIGHT} in flight on {CHANNELS} channels of one connection.\n");
    println!("| queue | bare lapin /s | link /s | ratio | promised |");
    println!("| --- | --: | --: | --: | --- |");
    for (kind, queue) in [("quorum", "out-quorum"), ("classic", "out-classic")] {
        let mut rates = Pair::default();
        for round in 0..=rounds.rounds {
            let (mut bare_rate, mut ours) = (0.0, 0.0);
            for is_bare in if round % 2 == 0 { [true, false] } else { [false, true] } {
                // Each begins with a queue that is empty.
                broker.declare("/", queue, kind);
                match is_bare {
                    true => bare_rate = bare(rounds.time, &channels, queue).await,
                    false => ours = linked(rounds.time, &link, queue).await,
                }
                broker.delete("/", queue);
            }
            // The first one only warms up.
            if round > 0 {
                rates.bare.push(bare_rate);
                rates.ours.push(ours);
            }
        }
        println!("| {kind} | {} |", rates.cells(PUBLISH_TARGET));
    }
    println!();
    link.stop(tokio::time::Instant::now() + BOUND).await;
}
