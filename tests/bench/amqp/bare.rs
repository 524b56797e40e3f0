//! Consumers of bare lapin, each a connection and a thread of its own as each worker of the bus is a process: they
//! look at a message and acknowledge it, or keep what they have in hand in a database before they do.

use std::{
    path::Path,
    thread::{self, JoinHandle},
};

use futures_util::StreamExt as _;
use lapin::{
    Connection, ConnectionProperties, Consumer,
    options::{BasicAckOptions, BasicConsumeOptions, BasicQosOptions},
    types::FieldTable,
};
use tokio::sync::watch;

use super::{BODY, CONCURRENCY, PREFETCH, WORKERS, inbox::Table};

/// They end when it is dropped.
pub(super) struct Consumers {
    ending: watch::Sender<bool>,
    threads: Vec<JoinHandle<()>>,
}

impl Consumers {
    /// `table`: where the database is that they keep messages in.
    pub(super) fn start(url: &str, queue: &str, table: Option<&Path>) -> Self {
        let ending = watch::Sender::new(false);
        let threads = (0..WORKERS).map(|_| {
            let (url, queue, mut ended) = (url.to_owned(), queue.to_owned(), ending.subscribe());
            let table = table.map(Table::open);
            thread::spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                runtime.block_on(async {
                    let connection =
                        Connection::connect(&url, ConnectionProperties::default()).await.unwrap();
                    let consuming = async {
                        let messages = consumer(&connection, &queue).await;
                        match table {
                            None => acknowledge(messages).await,
                            Some(table) => keep(messages, &table).await,
                        }
                    };
                    tokio::select! {
                        () = consuming => {}
                        _ = ended.wait_for(|ended| *ended) => {}
                    }
                    connection.close(200, "done".into()).await.unwrap();
                });
            })
        });
        Self { threads: threads.collect(), ending }
    }
}

async fn consumer(connection: &Connection, queue: &str) -> Consumer {
    let channel = connection.create_channel().await.unwrap();
    channel.basic_qos(PREFETCH, BasicQosOptions::default()).await.unwrap();
    let options = BasicConsumeOptions::default();
    channel.basic_consume(queue.into(), "".into(), options, FieldTable::default()).await.unwrap()
}

async fn acknowledge(mut messages: Consumer) {
    while let Some(message) = messages.next().await {
        let message = message.unwrap();
        assert_eq!(message.data.len(), BODY.len());
        message.acker.ack(BasicAckOptions::default()).await.unwrap();
    }
}

/// What is there at once, as many to a transaction as the bus has in hand.
async fn keep(messages: Consumer, table: &Table) {
    let mut chunks = messages.ready_chunks(CONCURRENCY.into());
    while let Some(chunk) = chunks.next().await {
        let messages: Vec<_> = chunk.into_iter().map(Result::unwrap).collect();
        let ids = messages.iter().map(|message| {
            message.properties.message_id().as_ref().expect("each message has an id").as_str().to_owned()
        });
        table.insert(ids);
        for message in messages {
            message.acker.ack(BasicAckOptions::default()).await.unwrap();
        }
    }
}

impl Drop for Consumers {
    fn drop(&mut self) {
        self.ending.send_replace(true);
        self.threads.drain(..).for_each(|thread| thread.join().unwrap());
    }
}
