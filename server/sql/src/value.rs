//! What goes to a database and what comes from one.

pub use busbar_model::sql::{Begin, Column, Isolation, Kind, Row, Rows, Value};

use crate::bounds::{ROW_BYTES, VALUE_BYTES};

/// What a value takes in memory, about.
fn value_bytes(value: &Value) -> u64 {
    let own = match value {
        Value::Null | Value::Boolean(_) | Value::Integer(_) | Value::Float(_) => 0,
        Value::Bytes(bytes) => bytes.len(),
        Value::Decimal(text)
        | Value::Text(text)
        | Value::Date(text)
        | Value::Time(text)
        | Value::Timestamp(text)
        | Value::Uuid(text)
        | Value::Json(text) => text.len(),
    };
    VALUE_BYTES + own as u64
}

pub(crate) fn row_bytes(row: &[Value]) -> u64 {
    ROW_BYTES + row.iter().map(value_bytes).sum::<u64>()
}
