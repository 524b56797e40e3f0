//! What goes to a database and what comes from one.

pub use busbar_model::sql::{Begin, Column, Isolation, Kind, RowSet, Rows, Value};

use crate::bounds::{ROW_BYTES, VALUE_BYTES};

/// What a row takes in memory, about.
pub(crate) fn row_bytes(row: &[Value]) -> u64 {
    ROW_BYTES + row.iter().map(|value| VALUE_BYTES + value.length()).sum::<u64>()
}
