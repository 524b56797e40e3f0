//! One way out to a database, as it is used.

use std::{sync::Arc, time::Duration};

use busbar_model::connection::sql::{self, Refused};
use tokio::time::Instant;

use crate::{
    Outside, Secret, SqlError, Statistics,
    cursor::Cursor,
    engine::Engine,
    error::lost,
    pool::{Lease, Pool},
    session::{Answer, Outcome, Task, cursor_number, given_up},
    statement::Job,
    transaction::Transaction,
    value::{Begin, Rows, Value},
};

pub type Settings = sql::Sql<Secret>;

/// Pooled and limited. Clones are the same connection; the last one that is dropped, with the last cursor and
/// transaction, closes what is open.
#[derive(Clone)]
pub struct Connection {
    shared: Arc<Shared>,
}

pub(crate) struct Shared {
    pub(crate) engine: sql::Engine,
    pub(crate) read_only: bool,
    pub(crate) pool: Arc<Pool>,
}

impl Shared {
    pub(crate) fn job(&self, sql: &str, params: Vec<Value>) -> Result<Arc<Job>, SqlError> {
        Job::new(self.engine, self.read_only, sql, params).map(Arc::new)
    }

    /// Counts what came of a call.
    pub(crate) fn counted<T>(&self, started: Instant, outcome: Result<T, SqlError>) -> Result<T, SqlError> {
        self.pool.counters.ended(started.elapsed(), outcome.as_ref().err().map(|error| &error.kind));
        outcome
    }

    /// Asks a connection of the pool, and another one if that was lost before anything was sent.
    async fn ask(&self, task: impl Fn() -> Task) -> Result<(Lease, Outcome), SqlError> {
        let mut lease = self.pool.take().await?;
        let outcome = lease.ask(task()).await;
        if !(lease.is_used && outcome.as_ref().is_err_and(SqlError::is_stale)) {
            return Ok((lease, outcome));
        }
        drop(lease);
        let mut lease = self.pool.take_fresh().await?;
        let outcome = lease.ask(task()).await;
        Ok((lease, outcome))
    }

    async fn one(&self, job: &Job, task: impl Fn() -> Task) -> Outcome {
        let (mut lease, outcome) = self.ask(task).await?;
        // One that was given up is still being ended.
        let is_over = !outcome.as_ref().is_err_and(|error| error.is_loss() || given_up(error));
        if is_over && !job.leaves_traces {
            lease.settle();
        }
        outcome
    }
}

impl Connection {
    /// Connects to nothing yet. Calls are to be made in a tokio runtime, all in the same.
    pub fn new(settings: &Settings, outside: Outside) -> Result<Self, Refused> {
        let engine = Engine::new(settings, outside)?;
        let pool = Arc::new(Pool::new(engine, &settings.pool));
        let shared = Shared { engine: settings.engine, read_only: settings.read_only, pool };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// All rows of one statement.
    pub async fn query(&self, sql: &str, params: Vec<Value>) -> Result<Rows, SqlError> {
        let started = Instant::now();
        let outcome = self.run_query(sql, params).await;
        self.shared.counted(started, outcome)
    }

    async fn run_query(&self, sql: &str, params: Vec<Value>) -> Result<Rows, SqlError> {
        let job = self.shared.job(sql, params)?;
        rows(self.shared.one(&job, || Task::Query(Arc::clone(&job))).await)
    }

    /// How many rows one statement changed.
    pub async fn execute(&self, sql: &str, params: Vec<Value>) -> Result<u64, SqlError> {
        let started = Instant::now();
        let outcome = self.run_execute(sql, params).await;
        self.shared.counted(started, outcome)
    }

    async fn run_execute(&self, sql: &str, params: Vec<Value>) -> Result<u64, SqlError> {
        let job = self.shared.job(sql, params)?;
        affected(self.shared.one(&job, || Task::Execute(Arc::clone(&job))).await)
    }

    /// The rows of one statement in batches. It has a connection of its own until its end; what it changed is undone if
    /// it is dropped before (of MariaDB it may be done).
    pub async fn open(&self, sql: &str, params: Vec<Value>) -> Result<Cursor, SqlError> {
        let started = Instant::now();
        let outcome = self.run_open(sql, params).await;
        self.shared.counted(started, outcome)
    }

    async fn run_open(&self, sql: &str, params: Vec<Value>) -> Result<Cursor, SqlError> {
        let job = self.shared.job(sql, params)?;
        let cursor = cursor_number();
        let (lease, outcome) = self.shared.ask(|| Task::Open { job: Arc::clone(&job), cursor }).await?;
        let columns = columns(outcome)?;
        Ok(Cursor::alone(Arc::clone(&self.shared), lease, cursor, columns, job.leaves_traces))
    }

    /// On a connection of its own. It is rolled back unless it is committed.
    pub async fn begin(&self, begin: Begin) -> Result<Transaction, SqlError> {
        let started = Instant::now();
        let outcome = self.run_begin(begin).await;
        self.shared.counted(started, outcome)
    }

    async fn run_begin(&self, Begin { read_only, isolation }: Begin) -> Result<Transaction, SqlError> {
        let read_only = read_only || self.shared.read_only;
        let (lease, outcome) = self.shared.ask(|| Task::Begin { read_only, isolation }).await?;
        outcome?;
        Ok(Transaction::new(Arc::clone(&self.shared), lease))
    }

    /// Whether the database lets it in and answers, on a new connection that is closed then; counted nowhere. How long it
    /// took is returned.
    pub async fn ping(&self) -> Result<Duration, SqlError> {
        let started = Instant::now();
        let session = self.shared.pool.try_connect().await?;
        session.ask(Task::Ping).await?;
        Ok(started.elapsed())
    }

    pub fn statistics(&self) -> Statistics {
        self.shared.pool.counters.read_out(self.shared.pool.standing())
    }
}

pub(crate) fn rows(outcome: Outcome) -> Result<Rows, SqlError> {
    match outcome? {
        Answer::Rows(rows) => Ok(rows),
        _ => Err(unexpected()),
    }
}

pub(crate) fn affected(outcome: Outcome) -> Result<u64, SqlError> {
    match outcome? {
        Answer::Affected(count) => Ok(count),
        _ => Err(unexpected()),
    }
}

pub(crate) fn columns(outcome: Outcome) -> Result<Vec<crate::Column>, SqlError> {
    match outcome? {
        Answer::Columns(columns) => Ok(columns),
        _ => Err(unexpected()),
    }
}

/// A connection answers what it is asked.
pub(crate) fn unexpected() -> SqlError {
    lost("it answers something else").maybe()
}
