//! SQLite, each connection on a thread of its own.

use std::{
    path::PathBuf,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use rusqlite::{
    Connection, OpenFlags, Rows, Statement,
    config::DbConfig,
    hooks::{AuthAction, AuthContext, Authorization},
    limits::Limit,
};
use tokio::sync::oneshot;

use crate::{
    ErrorKind, SqlError,
    bounds::{SQLITE_INSTRUCTIONS, SQLITE_LOCK_MS_MAX, STATEMENTS_MAX},
    error::lost,
    feed::{Batch, Feed},
    limits::Limits,
    session::{Answer, Driver, Orders, Outcome, Task, serve},
    statement::Job,
    value::{self, Kind, RowSet, Value, row_bytes},
};

mod error;
mod forbidden;
#[cfg(test)]
mod tests;
mod values;

use error::of as error_of;

/// What tells of tables and nothing else.
const PRAGMAS: [&str; 9] = [
    "table_info",
    "table_xinfo",
    "table_list",
    "index_list",
    "index_info",
    "index_xinfo",
    "foreign_key_list",
    "foreign_key_check",
    "compile_options",
];
const ENDED: &str = "the transaction is over: the database ended it";

pub(crate) struct Target {
    file: PathBuf,
    forbidden: Vec<PathBuf>,
}

/// By when a statement has to have ended, as its progress handler asks.
#[derive(Clone)]
struct Deadline {
    at: Arc<Mutex<Instant>>,
    stop: Arc<AtomicBool>,
}

struct Sqlite {
    connection: Connection,
    limits: Limits,
    deadline: Deadline,
    /// What is prepared is a statement of this side.
    is_own: Arc<AtomicBool>,
    in_transaction: bool,
}

impl Target {
    pub(crate) fn new(file: String, forbidden: Vec<PathBuf>) -> Self {
        Self { file: file.into(), forbidden }
    }

    fn open(&self, limits: &Limits, stop: Arc<AtomicBool>) -> Result<Sqlite, SqlError> {
        let file = forbidden::allowed(&self.file, &self.forbidden)?;
        let access = if limits.read_only {
            OpenFlags::SQLITE_OPEN_READ_ONLY
        } else {
            OpenFlags::SQLITE_OPEN_READ_WRITE
        };
        let flags = access | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_NOFOLLOW;
        let opened = Connection::open_with_flags(&file, flags);
        let deadline = Deadline { at: Arc::new(Mutex::new(Instant::now() + limits.statement)), stop };
        let connection = opened.map_err(|error| error::of_opening(&error))?;
        if let Err(error) = forbidden::allowed(&file, &self.forbidden) {
            // Another file took its place meanwhile. Closing it would let go of the bus's own locks on it.
            std::mem::forget(connection);
            return Err(error);
        }
        let is_own = Arc::new(AtomicBool::new(false));
        set_up(&connection, limits, &deadline, &is_own).map_err(|error| error::of_opening(&error))?;
        Ok(Sqlite { connection, limits: limits.clone(), deadline, is_own, in_transaction: false })
    }
}

fn set_up(
    connection: &Connection,
    limits: &Limits,
    deadline: &Deadline,
    is_own: &Arc<AtomicBool>,
) -> rusqlite::Result<()> {
    let statement_ms = u64::try_from(limits.statement.as_millis()).unwrap_or(u64::MAX);
    connection.busy_timeout(Duration::from_millis(statement_ms.min(SQLITE_LOCK_MS_MAX)))?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS_MAX);
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "trusted_schema", false)?;
    connection.pragma_update(None, "query_only", limits.read_only)?;
    let bytes_max = i32::try_from(limits.bytes_max).unwrap_or(i32::MAX);
    connection.set_limit(Limit::SQLITE_LIMIT_LENGTH, bytes_max)?;
    connection.set_limit(Limit::SQLITE_LIMIT_ATTACHED, 0)?;
    // Reads the file's head, which tells whether it is a database.
    connection.query_row("PRAGMA schema_version", (), |_| Ok(()))?;
    let deadline = deadline.clone();
    connection.progress_handler(SQLITE_INSTRUCTIONS, Some(move || deadline.is_over()))?;
    let is_own = Arc::clone(is_own);
    connection.authorizer(Some(move |context: AuthContext<'_>| permit(&context, is_own.load(Relaxed))))
}

/// What no statement may do, whatever stands in it; and transactions are for this side's own.
fn permit(context: &AuthContext<'_>, is_own: bool) -> Authorization {
    match context.action {
        AuthAction::Transaction { .. } | AuthAction::Savepoint { .. } if !is_own => Authorization::Deny,
        AuthAction::Attach { .. }
        | AuthAction::Detach { .. }
        | AuthAction::CreateTempIndex { .. }
        | AuthAction::CreateTempTable { .. }
        | AuthAction::CreateTempTrigger { .. }
        | AuthAction::CreateTempView { .. } => Authorization::Deny,
        AuthAction::Pragma { pragma_name, .. } if !PRAGMAS.contains(&pragma_name) => Authorization::Deny,
        _ => Authorization::Allow,
    }
}

impl Deadline {
    fn is_over(&self) -> bool {
        self.stop.load(Relaxed) || Instant::now() >= *self.at.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set(&self, after: Duration) {
        *self.at.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now() + after;
    }
}

/// Returns when the file is open.
pub(crate) async fn open(target: &Arc<Target>, limits: &Limits, orders: Orders) -> Result<(), SqlError> {
    let (sender, receiver) = oneshot::channel();
    let (target, limits) = (Arc::clone(target), limits.clone());
    let started = std::thread::Builder::new().name("sqlite".to_owned()).spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
        let opened = match &runtime {
            Ok(_) => target.open(&limits, Arc::clone(&orders.stop)),
            Err(error) => Err(ErrorKind::Unreachable { text: error.to_string() }.undone()),
        };
        match (runtime, opened) {
            (Ok(runtime), Ok(driver)) => {
                if sender.send(Ok(())).is_ok() {
                    runtime.block_on(serve(driver, orders, limits));
                }
            }
            (_, opened) => {
                let _ = sender.send(opened.map(|_| ()));
            }
        }
    });
    started.map_err(|error| ErrorKind::Unreachable { text: error.to_string() }.undone())?;
    let gone = |_| Err(ErrorKind::Unreachable { text: "its thread ended".to_owned() }.undone());
    receiver.await.unwrap_or_else(gone)
}

