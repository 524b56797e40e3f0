//! PostgreSQL, by its extended protocol: statements are prepared, and parameters never part of their text.

use std::{
    num::NonZeroUsize,
    sync::{Arc, atomic::Ordering::Relaxed},
};

use futures_util::{StreamExt as _, future, pin_mut};
use lru::LruCache;
use tokio::time::timeout;
use tokio_postgres::{CancelToken, Client, Config, RowStream, Statement, config::SslMode};

use crate::{
    ErrorKind, Isolation, SqlError,
    bounds::{DRAINING, STATEMENTS_MAX},
    error::lost,
    feed::Feed,
    limits::Limits,
    session::{Answer, Driver, Outcome, Task, given_up},
    statement::Job,
    tls::Encryption,
    value::{RowSet, Rows, row_bytes},
};

mod encode;
mod error;
mod numeric;
mod read;
mod stream;

use encode::Parameter;
use error::of as error_of;
use stream::Overrun;

/// What a message may have beside a result's values.
const MESSAGE_MARGIN_BYTES: u64 = 64 * 1024;
/// Of a cursor within a transaction, which must not end with it.
const CURSOR_BEGIN: &str = "SAVEPOINT busbar_cursor; SET LOCAL statement_timeout = 0";
/// What PostgreSQL answers with success though it rolled back, where a statement had failed before. The one that goes
/// before says so.
const COMMIT: &str = "SELECT 1; COMMIT";
const IN_FAILED_TRANSACTION: &str = "25P02";
const CURSOR_GIVE_UP: &str = "ROLLBACK TO SAVEPOINT busbar_cursor; RELEASE SAVEPOINT busbar_cursor";

pub(crate) struct Target {
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) database: String,
    pub(crate) username: String,
    pub(crate) password: crate::Secret,
    pub(crate) encryption: Encryption,
}

pub(crate) struct Postgres {
    client: Client,
    statements: LruCache<String, Statement>,
    cancel: CancelToken,
    target: Arc<Target>,
    overrun: Overrun,
    limits: Limits,
    /// A transaction of the caller's.
    in_transaction: bool,
    /// One of this side, around a statement or a cursor.
    is_wrapped: bool,
    has_cursor: bool,
    /// The transaction can only be rolled back.
    has_failed: bool,
    has_traces: bool,
}

impl Postgres {
    pub(crate) async fn connect(target: &Arc<Target>, limits: &Limits) -> Result<Self, SqlError> {
        let mut config = Config::new();
        config.host(&target.host).port(target.port).dbname(&target.database).user(&target.username);
        config.password(target.password.reveal()).application_name("busbar");
        config.ssl_mode(if target.encryption.is_on() { SslMode::Require } else { SslMode::Disable });
        let bytes_max = limits.bytes_max + MESSAGE_MARGIN_BYTES;
        let (client, overrun) = stream::connect(target, &config, bytes_max).await?;
        let mut postgres = Self {
            cancel: client.cancel_token(),
            client,
            statements: LruCache::new(NonZeroUsize::new(STATEMENTS_MAX).unwrap_or(NonZeroUsize::MIN)),
            target: Arc::clone(target),
            overrun,
            limits: limits.clone(),
            in_transaction: false,
            is_wrapped: false,
            has_cursor: false,
            has_failed: false,
            has_traces: false,
        };
        postgres
            .set_up()
            .await
            .map_err(|error| ErrorKind::Unreachable { text: error.to_string() }.undone())?;
        Ok(postgres)
    }

    async fn set_up(&mut self) -> Result<(), SqlError> {
        let milliseconds = self.limits.statement.as_millis();
        let read_only = if self.limits.read_only { "on" } else { "off" };
        let settings = format!(
            "SET statement_timeout = {milliseconds}; SET default_transaction_read_only = {read_only}; \
             SET TIME ZONE 'UTC'; SET standard_conforming_strings = on"
        );
        self.batch(&settings).await
    }

    /// Statements of ours, without parameters.
    async fn batch(&self, statements: &str) -> Result<(), SqlError> {
        self.client.batch_execute(statements).await.map_err(|error| error_of(&error))
    }

    /// Nothing is done yet when this fails.
    async fn prepared(&mut self, sql: &str) -> Result<Statement, SqlError> {
        if self.client.is_closed() {
            return Err(lost("it was closed while nobody used it").undone());
        }
        if let Some(statement) = self.statements.get(sql) {
            return Ok(statement.clone());
        }
        let prepared = self.client.prepare(sql).await;
        let statement = prepared.map_err(|error| SqlError { maybe_processed: false, ..error_of(&error) })?;
        self.statements.put(sql.to_owned(), statement.clone());
        Ok(statement)
    }

