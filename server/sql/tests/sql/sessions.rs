//! What one call leaves in its session no other finds.

use busbar_model::connection::sql::{Engine, Pool};
use busbar_sql::{Begin, Connection, Settings};

use crate::stage::{Place, code, connect, integer, rows, run, text, until};

async fn alone(place: &Place) -> Connection {
    let pool = Pool { max: 1, ..Pool::default() };
    connect(&Settings { pool, ..place.settings() })
}

#[tokio::test]
async fn postgres_forgets() {
    let place = Place::new(Engine::Postgres);
    let connection = alone(&place).await;
    let pid = integer(&connection, "SELECT pg_backend_pid()").await;
    run(&connection, "SET search_path TO nowhere").await;
    assert_ne!(rows(&connection, "SHOW search_path").await, [[text("nowhere")]]);
    run(&connection, "CREATE TEMP TABLE mine (n integer)").await;
    assert_eq!(code(connection.query("SELECT * FROM mine", Vec::new()).await), "invalid-statement");
    connection.query("SELECT set_config('statement_timeout', '0', false)", Vec::new()).await.unwrap();
    assert_eq!(rows(&connection, "SHOW statement_timeout").await, [[text("30s")]]);
    connection.query("SELECT pg_advisory_lock(1)", Vec::new()).await.unwrap();
    let held = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()";
    assert_eq!(integer(&connection, held).await, 0);
    let mut transaction = connection.begin(Begin::default()).await.unwrap();
    transaction.execute("SET search_path TO nowhere", Vec::new()).await.unwrap();
    transaction.commit().await.unwrap();
    assert_ne!(rows(&connection, "SHOW search_path").await, [[text("nowhere")]]);
    assert_eq!(integer(&connection, "SELECT pg_backend_pid()").await, pid);
}

#[tokio::test]
async fn mariadb_forgets() {
    let place = Place::new(Engine::Mysql);
    let connection = alone(&place).await;
    let id = integer(&connection, "SELECT CONNECTION_ID()").await;
    run(&connection, "SET @mine = 'x'").await;
    assert_eq!(rows(&connection, "SELECT @mine IS NULL AS gone").await, rows(&connection, "SELECT 1").await);
    connection.query("SELECT @mine := 'y'", Vec::new()).await.unwrap();
    assert_eq!(integer(&connection, "SELECT @mine IS NULL").await, 1);
    run(&connection, "CREATE TEMPORARY TABLE mine (n integer)").await;
    assert_eq!(code(connection.query("SELECT * FROM mine", Vec::new()).await), "invalid-statement");
    connection.query("SELECT GET_LOCK('mine', 0)", Vec::new()).await.unwrap();
    assert_eq!(integer(&connection, "SELECT IS_FREE_LOCK('mine')").await, 1);
    run(&connection, "SET time_zone = '+05:00', max_statement_time = 0").await;
    assert_eq!(rows(&connection, "SELECT @@session.time_zone").await, [[text("+00:00")]]);
    assert_eq!(integer(&connection, "SELECT CAST(@@session.max_statement_time AS INTEGER)").await, 30);
    assert_eq!(code(connection.execute("USE mysql", Vec::new()).await), "invalid-statement");
    assert_eq!(integer(&connection, "SELECT CONNECTION_ID()").await, id);
}

#[tokio::test]
async fn a_statement_goes_on_after_its_table_was_changed() {
    for engine in Engine::ALL {
        let place = Place::new(engine);
        let (connection, other) = (alone(&place).await, place.connection());
        run(&other, "CREATE TABLE stock (n INTEGER)").await;
        run(&other, "INSERT INTO stock VALUES (1)").await;
        assert_eq!(rows(&connection, "SELECT * FROM stock").await[0].len(), 1);
        run(&other, "ALTER TABLE stock ADD COLUMN place VARCHAR(20)").await;
        assert_eq!(rows(&connection, "SELECT * FROM stock").await[0].len(), 2, "{engine:?}");
    }
}

#[tokio::test]
async fn statements_that_are_kept_are_bounded() {
    let place = Place::new(Engine::Postgres);
    let connection = alone(&place).await;
    for number in 0..100 {
        assert_eq!(integer(&connection, &format!("SELECT {number}::int8")).await, number);
    }
    until("those of before are closed", async || {
        integer(&connection, "SELECT count(*) FROM pg_prepared_statements").await <= 66
    })
    .await;
}
