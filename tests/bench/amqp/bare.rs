//! Consumers of bare lapin, each a connection and a thread of its own as each worker of the bus is a process: they
//! look at a message and acknowledge it.

use std::thread::{self, JoinHandle};

use futures_util::StreamExt as _;
use lapin::{
    Connection, ConnectionProperties,
    options::{BasicAckOptions, BasicConsumeOptions, BasicQosOptions},
    types::FieldTable,
};
use tokio::sync::watch;

use super::{BODY, PREFETCH, WORKERS};

/// They end when it is dropped.
pub(super) struct Consumers {
    ending: watch::Sender<bool>,
    threads: Vec<JoinHandle<()>>,
}

impl Consumers {
    pub(super) fn start(url: &str, queue: &str) -> Self {
        let ending = watch::Sender::new(false);
        let threads = (0..WORKERS).map(|_| {
            let (url, queue, mut ended) = (url.to_owned(), queue.to_owned(), ending.subscribe());
            thread::spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                runtime.block_on(async {
                    let connection =
                        Connection::connect(&url, ConnectionProperties::default()).await.unwrap();
                    tokio::select! {
                        () = consume(&connection, &queue) => {}
                        _ = ended.wait_for(|ended| *ended) => {}
                    }
                    connection.close(200, "done".into()).await.unwrap();
                });
            })
        });
        Self { threads: threads.collect(), ending }
    }
}

async fn consume(connection: &Connection, queue: &str) {
    let channel = connection.create_channel().await.unwrap();
    channel.basic_qos(PREFETCH, BasicQosOptions::default()).await.unwrap();
    let options = BasicConsumeOptions::default();
    let mut deliveries =
        channel.basic_consume(queue.into(), "".into(), options, FieldTable::default()).await.unwrap();
    while let Some(delivery) = deliveries.next().await {
        let delivery = delivery.unwrap();
        assert_eq!(delivery.data.len(), BODY.len());
        delivery.acker.ack(BasicAckOptions::default()).await.unwrap();
    }
}

impl Drop for Consumers {
    fn drop(&mut self) {
        self.ending.send_replace(true);
        self.threads.drain(..).for_each(|thread| thread.join().unwrap());
    }
}
