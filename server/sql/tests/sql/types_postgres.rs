//! Every type of PostgreSQL: as a result, and as a parameter.

use busbar_model::connection::sql::Engine;
use busbar_sql::{Connection, Kind, Value};

use crate::stage::{Place, code, run, text};

fn json(text: &str) -> Value {
    Value::Json(text.to_owned())
}

fn decimal(text: &str) -> Value {
    Value::Decimal(text.to_owned())
}

async fn value(connection: &Connection, expression: &str) -> (Kind, Value) {
    let found = connection.query(&format!("SELECT {expression}"), Vec::new()).await;
    let found = found.unwrap_or_else(|error| panic!("{expression}: {error}"));
    (found.columns[0].kind, found.rows[0][0].clone())
}

#[tokio::test]
async fn results() {
    let place = Place::new(Engine::Postgres);
    let connection = place.connection();
    run(&connection, "CREATE TYPE mood AS ENUM ('glad', 'sad')").await;
    run(&connection, "CREATE DOMAIN amount AS numeric(10, 2) CHECK (VALUE >= 0)").await;
    let timestamp = |text: &str| Value::Timestamp(text.to_owned());
    for (expression, kind, expected) in [
        ("true", Kind::Boolean, Value::Boolean(true)),
        ("(-32768)::int2", Kind::Integer, Value::Integer(-32_768)),
        ("2147483647::int4", Kind::Integer, Value::Integer(2_147_483_647)),
        ("(-9223372036854775808)::int8", Kind::Integer, Value::Integer(i64::MIN)),
        ("42::oid", Kind::Integer, Value::Integer(42)),
        ("0.1::float4", Kind::Float, Value::Float(0.1)),
        ("1e300::float8", Kind::Float, Value::Float(1e300)),
        ("'-Infinity'::float8", Kind::Float, Value::Float(f64::NEG_INFINITY)),
        ("-12345.6700::numeric", Kind::Decimal, decimal("-12345.6700")),
        ("0.00001::numeric", Kind::Decimal, decimal("0.00001")),
        ("1e20::numeric", Kind::Decimal, decimal("100000000000000000000")),
        ("'NaN'::numeric", Kind::Decimal, decimal("NaN")),
        ("0::numeric(10,3)", Kind::Decimal, decimal("0.000")),
        ("'ä'::text", Kind::Text, text("ä")),
        ("'a'::char(3)", Kind::Text, text("a  ")),
        ("'a'::varchar", Kind::Text, text("a")),
        ("'a'::name", Kind::Text, text("a")),
        ("'a'::\"char\"", Kind::Text, text("a")),
        ("'a'", Kind::Text, text("a")),
        ("'<a/>'::xml", Kind::Text, text("<a/>")),
        ("'\\x00ff'::bytea", Kind::Bytes, Value::Bytes(vec![0, 255])),
        ("'2026-11-30'::date", Kind::Date, Value::Date("2026-11-30".to_owned())),
        ("'infinity'::date", Kind::Date, Value::Date("infinity".to_owned())),
        ("'0044-03-15 BC'::date", Kind::Date, Value::Date("-000043-03-15".to_owned())),
        ("'23:59:59.5'::time", Kind::Time, Value::Time("23:59:59.5".to_owned())),
        ("'23:59:59+02'::timetz", Kind::Time, Value::Time("23:59:59+02:00".to_owned())),
        ("'2026-11-30 10:00'::timestamp", Kind::Timestamp, timestamp("2026-11-30T10:00:00")),
        ("'2026-11-30 10:00+02'::timestamptz", Kind::Timestamp, timestamp("2026-11-30T08:00:00Z")),
        ("'1 year 2 days 3.5 s'::interval", Kind::Text, text("P1Y2DT3.5S")),
        (
            "'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'::uuid",
            Kind::Uuid,
            Value::Uuid("a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11".to_owned()),
        ),
        ("'{\"a\": 1}'::json", Kind::Json, json("{\"a\": 1}")),
        ("'{\"a\":1}'::jsonb", Kind::Json, json("{\"a\": 1}")),
        ("'10.0.0.1'::inet", Kind::Text, text("10.0.0.1")),
        ("'10.0.0.0/8'::cidr", Kind::Text, text("10.0.0.0/8")),
        ("'08:00:2b:01:02:03'::macaddr", Kind::Text, text("08:00:2b:01:02:03")),
        ("'glad'::mood", Kind::Text, text("glad")),
        ("5::amount", Kind::Decimal, decimal("5.00")),
        ("NULL::int4", Kind::Integer, Value::Null),
        ("pg_sleep(0)", Kind::Null, Value::Null),
        ("ARRAY[1, NULL, 3]", Kind::Json, json("[1,null,3]")),
        ("ARRAY[['a', 'b'], ['c', '\"']]", Kind::Json, json("[[\"a\",\"b\"],[\"c\",\"\\\"\"]]")),
        ("ARRAY[1.50, 2]", Kind::Json, json("[\"1.50\",\"2\"]")),
        ("'{}'::text[]", Kind::Json, json("[]")),
        ("ARRAY['glad']::mood[]", Kind::Json, json("[\"glad\"]")),
        ("ARRAY['{\"a\": 1}']::jsonb[]", Kind::Json, json("[{\"a\": 1}]")),
    ] {
        assert_eq!(value(&connection, expression).await, (kind, expected), "{expression}");
    }
}

