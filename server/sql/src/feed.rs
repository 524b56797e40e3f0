//! What is between a statement that gives rows and who reads its cursor: batches, each asked for.

use std::pin::Pin;

use tokio::{
    sync::mpsc,
    task::unconstrained,
    time::{Instant, Sleep, sleep},
};

use crate::{
    ErrorKind, SqlError,
    bounds::{ROWS_RESERVED_MAX, STATEMENT_MARGIN},
    limits::Limits,
    session::{Answer, Command, Reply, Task, closed_cursor, given_up},
    value::{Column, RowSet, Value, row_bytes},
};

/// Of one cursor, as long as it is open.
pub(crate) struct Feed<'a> {
    commands: &'a mut mpsc::Receiver<Command>,
    cursor: u64,
    /// Who waits: for the columns first, then for batches.
    waiting: Option<Reply>,
    batch: Batch,
    limits: Limits,
    late: Pin<Box<Sleep>>,
    is_left: bool,
    /// What ended the cursor and is to be done next.
    after: Option<Command>,
}

/// Rows on their way to who asked for them.
#[derive(Default)]
pub(crate) struct Batch {
    rows: RowSet,
    width: usize,
    rows_max: usize,
    bytes: u64,
    bytes_max: u64,
    /// What no row may exceed.
    row_bytes_max: u64,
    /// It came, and was too much for the batch: the first of the next one.
    held: Option<Vec<Value>>,
}

impl Batch {
    pub(crate) fn is_full(&self) -> bool {
        let is_enough = !self.rows.is_empty() && self.bytes >= self.bytes_max;
        is_enough || self.rows.len() >= self.rows_max || self.held.is_some()
    }

    /// A row, whose values `fill` appends.
    pub(crate) fn add(
        &mut self,
        fill: impl FnOnce(&mut Vec<Value>) -> Result<(), SqlError>,
    ) -> Result<(), SqlError> {
        let bytes = row_bytes(self.rows.add(fill)?);
        self.weigh(bytes)
    }

    pub(crate) fn push(&mut self, row: impl IntoIterator<Item = Value>) -> Result<(), SqlError> {
        let bytes = row_bytes(self.rows.push(row));
        self.weigh(bytes)
    }

    /// Takes the row that was added last into account, or keeps it for the next batch.
    fn weigh(&mut self, bytes: u64) -> Result<(), SqlError> {
        if bytes > self.row_bytes_max {
            return Err(ErrorKind::TooLarge { bytes_max: self.row_bytes_max }.maybe());
        }
        if self.rows.len() > 1 && self.bytes + bytes > self.bytes_max {
            self.held = self.rows.pop();
            return Ok(());
        }
        self.bytes += bytes;
        Ok(())
    }

    /// Empty, but for what the last one had no room for.
    fn begin(&mut self, rows_max: usize, bytes_max: u64, row_bytes_max: u64) {
        (self.rows_max, self.bytes_max, self.row_bytes_max) = (rows_max, bytes_max, row_bytes_max);
        self.rows = RowSet::with_capacity(self.width, rows_max.min(ROWS_RESERVED_MAX));
        self.bytes = 0;
        if let Some(row) = self.held.take() {
            self.bytes = row_bytes(self.rows.push(row));
        }
    }
}

/// How a cursor came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Left {
    /// All rows were read, or the statement failed.
    AtItsEnd,
    /// It was closed, or given up.
    Early,
}

impl<'a> Feed<'a> {
    pub(crate) fn new(
        commands: &'a mut mpsc::Receiver<Command>,
        cursor: u64,
        reply: Reply,
        limits: &Limits,
    ) -> Self {
        Self {
            commands,
            cursor,
            waiting: Some(reply),
            batch: Batch::default(),
            limits: limits.clone(),
            late: Box::pin(sleep(limits.statement + STATEMENT_MARGIN)),
            is_left: false,
            after: None,
        }
    }

    pub(crate) fn opened(&mut self, columns: Vec<Column>) {
        self.batch.width = columns.len();
        if let Some(waiting) = self.waiting.take() {
            let _ = waiting.send(Ok(Answer::Columns(columns)));
        }
    }

    /// Returns when another batch is wanted, with `false` when no more is.
    pub(crate) async fn wants(&mut self) -> bool {
        self.send(false);
        loop {
            let Some(Command { task, reply }) = self.commands.recv().await else {
                self.is_left = true;
                return false;
            };
            match task {
                Task::Next { cursor, rows_max, bytes_max } if cursor == self.cursor => {
                    self.waiting = Some(reply);
                    let most = self.limits.bytes_max;
                    self.batch.begin(rows_max, bytes_max.min(most), most);
                    self.late.as_mut().reset(Instant::now() + self.limits.statement + STATEMENT_MARGIN);
                    return true;
                }
                Task::Next { .. } => refuse(reply, closed_cursor()),
                Task::Close { cursor } if cursor != self.cursor => refuse(reply, closed_cursor()),
                Task::Close { .. } => {
                    self.is_left = true;
                    return false;
                }
                Task::Reset | Task::Rollback => {
                    self.is_left = true;
                    self.after = Some(Command { task, reply });
                    return false;
                }
                _ => {
                    let text = "a cursor of its transaction is open: read it to its end or close it";
                    refuse(reply, ErrorKind::InvalidStatement { text: text.to_owned() }.undone());
                }
            }
        }
    }

    fn send(&mut self, is_last: bool) {
        if let Some(waiting) = self.waiting.take() {
            let rows = std::mem::take(&mut self.batch.rows);
            let _ = waiting.send(Ok(Answer::Batch { rows, is_last }));
        }
    }

    /// Waits for the database, unless whoever reads has gone or it takes too long.
    pub(crate) async fn watch<T>(&mut self, work: impl Future<Output = T>) -> Result<T, SqlError> {
        let Some(waiting) = &mut self.waiting else { return Ok(work.await) };
        tokio::select! {
            biased;
            done = work => Ok(done),
            () = unconstrained(waiting.closed()) => {
                self.is_left = true;
                Err(ErrorKind::Other { text: "given up".to_owned() }.maybe())
            }
            () = unconstrained(&mut self.late) => {
                self.is_left = true;
                Err(ErrorKind::StatementTimeout { bound: self.limits.statement }.maybe())
            }
        }
    }

    /// What is to be filled, and then put back.
    pub(crate) fn take(&mut self) -> Batch {
        std::mem::take(&mut self.batch)
    }

    pub(crate) fn put(&mut self, batch: Batch) {
        self.batch = batch;
    }

    /// Rows may still be on their way.
    pub(crate) fn is_left(&self) -> bool {
        self.is_left
    }

    /// Answers whoever waits; and what is to be done next.
    pub(crate) fn finish(mut self, result: Result<(), SqlError>) -> (Left, Option<Command>) {
        match result {
            Ok(()) if !self.is_left => self.send(true),
            Ok(()) => {}
            Err(error) => {
                // What the driver could not read is still on its way.
                self.is_left |= given_up(&error);
                if let Some(waiting) = self.waiting.take() {
                    let _ = waiting.send(Err(self.limits.complete(error)));
                }
            }
        }
        (if self.is_left { Left::Early } else { Left::AtItsEnd }, self.after)
    }
}

fn refuse(reply: Reply, error: SqlError) {
    let _ = reply.send(Err(error));
}
