//! MariaDB and MySQL, by prepared statements.

use std::pin::pin;

use mysql_async::{
    BinaryProtocol, Conn, Params, QueryResult, Statement, consts::StatusFlags, prelude::Queryable as _,
};
use tokio::{task::unconstrained, time::sleep};

use crate::{
    ErrorKind, Isolation, SqlError,
    bounds::DRAINING,
    error::lost,
    feed::Feed,
    limits::Limits,
    session::{Answer, Driver, Outcome, Task, given_up},
    statement::Job,
    value::{RowSet, Rows, row_bytes},
};

mod error;
mod target;
mod values;

use error::of as error_of;
pub(crate) use target::{Login, Target};

/// How long a server waits for who does not read on: as long as a cursor may be open.
const NET_WRITE_S: u32 = 3_600;
/// After a deadlock, or a statement that ends transactions by itself, others would be on their own.
const ENDED: &str = "the transaction is over: the database ended it";

pub(crate) struct Mysql {
    conn: Conn,
    target: Target,
    limits: Limits,
    is_mariadb: bool,
    in_transaction: bool,
    /// The caller's transaction is no more.
    is_ended: bool,
    has_traces: bool,
    /// No time limit is set for a cursor's statement.
    is_unlimited: bool,
    /// Between two packets; a future that is dropped then leaves the connection of no use.
    is_amid: bool,
}

impl Mysql {
    pub(crate) async fn connect(target: &Target, limits: &Limits) -> Result<Self, SqlError> {
        let connected = Conn::new(target.opts()).await;
        let mut conn = connected.map_err(|error| error::of_connecting(&error))?;
        let version: Option<String> =
            conn.query_first("SELECT VERSION()").await.map_err(|error| error::of_connecting(&error))?;
        let mut mysql = Self {
            conn,
            target: target.clone(),
            limits: limits.clone(),
            is_mariadb: version.is_some_and(|version| version.contains("MariaDB")),
            in_transaction: false,
            is_ended: false,
            has_traces: false,
            is_unlimited: false,
            is_amid: false,
        };
        mysql.set_up().await.map_err(|error| ErrorKind::Unreachable { text: error.to_string() }.undone())?;
        Ok(mysql)
    }

    async fn set_up(&mut self) -> Result<(), SqlError> {
        let limit = self.time_limit(true);
        let settings =
            format!("SET SESSION time_zone = '+00:00', net_write_timeout = {NET_WRITE_S}, {limit}");
        self.say(&settings).await?;
        if self.limits.read_only {
            self.say("SET SESSION TRANSACTION READ ONLY").await?;
        }
        Ok(())
    }

    /// Of MySQL it is for statements that read only.
    fn time_limit(&self, is_limited: bool) -> String {
        let milliseconds = if is_limited { self.limits.statement.as_millis() } else { 0 };
        if self.is_mariadb {
            format!("max_statement_time = {}.{:03}", milliseconds / 1_000, milliseconds % 1_000)
        } else {
            format!("max_execution_time = {milliseconds}")
        }
    }

    /// Statements of ours, without parameters.
    async fn say(&mut self, statement: &str) -> Result<(), SqlError> {
        self.is_amid = true;
        let said = self.conn.query_drop(statement).await;
        self.is_amid = false;
        said.map_err(|error| error_of(&error))
    }

    /// Nothing is done yet when this fails.
    async fn prepared(&mut self, job: &Job) -> Result<(Statement, Params), SqlError> {
        if self.is_ended {
            return Err(ErrorKind::InvalidStatement { text: ENDED.to_owned() }.undone());
        }
        self.is_amid = true;
        let prepared = self.conn.prep(job.sql.as_str()).await;
        self.is_amid = false;
        let statement = prepared.map_err(|error| SqlError { maybe_processed: false, ..error_of(&error) })?;
        let wanted = usize::from(statement.num_params());
        if wanted != job.params.len() {
            let text = format!("it has {wanted} parameters, and {} values are given", job.params.len());
            return Err(ErrorKind::InvalidStatement { text }.undone());
        }
        Ok((statement, values::parameters(&job.params)?))
    }

    async fn query(&mut self, job: &Job, wants_rows: bool) -> Outcome {
        let (statement, params) = self.prepared(job).await?;
        self.has_traces |= job.leaves_traces;
        self.is_amid = true;
        let outcome = match self.conn.exec_iter(&statement, params).await {
            Ok(result) => collect(result, &self.limits, wants_rows).await,
            Err(error) => Err(error_of(&error)),
        };
        // After a packet that was too large for the driver it reads no other.
        self.is_amid = self.conn.is_disconnected();
        self.note_end(outcome.as_ref().err());
        outcome
    }

    fn note_end(&mut self, error: Option<&SqlError>) {
        if !self.in_transaction {
            return;
        }
        // Of a result with rows nothing is told that could have changed.
        let status = self.conn.last_ok_packet().map(|packet| packet.status_flags());
        let is_over = match error {
            None => status.is_some_and(|status| !status.contains(StatusFlags::SERVER_STATUS_IN_TRANS)),
            Some(error) => error.sqlstate.as_deref() == Some("40001"),
        };
        self.is_ended |= is_over;
    }

    async fn begin(&mut self, read_only: bool, isolation: Option<Isolation>) -> Outcome {
        if let Some(level) = isolation {
            let level = format!("SET TRANSACTION ISOLATION LEVEL {}", level.as_sql());
            self.say(&level).await.map_err(|error| SqlError { maybe_processed: false, ..error })?;
        }
        self.in_transaction = true;
        self.is_ended = false;
        let begin = if read_only { "START TRANSACTION READ ONLY" } else { "START TRANSACTION" };
        self.say(begin).await.map_err(|error| SqlError { maybe_processed: false, ..error })?;
        Ok(Answer::Done)
    }