#[tokio::test]
async fn types_that_nothing_reads_are_said_to_be() {
    let place = Place::new(Engine::Postgres);
    let connection = place.connection();
    run(&connection, "CREATE TYPE pair AS (a int, b int)").await;
    for expression in
        ["point(1, 2)", "'[1,2)'::int4range", "12::money", "ROW(1, 2)::pair", "B'101'", "to_tsvector('a')"]
    {
        let error = connection.query(&format!("SELECT {expression} AS odd"), Vec::new()).await.unwrap_err();
        assert_eq!(error.kind.code(), "unsupported-type", "{expression}: {error}");
        assert!(error.to_string().starts_with("column \"odd\" is of the type "), "{error}");
        let found = connection.query(&format!("SELECT ({expression})::text"), Vec::new()).await.unwrap();
        assert_eq!(found.columns[0].kind, Kind::Text);
    }
}

#[tokio::test]
async fn parameters() {
    let place = Place::new(Engine::Postgres);
    let connection = place.connection();
    run(&connection, "CREATE TYPE mood AS ENUM ('glad', 'sad')").await;
    run(&connection, "CREATE DOMAIN amount AS numeric(10, 2) CHECK (VALUE >= 0)").await;
    for (r#type, given, shown) in [
        ("bool", Value::Boolean(true), "true"),
        ("int2", Value::Integer(7), "7"),
        ("int4", Value::Integer(-7), "-7"),
        ("int8", Value::Integer(i64::MAX), "9223372036854775807"),
        ("int4", decimal("12"), "12"),
        ("numeric", Value::Integer(5), "5"),
        ("numeric", decimal("-0.0100"), "-0.0100"),
        ("numeric", Value::Float(0.1), "0.1"),
        ("amount", decimal("3.5"), "3.50"),
        ("float8", Value::Float(0.1), "0.1"),
        ("float8", Value::Float(f64::INFINITY), "Infinity"),
        ("float8", Value::Float(f64::NAN), "NaN"),
        ("float4", Value::Integer(3), "3"),
        ("text", text("a'b\\c"), "a'b\\c"),
        ("varchar", text("x"), "x"),
        ("bytea", Value::Bytes(vec![0, 255]), "\\x00ff"),
        ("date", Value::Date("2026-11-30".to_owned()), "2026-11-30"),
        ("date", text("2026-11-30"), "2026-11-30"),
        ("time", Value::Time("10:00:00.25".to_owned()), "10:00:00.25"),
        ("timestamp", Value::Timestamp("2026-11-30T10:00:00".to_owned()), "2026-11-30 10:00:00"),
        ("timestamptz", Value::Timestamp("2026-11-30T10:00:00+02:00".to_owned()), "2026-11-30 08:00:00+00"),
        ("interval", text("P1DT2H"), "1 day 02:00:00"),
        ("uuid", text("a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"), "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"),
        ("json", json("{\"a\": [1]}"), "{\"a\": [1]}"),
        ("jsonb", text("[1,2]"), "[1, 2]"),
        ("mood", text("sad"), "sad"),
        ("inet", text("::1"), "::1/128"),
        ("int4[]", text("{1,2}"), "{1,2}"),
    ] {
        let sql = format!("SELECT ($1::{type})::text");
        let found = connection.query(&sql, vec![given.clone()]).await;
        let found = found.unwrap_or_else(|error| panic!("{type} {given:?}: {error}"));
        assert_eq!(found.rows, [[text(shown)]], "{type} {given:?}");
        assert_eq!(connection.query(&sql, vec![Value::Null]).await.unwrap().rows, [[Value::Null]]);
    }
}

#[tokio::test]
async fn parameters_that_do_not_fit() {
    let place = Place::new(Engine::Postgres);
    let connection = place.connection();
    run(&connection, "CREATE TYPE mood AS ENUM ('glad', 'sad')").await;
    for (r#type, given) in [
        ("int2", Value::Integer(32_768)),
        ("int4", text("7")),
        ("bool", Value::Integer(1)),
        ("text", Value::Integer(1)),
        ("text", Value::Bytes(vec![1])),
        ("text", text("a\0b")),
        ("bytea", text("x")),
        ("uuid", text("x")),
        ("date", text("tomorrow")),
        ("jsonb", text("{hunter2")),
        ("numeric", decimal("1e")),
        ("mood", text("hunter2")),
        ("inet", text("hunter2")),
    ] {
        let sql = format!("SELECT $1::int8, $2::{type}");
        let error = connection.query(&sql, vec![Value::Integer(1), given]).await.unwrap_err();
        assert_eq!(error.kind.code(), "invalid-parameter", "{type}: {error}");
        assert!(error.to_string().starts_with("parameter 2 "), "{type}: {error}");
        assert!(!error.to_string().contains("hunter2") && !error.maybe_processed, "{error}");
    }
    let error = connection.query("SELECT $1::int2", vec![Value::Integer(70_000)]).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "parameter 1 is integer; the statement wants int2 (integer from -32768 to 32767)"
    );
    assert_eq!(
        code(connection.query("SELECT 1 / $1::int4", vec![Value::Integer(0)]).await),
        "invalid-parameter"
    );
}

#[tokio::test]
async fn constraints_have_names() {
    let place = Place::new(Engine::Postgres);
    let connection = place.connection();
    run(&connection, "CREATE TABLE a (n integer CONSTRAINT positive CHECK (n > 0))").await;
    let error = connection.execute("INSERT INTO a VALUES ($1)", vec![Value::Integer(-77)]).await.unwrap_err();
    let busbar_sql::ErrorKind::Constraint { name, text } = error.kind else { panic!("{error:?}") };
    assert_eq!((name.as_deref(), error.sqlstate.as_deref()), (Some("positive"), Some("23514")));
    assert!(!text.contains("77"), "{text}");
}
