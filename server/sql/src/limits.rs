//! What each statement of a connection is bounded by.

use std::time::Duration;

use crate::{ErrorKind, SqlError};

#[derive(Clone, Debug)]
pub(crate) struct Limits {
    pub(crate) read_only: bool,
    pub(crate) statement: Duration,
    pub(crate) rows_max: u64,
    pub(crate) bytes_max: u64,
}

impl Limits {
    /// With the row that has just come.
    pub(crate) fn check(&self, rows: u64, bytes: u64) -> Result<(), SqlError> {
        if rows > self.rows_max {
            return Err(ErrorKind::TooManyRows { rows_max: self.rows_max }.maybe());
        }
        if bytes > self.bytes_max {
            return Err(ErrorKind::TooLarge { bytes_max: self.bytes_max }.maybe());
        }
        Ok(())
    }

    /// A database that ends a statement does not say what the limit was.
    pub(crate) fn complete(&self, mut error: SqlError) -> SqlError {
        match &mut error.kind {
            ErrorKind::StatementTimeout { bound } => *bound = self.statement,
            ErrorKind::TooLarge { bytes_max } => *bytes_max = self.bytes_max,
            _ => {}
        }
        error
    }
}