impl Sqlite {
    /// After an error SQLite may have rolled all back; what came then would be on its own.
    fn check_transaction(&self) -> Result<(), SqlError> {
        if self.in_transaction && self.connection.is_autocommit() {
            return Err(ErrorKind::InvalidStatement { text: ENDED.to_owned() }.undone());
        }
        Ok(())
    }

    fn query(&self, job: &Job, wants_rows: bool) -> Outcome {
        self.check_transaction()?;
        self.deadline.set(self.limits.statement);
        let changes = self.connection.total_changes();
        let mut statement = self.connection.prepare_cached(&job.sql).map_err(|error| error_of(&error))?;
        bind(&mut statement, job)?;
        let (mut rows, mut bytes, mut declared) = (RowSet::default(), 0, Vec::new());
        let mut found = statement.raw_query();
        while let Some(row) = found.next().map_err(|error| error_of(&error))? {
            if wants_rows {
                if rows.is_empty() {
                    declared = values::declared(row.as_ref());
                    rows = RowSet::with_capacity(declared.len(), 1);
                }
                bytes += row_bytes(rows.push(values::row(row, &declared)));
                self.limits.check(rows.len() as u64, bytes)?;
            }
        }
        drop(found);
        if wants_rows {
            // Where a table was changed they are known since the first row only.
            return Ok(Answer::Rows(value::Rows { columns: values::columns(&statement), rows }));
        }
        // The number of the last change stays until the next one.
        let has_changed = self.connection.total_changes() != changes;
        Ok(Answer::Affected(if has_changed { self.connection.changes() } else { 0 }))
    }

    fn say(&self, statement: &str) -> Outcome {
        self.deadline.set(self.limits.statement);
        self.is_own.store(true, Relaxed);
        let said = self.connection.execute_batch(statement);
        self.is_own.store(false, Relaxed);
        said.map_err(|error| error_of(&error))?;
        Ok(Answer::Done)
    }

    fn commit(&mut self) -> Outcome {
        let is_there = self.check_transaction();
        let outcome = is_there.and_then(|()| self.say("COMMIT"));
        if outcome.is_ok() {
            self.in_transaction = false;
        } else {
            // What could not be committed is not tried again.
            let _ = self.roll_back();
        }
        outcome
    }

    fn roll_back(&mut self) -> Outcome {
        self.in_transaction = false;
        if self.connection.is_autocommit() { Ok(Answer::Done) } else { self.say("ROLLBACK") }
    }

