//! Statements that are done together.

use busbar_model::connection::sql::Engine;
use busbar_sql::{Begin, Isolation, Settings, Transaction, Value};

use crate::stage::{Place, code, connect, integer, run};

async fn add(transaction: &mut Transaction, n: i64) -> u64 {
    transaction.execute(&format!("INSERT INTO stock VALUES ({n}, 0)"), Vec::new()).await.unwrap()
}

#[tokio::test]
async fn all_is_done_or_nothing() {
    for engine in Engine::ALL {
        let place = Place::new(engine);
        let connection = place.connection();
        run(&connection, "CREATE TABLE stock (n INTEGER PRIMARY KEY, amount INTEGER)").await;
        let mut transaction = connection.begin(Begin::default()).await.unwrap();
        assert_eq!(add(&mut transaction, 1).await, 1);
        let seen = transaction.query("SELECT count(*) FROM stock", Vec::new()).await.unwrap();
        assert_eq!(seen.rows, [[Value::Integer(1)]]);
        transaction.rollback().await.unwrap();
        assert_eq!(integer(&connection, "SELECT count(*) FROM stock").await, 0);
        let mut transaction = connection.begin(Begin::default()).await.unwrap();
        add(&mut transaction, 1).await;
        add(&mut transaction, 2).await;
        transaction.commit().await.unwrap();
        assert_eq!(integer(&connection, "SELECT count(*) FROM stock").await, 2);
        let matched = connection.execute("UPDATE stock SET amount = 0", Vec::new()).await.unwrap();
        assert_eq!(matched, 2, "{engine:?}: rows that are found count, whether or not they change");
    }
}

#[tokio::test]
async fn a_transaction_whose_statement_failed_is_not_committed_by_postgres() {
    let place = Place::new(Engine::Postgres);
    let connection = place.connection();
    run(&connection, "CREATE TABLE stock (n INTEGER PRIMARY KEY, amount INTEGER)").await;
    let mut transaction = connection.begin(Begin::default()).await.unwrap();
    add(&mut transaction, 1).await;
    let again = transaction.execute("INSERT INTO stock VALUES (1, 0)", Vec::new()).await;
    assert_eq!(code(again), "constraint");
    let error = transaction.commit().await.unwrap_err();
    assert!(error.to_string().contains("rolled back") && !error.maybe_processed, "{error}");
    assert_eq!(integer(&connection, "SELECT count(*) FROM stock").await, 0);
}

/// Of rows that come after the last one that is read PostgreSQL says nothing by itself.
#[tokio::test]
async fn a_transaction_that_failed_behind_a_bound_is_not_committed() {
    let place = Place::new(Engine::Postgres);
    let connection = connect(&Settings { rows_max: 10, bytes_max: 10_000, ..place.settings() });
    run(&connection, "CREATE TABLE stock (n INTEGER PRIMARY KEY, amount INTEGER)").await;
    for (sql, wanted) in [
        ("SELECT 1 / (50 - i) FROM generate_series(1, 50) AS i", "too-many-rows"),
        ("SELECT repeat('x', 4000), 1 / (9 - i) FROM generate_series(1, 9) AS i", "too-large"),
        ("SELECT point(i, i), 1 / (5 - i) FROM generate_series(1, 5) AS i", "unsupported-type"),
    ] {
        let mut transaction = connection.begin(Begin::default()).await.unwrap();
        add(&mut transaction, 1).await;
        assert_eq!(code(transaction.query(sql, Vec::new()).await), wanted);
        let error = transaction.commit().await.unwrap_err();
        assert!(error.to_string().contains("rolled back") && !error.maybe_processed, "{sql}: {error}");
        assert_eq!(integer(&connection, "SELECT count(*) FROM stock").await, 0, "{sql}");
    }
    // One that went well behind it is.
    let mut transaction = connection.begin(Begin::default()).await.unwrap();
    add(&mut transaction, 1).await;
    let long = transaction.query("SELECT i FROM generate_series(1, 50) AS i", Vec::new()).await;
    assert_eq!(code(long), "too-many-rows");
    transaction.commit().await.unwrap();
    assert_eq!(integer(&connection, "SELECT count(*) FROM stock").await, 1);
}

#[tokio::test]
async fn what_only_reads_can_not_write() {
    for engine in [Engine::Postgres, Engine::Mysql] {
        let place = Place::new(engine);
        let connection = place.connection();
        run(&connection, "CREATE TABLE stock (n INTEGER PRIMARY KEY, amount INTEGER)").await;
        let begin = Begin { read_only: true, isolation: Some(Isolation::RepeatableRead) };
        let mut transaction = connection.begin(begin).await.unwrap();
        let written = transaction.execute("INSERT INTO stock VALUES (1, 0)", Vec::new()).await;
        assert_eq!(code(written), "read-only", "{engine:?}");
    }
}

