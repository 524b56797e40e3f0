//! What SQL statements are called with, and what they give.

use std::{convert::Infallible, ops::Index};

use serde::{Deserialize, Serialize};

/// Dates and times are texts of ISO 8601: `2026-11-30`, `23:59:59.5`, `2026-11-30T23:59:59.5`, the last with `Z` or an
/// offset where the database knows the zone.
// By the word: else a boolean would stand right behind a tag of one byte, and each move of a value would be made of pieces
// that are stored one way and loaded another, for which processors wait.
#[repr(u64)]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "value", rename_all = "kebab-case")]
pub enum Value {
    Null,
    Boolean(bool),
    Integer(i64),
    Float(f64),
    /// Digits with sign and point, or `NaN`, `Infinity`, `-Infinity`.
    Decimal(String),
    Text(String),
    Bytes(Vec<u8>),
    Date(String),
    Time(String),
    Timestamp(String),
    /// In lower case, with its dashes.
    Uuid(String),
    Json(String),
}

/// What the values of a column are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    Null,
    Boolean,
    Integer,
    Float,
    Decimal,
    Text,
    Bytes,
    Date,
    Time,
    Timestamp,
    Uuid,
    Json,
    /// Each row has its own: SQLite.
    Any,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Column {
    pub name: String,
    pub kind: Kind,
}

/// A whole result.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rows {
    pub columns: Vec<Column>,
    pub rows: RowSet,
}

/// Rows of as many values each, one behind the other: it is mostly another thread that takes them apart, and to free on
/// one thread what another one allocated is slow.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RowSet {
    values: Vec<Value>,
    width: usize,
    count: usize,
}

impl RowSet {
    /// With room for so many rows of so many columns.
    pub fn with_capacity(width: usize, rows: usize) -> Self {
        Self { values: Vec::with_capacity(width.saturating_mul(rows)), width, count: 0 }
    }

    /// Adds the row that `fill` appends the values of, and returns it. Values that it leaves out are null, and what is more
    /// than a row is left out.
    pub fn add<E>(&mut self, fill: impl FnOnce(&mut Vec<Value>) -> Result<(), E>) -> Result<&[Value], E> {
        let begin = self.count * self.width;
        let filled = fill(&mut self.values);
        if filled.is_ok() {
            self.count += 1;
        }
        self.values.resize(self.count * self.width, Value::Null);
        filled.map(|()| &self.values[begin..])
    }

    /// The same of values that are there.
    pub fn push(&mut self, row: impl IntoIterator<Item = Value>) -> &[Value] {
        let Ok(row) = self.add(|values| {
            values.extend(row);
            Ok::<_, Infallible>(())
        });
        row
    }

    /// The last one.
    pub fn pop(&mut self) -> Option<Vec<Value>> {
        self.count = self.count.checked_sub(1)?;
        Some(self.values.split_off(self.count * self.width))
    }

    /// Takes so many out of it, the first ones, if there are as many.
    pub fn take_first(&mut self, rows: usize) -> Self {
        let count = rows.min(self.count);
        self.count -= count;
        let values = self.values.drain(..count * self.width).collect();
        Self { values, width: self.width, count }
    }

    pub fn len(&self) -> usize {
        self.count
    }

    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    pub fn values(&self) -> &[Value] {
        &self.values
    }

    /// Each made of the values of one.
    pub fn into_rows<T>(self, mut of: impl FnMut(Value) -> T) -> Vec<Vec<T>> {
        let Self { values, width, count } = self;
        let mut values = values.into_iter();
        (0..count).map(|_| values.by_ref().take(width).map(&mut of).collect()).collect()
    }
}

impl Index<usize> for RowSet {
    type Output = [Value];

    fn index(&self, row: usize) -> &[Value] {
        assert!(row < self.count, "there are {} rows", self.count);
        &self.values[row * self.width..(row + 1) * self.width]
    }
}

impl<const ROWS: usize, const WIDTH: usize> PartialEq<[[Value; WIDTH]; ROWS]> for RowSet {
    fn eq(&self, other: &[[Value; WIDTH]; ROWS]) -> bool {
        self.count == ROWS && (0..ROWS).all(|row| self[row] == other[row])
    }
}