    async fn feed(&mut self, job: &Job, feed: &mut Feed<'_>) -> Result<(), SqlError> {
        self.check_transaction()?;
        self.deadline.set(self.limits.statement);
        if !self.in_transaction {
            // So that what a cursor's statement changed is undone where it is left.
            self.say("BEGIN")?;
        } else {
            self.say("SAVEPOINT busbar_cursor")?;
        }
        let mut statement = self.connection.prepare_cached(&job.sql).map_err(|error| error_of(&error))?;
        bind(&mut statement, job)?;
        let mut columns = values::columns(&statement);
        let mut rows = statement.raw_query();
        // Where a table was changed its columns are known since the first row only.
        let mut first = None;
        if let Some(row) = rows.next().map_err(|error| error_of(&error))? {
            columns = values::columns(row.as_ref());
            first = Some(values::row(row, &values::declared(row.as_ref())).collect());
        }
        let declared: Vec<_> = columns.iter().map(|column| column.kind).collect();
        if first.is_none() {
            feed.opened(columns);
            feed.wants().await;
            return Ok(());
        }
        feed.opened(columns);
        while feed.wants().await {
            self.deadline.set(self.limits.statement);
            let mut batch = feed.take();
            let more = fill(&mut batch, first.take(), &mut rows, &declared);
            feed.put(batch);
            if !more? {
                return Ok(());
            }
        }
        Ok(())
    }

    fn end_cursor(&mut self, is_whole: bool) -> Result<(), SqlError> {
        let statements = match (self.in_transaction, is_whole) {
            _ if self.connection.is_autocommit() => return Ok(()),
            (false, true) => "COMMIT",
            (false, false) => "ROLLBACK",
            (true, true) => "RELEASE busbar_cursor",
            (true, false) => "ROLLBACK TO busbar_cursor; RELEASE busbar_cursor",
        };
        self.deadline.stop.store(false, Relaxed);
        self.say(statements).map(|_| ())
    }
}

/// Whether there may be more.
fn fill(
    batch: &mut Batch,
    first: Option<Vec<Value>>,
    rows: &mut Rows<'_>,
    declared: &[Kind],
) -> Result<bool, SqlError> {
    if let Some(row) = first {
        batch.push(row)?;
    }
    while !batch.is_full() {
        match rows.next().map_err(|error| error_of(&error))? {
            Some(row) => batch.push(values::row(row, declared))?,
            None => return Ok(false),
        }
    }
    Ok(true)
}

fn bind(statement: &mut Statement<'_>, job: &Job) -> Result<(), SqlError> {
    let wanted = statement.parameter_count();
    if wanted != job.params.len() {
        let text = format!("it has {wanted} parameters, and {} values are given", job.params.len());
        return Err(ErrorKind::InvalidStatement { text }.undone());
    }
    for (place, value) in job.params.iter().enumerate() {
        statement
            .raw_bind_parameter(place + 1, values::parameter(value))
            .map_err(|error| error_of(&error))?;
    }
    Ok(())
}

impl Driver for Sqlite {
    async fn work(&mut self, task: Task) -> Outcome {
        let outcome = match task {
            Task::Query(job) => self.query(&job, true),
            Task::Execute(job) => self.query(&job, false),
            Task::Begin { read_only, .. } => {
                // One that will write says so at once: later it could be refused for another writer's sake.
                let outcome = self.say(if read_only { "BEGIN" } else { "BEGIN IMMEDIATE" });
                self.in_transaction = outcome.is_ok();
                outcome
            }
            Task::Commit => self.commit(),
            Task::Rollback | Task::Reset => self.roll_back(),
            Task::Ping => self.say("SELECT 1"),
            Task::Open { .. } | Task::Next { .. } | Task::Close { .. } => Ok(Answer::Done),
        };
        if !self.in_transaction && !self.connection.is_autocommit() {
            // Closing it rolls back what nobody asked for.
            return Err(lost("a transaction was left open").maybe());
        }
        outcome
    }

    async fn stream(&mut self, job: &Job, feed: &mut Feed<'_>) -> Result<(), SqlError> {
        let result = self.feed(job, feed).await;
        let is_whole = result.is_ok() && !feed.is_left();
        let ended = self.end_cursor(is_whole);
        if ended.is_err() && !self.in_transaction {
            let _ = self.roll_back();
        }
        result.and(ended)
    }

    async fn recover(&mut self) -> bool {
        self.in_transaction || self.connection.is_autocommit()
    }
}