    fn begin(&self, read_only: bool) -> &'static str {
        if read_only || self.limits.read_only { "BEGIN READ ONLY" } else { "BEGIN" }
    }

    /// Sent in one go with what goes before it.
    async fn send(
        &self,
        before: Option<&str>,
        statement: &Statement,
        job: &Job,
    ) -> Result<RowStream, SqlError> {
        let parameters = encode::parameters(statement, &job.params)?;
        let query = self.client.query_raw::<_, Parameter<'_>, _>(statement, parameters);
        let stream = match before {
            None => query.await,
            Some(before) => {
                let (begun, stream) = future::join(self.client.batch_execute(before), query).await;
                begun.map_err(|error| error_of(&error))?;
                stream
            }
        };
        stream.map_err(|error| error_of(&error))
    }

    async fn run(&mut self, job: &Job, wants_rows: bool) -> Outcome {
        let statement = self.prepared(&job.sql).await?;
        let wrap = (self.limits.read_only && !self.in_transaction).then(|| self.begin(true));
        self.has_traces |= job.leaves_traces;
        self.is_wrapped = wrap.is_some();
        let outcome = match self.send(wrap, &statement, job).await {
            Ok(stream) => self.collect(&statement, stream, wants_rows).await,
            Err(error) => Err(error),
        };
        if self.is_wrapped && !outcome.as_ref().is_err_and(|error| error.is_loss() || given_up(error)) {
            self.batch("COMMIT").await?;
            self.is_wrapped = false;
        }
        outcome
    }

    async fn collect(&mut self, statement: &Statement, stream: RowStream, wants_rows: bool) -> Outcome {
        let columns = if wants_rows { read::columns(statement)? } else { Vec::new() };
        pin_mut!(stream);
        let (mut rows, mut bytes) = (RowSet::with_capacity(columns.len(), 1), 0);
        while let Some(row) = stream.next().await {
            let row = row.map_err(|error| error_of(&error))?;
            if !wants_rows {
                continue;
            }
            bytes += row_bytes(rows.add(|values| read::row(&row, &columns, values))?);
            self.limits.check(rows.len() as u64, bytes)?;
        }
        if wants_rows {
            return Ok(Answer::Rows(Rows { columns, rows }));
        }
        Ok(Answer::Affected(stream.rows_affected().unwrap_or(0)))
    }

    async fn query(&mut self, job: &Job, wants_rows: bool) -> Outcome {
        let mut outcome = self.run(job, wants_rows).await;
        if !self.in_transaction && outcome.as_ref().is_err_and(error::is_of_old_plan) {
            self.statements.pop(&job.sql);
            outcome = self.run(job, wants_rows).await;
        }
        self.has_failed |=
            self.in_transaction && outcome.as_ref().is_err_and(|error| error.sqlstate.is_some());
        outcome
    }

    async fn begin_transaction(&mut self, read_only: bool, isolation: Option<Isolation>) -> Outcome {
        if self.client.is_closed() {
            return Err(lost("it was closed while nobody used it").undone());
        }
        let isolation =
            isolation.map_or_else(String::new, |level| format!(" ISOLATION LEVEL {}", level.as_sql()));
        self.has_failed = false;
        self.in_transaction = true;
        let begun = self.batch(&format!("{}{isolation}", self.begin(read_only))).await;
        begun.map_err(|error| SqlError { maybe_processed: false, ..error })?;
        Ok(Answer::Done)
    }

    async fn commit(&mut self) -> Outcome {
        let outcome = if self.has_failed { Ok(()) } else { self.batch(COMMIT).await };
        if self.has_failed || outcome.as_ref().is_err_and(is_failed_transaction) {
            self.roll_back().await?;
            let text = "the transaction was rolled back, since a statement of it had failed".to_owned();
            return Err(ErrorKind::InvalidStatement { text }.undone().with_state(IN_FAILED_TRANSACTION));
        }
        outcome?;
        self.in_transaction = false;
        Ok(Answer::Done)
    }

    async fn roll_back(&mut self) -> Outcome {
        self.batch("ROLLBACK").await?;
        (self.in_transaction, self.is_wrapped, self.has_failed) = (false, false, false);
        Ok(Answer::Done)
    }

    async fn reset(&mut self) -> Outcome {
        if self.client.is_closed() {
            return Err(lost("it was closed").undone());
        }
        if self.in_transaction || self.is_wrapped {
            self.roll_back().await?;
        }
        if self.has_traces {
            self.statements.clear();
            self.batch("DISCARD ALL").await?;
            self.set_up().await?;
            self.has_traces = false;
        }
        Ok(Answer::Done)
    }

    async fn feed(&mut self, job: &Job, feed: &mut Feed<'_>) -> Result<(), SqlError> {
        let statement = self.prepared(&job.sql).await?;
        let columns = read::columns(&statement)?;
        self.has_traces |= job.leaves_traces;
        self.has_cursor = self.in_transaction;
        self.is_wrapped = !self.in_transaction;
        let before = if self.in_transaction {
            CURSOR_BEGIN.to_owned()
        } else {
            format!("{}; SET LOCAL statement_timeout = 0", self.begin(false))
        };
        let stream = feed.watch(self.send(Some(&before), &statement, job)).await??;
        pin_mut!(stream);
        feed.opened(columns.clone());
        while feed.wants().await {
            let mut batch = feed.take();
            let filling = feed.watch(async {
                while !batch.is_full() {
                    let Some(row) = stream.next().await else { return Ok(false) };
                    let row = row.map_err(|error| error_of(&error))?;
                    batch.add(|values| read::row(&row, &columns, values))?;
                }
                Ok(true)
            });
            let more = filling.await.flatten();
            feed.put(batch);
            if !more? {
                return self.end_cursor().await;
            }
        }
        Ok(())
    }

    async fn end_cursor(&mut self) -> Result<(), SqlError> {
        if self.is_wrapped {
            self.batch(COMMIT).await?;
        } else {
            let milliseconds = self.limits.statement.as_millis();
            let end =
                format!("SET LOCAL statement_timeout = {milliseconds}; RELEASE SAVEPOINT busbar_cursor");
            self.batch(&end).await?;
        }
        (self.is_wrapped, self.has_cursor) = (false, false);
        Ok(())
    }

    /// A connection that was lost for a message that was too large.
    fn told_apart(&self, error: SqlError) -> SqlError {
        if error.is_loss() && self.overrun.load(Relaxed) {
            return ErrorKind::TooLarge { bytes_max: self.limits.bytes_max }.maybe();
        }
        error
    }

    /// What a cursor's statement did is undone with it.
    async fn leave_cursor(&mut self) -> Result<(), SqlError> {
        if self.has_cursor {
            self.batch(CURSOR_GIVE_UP).await?;
        } else if self.is_wrapped {
            self.batch("ROLLBACK").await?;
        }
        (self.is_wrapped, self.has_cursor) = (false, false);
        Ok(())
    }
}

