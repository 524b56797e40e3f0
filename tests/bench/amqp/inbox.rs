//! Messages that are taken in once, beside a bare client that keeps as much of each before it acknowledges them, and
//! beside such inserts alone: as many to a transaction as a worker has in hand at once.

use std::{
    path::Path,
    time::{Duration, Instant, UNIX_EPOCH},
};

use busbar_test_broker::Broker;
use busbar_tests::{Folder, Quickstart};
use rusqlite::Connection;
use uuid::Uuid;

use super::{
    CONCURRENCY, INBOX_TARGET, Pair, Rounds,
    consume::{FIRST, Subject, next},
    queue::Drained,
};
use crate::{sqlite, statistics::median};

/// As the ODB has it.
const TABLES: &str = "CREATE TABLE idempotent_reply (
        scope TEXT NOT NULL, key TEXT NOT NULL, request_hash TEXT NOT NULL, status INTEGER NOT NULL,
        headers_json TEXT NOT NULL, body BLOB NOT NULL, expires_us INTEGER NOT NULL,
        PRIMARY KEY (scope, key)) STRICT;
    CREATE INDEX idempotent_reply_by_expiry ON idempotent_reply (expires_us);";

/// A database with what the bus keeps of messages.
pub(super) struct Table(Connection);

impl Table {
    fn create(path: &Path) -> Self {
        Self(sqlite::create(path, TABLES))
    }

    pub(super) fn open(path: &Path) -> Self {
        Self(sqlite::open(path))
    }

    /// In one transaction.
    pub(super) fn insert(&self, ids: impl Iterator<Item = String>) {
        let expires = i64::try_from(UNIX_EPOCH.elapsed().unwrap().as_micros()).unwrap();
        let hash = "0".repeat(64);
        sqlite::transaction(&self.0, || {
            let statement = "INSERT INTO idempotent_reply VALUES ('bench echo ', ?1, ?2, 204, '[]', x'', ?3)";
            let mut insert = self.0.prepare_cached(statement).unwrap();
            for id in ids {
                insert.execute((id, &hash, expires)).unwrap();
            }
        });
    }
}

fn inserted(time: Duration) -> f64 {
    let folder = Folder::default();
    let table = Table::create(&folder.root().join("bare.sqlite"));
    let (started, mut done) = (Instant::now(), 0_i64);
    while started.elapsed() < time {
        table.insert((0..CONCURRENCY).map(|_| Uuid::now_v7().to_string()));
        done += i64::from(CONCURRENCY);
    }
    sqlite::per_second(done, started.elapsed())
}

/// Bare consumers that keep their messages before they acknowledge them.
async fn kept(subject: &Subject<'_>, count: u32) -> Drained {
    let folder = Folder::default();
    let path = folder.root().join("bare.sqlite");
    drop(Table::create(&path));
    subject.bare(count, Some(&path)).await
}

pub(super) async fn report(broker: &Broker, bus: &Quickstart, rounds: Rounds) {
    println!(
        "Taken in once: the same with deduplication by message id, beside bare lapin that inserts into SQLite before it \
         acknowledges, and beside such inserts alone, {CONCURRENCY} to a transaction.\n"
    );
    println!("| floor | floor /s | bus /s | ratio | promised | floor CPU µs | bus CPU µs |");
    println!("| --- | --: | --: | --: | --- | --: | --: |");
    let subject = Subject::new(broker, bus, "bench-inbox", "quorum", "message-id").await;
    let (mut with_lapin, mut alone, mut cpu) = (Pair::default(), Pair::default(), Pair::default());
    let (mut bare_next, mut ours_next) = (FIRST, FIRST);
    for round in 0..=rounds.rounds {
        let inserted = inserted(rounds.time);
        let bare = kept(&subject, bare_next).await;
        let ours = subject.ours(ours_next).await;
        (bare_next, ours_next) = (next(rounds, &bare), next(rounds, &ours));
        // The first one only warms up.
        if round > 0 {
            with_lapin.bare.push(bare.per_second);
            with_lapin.ours.push(ours.per_second);
            alone.bare.push(inserted);
            alone.ours.push(ours.per_second);
            cpu.bare.push(bare.cpu_us);
            cpu.ours.push(ours.cpu_us);
        }
    }
    let (bare_cpu, ours_cpu) = (median(&cpu.bare), median(&cpu.ours));
    println!("| lapin and SQLite | {} | {bare_cpu:.0} | {ours_cpu:.0} |", with_lapin.cells(INBOX_TARGET));
    println!("| SQLite alone | {} | | {ours_cpu:.0} |\n", alone.cells(INBOX_TARGET));
}
