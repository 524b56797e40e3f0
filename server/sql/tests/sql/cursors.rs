//! Results that are read in batches.

use std::time::{Duration, Instant};

use busbar_model::connection::sql::Engine;
use busbar_sql::{Begin, Connection, Settings, Value};

use crate::stage::{Place, code, connect, integer, rows, run, series, until};

/// Kilobytes that this process has in memory.
fn memory_kb() -> u64 {
    let text = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().split(' ').next().unwrap().parse().unwrap()
}

async fn read_all(connection: &Connection, sql: &str) -> (u64, i64) {
    let mut cursor = connection.open(sql, Vec::new()).await.unwrap();
    let (mut count, mut sum) = (0, 0);
    loop {
        let batch = cursor.next(5_000, u64::MAX).await.unwrap();
        if batch.is_empty() {
            return (count, sum);
        }
        for value in batch.values() {
            let Value::Integer(number) = value else { panic!("{value:?}") };
            count += 1;
            sum += number;
        }
    }
}

async fn many(engine: Engine, millions: u64) {
    let place = Place::new(engine);
    // All of it takes longer than a statement may, and a batch does not.
    let connection = connect(&Settings { statement_ms: 1_000, ..place.settings() });
    read_all(&connection, &series(engine, 20_000)).await;
    let before = memory_kb();
    let began = Instant::now();
    let wanted = millions * 1_000_000;
    let (count, sum) = read_all(&connection, &series(engine, wanted)).await;
    assert_eq!((count, sum.cast_unsigned()), (wanted, wanted * (wanted + 1) / 2));
    let grown = memory_kb().saturating_sub(before);
    println!("{engine:?}: {wanted} rows in {:?}, {grown} KiB more", began.elapsed());
    assert!(grown < 32 * 1024, "{engine:?}: {grown} KiB more");
    assert_eq!(connection.statistics().opened, 1);
}

#[tokio::test]
async fn a_million_rows_take_no_memory() {
    for engine in Engine::ALL {
        many(engine, 1).await;
    }
}

#[tokio::test]
#[ignore = "long: run by make test-long"]
async fn ten_million_rows_take_no_memory() {
    for engine in Engine::ALL {
        many(engine, 10).await;
    }
}

#[tokio::test]
async fn batches_are_as_long_as_asked_and_as_large_as_allowed() {
    for engine in Engine::ALL {
        let place = Place::new(engine);
        let connection = connect(&Settings { bytes_max: 5_600, rows_max: 10, ..place.settings() });
        let mut cursor = connection.open(&series(engine, 250), Vec::new()).await.unwrap();
        assert_eq!(cursor.columns().len(), 1);
        assert_eq!(cursor.next(30, u64::MAX).await.unwrap().len(), 30);
        // 56 bytes a row.
        assert_eq!(cursor.next(1_000, u64::MAX).await.unwrap().len(), 100, "{engine:?}");
        assert_eq!(cursor.next(1_000, u64::MAX).await.unwrap().len(), 100);
        assert_eq!(cursor.next(1_000, u64::MAX).await.unwrap().len(), 20);
        assert!(cursor.next(1_000, u64::MAX).await.unwrap().is_empty());
        assert!(cursor.next(1_000, u64::MAX).await.unwrap().is_empty());
        until("the connection is back", async || connection.statistics().idle == 1).await;
        assert_eq!(connection.statistics().opened, 1);
    }
}

#[tokio::test]
async fn a_cursor_that_is_left_gives_its_connection_back() {
    for engine in Engine::ALL {
        let place = Place::new(engine);
        let connection = place.connection();
        for count in [10, 10_000_000] {
            let mut cursor = connection.open(&series(engine, count), Vec::new()).await.unwrap();
            assert_eq!(cursor.next(3, u64::MAX).await.unwrap().len(), 3);
            let began = Instant::now();
            drop(cursor);
            until("the connection is back", async || connection.statistics().in_use == 0).await;
            assert!(began.elapsed() < Duration::from_secs(2), "{engine:?}: {:?}", began.elapsed());
            assert_eq!(integer(&connection, "SELECT 1").await, 1);
        }
        assert_eq!(connection.statistics().opened, 1, "{engine:?}");
    }
}

#[tokio::test]
async fn a_statement_that_fails_half_way_fails_its_cursor() {
    for engine in [Engine::Postgres, Engine::Sqlite] {
        let place = Place::new(engine);
        let connection = place.connection();
        let sql = match engine {
            Engine::Postgres => "SELECT 1 / (500 - i) FROM generate_series(1, 1000) AS i",
            _ => {
                "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000) \
                 SELECT CASE WHEN i = 500 THEN abs(-9223372036854775807 - 1) ELSE i END FROM n"
            }
        };
        let mut cursor = connection.open(sql, Vec::new()).await.unwrap();
        assert_eq!(cursor.next(100, u64::MAX).await.unwrap().len(), 100);
        assert_ne!(code(cursor.next(1_000, u64::MAX).await), "no error", "{engine:?}");
        assert!(cursor.next(1_000, u64::MAX).await.unwrap().is_empty());
        drop(cursor);
        assert_eq!(integer(&connection, "SELECT 1").await, 1);
    }
}

