//! A result that is read in batches.

use std::sync::Arc;

use tokio::time::Instant;

use crate::{
    SqlError,
    connection::{Shared, unexpected},
    pool::Lease,
    session::{Answer, Session, Task},
    value::{Column, RowSet},
};

/// Read to its end it gives its connection back; dropped before, its statement is ended in the background.
pub struct Cursor {
    shared: Arc<Shared>,
    source: Source,
    number: u64,
    columns: Vec<Column>,
    leaves_traces: bool,
}

enum Source {
    Alone(Lease),
    /// Of a transaction, which has the connection.
    Within(Session),
    Over,
}

impl Cursor {
    pub(crate) fn alone(
        shared: Arc<Shared>,
        lease: Lease,
        number: u64,
        columns: Vec<Column>,
        leaves_traces: bool,
    ) -> Self {
        Self { shared, source: Source::Alone(lease), number, columns, leaves_traces }
    }

    pub(crate) fn within(shared: Arc<Shared>, session: Session, number: u64, columns: Vec<Column>) -> Self {
        Self { shared, source: Source::Within(session), number, columns, leaves_traces: true }
    }

    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// At most so many rows, and fewer where they would take more memory than `bytes_max`, or than a result of the
    /// connection may; but one at least, also where it alone takes more than `bytes_max`. None at the end. A cursor that
    /// failed is over.
    pub async fn next(&mut self, rows_max: usize, bytes_max: u64) -> Result<RowSet, SqlError> {
        let started = Instant::now();
        let outcome = self.ask(rows_max.max(1), bytes_max).await;
        if outcome.is_err() {
            self.end();
        }
        self.shared.counted(started, outcome)
    }

    async fn ask(&mut self, rows_max: usize, bytes_max: u64) -> Result<RowSet, SqlError> {
        let task = Task::Next { cursor: self.number, rows_max, bytes_max };
        let answer = match &mut self.source {
            Source::Over => return Ok(RowSet::default()),
            Source::Alone(lease) => lease.ask(task).await?,
            Source::Within(session) => session.ask(task).await?,
        };
        let Answer::Batch { rows, is_last } = answer else { return Err(unexpected()) };
        if is_last {
            if let Source::Alone(lease) = &mut self.source
                && !self.leaves_traces
            {
                lease.settle();
            }
            self.source = Source::Over;
        }
        Ok(rows)
    }

    fn end(&mut self) {
        if let Source::Within(session) = &self.source {
            session.tell(Task::Close { cursor: self.number });
        }
        self.source = Source::Over;
    }
}

impl Drop for Cursor {
    fn drop(&mut self) {
        self.end();
    }
}
