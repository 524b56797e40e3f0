//! Rows that are read in batches.

use std::rc::Rc;
use std::vec;

use super::row::{Column, Row};
use super::value::Value;
use crate::Fault;
use crate::host::sql as bus;

const BATCH_ROWS: u32 = 256;

/// An iterator of rows. Dropped, the rest is not read; after an error there is no more.
pub struct Cursor {
    inner: bus::Cursor,
    columns: Rc<[Column]>,
    batch_rows: u32,
    read: vec::IntoIter<Vec<bus::Value>>,
    ended: bool,
}

impl Cursor {
    pub(super) fn received(inner: bus::Cursor) -> Self {
        let columns = inner.columns().into_iter().map(Column::received).collect();
        Self { inner, columns, batch_rows: BATCH_ROWS, read: Vec::new().into_iter(), ended: false }
    }

    /// How many rows are asked for at once; 256 if it is not said.
    #[must_use]
    pub fn batch(self, rows: u32) -> Self {
        Self { batch_rows: rows, ..self }
    }

    #[must_use]
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }
}

impl Iterator for Cursor {
    type Item = Result<Row, Fault>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.read.len() == 0 && !self.ended {
            match self.inner.next(self.batch_rows) {
                Ok(rows) => {
                    self.ended = rows.is_empty();
                    self.read = rows.into_iter();
                }
                Err(fault) => {
                    self.ended = true;
                    return Some(Err(Fault::received(fault)));
                }
            }
        }
        let values = self.read.next()?;
        Some(Ok(Row::new(Rc::clone(&self.columns), values.into_iter().map(Value::received).collect())))
    }
}

impl std::fmt::Debug for Cursor {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Cursor").field("columns", &self.columns).finish_non_exhaustive()
    }
}
