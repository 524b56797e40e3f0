//! Rows, and how types are read from them.

use std::rc::Rc;

use serde::de::DeserializeOwned;

use super::read::{OfRow, OfValue};
use super::value::Value;
use crate::Fault;
use crate::host::sql as bus;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    pub name: String,
    /// What its values are: `integer`, `text` and so on; `any` where each row has its own (SQLite).
    pub kind: String,
}

impl Column {
    pub(super) fn received(column: bus::Column) -> Self {
        Self { name: column.name, kind: column.kind }
    }
}

/// One row: as many values as there are columns.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    columns: Rc<[Column]>,
    values: Vec<Value>,
}

impl Row {
    pub(super) fn new(columns: Rc<[Column]>, values: Vec<Value>) -> Self {
        Self { columns, values }
    }

    /// The value of a column.
    ///
    /// # Errors
    /// `failed`, naming the column, if there is none of this name or its value is no `T`.
    pub fn get<T: DeserializeOwned>(&self, name: &str) -> Result<T, Fault> {
        let value = self.value(name).ok_or_else(|| {
            let names: Vec<_> = self.columns.iter().map(|column| column.name.as_str()).collect();
            Fault::fail(format!("the row has no column {name}; there are {}", names.join(", ")))
        })?;
        T::deserialize(OfValue(value))
            .map_err(|error| Fault::fail(format!("column {name} is not as expected: {error}")))
    }

    /// A struct by the names of the columns, a tuple by their order, or the value of the only column.
    ///
    /// # Errors
    /// `failed` if the row is no `T`.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, Fault> {
        T::deserialize(OfRow { columns: &self.columns, values: &self.values })
            .map_err(|error| Fault::fail(format!("the row is not as expected: {error}")))
    }

    /// The value of the first column of that name, as the contract has it.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<&Value> {
        self.values.get(self.columns.iter().position(|column| column.name == name)?)
    }

    /// In the order of the columns.
    #[must_use]
    pub fn values(&self) -> &[Value] {
        &self.values
    }

    #[must_use]
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }
}

/// What a query gave.
#[derive(Clone, Debug, PartialEq)]
pub struct Rows {
    columns: Rc<[Column]>,
    rows: Vec<Row>,
}

impl Rows {
    pub(super) fn received(rows: bus::Rows) -> Self {
        let columns: Rc<[Column]> = rows.columns.into_iter().map(Column::received).collect();
        let row = |values: Vec<bus::Value>| {
            Row::new(Rc::clone(&columns), values.into_iter().map(Value::received).collect())
        };
        let rows = rows.rows.into_iter().map(row).collect();
        Self { columns, rows }
    }

    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    #[must_use]
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    pub fn iter(&self) -> std::slice::Iter<'_, Row> {
        self.rows.iter()
    }

    /// Every row as a `T`, as [`Row::read`] does.
    ///
    /// # Errors
    /// Those of [`Row::read`].
    pub fn all<T: DeserializeOwned>(&self) -> Result<Vec<T>, Fault> {
        self.rows.iter().map(Row::read).collect()
    }

    /// The only row.
    ///
    /// # Errors
    /// `failed` if there is none or there are several; those of [`Row::read`].
    pub fn one<T: DeserializeOwned>(&self) -> Result<T, Fault> {
        self.at_most_one()?.ok_or_else(|| Fault::fail("one row was expected, there is none"))
    }

    /// The only row, or none.
    ///
    /// # Errors
    /// `failed` if there are several; those of [`Row::read`].
    pub fn at_most_one<T: DeserializeOwned>(&self) -> Result<Option<T>, Fault> {
        match &self.rows[..] {
            [] => Ok(None),
            [row] => row.read().map(Some),
            rows => Err(Fault::fail(format!("at most one row was expected, there are {}", rows.len()))),
        }
    }
}

impl IntoIterator for Rows {
    type Item = Row;
    type IntoIter = std::vec::IntoIter<Row>;

    fn into_iter(self) -> Self::IntoIter {
        self.rows.into_iter()
    }
}

impl<'r> IntoIterator for &'r Rows {
    type Item = &'r Row;
    type IntoIter = std::slice::Iter<'r, Row>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}
