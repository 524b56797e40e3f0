//! A parameter is a value, whatever stands in it; a text is one statement.

use busbar_model::connection::sql::Engine;
use busbar_sql::Value;

use crate::stage::{Place, code, integer, marked, run, text};

const HOSTILE: [&str; 8] = [
    "x'; DROP TABLE stock; --",
    "x' OR '1'='1",
    "\\'; DROP TABLE stock; --",
    "$1",
    "?",
    "$$; DROP TABLE stock; $$",
    "/* */ UNION SELECT 1",
    "\u{2019}; DROP TABLE stock",
];

#[tokio::test]
async fn parameters_are_values() {
    for engine in Engine::ALL {
        let place = Place::new(engine);
        let connection = place.connection();
        run(&connection, "CREATE TABLE stock (sku VARCHAR(200) PRIMARY KEY, n INTEGER)").await;
        let insert = marked(engine, "INSERT INTO stock (sku, n) VALUES (?, ?)");
        let select = marked(engine, "SELECT sku FROM stock WHERE sku = ?");
        for (number, hostile) in (1..).zip(HOSTILE) {
            assert_eq!(
                connection.execute(&insert, vec![text(hostile), Value::Integer(number)]).await.unwrap(),
                1
            );
            let found = connection.query(&select, vec![text(hostile)]).await.unwrap();
            assert_eq!(found.rows, [[text(hostile)]], "{engine:?}");
        }
        assert_eq!(integer(&connection, "SELECT count(*) FROM stock").await, 8);
        let all = connection.query(&select, vec![text("nothing' OR 'a'='a")]).await.unwrap();
        assert!(all.rows.is_empty());
    }
}

#[tokio::test]
async fn several_statements_in_one_text_are_refused() {
    for engine in Engine::ALL {
        let place = Place::new(engine);
        let connection = place.connection();
        run(&connection, "CREATE TABLE stock (n INTEGER)").await;
        for sql in [
            "SELECT 1; DROP TABLE stock",
            "SELECT 1; SELECT 2",
            "INSERT INTO stock VALUES (1); DELETE FROM stock",
        ] {
            assert_eq!(
                code(connection.query(sql, Vec::new()).await),
                "invalid-statement",
                "{engine:?} {sql}"
            );
            assert_eq!(code(connection.open(sql, Vec::new()).await), "invalid-statement", "{engine:?} {sql}");
        }
        assert_eq!(integer(&connection, "SELECT count(*) FROM stock").await, 0);
    }
}

#[tokio::test]
async fn the_number_of_parameters_has_to_fit() {
    for engine in Engine::ALL {
        let place = Place::new(engine);
        let connection = place.connection();
        let sql = marked(engine, "SELECT 1 WHERE 1 = ?");
        for params in [Vec::new(), vec![Value::Integer(1), Value::Integer(2)]] {
            let error = connection.query(&sql, params).await.unwrap_err();
            assert!(error.to_string().contains("it has 1 parameters, and "), "{error}");
        }
    }
}

#[tokio::test]
async fn errors_do_not_tell_values() {
    for engine in Engine::ALL {
        let place = Place::new(engine);
        let connection = place.connection();
        run(&connection, "CREATE TABLE people (id INTEGER PRIMARY KEY, email VARCHAR(40) UNIQUE)").await;
        let insert = marked(engine, "INSERT INTO people VALUES (?, ?)");
        let secret = || text("hunter2@example.com");
        connection.execute(&insert, vec![Value::Integer(1), secret()]).await.unwrap();
        let error = connection.execute(&insert, vec![Value::Integer(2), secret()]).await.unwrap_err();
        assert_eq!(error.kind.code(), "constraint", "{error}");
        assert!(!format!("{error:?}{error}").contains("hunter2"), "{error:?}");
        assert!(error.to_string().contains("email"), "{error}");
        let long = text(&"hunter2".repeat(20));
        if engine != Engine::Sqlite {
            let error = connection.execute(&insert, vec![Value::Integer(3), long]).await.unwrap_err();
            assert_eq!(error.kind.code(), "invalid-parameter", "{error}");
            assert!(!format!("{error:?}{error}").contains("hunter2"), "{error:?}");
        }
        let wrong = marked(engine, "INSERT INTO people (id) VALUES (?)");
        let error = connection.execute(&wrong, vec![text("hunter2")]).await.unwrap_err();
        assert!(!format!("{error:?}{error}").contains("hunter2"), "{error:?}");
    }
}