#[tokio::test]
async fn a_transaction_goes_on_after_its_cursors() {
    for engine in Engine::ALL {
        let place = Place::new(engine);
        let connection = place.connection();
        run(&connection, "CREATE TABLE stock (n INTEGER)").await;
        let mut transaction = connection.begin(Begin::default()).await.unwrap();
        transaction.execute("INSERT INTO stock VALUES (1)", Vec::new()).await.unwrap();
        let mut cursor = transaction.open(&series(engine, 1_000_000), Vec::new()).await.unwrap();
        assert_eq!(cursor.next(10, u64::MAX).await.unwrap().len(), 10);
        let refused = transaction.query("SELECT 1", Vec::new()).await.unwrap_err();
        assert!(refused.to_string().contains("a cursor of its transaction is open"), "{refused}");
        drop(cursor);
        let mut whole = transaction.open(&series(engine, 10), Vec::new()).await.unwrap();
        assert_eq!(whole.next(100, u64::MAX).await.unwrap().len(), 10);
        transaction.execute("INSERT INTO stock VALUES (2)", Vec::new()).await.unwrap();
        transaction.commit().await.unwrap_or_else(|error| panic!("{engine:?}: {error}"));
        let found = rows(&connection, "SELECT n FROM stock ORDER BY n").await;
        assert_eq!(found, [[Value::Integer(1)], [Value::Integer(2)]], "{engine:?}");
    }
}

#[tokio::test]
async fn what_a_left_cursor_changed_is_undone() {
    for engine in [Engine::Postgres, Engine::Sqlite] {
        let place = Place::new(engine);
        let connection = place.connection();
        run(&connection, "CREATE TABLE stock (n INTEGER)").await;
        let insert = format!("INSERT INTO stock {} RETURNING n", series(engine, 1_000));
        let mut cursor = connection.open(&insert, Vec::new()).await.unwrap();
        assert_eq!(cursor.next(5, u64::MAX).await.unwrap().len(), 5);
        drop(cursor);
        assert_eq!(integer(&connection, "SELECT count(*) FROM stock").await, 0, "{engine:?}");
        let mut cursor = connection.open(&insert, Vec::new()).await.unwrap();
        assert_eq!(cursor.next(5_000, u64::MAX).await.unwrap().len(), 1_000);
        drop(cursor);
        assert_eq!(integer(&connection, "SELECT count(*) FROM stock").await, 1_000, "{engine:?}");
    }
}

#[tokio::test]
async fn a_row_that_is_too_large_ends_its_cursor_at_once() {
    for engine in [Engine::Postgres, Engine::Mysql] {
        let place = Place::new(engine);
        let connection = connect(&Settings { bytes_max: 2_000, ..place.settings() });
        let sql = match engine {
            Engine::Postgres => "SELECT repeat('x', generate_series(1900, 50000000))",
            _ => "SELECT REPEAT('x', seq) FROM seq_1900_to_50000000",
        };
        let began = Instant::now();
        let mut cursor = connection.open(sql, Vec::new()).await.unwrap();
        let error = loop {
            if let Err(error) = cursor.next(10, u64::MAX).await {
                break error;
            }
        };
        assert_eq!(error.kind.code(), "too-large", "{engine:?} {error}");
        drop(cursor);
        assert_eq!(integer(&connection, "SELECT 1").await, 1);
        assert!(began.elapsed() < Duration::from_secs(10), "{engine:?}: {:?}", began.elapsed());
    }
}

#[tokio::test]
async fn a_batch_is_bounded_by_bytes_but_has_a_row() {
    for engine in Engine::ALL {
        let place = Place::new(engine);
        let connection = connect(&Settings { bytes_max: 10_000, ..place.settings() });
        let sql = match engine {
            Engine::Postgres => "SELECT repeat('x', 1000) FROM generate_series(1, 25)",
            Engine::Mysql => "SELECT REPEAT('x', 1000) FROM seq_1_to_25",
            Engine::Sqlite => {
                "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 25) \
                 SELECT hex(zeroblob(500)) FROM n"
            }
        };
        let mut cursor = connection.open(sql, Vec::new()).await.unwrap();
        let mut found = Vec::new();
        for bytes_max in [0, 100, 3_500, u64::MAX, 1_100, u64::MAX, u64::MAX] {
            found.push(cursor.next(100, bytes_max).await.unwrap().len());
        }
        assert_eq!(found, [1, 1, 3, 9, 1, 9, 1], "{engine:?}");
        assert!(cursor.next(100, u64::MAX).await.unwrap().is_empty());
    }
}