impl Driver for Postgres {
    async fn work(&mut self, task: Task) -> Outcome {
        let outcome = match task {
            Task::Query(job) => self.query(&job, true).await,
            Task::Execute(job) => self.query(&job, false).await,
            Task::Begin { read_only, isolation } => self.begin_transaction(read_only, isolation).await,
            Task::Commit => self.commit().await,
            Task::Rollback => self.roll_back().await,
            Task::Reset => self.reset().await,
            Task::Ping => self.batch("").await.map(|()| Answer::Done),
            Task::Open { .. } | Task::Next { .. } | Task::Close { .. } => Ok(Answer::Done),
        };
        outcome.map_err(|error| self.told_apart(error))
    }

    async fn stream(&mut self, job: &Job, feed: &mut Feed<'_>) -> Result<(), SqlError> {
        let result = self.feed(job, feed).await;
        if let Err(error) = &result
            && !error.is_loss()
            && !given_up(error)
            && !feed.is_left()
        {
            self.leave_cursor().await?;
        }
        result.map_err(|error| self.told_apart(error))
    }

    async fn recover(&mut self) -> bool {
        let drained = match timeout(DRAINING, self.batch("SELECT 1")).await {
            Ok(drained) => drained,
            Err(_) => {
                // It returns when the server has been told and has closed: nothing later is hit by it.
                stream::cancel(&self.target, &self.cancel).await;
                self.has_failed |= self.in_transaction && !self.has_cursor;
                self.batch("SELECT 1").await
            }
        };
        match drained {
            Ok(()) => {}
            Err(error) if is_failed_transaction(&error) => {
                self.has_failed |= self.in_transaction && !self.has_cursor;
            }
            Err(_) => return false,
        }
        self.leave_cursor().await.is_ok() && !self.client.is_closed()
    }
}

fn is_failed_transaction(error: &SqlError) -> bool {
    error.sqlstate.as_deref() == Some(IN_FAILED_TRANSACTION)
}
