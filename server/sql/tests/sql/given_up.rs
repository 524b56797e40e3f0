//! Calls that are dropped half-way: their statements are ended, and nobody gets a connection that is not clean.

use std::time::{Duration, Instant};

use busbar_model::connection::sql::{Engine, Pool};
use busbar_sql::{Begin, Connection, Settings, Value};
use tokio::time::timeout;

use crate::stage::{Place, connect, endless, integer, run, series, until};

const SHORT: Duration = Duration::from_millis(150);

/// Statements of other connections that run in this one's database.
async fn running(connection: &Connection, engine: Engine) -> i64 {
    let sql = match engine {
        Engine::Postgres => {
            "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_sleep%' AND state = 'active' \
             AND datname = current_database() AND pid <> pg_backend_pid()"
        }
        _ => {
            "SELECT count(*) FROM information_schema.processlist WHERE info LIKE '%SLEEP%' \
             AND db = DATABASE() AND id <> CONNECTION_ID()"
        }
    };
    integer(connection, sql).await
}

#[tokio::test]
async fn a_dropped_query_is_ended_in_the_database() {
    for engine in [Engine::Postgres, Engine::Mysql] {
        let place = Place::new(engine);
        let (connection, other) = (place.connection(), place.connection());
        let cut = timeout(SHORT, connection.query(endless(engine), Vec::new())).await;
        assert!(cut.is_err(), "{engine:?}");
        until("the statement has ended", async || running(&other, engine).await == 0).await;
        until("its place is free", async || connection.statistics().in_use == 0).await;
        assert_eq!(integer(&connection, "SELECT 1").await, 1);
    }
}

#[tokio::test]
async fn a_dropped_query_of_sqlite_is_ended() {
    let place = Place::new(Engine::Sqlite);
    let pool = Pool { max: 1, ..Pool::default() };
    let connection = connect(&Settings { pool, ..place.settings() });
    let began = Instant::now();
    assert!(timeout(SHORT, connection.query(endless(Engine::Sqlite), Vec::new())).await.is_err());
    assert_eq!(integer(&connection, "SELECT 1").await, 1);
    assert!(began.elapsed() < Duration::from_secs(2));
    assert_eq!(connection.statistics().opened, 1);
}

#[tokio::test]
async fn a_connection_is_not_given_out_before_it_is_clean() {
    for engine in Engine::ALL {
        let place = Place::new(engine);
        let pool = Pool { max: 1, ..Pool::default() };
        let connection = connect(&Settings { pool, ..place.settings() });
        run(&connection, "CREATE TABLE stock (n INTEGER)").await;
        for round in 0..20 {
            let long = series(engine, 10_000 * (round % 3 + 1));
            let work = connection.query(&long, Vec::new());
            let _ = timeout(Duration::from_micros(200 * round), work).await;
            let found = connection.query("SELECT 42", Vec::new()).await.unwrap();
            assert_eq!(found.rows, [[Value::Integer(42)]], "{engine:?} {round}");
        }
    }
}

#[tokio::test]
async fn a_dropped_transaction_is_rolled_back_before_others_get_its_connection() {
    for engine in Engine::ALL {
        let place = Place::new(engine);
        let pool = Pool { max: 1, ..Pool::default() };
        let connection = connect(&Settings { pool, ..place.settings() });
        run(&connection, "CREATE TABLE stock (n INTEGER)").await;
        let mut transaction = connection.begin(Begin::default()).await.unwrap();
        transaction.execute("INSERT INTO stock VALUES (1)", Vec::new()).await.unwrap();
        drop(transaction);
        assert_eq!(integer(&connection, "SELECT count(*) FROM stock").await, 0, "{engine:?}");
        let mut transaction = connection.begin(Begin::default()).await.unwrap();
        transaction.execute("INSERT INTO stock VALUES (1)", Vec::new()).await.unwrap();
        assert!(timeout(SHORT, transaction.query(endless(engine), Vec::new())).await.is_err());
        drop(transaction);
        assert_eq!(integer(&connection, "SELECT count(*) FROM stock").await, 0, "{engine:?}");
    }
}

#[tokio::test]
async fn a_transaction_whose_statement_was_given_up_is_not_committed_by_halves() {
    for engine in Engine::ALL {
        let place = Place::new(engine);
        let connection = place.connection();
        run(&connection, "CREATE TABLE stock (n INTEGER)").await;
        let mut transaction = connection.begin(Begin::default()).await.unwrap();
        transaction.execute("INSERT INTO stock VALUES (1)", Vec::new()).await.unwrap();
        let write = match engine {
            Engine::Postgres => "INSERT INTO stock SELECT 2 FROM pg_sleep(600)",
            Engine::Mysql => "INSERT INTO stock SELECT SLEEP(600)",
            Engine::Sqlite => {
                "INSERT INTO stock WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n"
            }
        };
        assert!(timeout(SHORT, transaction.execute(write, Vec::new())).await.is_err());
        let after = transaction.execute("INSERT INTO stock VALUES (3)", Vec::new()).await;
        assert!(after.is_err(), "{engine:?}");
        assert!(transaction.commit().await.is_err(), "{engine:?}");
        assert_eq!(integer(&connection, "SELECT count(*) FROM stock").await, 0, "{engine:?}");
    }
}

#[tokio::test]
async fn a_batch_that_is_given_up_ends_its_cursor() {
    for engine in [Engine::Postgres, Engine::Mysql] {
        let place = Place::new(engine);
        let (connection, other) = (place.connection(), place.connection());
        let sql = match engine {
            Engine::Postgres => {
                "SELECT i, pg_sleep(CASE WHEN i > 3000 THEN 600 ELSE 0 END) FROM generate_series(1, 9000) i"
            }
            _ => "SELECT seq, SLEEP(IF(seq > 3000, 600, 0)) FROM seq_1_to_9000",
        };
        let mut cursor = connection.open(sql, Vec::new()).await.unwrap();
        assert_eq!(cursor.next(10, u64::MAX).await.unwrap().len(), 10, "{engine:?}");
        assert!(timeout(SHORT, cursor.next(5_000, u64::MAX)).await.is_err());
        drop(cursor);
        until("the statement has ended", async || running(&other, engine).await == 0).await;
        assert_eq!(integer(&connection, "SELECT 1").await, 1);
    }
}