#[tokio::test]
async fn transactions_do_not_begin_and_end_by_statements() {
    for engine in Engine::ALL {
        let place = Place::new(engine);
        let connection = place.connection();
        let mut transaction = connection.begin(Begin::default()).await.unwrap();
        for sql in [
            "BEGIN",
            "COMMIT",
            "ROLLBACK",
            "/**/ start transaction",
            "SAVEPOINT a",
            "-- x\nEND",
            "SET TRANSACTION READ ONLY",
            "PREPARE TRANSACTION 'a'",
            "XA START 'a'",
        ] {
            for outcome in
                [connection.execute(sql, Vec::new()).await, transaction.execute(sql, Vec::new()).await]
            {
                let error = outcome.unwrap_err();
                assert_eq!(error.kind.code(), "invalid-statement", "{engine:?} {sql}");
                assert!(error.to_string().contains("transactions begin and end by calls"), "{error}");
            }
        }
        transaction.commit().await.unwrap();
    }
}

#[tokio::test]
async fn a_hidden_statement_does_not_end_a_transaction() {
    for engine in Engine::ALL {
        let place = Place::new(engine);
        let connection = place.connection();
        run(&connection, "CREATE TABLE stock (n INTEGER PRIMARY KEY, amount INTEGER)").await;
        for hidden in
            ["/* /* */ COMMIT", "/* /* */ a */ COMMIT", "/*! COMMIT */", "-- a\rCOMMIT -- b\nSELECT 1"]
        {
            let mut transaction = connection.begin(Begin::default()).await.unwrap();
            add(&mut transaction, 1).await;
            let _ = transaction.execute(hidden, Vec::new()).await;
            transaction.rollback().await.unwrap();
            assert_eq!(integer(&connection, "SELECT count(*) FROM stock").await, 0, "{engine:?} {hidden:?}");
        }
        // Outside of one it would lock out others.
        let _ = connection.execute("/* /* */ BEGIN", Vec::new()).await;
        let _ = connection.execute("/* /* */ BEGIN IMMEDIATE", Vec::new()).await;
        run(&place.connection(), "INSERT INTO stock VALUES (1, 0)").await;
    }
}

#[tokio::test]
async fn of_two_that_wait_for_each_other_one_is_told_of_the_conflict() {
    for engine in [Engine::Postgres, Engine::Mysql] {
        let place = Place::new(engine);
        let connection = place.connection();
        run(&connection, "CREATE TABLE stock (n INTEGER PRIMARY KEY, amount INTEGER)").await;
        run(&connection, "INSERT INTO stock VALUES (1, 0), (2, 0)").await;
        let mut one = connection.begin(Begin::default()).await.unwrap();
        let mut two = connection.begin(Begin::default()).await.unwrap();
        let update = |n: u32| format!("UPDATE stock SET amount = amount + 1 WHERE n = {n}");
        one.execute(&update(1), Vec::new()).await.unwrap();
        two.execute(&update(2), Vec::new()).await.unwrap();
        let (second, first) = (update(2), update(1));
        let (of_one, of_two) =
            tokio::join!(one.execute(&second, Vec::new()), two.execute(&first, Vec::new()));
        let (lost, is_one) = match (of_one, of_two) {
            (Err(error), Ok(_)) => (error, true),
            (Ok(_), Err(error)) => (error, false),
            both => panic!("{engine:?}: {both:?}"),
        };
        assert_eq!((lost.kind.code(), lost.maybe_processed), ("conflict", false));
        assert_eq!(
            lost.sqlstate.as_deref(),
            Some(if engine == Engine::Postgres { "40P01" } else { "40001" })
        );
        let (mut loser, winner) = if is_one { (one, two) } else { (two, one) };
        // Nothing of the loser is done on its own.
        assert_ne!(code(loser.execute(&update(1), Vec::new()).await), "no error", "{engine:?}");
        winner.commit().await.unwrap();
        let sum = rows_sum(&connection).await;
        assert_eq!(sum, 2, "{engine:?}");
    }
}

async fn rows_sum(connection: &busbar_sql::Connection) -> i64 {
    integer(
        connection,
        "SELECT (SELECT amount FROM stock WHERE n = 1) + (SELECT amount FROM stock WHERE n = 2)",
    )
    .await
}

#[tokio::test]
async fn mariadb_ends_a_transaction_with_a_change_of_tables_and_it_is_said() {
    let place = Place::new(Engine::Mysql);
    let connection = place.connection();
    run(&connection, "CREATE TABLE stock (n INTEGER PRIMARY KEY, amount INTEGER)").await;
    let mut transaction = connection.begin(Begin::default()).await.unwrap();
    add(&mut transaction, 1).await;
    transaction.execute("CREATE TABLE other (n INTEGER)", Vec::new()).await.unwrap();
    let error = transaction.execute("INSERT INTO stock VALUES (2, 0)", Vec::new()).await.unwrap_err();
    assert!(error.to_string().contains("the transaction is over"), "{error}");
    assert!(transaction.commit().await.is_err());
}
