//! Statements that are done together or not at all.

use std::sync::Arc;

use tokio::time::Instant;

use crate::{
    SqlError,
    connection::{Shared, affected, columns, rows},
    cursor::Cursor,
    error::lost,
    pool::Lease,
    session::{Outcome, Task, cursor_number},
    statement::Job,
    value::{Rows, Value},
};

/// One call at a time, and none while a cursor of it is open. Dropped, it is rolled back.
pub struct Transaction {
    shared: Arc<Shared>,
    lease: Lease,
    leaves_traces: bool,
}

impl Transaction {
    pub(crate) fn new(shared: Arc<Shared>, lease: Lease) -> Self {
        Self { shared, lease, leaves_traces: false }
    }

    fn job(&mut self, sql: &str, params: Vec<Value>) -> Result<Arc<Job>, SqlError> {
        let job = self.shared.job(sql, params)?;
        self.leaves_traces |= job.leaves_traces;
        Ok(job)
    }

    pub async fn query(&mut self, sql: &str, params: Vec<Value>) -> Result<Rows, SqlError> {
        let started = Instant::now();
        let outcome = match self.job(sql, params) {
            Ok(job) => rows(self.lease.ask(Task::Query(job)).await),
            Err(error) => Err(error),
        };
        self.shared.counted(started, outcome)
    }

    pub async fn execute(&mut self, sql: &str, params: Vec<Value>) -> Result<u64, SqlError> {
        let started = Instant::now();
        let outcome = match self.job(sql, params) {
            Ok(job) => affected(self.lease.ask(Task::Execute(job)).await),
            Err(error) => Err(error),
        };
        self.shared.counted(started, outcome)
    }

    /// What its statement changed is undone if it is dropped before its end (of MariaDB it may be done); the transaction
    /// goes on.
    pub async fn open(&mut self, sql: &str, params: Vec<Value>) -> Result<Cursor, SqlError> {
        let started = Instant::now();
        let outcome = self.run_open(sql, params).await;
        self.shared.counted(started, outcome)
    }

    async fn run_open(&mut self, sql: &str, params: Vec<Value>) -> Result<Cursor, SqlError> {
        let job = self.job(sql, params)?;
        let number = cursor_number();
        let columns = columns(self.lease.ask(Task::Open { job, cursor: number }).await)?;
        let session = self.lease.session().ok_or_else(|| lost("it is given back").undone())?;
        Ok(Cursor::within(Arc::clone(&self.shared), session, number, columns))
    }

    /// An error with `maybe_processed` leaves open whether it is committed; after any other it is rolled back.
    pub async fn commit(mut self) -> Result<(), SqlError> {
        let started = Instant::now();
        let outcome = self.lease.ask(Task::Commit).await;
        self.end(started, outcome)
    }

    pub async fn rollback(mut self) -> Result<(), SqlError> {
        let started = Instant::now();
        let outcome = self.lease.ask(Task::Rollback).await;
        self.end(started, outcome)
    }

    fn end(&mut self, started: Instant, outcome: Outcome) -> Result<(), SqlError> {
        if outcome.is_ok() && !self.leaves_traces {
            self.lease.settle();
        }
        self.shared.counted(started, outcome.map(|_| ()))
    }
}