    async fn commit(&mut self) -> Outcome {
        if self.is_ended {
            self.roll_back().await?;
            return Err(ErrorKind::InvalidStatement { text: ENDED.to_owned() }.undone());
        }
        self.say("COMMIT").await?;
        self.in_transaction = false;
        Ok(Answer::Done)
    }

    async fn roll_back(&mut self) -> Outcome {
        self.say("ROLLBACK").await?;
        (self.in_transaction, self.is_ended) = (false, false);
        Ok(Answer::Done)
    }

    async fn reset(&mut self) -> Outcome {
        if self.conn.is_disconnected() {
            return Err(lost("it was closed").undone());
        }
        if self.in_transaction {
            self.roll_back().await?;
        }
        if self.has_traces {
            self.is_amid = true;
            let reset = self.conn.reset().await;
            self.is_amid = false;
            reset.map_err(|error| error_of(&error))?;
            self.set_up().await?;
            self.has_traces = false;
        }
        Ok(Answer::Done)
    }

    async fn limit(&mut self, is_limited: bool) -> Result<(), SqlError> {
        let limit = format!("SET SESSION {}", self.time_limit(is_limited));
        self.say(&limit).await?;
        self.is_unlimited = !is_limited;
        Ok(())
    }

    async fn feed(&mut self, job: &Job, feed: &mut Feed<'_>) -> Result<(), SqlError> {
        let (statement, params) = self.prepared(job).await?;
        self.has_traces |= job.leaves_traces;
        self.limit(false).await.map_err(|error| SqlError { maybe_processed: false, ..error })?;
        self.is_amid = true;
        let opened = feed.watch(self.conn.exec_iter(&statement, params)).await?;
        let mut result = match opened {
            Ok(result) => result,
            Err(error) => {
                self.is_amid = false;
                return Err(error_of(&error));
            }
        };
        let columns = values::columns(result.columns_ref());
        feed.opened(columns);
        while feed.wants().await {
            let mut batch = feed.take();
            let filling = feed.watch(async {
                while !batch.is_full() {
                    let row = result.next().await.map_err(|error| error_of(&error))?;
                    let Some(row) = row else { return Ok(false) };
                    batch.push(values::row(row))?;
                }
                Ok(true)
            });
            let more = filling.await.flatten();
            feed.put(batch);
            // Else it is between two packets.
            self.is_amid = feed.is_left();
            if !more? {
                return Ok(());
            }
            self.is_amid = true;
        }
        self.is_amid = false;
        Ok(())
    }

    /// Reads what is on its way, and has the server end it if that is much.
    async fn drain(&mut self) -> bool {
        let Self { conn, target, .. } = self;
        let id = conn.id();
        let mut draining = pin!(async {
            // The first may be told of the end of what was under way.
            let _ = conn.query_drop("DO 0").await;
            conn.query_drop("DO 0").await.is_ok()
        });
        tokio::select! {
            biased;
            is_whole = &mut draining => return is_whole,
            () = unconstrained(sleep(DRAINING)) => {}
        }
        tokio::join!(unconstrained(target.kill(id, "QUERY")), draining).1
    }
}

/// To the end of the result, or of what is allowed.
async fn collect(
    mut result: QueryResult<'_, 'static, BinaryProtocol>,
    limits: &Limits,
    wants_rows: bool,
) -> Outcome {
    let columns = values::columns(result.columns_ref());
    let (mut rows, mut bytes) = (RowSet::with_capacity(columns.len(), 1), 0);
    while let Some(row) = result.next().await.map_err(|error| error_of(&error))? {
        if wants_rows {
            bytes += row_bytes(rows.push(values::row(row)));
            limits.check(rows.len() as u64, bytes)?;
        }
    }
    if wants_rows {
        return Ok(Answer::Rows(Rows { columns, rows }));
    }
    Ok(Answer::Affected(result.affected_rows()))
}

impl Driver for Mysql {
    async fn work(&mut self, task: Task) -> Outcome {
        match task {
            Task::Query(job) => self.query(&job, true).await,
            Task::Execute(job) => self.query(&job, false).await,
            Task::Begin { read_only, isolation } => self.begin(read_only, isolation).await,
            Task::Commit => self.commit().await,
            Task::Rollback => self.roll_back().await,
            Task::Reset => self.reset().await,
            Task::Ping => self.say("DO 0").await.map(|()| Answer::Done),
            Task::Open { .. } | Task::Next { .. } | Task::Close { .. } => Ok(Answer::Done),
        }
    }

    async fn stream(&mut self, job: &Job, feed: &mut Feed<'_>) -> Result<(), SqlError> {
        let result = self.feed(job, feed).await;
        self.is_amid |= self.conn.is_disconnected();
        let is_open = result.as_ref().is_err_and(|error| error.is_loss() || given_up(error));
        if self.is_amid || is_open || feed.is_left() {
            return result;
        }
        self.note_end(result.as_ref().err());
        if self.is_unlimited {
            self.limit(true).await?;
        }
        result
    }

    async fn recover(&mut self) -> bool {
        if self.is_amid {
            // It would run on until the server writes to it next.
            let (target, id) = (self.target.clone(), self.conn.id());
            tokio::spawn(async move { target.kill(id, "CONNECTION").await });
            return false;
        }
        self.drain().await && (!self.is_unlimited || self.limit(true).await.is_ok())
    }
}
