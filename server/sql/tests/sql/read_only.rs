//! Connections for reading only stay so, whatever their statements say.

use busbar_model::connection::sql::Engine;
use busbar_sql::{Begin, Connection, Settings, Value};

use crate::stage::{Place, code, connect, integer, rows, run};

async fn prepared(place: &Place) -> Connection {
    run(&place.connection(), "CREATE TABLE stock (n INTEGER)").await;
    run(&place.connection(), "INSERT INTO stock VALUES (1)").await;
    connect(&Settings { read_only: true, ..place.settings() })
}

#[tokio::test]
async fn reading_is_allowed_and_writing_is_not() {
    for engine in Engine::ALL {
        let place = Place::new(engine);
        let connection = prepared(&place).await;
        assert_eq!(rows(&connection, "SELECT n FROM stock").await, [[Value::Integer(1)]]);
        for sql in [
            "INSERT INTO stock VALUES (2)",
            "UPDATE stock SET n = 2",
            "DELETE FROM stock",
            "DROP TABLE stock",
            "CREATE TABLE other (n INTEGER)",
        ] {
            assert_eq!(code(connection.execute(sql, Vec::new()).await), "read-only", "{engine:?} {sql}");
            assert_eq!(code(connection.open(sql, Vec::new()).await), "read-only", "{engine:?} {sql}");
            let mut transaction = connection.begin(Begin::default()).await.unwrap();
            assert_eq!(code(transaction.execute(sql, Vec::new()).await), "read-only", "{engine:?} {sql}");
        }
        assert_eq!(integer(&connection, "SELECT n FROM stock").await, 1);
    }
}

#[tokio::test]
async fn postgres_is_not_talked_into_writing() {
    let place = Place::new(Engine::Postgres);
    let admin = place.connection();
    run(&admin, "CREATE TABLE stock (n INTEGER)").await;
    run(
        &admin,
        "CREATE FUNCTION add() RETURNS integer LANGUAGE plpgsql AS $$ BEGIN \
         PERFORM set_config('transaction_read_only', 'off', false); INSERT INTO stock VALUES (1); RETURN 1; END $$",
    )
    .await;
    let connection = connect(&Settings { read_only: true, ..place.settings() });
    for sql in [
        "SET default_transaction_read_only = off",
        "SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE",
        "SET TRANSACTION READ WRITE",
        "BEGIN READ WRITE",
        "COMMIT",
        "RESET ALL",
        "DO $$ BEGIN INSERT INTO stock VALUES (1); END $$",
        "CALL nothing()",
        "WITH a AS (INSERT INTO stock VALUES (1) RETURNING n) SELECT * FROM a",
        "EXPLAIN ANALYZE INSERT INTO stock VALUES (1)",
        "SELECT add()",
        "SELECT n INTO other FROM stock",
        "SELECT set_config('transaction_read_only', 'off', false)",
        "SELECT n FROM stock FOR UPDATE",
    ] {
        assert_ne!(code(connection.query(sql, Vec::new()).await), "no error", "{sql}");
        let mut transaction = connection.begin(Begin::default()).await.unwrap();
        assert_ne!(code(transaction.query(sql, Vec::new()).await), "no error", "{sql}");
    }
    // This one is done, and of no use.
    let switched = "SELECT set_config('default_transaction_read_only', 'off', false)";
    connection.query(switched, Vec::new()).await.unwrap();
    assert_ne!(code(connection.query("SELECT add()", Vec::new()).await), "no error");
    let mut transaction = connection.begin(Begin::default()).await.unwrap();
    transaction.query(switched, Vec::new()).await.unwrap();
    assert_ne!(code(transaction.query("SELECT add()", Vec::new()).await), "no error");
    let mut transaction = connection.begin(Begin::default()).await.unwrap();
    transaction.query(switched, Vec::new()).await.unwrap();
    transaction.commit().await.unwrap();
    assert_ne!(code(connection.query("SELECT add()", Vec::new()).await), "no error");
    assert_eq!(integer(&admin, "SELECT count(*) FROM stock").await, 0);
}

#[tokio::test]
async fn mariadb_is_not_talked_into_writing() {
    let place = Place::new(Engine::Mysql);
    let admin = place.connection();
    run(&admin, "CREATE TABLE stock (n INTEGER)").await;
    run(&admin, "CREATE FUNCTION add_one() RETURNS INTEGER DETERMINISTIC BEGIN INSERT INTO stock VALUES (1); RETURN 1; END").await;
    run(&admin, "CREATE PROCEDURE open_up() BEGIN SET SESSION TRANSACTION READ WRITE; INSERT INTO stock VALUES (1); END").await;
    let connection = connect(&Settings { read_only: true, ..place.settings() });
    for sql in [
        "SET SESSION TRANSACTION READ WRITE",
        "SET @@session.tx_read_only = 0",
        "/*! SET SESSION tx_read_only = 0 */",
        "/*M!100100 INSERT INTO stock VALUES (1) */",
        "SET STATEMENT max_statement_time = 1 FOR INSERT INTO stock VALUES (1)",
        "START TRANSACTION READ WRITE",
        "BEGIN NOT ATOMIC INSERT INTO stock VALUES (1); END",
        "CALL open_up()",
        "EXECUTE IMMEDIATE 'INSERT INTO stock VALUES (1)'",
        "DO add_one()",
        "SELECT add_one()",
        "SELECT n FROM stock FOR UPDATE",
        "ANALYZE INSERT INTO stock VALUES (1)",
        "TRUNCATE stock",
    ] {
        let outcome = connection.query(sql, Vec::new()).await;
        assert!(outcome.is_err() || sql.contains("FOR UPDATE"), "{sql}");
        let mut transaction = connection.begin(Begin::default()).await.unwrap();
        let outcome = transaction.query(sql, Vec::new()).await;
        assert!(outcome.is_err() || sql.contains("FOR UPDATE"), "{sql}");
    }
    assert_eq!(integer(&admin, "SELECT count(*) FROM stock").await, 0);
}

#[tokio::test]
async fn sqlite_is_not_talked_into_writing() {
    let place = Place::new(Engine::Sqlite);
    let connection = prepared(&place).await;
    for sql in [
        "PRAGMA query_only = 0",
        "PRAGMA writable_schema = 1",
        "PRAGMA user_version = 7",
        "PRAGMA journal_mode = DELETE",
        "ATTACH ':memory:' AS other",
        "WITH a AS (SELECT 1) INSERT INTO stock SELECT * FROM a",
        "VACUUM INTO '/tmp/stolen.db'",
        "EXPLAIN ATTACH ':memory:' AS other",
    ] {
        assert_ne!(code(connection.query(sql, Vec::new()).await), "no error", "{sql}");
    }
    assert_eq!(integer(&connection, "SELECT count(*) FROM stock").await, 1);
    assert!(!rows(&connection, "PRAGMA table_info(stock)").await.is_empty());
}
