//! The crossing of SQL values between host and guest.

use busbar_model::sql as model;

use crate::bindings::busbar::bus::sql::{Column, Rows, Value};

pub(super) fn columns(columns: Vec<model::Column>) -> Vec<Column> {
    columns
        .into_iter()
        .map(|model::Column { name, kind }| Column { name, kind: kind.as_str().to_owned() })
        .collect()
}

pub(super) fn rows(rows: model::Rows) -> Rows {
    Rows { columns: columns(rows.columns), rows: rows_of(rows.rows) }
}

pub(super) fn rows_of(rows: model::RowSet) -> Vec<Vec<Value>> {
    rows.into_rows(value_in)
}

pub(super) fn parameters(values: Vec<Value>) -> Vec<model::Value> {
    values.into_iter().map(value_out).collect()
}

/// About what rows take in a guest's memory.
pub(super) fn bytes(rows: &model::RowSet) -> u64 {
    rows.values().iter().map(|value| value.length() + CELL_BYTES).sum()
}

/// A value without what it points to, in the component model's layout for 32 bits.
const CELL_BYTES: u64 = 16;

fn value_in(value: model::Value) -> Value {
    match value {
        model::Value::Null => Value::Null,
        model::Value::Boolean(value) => Value::Boolean(value),
        model::Value::Integer(value) => Value::Integer(value),
        model::Value::Float(value) => Value::Float(value),
        model::Value::Decimal(text) => Value::Decimal(text),
        model::Value::Text(text) => Value::Text(text),
        model::Value::Bytes(bytes) => Value::Bytes(bytes),
        model::Value::Date(text) => Value::Date(text),
        model::Value::Time(text) => Value::Time(text),
        model::Value::Timestamp(text) => Value::Timestamp(text),
        model::Value::Uuid(text) => Value::Uuid(text),
        model::Value::Json(text) => Value::Json(text),
    }
}

fn value_out(value: Value) -> model::Value {
    match value {
        Value::Null => model::Value::Null,
        Value::Boolean(value) => model::Value::Boolean(value),
        Value::Integer(value) => model::Value::Integer(value),
        Value::Float(value) => model::Value::Float(value),
        Value::Decimal(text) => model::Value::Decimal(text),
        Value::Text(text) => model::Value::Text(text),
        Value::Bytes(bytes) => model::Value::Bytes(bytes),
        Value::Date(text) => model::Value::Date(text),
        Value::Time(text) => model::Value::Time(text),
        Value::Timestamp(text) => model::Value::Timestamp(text),
        Value::Uuid(text) => model::Value::Uuid(text),
        Value::Json(text) => model::Value::Json(text),
    }
}
