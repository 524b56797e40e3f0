//! Values of SQLite, which each have a type of their own; what a column was declared as says how one is meant.

use rusqlite::{
    Row, Statement,
    types::{ToSqlOutput, Value as Owned, ValueRef},
};

use crate::{
    calendar,
    value::{Column, Kind, Value},
};

pub(super) fn parameter(value: &Value) -> ToSqlOutput<'_> {
    match value {
        Value::Null => ToSqlOutput::Owned(Owned::Null),
        Value::Boolean(is) => ToSqlOutput::Owned(Owned::Integer((*is).into())),
        Value::Integer(number) => ToSqlOutput::Owned(Owned::Integer(*number)),
        Value::Float(number) => ToSqlOutput::Owned(Owned::Real(*number)),
        Value::Bytes(bytes) => ToSqlOutput::Borrowed(ValueRef::Blob(bytes)),
        Value::Decimal(text)
        | Value::Text(text)
        | Value::Date(text)
        | Value::Time(text)
        | Value::Timestamp(text)
        | Value::Uuid(text)
        | Value::Json(text) => ToSqlOutput::Borrowed(ValueRef::Text(text.as_bytes())),
    }
}

pub(super) fn columns(statement: &Statement<'_>) -> Vec<Column> {
    let told = statement.columns();
    let columns = told
        .iter()
        .map(|told| Column { name: told.name().to_owned(), kind: told.decl_type().map_or(Kind::Any, kind) });
    columns.collect()
}

pub(super) fn declared(statement: &Statement<'_>) -> Vec<Kind> {
    columns(statement).into_iter().map(|column| column.kind).collect()
}

/// By the names that other databases have, and else by SQLite's own rules of affinity.
fn kind(declared: &str) -> Kind {
    let declared = declared.to_ascii_uppercase();
    let name = declared.split(['(', ' ']).next().unwrap_or_default();
    match name {
        "BOOLEAN" | "BOOL" => Kind::Boolean,
        "DATE" => Kind::Date,
        "TIME" => Kind::Time,
        "DATETIME" | "TIMESTAMP" => Kind::Timestamp,
        "DECIMAL" | "NUMERIC" => Kind::Decimal,
        "UUID" => Kind::Uuid,
        "JSON" | "JSONB" => Kind::Json,
        _ if declared.contains("INT") => Kind::Integer,
        _ if ["CHAR", "CLOB", "TEXT"].iter().any(|part| declared.contains(part)) => Kind::Text,
        _ if declared.contains("BLOB") => Kind::Bytes,
        _ if ["REAL", "FLOA", "DOUB"].iter().any(|part| declared.contains(part)) => Kind::Float,
        _ => Kind::Any,
    }
}

pub(super) fn row(row: &Row<'_>, declared: &[Kind]) -> impl Iterator<Item = Value> {
    let of =
        |(place, kind): (usize, &Kind)| row.get_ref(place).map_or(Value::Null, |found| value(found, *kind));
    declared.iter().enumerate().map(of)
}

/// What is not as it was declared is what it is.
fn value(found: ValueRef<'_>, declared: Kind) -> Value {
    match (found, declared) {
        (ValueRef::Null, _) => Value::Null,
        (ValueRef::Integer(number @ (0 | 1)), Kind::Boolean) => Value::Boolean(number == 1),
        (ValueRef::Integer(number), _) => Value::Integer(number),
        (ValueRef::Real(number), _) => Value::Float(number),
        (ValueRef::Blob(bytes), _) => Value::Bytes(bytes.to_vec()),
        (ValueRef::Text(bytes), declared) => match std::str::from_utf8(bytes) {
            Err(_) => Value::Bytes(bytes.to_vec()),
            Ok(text) => meant(text, declared),
        },
    }
}

fn meant(text: &str, declared: Kind) -> Value {
    let owned = || text.to_owned();
    match declared {
        Kind::Date if calendar::parse_date(text).is_some() => Value::Date(owned()),
        Kind::Time if calendar::parse_time(text).is_some() => Value::Time(owned()),
        Kind::Timestamp => match calendar::parse_timestamp(text) {
            Some(at) => {
                let zone = if at.has_zone { "Z" } else { "" };
                Value::Timestamp(format!("{}{zone}", calendar::timestamp(at.microseconds)))
            }
            None => Value::Text(owned()),
        },
        Kind::Decimal if text.parse::<f64>().is_ok() => Value::Decimal(owned()),
        Kind::Uuid => Value::Uuid(text.to_ascii_lowercase()),
        Kind::Json => Value::Json(owned()),
        _ => Value::Text(owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn declarations_say_how_a_value_is_meant() {
        let text = |text: &'static str| ValueRef::Text(text.as_bytes());
        assert_eq!(value(ValueRef::Integer(1), kind("BOOLEAN")), Value::Boolean(true));
        assert_eq!(value(ValueRef::Integer(2), kind("BOOLEAN")), Value::Integer(2));
        assert_eq!(value(text("2026-11-30"), kind("date")), Value::Date("2026-11-30".to_owned()));
        assert_eq!(value(text("soon"), kind("date")), Value::Text("soon".to_owned()));
        let at = value(text("2026-11-30 10:00:00"), kind("DATETIME"));
        assert_eq!(at, Value::Timestamp("2026-11-30T10:00:00".to_owned()));
        assert_eq!(kind("VARCHAR(20)"), Kind::Text);
        assert_eq!(kind("unsigned big int"), Kind::Integer);
    }
}
