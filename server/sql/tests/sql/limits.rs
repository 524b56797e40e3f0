//! Results, statements and waiting are bounded, and nothing is cut off silently.

use std::time::{Duration, Instant};

use busbar_model::connection::sql::{Engine, Pool};
use busbar_sql::{Begin, ErrorKind, Settings};

use crate::stage::{Place, code, connect, endless, integer, series, until};

#[tokio::test]
async fn a_result_that_is_too_long_or_too_large_is_an_error() {
    for engine in Engine::ALL {
        let place = Place::new(engine);
        let settings = Settings { rows_max: 100, bytes_max: 100_000, ..place.settings() };
        let connection = connect(&settings);
        let found = connection.query(&series(engine, 100), Vec::new()).await.unwrap();
        assert_eq!(found.rows.len(), 100);
        let error = connection.query(&series(engine, 101), Vec::new()).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::TooManyRows { rows_max: 100 }, "{engine:?}");
        // A long one is not read to its end.
        let began = Instant::now();
        assert_eq!(code(connection.query(&series(engine, 10_000_000), Vec::new()).await), "too-many-rows");
        assert!(began.elapsed() < Duration::from_secs(5), "{engine:?}: {:?}", began.elapsed());
        let large = match engine {
            Engine::Postgres => "SELECT repeat('x', 40000) FROM generate_series(1, 5)",
            Engine::Mysql => "SELECT REPEAT('x', 40000) FROM seq_1_to_5",
            Engine::Sqlite => {
                "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5) \
                 SELECT hex(zeroblob(20000)) FROM n"
            }
        };
        assert_eq!(code(connection.query(large, Vec::new()).await), "too-large", "{engine:?}");
        assert_eq!(integer(&connection, "SELECT 1").await, 1);
    }
}

#[tokio::test]
async fn a_value_that_is_too_large_is_not_put_together() {
    for engine in Engine::ALL {
        let place = Place::new(engine);
        let connection = connect(&Settings { bytes_max: 100_000, ..place.settings() });
        let large = match engine {
            Engine::Postgres => "SELECT repeat('x', 200000000)",
            Engine::Mysql => "SELECT REPEAT('x', 10000000)",
            Engine::Sqlite => "SELECT zeroblob(200000000)",
        };
        let error = connection.query(large, Vec::new()).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::TooLarge { bytes_max: 100_000 }, "{engine:?} {error}");
        let error = match connection.open(large, Vec::new()).await {
            Ok(mut cursor) => cursor.next(1, u64::MAX).await.unwrap_err(),
            Err(error) => error,
        };
        assert_eq!(error.kind, ErrorKind::TooLarge { bytes_max: 100_000 }, "{engine:?} {error}");
        assert_eq!(integer(&connection, "SELECT 1").await, 1);
    }
}

#[tokio::test]
async fn a_query_that_never_ends_is_ended() {
    for engine in Engine::ALL {
        let place = Place::new(engine);
        let connection = connect(&Settings { statement_ms: 300, ..place.settings() });
        let began = Instant::now();
        let error = connection.query(endless(engine), Vec::new()).await.unwrap_err();
        assert_eq!(
            error.kind,
            ErrorKind::StatementTimeout { bound: Duration::from_millis(300) },
            "{engine:?}"
        );
        assert!(began.elapsed() < Duration::from_secs(3), "{engine:?}: {:?}", began.elapsed());
        assert_eq!(integer(&connection, "SELECT 1").await, 1);
        let statistics = connection.statistics();
        assert_eq!((statistics.calls, statistics.errors), (2, vec![("statement-timeout", 1)]));
    }
}

#[tokio::test]
async fn who_waits_too_long_for_a_connection_is_told_so() {
    for engine in Engine::ALL {
        let place = Place::new(engine);
        let pool = Pool { max: 1, wait_ms: 100, ..Pool::default() };
        let connection = connect(&Settings { pool, ..place.settings() });
        let transaction = connection.begin(Begin::default()).await.unwrap();
        let error = connection.query("SELECT 1", Vec::new()).await.unwrap_err();
        assert_eq!(error.to_string(), "no connection is free: 1 are in use for 100 ms");
        assert!(!error.maybe_processed);
        transaction.rollback().await.unwrap();
        assert_eq!(integer(&connection, "SELECT 1").await, 1);
        let standing = connection.statistics();
        assert_eq!((standing.opened, standing.waiting), (1, 0));
        until("it is idle", async || connection.statistics().idle == 1).await;
    }
}

#[tokio::test]
async fn connections_that_are_idle_for_too_long_are_closed() {
    let place = Place::new(Engine::Postgres);
    let pool = Pool { idle_ms: 50, ..Pool::default() };
    let connection = connect(&Settings { pool, ..place.settings() });
    let first = integer(&connection, "SELECT pg_backend_pid()").await;
    assert_eq!(integer(&connection, "SELECT pg_backend_pid()").await, first);
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_ne!(integer(&connection, "SELECT pg_backend_pid()").await, first);
}

#[tokio::test]
async fn they_are_closed_though_no_call_comes() {
    let place = Place::new(Engine::Postgres);
    let observer = place.connection();
    let pool = Pool { idle_ms: 200, ..Pool::default() };
    let connection = connect(&Settings { pool, ..place.settings() });
    let open = async || {
        integer(
            &observer,
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() \
             AND application_name = 'busbar' AND pid <> pg_backend_pid()",
        )
        .await
    };
    for _ in 0..2 {
        let (one, two) = (connection.begin(Begin::default()).await, connection.begin(Begin::default()).await);
        assert_eq!(open().await, 2);
        one.unwrap().commit().await.unwrap();
        two.unwrap().commit().await.unwrap();
        let began = Instant::now();
        until("both are closed", async || open().await == 0).await;
        assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
    }
}

#[tokio::test]
async fn a_ping_finds_out_whether_it_would_work() {
    for engine in Engine::ALL {
        let place = Place::new(engine);
        let connection = place.connection();
        assert!(connection.ping().await.unwrap() < Duration::from_secs(5));
        let statistics = connection.statistics();
        assert_eq!((statistics.calls, statistics.opened, statistics.in_use), (0, 0, 0));
    }
}