impl Kind {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Boolean => "boolean",
            Self::Integer => "integer",
            Self::Float => "float",
            Self::Decimal => "decimal",
            Self::Text => "text",
            Self::Bytes => "bytes",
            Self::Date => "date",
            Self::Time => "time",
            Self::Timestamp => "timestamp",
            Self::Uuid => "uuid",
            Self::Json => "json",
            Self::Any => "any",
        }
    }
}

impl Value {
    /// Bytes of its text, or of what it is in bytes; of numbers none.
    pub fn length(&self) -> u64 {
        let length = match self {
            Self::Null | Self::Boolean(_) | Self::Integer(_) | Self::Float(_) => 0,
            Self::Bytes(bytes) => bytes.len(),
            Self::Decimal(text)
            | Self::Text(text)
            | Self::Date(text)
            | Self::Time(text)
            | Self::Timestamp(text)
            | Self::Uuid(text)
            | Self::Json(text) => text.len(),
        };
        length as u64
    }

    pub fn kind(&self) -> Kind {
        match self {
            Self::Null => Kind::Null,
            Self::Boolean(_) => Kind::Boolean,
            Self::Integer(_) => Kind::Integer,
            Self::Float(_) => Kind::Float,
            Self::Decimal(_) => Kind::Decimal,
            Self::Text(_) => Kind::Text,
            Self::Bytes(_) => Kind::Bytes,
            Self::Date(_) => Kind::Date,
            Self::Time(_) => Kind::Time,
            Self::Timestamp(_) => Kind::Timestamp,
            Self::Uuid(_) => Kind::Uuid,
            Self::Json(_) => Kind::Json,
        }
    }
}

/// How a transaction is begun.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Begin {
    pub read_only: bool,
    /// `None`: the database's own. SQLite's is serializable, whatever is asked for.
    pub isolation: Option<Isolation>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Isolation {
    ReadUncommitted,
    ReadCommitted,
    RepeatableRead,
    Serializable,
}

impl Isolation {
    pub fn as_sql(self) -> &'static str {
        match self {
            Self::ReadUncommitted => "READ UNCOMMITTED",
            Self::ReadCommitted => "READ COMMITTED",
            Self::RepeatableRead => "REPEATABLE READ",
            Self::Serializable => "SERIALIZABLE",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn added(rows: &mut RowSet, values: &[i64]) -> usize {
        rows.push(values.iter().copied().map(Value::Integer)).len()
    }

    #[test]
    fn rows_are_as_wide_as_each_other() {
        let mut rows = RowSet::with_capacity(2, 4);
        assert_eq!(added(&mut rows, &[1, 2]), 2);
        assert_eq!(added(&mut rows, &[3]), 2);
        assert_eq!(added(&mut rows, &[5, 6, 7]), 2);
        let of = Value::Integer;
        assert_eq!(rows, [[of(1), of(2)], [of(3), Value::Null], [of(5), of(6)]]);
        assert_eq!(rows.pop(), Some(vec![of(5), of(6)]));
        assert_eq!(rows.take_first(1), [[of(1), of(2)]]);
        assert_eq!(rows.into_rows(|value| value), [[of(3), Value::Null]]);
    }

    #[test]
    fn a_row_that_fails_leaves_nothing() {
        let mut rows = RowSet::with_capacity(2, 4);
        added(&mut rows, &[1, 2]);
        let failed = rows.add(|row| {
            row.push(Value::Null);
            Err("no")
        });
        assert_eq!(failed, Err("no"));
        assert_eq!((rows.len(), rows.values().len()), (1, 2));
    }

    #[test]
    fn rows_without_columns_are_counted() {
        let mut rows = RowSet::default();
        assert_eq!(added(&mut rows, &[]), 0);
        added(&mut rows, &[]);
        assert_eq!((rows.len(), rows.is_empty(), rows[1].len()), (2, false, 0));
        assert_eq!(rows.clone().into_rows(|value| value), [[], []]);
        assert_eq!(rows.take_first(5).len(), 2);
        assert!(rows.is_empty() && rows.pop().is_none());
    }
}
