//! Messages that are taken in once, beside bare inserts of what the bus keeps of each: as many to a transaction as a
//! worker has in hand at once.

use std::time::{Duration, Instant};

use busbar_test_broker::Broker;
use busbar_tests::{Folder, Quickstart};
use uuid::Uuid;

use super::{
    CONCURRENCY, INBOX_TARGET, Pair, Rounds,
    consume::{FIRST, Subject, next},
};
use crate::{sqlite, statistics::median};

/// As the ODB has it.
const TABLES: &str = "CREATE TABLE idempotent_reply (
        scope TEXT NOT NULL, key TEXT NOT NULL, request_hash TEXT NOT NULL, status INTEGER NOT NULL,
        headers_json TEXT NOT NULL, body BLOB NOT NULL, expires_us INTEGER NOT NULL,
        PRIMARY KEY (scope, key)) STRICT;
    CREATE INDEX idempotent_reply_by_expiry ON idempotent_reply (expires_us);";

fn bare(time: Duration) -> f64 {
    let folder = Folder::default();
    let connection = sqlite::create(&folder.root().join("bare.sqlite"), TABLES);
    let (hash, started, mut done) = ("0".repeat(64), Instant::now(), 0_i64);
    while started.elapsed() < time {
        sqlite::transaction(&connection, || {
            for _ in 0..CONCURRENCY {
                done += 1;
                let statement =
                    "INSERT INTO idempotent_reply VALUES ('bench echo ', ?1, ?2, 204, '[]', x'', ?3)";
                let mut insert = connection.prepare_cached(statement).unwrap();
                insert.execute((Uuid::now_v7().to_string(), &hash, done)).unwrap();
            }
        });
    }
    sqlite::per_second(done, started.elapsed())
}

pub(super) async fn report(broker: &Broker, bus: &Quickstart, rounds: Rounds) {
    println!(
        "Taken in once: the same with deduplication by message id, beside bare inserts into SQLite, {CONCURRENCY} to a \
         transaction.\n"
    );
    println!("| queue | bare SQLite /s | bus /s | ratio | promised | bus CPU µs |");
    println!("| --- | --: | --: | --: | --- | --: |");
    let subject = Subject::new(broker, bus, "bench-inbox", "quorum", "message-id").await;
    let (mut rates, mut cpu, mut count) = (Pair::default(), Vec::new(), FIRST);
    for round in 0..=rounds.rounds {
        let bare = bare(rounds.time);
        let ours = subject.ours(count).await;
        count = next(rounds, &ours);
        // The first one only warms up.
        if round > 0 {
            rates.bare.push(bare);
            rates.ours.push(ours.per_second);
            cpu.push(ours.cpu_us);
        }
    }
    println!("| quorum | {} | {:.0} |\n", rates.cells(INBOX_TARGET), median(&cpu));
}
