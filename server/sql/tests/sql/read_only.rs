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
    for (name, first) in
        [("add", ""), ("open_up", "PERFORM set_config('transaction_read_only', 'off', false);")]
    {
        let function = format!(
            "CREATE FUNCTION {name}() RETURNS integer LANGUAGE plpgsql AS $$ BEGIN \
             {first} INSERT INTO stock VALUES (1); RETURN 1; END $$"
        );
        run(&admin, &function).await;
    }
    let connection = connect(&Settings { read_only: true, ..place.settings() });
    for (sql, wanted) in [
        ("SET default_transaction_read_only = off", "read-only"),
        ("SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE", "invalid-statement"),
        ("SET TRANSACTION READ WRITE", "invalid-statement"),
        ("BEGIN READ WRITE", "invalid-statement"),
        ("COMMIT", "invalid-statement"),
        ("/* /* */ a */ COMMIT", "invalid-statement"),
        ("-- a\rCOMMIT -- b\nSELECT 1", "invalid-statement"),
        ("RESET ALL", "read-only"),
        ("DO $$ BEGIN INSERT INTO stock VALUES (1); END $$", "read-only"),
        ("CALL nothing()", "read-only"),
        ("WITH a AS (INSERT INTO stock VALUES (1) RETURNING n) SELECT * FROM a", "read-only"),
        ("EXPLAIN ANALYZE INSERT INTO stock VALUES (1)", "read-only"),
        ("SELECT add()", "read-only"),
        ("SELECT open_up()", "invalid-statement"),
        ("SELECT n INTO other FROM stock", "read-only"),
        ("SELECT set_config('transaction_read_only', 'off', false)", "invalid-statement"),
        ("SELECT n FROM stock FOR UPDATE", "read-only"),
    ] {
        assert_eq!(code(connection.query(sql, Vec::new()).await), wanted, "{sql}");
        let mut transaction = connection.begin(Begin::default()).await.unwrap();
        assert_eq!(code(transaction.query(sql, Vec::new()).await), wanted, "{sql}");
    }
    // This one is done, and of no use.
    let switched = "SELECT set_config('default_transaction_read_only', 'off', false)";
    connection.query(switched, Vec::new()).await.unwrap();
    assert_eq!(code(connection.query("SELECT add()", Vec::new()).await), "read-only");
    let mut transaction = connection.begin(Begin::default()).await.unwrap();
    transaction.query(switched, Vec::new()).await.unwrap();
    assert_eq!(code(transaction.query("SELECT add()", Vec::new()).await), "read-only");
    let mut transaction = connection.begin(Begin::default()).await.unwrap();
    transaction.query(switched, Vec::new()).await.unwrap();
    transaction.commit().await.unwrap();
    assert_eq!(code(connection.query("SELECT add()", Vec::new()).await), "read-only");
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
    for (sql, wanted) in [
        ("SET SESSION TRANSACTION READ WRITE", "invalid-statement"),
        ("SET @@session.tx_read_only = 0", "read-only"),
        ("/*! SET SESSION tx_read_only = 0 */", "invalid-statement"),
        ("/*M!100100 INSERT INTO stock VALUES (1) */", "invalid-statement"),
        ("/* /* */ INSERT INTO stock VALUES (1)", "read-only"),
        ("SET STATEMENT max_statement_time = 1 FOR INSERT INTO stock VALUES (1)", "invalid-statement"),
        ("START TRANSACTION READ WRITE", "invalid-statement"),
        ("BEGIN NOT ATOMIC INSERT INTO stock VALUES (1); END", "invalid-statement"),
        ("CALL open_up()", "read-only"),
        ("EXECUTE IMMEDIATE 'INSERT INTO stock VALUES (1)'", "invalid-statement"),
        ("DO add_one()", "read-only"),
        ("SELECT add_one()", "read-only"),
        ("SELECT n FROM stock FOR UPDATE", "read-only"),
        ("ANALYZE INSERT INTO stock VALUES (1)", "read-only"),
        ("TRUNCATE stock", "read-only"),
    ] {
        assert_eq!(code(connection.query(sql, Vec::new()).await), wanted, "{sql}");
        let mut transaction = connection.begin(Begin::default()).await.unwrap();
        assert_eq!(code(transaction.query(sql, Vec::new()).await), wanted, "{sql}");
    }
    assert_eq!(integer(&admin, "SELECT count(*) FROM stock").await, 0);
}

#[tokio::test]
async fn sqlite_is_not_talked_into_writing() {
    let place = Place::new(Engine::Sqlite);
    let connection = prepared(&place).await;
    for (sql, wanted) in [
        ("PRAGMA query_only = 0", "denied"),
        ("PRAGMA writable_schema = 1", "denied"),
        ("PRAGMA user_version = 7", "denied"),
        ("PRAGMA journal_mode = DELETE", "denied"),
        ("ATTACH ':memory:' AS other", "invalid-statement"),
        ("WITH a AS (SELECT 1) INSERT INTO stock SELECT * FROM a", "read-only"),
        ("VACUUM INTO '/tmp/stolen.db'", "invalid-statement"),
        ("EXPLAIN ATTACH ':memory:' AS other", "denied"),
        ("EXPLAIN BEGIN", "denied"),
    ] {
        assert_eq!(code(connection.query(sql, Vec::new()).await), wanted, "{sql}");
    }
    assert_eq!(integer(&connection, "SELECT count(*) FROM stock").await, 1);
    assert!(!rows(&connection, "PRAGMA table_info(stock)").await.is_empty());
}
