//! What calls keep and hand over, beside the same writes on bare SQLite: the same statements' worth of rows, the
//! same durability, the same disk.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicI64, Ordering},
    },
    time::{Duration, Instant},
};

use busbar_tests::{Folder, Quickstart, metrics::Samples, poll};
use rusqlite::Connection;
use serde_json::json;

use crate::{
    load::{self, Outcome},
    sqlite,
    statistics::median,
};

const CALLERS: usize = 64;
const VALUE: [u8; 256] = [b'x'; 256];

pub(crate) async fn report(quick: bool) {
    let (rounds, time) = if quick { (1, Duration::from_secs(1)) } else { (3, Duration::from_secs(4)) };
    let bus = Quickstart::start(&["keeper", "echo"]).await;
    let (mut bare_writes, mut writes) = (Vec::new(), Vec::new());
    let (mut bare_deliveries, mut deliveries) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        bare_writes.push(bare(time, put));
        writes.push(kept(&bus, time).await.per_second);
        bare_deliveries.push(bare(time, insert_and_update));
        deliveries.push(delivered(&bus, time).await);
    }
    println!(
        "Kept by calls: {CALLERS} callers, values of 256 bytes, medians of {rounds} rounds of {time:?}.\n"
    );
    println!("| work | bare SQLite /s | through calls /s | ratio | target |");
    println!("| --- | --: | --: | --: | --: |");
    row("kv writes (a transaction each)", &bare_writes, &writes, 1.0);
    row("deliveries (an insert and an update, a transaction each)", &bare_deliveries, &deliveries, 0.4);
    println!();
}

fn row(work: &str, bare: &[f64], ours: &[f64], target: f64) {
    let (bare, ours) = (median(bare), median(ours));
    println!("| {work} | {bare:.0} | {ours:.0} | {:.2} | {target} |", ours / bare);
}

/// Callers that take turns on one connection: SQLite has one writer, and this is the quickest way to be it.
fn bare(time: Duration, work: fn(&Connection, i64)) -> f64 {
    let folder = Folder::default();
    let connection = Arc::new(Mutex::new(sqlite::create(&folder.root().join("bare.sqlite"), TABLES)));
    let (done, started) = (Arc::new(AtomicI64::new(0)), Instant::now());
    let threads: Vec<_> = (0..CALLERS)
        .map(|_| {
            let (connection, done) = (Arc::clone(&connection), Arc::clone(&done));
            std::thread::spawn(move || {
                while started.elapsed() < time {
                    let connection = connection.lock().unwrap();
                    work(&connection, done.fetch_add(1, Ordering::Relaxed));
                }
            })
        })
        .collect();
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    sqlite::per_second(done.load(Ordering::Relaxed), started.elapsed())
}

const TABLES: &str =
    "CREATE TABLE kv (key TEXT NOT NULL PRIMARY KEY, value BLOB NOT NULL, version INTEGER NOT NULL) STRICT;
     CREATE TABLE delivery (id INTEGER NOT NULL PRIMARY KEY, state TEXT NOT NULL, next_us INTEGER,
         payload BLOB NOT NULL) STRICT;
     CREATE INDEX delivery_by_next ON delivery (next_us);";

fn transaction(connection: &Connection, statement: &str, parameters: &[&dyn rusqlite::ToSql]) {
    sqlite::transaction(connection, || {
        connection.prepare_cached(statement).unwrap().execute(parameters).unwrap();
    });
}

fn put(connection: &Connection, number: i64) {
    let statement = "INSERT INTO kv (key, value, version) VALUES ('raw', ?1, ?2)
        ON CONFLICT (key) DO UPDATE SET value = ?1, version = ?2";
    transaction(connection, statement, &[&VALUE, &number]);
}

fn insert_and_update(connection: &Connection, number: i64) {
    let insert = "INSERT INTO delivery (id, state, next_us, payload) VALUES (?1, 'waiting', ?1, ?2)";
    transaction(connection, insert, &[&number, &VALUE]);
    let update = "UPDATE delivery SET state = 'confirmed', next_us = NULL WHERE id = ?1";
    transaction(connection, update, &[&number]);
}

async fn kept(bus: &Quickstart, time: Duration) -> Outcome {
    let outcome = load_with(bus, "PUT /keeper/raw", "", time).await;
    assert!(outcome.errors < 1.0, "{outcome:?}");
    outcome
}

/// From the first request to the last confirmation.
async fn delivered(bus: &Quickstart, time: Duration) -> f64 {
    let confirmed = async || {
        let page = bus.admin_client().get("/metrics").await;
        Samples::parse(page.expect_status(200).text())
            .sum("busbar_requests_total", &[("channel", "_delivery"), ("status", "200")])
    };
    let (before, started) = (confirmed().await, Instant::now());
    let outcome = load_with(bus, "POST /echo", "Prefer: respond-async\r\n", time).await;
    assert!(outcome.errors < 1.0, "{outcome:?}");
    poll::until("every delivery", Duration::from_secs(120), async || {
        let left = outcome.requests - (confirmed().await - before);
        if left < 0.5 { Ok(()) } else { Err(json!({"left": left}).to_string()) }
    })
    .await;
    outcome.requests / started.elapsed().as_secs_f64()
}

async fn load_with(bus: &Quickstart, line: &str, headers: &str, time: Duration) -> Outcome {
    let authority = bus.http().authority();
    let body = str::from_utf8(&VALUE).unwrap();
    let length = VALUE.len();
    let request =
        format!("{line} HTTP/1.1\r\nHost: {authority}\r\n{headers}Content-Length: {length}\r\n\r\n{body}");
    load::run_apart(authority, request.as_bytes(), CALLERS, time.as_secs_f64()).await
}
