//! Messages that become calls, beside a bare client that does no more than take them.

use std::path::Path;

use busbar_test_broker::Broker;
use busbar_tests::Quickstart;
use serde_json::{Value, json};

use super::{
    CONCURRENCY, CONSUME_TARGET, PREFETCH, Pair, Rounds, WORKERS,
    bare::Consumers,
    queue::{Drained, Queue},
};
use crate::{cpu, statistics::median};

/// Of a round before anything is known.
pub(super) const FIRST: u32 = 5_000;
const MOST: u32 = 200_000;

/// So many messages keep a client busy for the time of a round.
pub(super) fn next(rounds: Rounds, drained: &Drained) -> u32 {
    let mut count = FIRST;
    while count < MOST && f64::from(count) < drained.per_second * rounds.time.as_secs_f64() {
        count += FIRST;
    }
    count
}

/// A channel of the bus and the queue that it takes from, while it is let.
pub(super) struct Subject<'b> {
    bus: &'b Quickstart,
    channel: Value,
    pub(super) queue: Queue,
    pub(super) name: String,
    url: String,
}

impl<'b> Subject<'b> {
    pub(super) async fn new(
        broker: &Broker,
        bus: &'b Quickstart,
        name: &str,
        kind: &str,
        deduplicate: &str,
    ) -> Self {
        let members = json!({
            "declare": {"kind": kind}, "prefetch": PREFETCH, "concurrency": CONCURRENCY, "deduplicate": deduplicate,
        });
        let channel = bus.consume(broker, name, "echo", members).await;
        let url = broker.url();
        let queue = Queue::open(&url, name).await;
        let this = Self { bus, channel: channel["id"].clone(), queue, name: name.to_owned(), url };
        this.pause(true).await;
        this
    }

    async fn pause(&self, is_paused: bool) {
        self.bus.patch_channel(&self.channel, &json!({"active": !is_paused})).await;
        self.queue.consumers(if is_paused { 0 } else { WORKERS }).await;
    }

    /// What the bus makes of so many messages.
    pub(super) async fn ours(&self, filled: u32) -> Drained {
        self.queue.fill(filled).await;
        self.bus.patch_channel(&self.channel, &json!({"active": true})).await;
        let drained = self.queue.drained(filled, || cpu::used_ns(self.bus.folder().root())).await;
        self.pause(true).await;
        drained
    }

    /// `table`: where the database is that a bare client keeps messages in.
    pub(super) async fn bare(&self, filled: u32, table: Option<&Path>) -> Drained {
        self.queue.fill(filled).await;
        let consumers = Consumers::start(&self.url, &self.name, table);
        let drained = self.queue.drained(filled, cpu::own_ns).await;
        drop(consumers);
        self.queue.consumers(0).await;
        drained
    }
}

pub(super) async fn report(broker: &Broker, bus: &Quickstart, rounds: Rounds) {
    println!(
        "Consumed: {WORKERS} consumers, prefetch {PREFETCH}; the bus calls a pooled echo with each, at most \
         {CONCURRENCY} at once in a worker, without deduplication.\n"
    );
    println!("| queue | bare lapin /s | bus /s | ratio | promised | bare lapin CPU µs | bus CPU µs |");
    println!("| --- | --: | --: | --: | --- | --: | --: |");
    for kind in ["quorum", "classic"] {
        let subject = Subject::new(broker, bus, &format!("bench-{kind}"), kind, "none").await;
        let (mut rates, mut cpu) = (Pair::default(), Pair::default());
        let (mut bare_next, mut ours_next) = (FIRST, FIRST);
        for round in 0..=rounds.rounds {
            let (bare, ours) = match round % 2 {
                0 => (subject.bare(bare_next, None).await, subject.ours(ours_next).await),
                _ => {
                    let ours = subject.ours(ours_next).await;
                    (subject.bare(bare_next, None).await, ours)
                }
            };
            // The first one only warms up.
            if round > 0 {
                rates.bare.push(bare.per_second);
                rates.ours.push(ours.per_second);
                cpu.bare.push(bare.cpu_us);
                cpu.ours.push(ours.cpu_us);
            }
            (bare_next, ours_next) = (next(rounds, &bare), next(rounds, &ours));
        }
        println!(
            "| {kind} | {} | {:.0} | {:.0} |",
            rates.cells(CONSUME_TARGET),
            median(&cpu.bare),
            median(&cpu.ours)
        );
    }
    println!();
}
