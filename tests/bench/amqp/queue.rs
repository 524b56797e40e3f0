//! A queue as the benchmark sees it, past the clients that are measured: filled before they begin, and looked at
//! while they take from it.

use std::time::{Duration, Instant};

use lapin::{
    BasicProperties, Channel, Connection, ConnectionProperties,
    options::{BasicPublishOptions, ConfirmSelectOptions, QueueDeclareOptions, QueuePurgeOptions},
    types::FieldTable,
};
use tokio::time::{sleep, timeout};
use uuid::Uuid;

use super::BODY;

/// Between two looks. What passes meanwhile is counted.
const INTERVAL: Duration = Duration::from_millis(10);
/// For anything.
const BOUND: Duration = Duration::from_secs(120);
/// Messages that wait to be confirmed while a queue is filled.
const IN_FLIGHT: usize = 2_000;

/// One that is there.
pub(super) struct Queue {
    name: String,
    channel: Channel,
    _connection: Connection,
}

/// A client that takes messages.
pub(super) struct Drained {
    pub(super) per_second: f64,
    /// Of its processes, per message.
    pub(super) cpu_us: f64,
}

struct Look {
    ready: u32,
    at: Instant,
    cpu_ns: u64,
}

impl Queue {
    pub(super) async fn open(url: &str, name: &str) -> Self {
        let connection = Connection::connect(url, ConnectionProperties::default()).await.unwrap();
        let channel = connection.create_channel().await.unwrap();
        channel.confirm_select(ConfirmSelectOptions::default()).await.unwrap();
        Self { name: name.to_owned(), channel, _connection: connection }
    }

    /// Messages that are ready, and consumers.
    async fn look(&self) -> (u32, u32) {
        let options = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
        let name = self.name.as_str().into();
        let queue = self.channel.queue_declare(name, options, FieldTable::default()).await.unwrap();
        (queue.message_count(), queue.consumer_count())
    }

    async fn until(&self, what: &str, mut is_so: impl FnMut(u32, u32) -> bool) -> u32 {
        let looking = async {
            loop {
                let (ready, consumers) = self.look().await;
                if is_so(ready, consumers) {
                    return ready;
                }
                sleep(INTERVAL).await;
            }
        };
        timeout(BOUND, looking)
            .await
            .unwrap_or_else(|_| panic!("{}: {what}: not within {BOUND:?}", self.name))
    }

    pub(super) async fn consumers(&self, wanted: u32) {
        self.until(&format!("{wanted} consumers"), |_, consumers| consumers == wanted).await;
    }

    /// Nothing but so many messages, each of which has an id of its own. Nobody consumes.
    pub(super) async fn fill(&self, count: u32) {
        let name = || self.name.as_str().into();
        self.channel.queue_purge(name(), QueuePurgeOptions::default()).await.unwrap();
        let mut confirms = Vec::new();
        for left in (0..count).rev() {
            let id = Uuid::now_v7().to_string();
            let properties = BasicProperties::default()
                .with_delivery_mode(2)
                .with_content_type("text/plain".into())
                .with_message_id(id.as_str().into());
            let options = BasicPublishOptions { mandatory: true, ..BasicPublishOptions::default() };
            let sent = self.channel.basic_publish("".into(), name(), options, &BODY, properties);
            confirms.push(sent.await.unwrap());
            if confirms.len() == IN_FLIGHT || left == 0 {
                for confirm in confirms.drain(..) {
                    assert!(confirm.await.unwrap().is_ack(), "{} takes messages", self.name);
                }
            }
        }
        self.until("full", |ready, _| ready == count).await;
    }

    /// How fast what it was filled with is taken: from when a tenth is gone, so that all who take are at it, until
    /// little is left.
    pub(super) async fn drained(&self, filled: u32, cpu_ns: impl Fn() -> u64) -> Drained {
        let below = async |bound: u32| {
            let ready = self.until(&format!("at most {bound} are left"), |ready, _| ready <= bound).await;
            Look { ready, at: Instant::now(), cpu_ns: cpu_ns() }
        };
        let begin = below(filled - filled / 10).await;
        let end = below(filled / 20).await;
        let count = f64::from(begin.ready - end.ready);
        let used = Duration::from_nanos(end.cpu_ns.saturating_sub(begin.cpu_ns));
        below(0).await;
        Drained {
            per_second: count / (end.at - begin.at).as_secs_f64(),
            cpu_us: used.as_secs_f64() * 1e6 / count,
        }
    }
}
