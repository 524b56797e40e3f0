//! Every type of MariaDB: as a result, and as a parameter.

use busbar_model::connection::sql::Engine;
use busbar_sql::{Kind, Value};

use crate::stage::{Place, code, rows, run, text};

#[tokio::test]
async fn results() {
    let place = Place::new(Engine::Mysql);
    let connection = place.connection();
    let timestamp = |text: &str| Value::Timestamp(text.to_owned());
    for (r#type, literal, kind, expected) in [
        ("TINYINT", "-128", Kind::Integer, Value::Integer(-128)),
        ("BOOLEAN", "TRUE", Kind::Integer, Value::Integer(1)),
        ("SMALLINT UNSIGNED", "65535", Kind::Integer, Value::Integer(65_535)),
        ("MEDIUMINT", "-8388608", Kind::Integer, Value::Integer(-8_388_608)),
        ("INT", "2147483647", Kind::Integer, Value::Integer(2_147_483_647)),
        ("BIGINT", "-9223372036854775808", Kind::Integer, Value::Integer(i64::MIN)),
        ("BIGINT UNSIGNED", "7", Kind::Integer, Value::Integer(7)),
        (
            "BIGINT UNSIGNED",
            "18446744073709551615",
            Kind::Integer,
            Value::Decimal("18446744073709551615".to_owned()),
        ),
        ("YEAR", "2026", Kind::Integer, Value::Integer(2026)),
        ("BIT(12)", "b'101000000001'", Kind::Integer, Value::Integer(2561)),
        ("FLOAT", "0.1", Kind::Float, Value::Float(0.1)),
        ("DOUBLE", "1e300", Kind::Float, Value::Float(1e300)),
        ("DECIMAL(20, 4)", "-12.5", Kind::Decimal, Value::Decimal("-12.5000".to_owned())),
        ("CHAR(3)", "'a'", Kind::Text, text("a")),
        ("VARCHAR(10)", "'ä'", Kind::Text, text("ä")),
        ("TEXT", "'x'", Kind::Text, text("x")),
        ("VARCHAR(10) CHARACTER SET latin1", "'ä'", Kind::Text, text("ä")),
        ("BINARY(2)", "x'00ff'", Kind::Bytes, Value::Bytes(vec![0, 255])),
        ("BLOB", "x'00ff'", Kind::Bytes, Value::Bytes(vec![0, 255])),
        ("ENUM('glad', 'sad')", "'sad'", Kind::Text, text("sad")),
        ("SET('a', 'b')", "'a,b'", Kind::Text, text("a,b")),
        ("DATE", "'2026-11-30'", Kind::Date, Value::Date("2026-11-30".to_owned())),
        ("TIME(1)", "'-100:00:01.5'", Kind::Time, Value::Time("-100:00:01.5".to_owned())),
        ("DATETIME(3)", "'2026-11-30 10:00:00.25'", Kind::Timestamp, timestamp("2026-11-30T10:00:00.25")),
        ("TIMESTAMP", "'2026-11-30 10:00:00'", Kind::Timestamp, timestamp("2026-11-30T10:00:00Z")),
        (
            "UUID",
            "'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'",
            Kind::Text,
            text("a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"),
        ),
        ("INET6", "'::1'", Kind::Text, text("::1")),
        ("JSON", "'{\"a\": 1}'", Kind::Text, text("{\"a\": 1}")),
        ("INT", "NULL", Kind::Integer, Value::Null),
    ] {
        run(&connection, &format!("CREATE OR REPLACE TABLE kinds (v {type} NULL)")).await;
        run(&connection, &format!("INSERT INTO kinds VALUES ({literal})")).await;
        let found = connection.query("SELECT v FROM kinds", Vec::new()).await.unwrap();
        assert_eq!((found.columns[0].kind, &found.rows[0][0]), (kind, &expected), "{type} {literal}");
    }
    let found = rows(&connection, "SELECT ST_GeomFromText('POINT(1 2)')").await;
    assert!(matches!(found[0][0], Value::Bytes(_)), "{found:?}");
}

#[tokio::test]
async fn parameters() {
    let place = Place::new(Engine::Mysql);
    let connection = place.connection();
    for (r#type, given, shown) in [
        ("BOOLEAN", Value::Boolean(true), "1"),
        ("BIGINT", Value::Integer(i64::MIN), "-9223372036854775808"),
        ("BIGINT UNSIGNED", Value::Decimal("18446744073709551615".to_owned()), "18446744073709551615"),
        ("DOUBLE", Value::Float(0.1), "0.1"),
        ("DECIMAL(10, 2)", Value::Decimal("-3.50".to_owned()), "-3.50"),
        ("VARCHAR(20)", text("a'b\\c"), "a'b\\c"),
        ("BLOB", Value::Bytes(b"ab".to_vec()), "ab"),
        ("DATE", Value::Date("2026-11-30".to_owned()), "2026-11-30"),
        ("TIME", Value::Time("10:00:00".to_owned()), "10:00:00"),
        ("DATETIME", Value::Timestamp("2026-11-30T10:00:00".to_owned()), "2026-11-30 10:00:00"),
        ("TIMESTAMP(1)", Value::Timestamp("2026-11-30T10:00:00.5+02:00".to_owned()), "2026-11-30 08:00:00.5"),
        ("JSON", Value::Json("{\"a\": 1}".to_owned()), "{\"a\": 1}"),
    ] {
        run(&connection, &format!("CREATE OR REPLACE TABLE kinds (v {type} NULL)")).await;
        for value in [given.clone(), Value::Null] {
            assert_eq!(connection.execute("INSERT INTO kinds VALUES (?)", vec![value]).await.unwrap(), 1);
        }
        let found = rows(&connection, "SELECT CAST(v AS CHAR) FROM kinds").await;
        assert_eq!(found, [[text(shown)], [Value::Null]], "{type} {given:?}");
    }
}

#[tokio::test]
async fn parameters_that_do_not_fit() {
    let place = Place::new(Engine::Mysql);
    let connection = place.connection();
    run(&connection, "CREATE TABLE kinds (i TINYINT, t VARCHAR(3), d DATE)").await;
    let insert = "INSERT INTO kinds VALUES (?, ?, ?)";
    let day = || Value::Date("2026-11-30".to_owned());
    for params in [
        vec![Value::Integer(1_000), text("a"), day()],
        vec![text("hunter2"), text("a"), day()],
        vec![Value::Integer(1), text("hunter2"), day()],
        vec![Value::Integer(1), text("a"), text("hunter2")],
        vec![Value::Integer(1), text("a"), Value::Date("hunter2".to_owned())],
    ] {
        let error = connection.execute(insert, params.clone()).await.unwrap_err();
        assert_eq!(error.kind.code(), "invalid-parameter", "{params:?}: {error}");
        assert!(!error.to_string().contains("hunter2") && !error.maybe_processed, "{error}");
    }
    assert_eq!(
        code(connection.execute("LOAD DATA LOCAL INFILE '/etc/passwd' INTO TABLE kinds", Vec::new()).await),
        "invalid-statement"
    );
}
