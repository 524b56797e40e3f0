//! AMQP: messages that become calls, and messages that are published, beside what a bare client does with the same
//! broker; and the inbox beside bare inserts.

mod bare;
mod consume;
mod inbox;
mod publish;
mod queue;

use std::time::Duration;

use busbar_test_broker::Broker;
use busbar_tests::Quickstart;

use crate::statistics::median;

/// Of all messages.
const BODY: [u8; 256] = [b'x'; 256];
/// Consumers on either side: workers of the bus, and connections of the bare client.
const WORKERS: u32 = 2;
/// Of each consumer on either side.
const PREFETCH: u16 = 256;
/// Calls at once in each worker; also how many of them can share a transaction.
const CONCURRENCY: u16 = 64;

/// What of the bare client's rate is promised.
const CONSUME_TARGET: f64 = 0.7;
const INBOX_TARGET: f64 = 0.5;
const PUBLISH_TARGET: f64 = 0.8;

/// How long it is measured.
#[derive(Clone, Copy, Debug)]
struct Rounds {
    rounds: u32,
    time: Duration,
}

pub(crate) async fn report(quick: bool) {
    let rounds = match quick {
        true => Rounds { rounds: 1, time: Duration::from_secs(1) },
        false => Rounds { rounds: 5, time: Duration::from_secs(4) },
    };
    let broker = Broker::start();
    let bus = Quickstart::start(&["echo"]).await;
    bus.connect(&broker).await;
    println!(
        "AMQP: messages of {} bytes, persistent, in durable queues; medians of {} alternating rounds of some {:?}.\n",
        BODY.len(),
        rounds.rounds,
        rounds.time
    );
    consume::report(&broker, &bus, rounds).await;
    inbox::report(&broker, &bus, rounds).await;
    publish::report(&broker, rounds).await;
}

/// Rates of the bare client and ours, from the same rounds.
#[derive(Default)]
struct Pair {
    bare: Vec<f64>,
    ours: Vec<f64>,
}

impl Pair {
    /// As cells of a table.
    fn cells(&self, target: f64) -> String {
        let (bare, ours) = (median(&self.bare), median(&self.ours));
        let met = if ours / bare >= target { "met" } else { "missed" };
        format!("{bare:.0} | {ours:.0} | {:.2} | ≥ {target}: {met}", ours / bare)
    }
}
