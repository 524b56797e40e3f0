//! SQL outwards: between what services hand over and the client.

use busbar_engine::ways::{self, Borrowed, Passage, WayFuture, sql::Statement};
use busbar_model::{
    Fault,
    fault::FaultKind,
    sql::{Begin, Column, RowSet, Rows},
};
use busbar_sql::{Connection, ErrorKind, SqlError};
use tokio::time::{Instant, timeout_at};

use super::counted::{Pool, Steps};

/// The code of what may have been done.
const LOST: &str = "connection-lost";
/// When what is in the way now may be out of it.
const SOON_S: u32 = 1;

pub(super) async fn query(
    client: &Connection,
    passage: &Passage,
    statement: Statement,
) -> Result<Rows, Fault> {
    by(passage.deadline, client.query(&statement.text, statement.parameters)).await
}

pub(super) async fn execute(
    client: &Connection,
    passage: &Passage,
    statement: Statement,
) -> Result<u64, Fault> {
    by(passage.deadline, client.execute(&statement.text, statement.parameters)).await
}

pub(super) async fn open(
    client: &Connection,
    passage: &Passage,
    statement: Statement,
    steps: Steps,
) -> Result<Box<dyn ways::Cursor>, Fault> {
    let cursor = by(passage.deadline, client.open(&statement.text, statement.parameters)).await?;
    Ok(Box::new(Cursor { cursor, steps }))
}

pub(super) async fn begin(
    client: &Connection,
    passage: &Passage,
    begin: Begin,
    steps: Steps,
) -> Result<Box<dyn ways::Transaction>, Fault> {
    let transaction = by(passage.deadline, client.begin(begin)).await?;
    Ok(Box::new(Transaction { transaction, steps }))
}

/// In time for the call to go on. What is cut off is ended by its client.
async fn by<T>(deadline: Instant, work: impl Future<Output = Result<T, SqlError>>) -> Result<T, Fault> {
    match timeout_at(deadline, work).await {
        Ok(outcome) => outcome.map_err(|error| fault(&error)),
        Err(_) => {
            let text = "the statement took longer than the call may, and was cut off; it may have been done";
            Err(Fault::new(FaultKind::Failed, text).with_code(LOST))
        }
    }
}

struct Cursor {
    cursor: busbar_sql::Cursor,
    steps: Steps,
}

impl ways::Cursor for Cursor {
    fn columns(&self) -> &[Column] {
        self.cursor.columns()
    }

    fn next(&mut self, most: u32, bytes_max: u64) -> Borrowed<'_, RowSet> {
        let most = usize::try_from(most).unwrap_or(usize::MAX);
        Box::pin(self.steps.counted(by(self.steps.deadline(), self.cursor.next(most, bytes_max))))
    }
}

struct Transaction {
    transaction: busbar_sql::Transaction,
    steps: Steps,
}

impl ways::Transaction for Transaction {
    fn query(&mut self, statement: Statement) -> Borrowed<'_, Rows> {
        Box::pin(async move {
            let Statement { text, parameters } = statement;
            let asked = self.transaction.query(&text, parameters);
            self.steps.counted(by(self.steps.deadline(), asked)).await
        })
    }

    fn execute(&mut self, statement: Statement) -> Borrowed<'_, u64> {
        Box::pin(async move {
            let Statement { text, parameters } = statement;
            let asked = self.transaction.execute(&text, parameters);
            self.steps.counted(by(self.steps.deadline(), asked)).await
        })
    }

    fn commit(self: Box<Self>) -> WayFuture<()> {
        Box::pin(async move {
            let Self { transaction, steps } = *self;
            steps.counted(by(steps.deadline(), transaction.commit())).await
        })
    }

    fn rollback(self: Box<Self>) -> WayFuture<()> {
        Box::pin(async move {
            let Self { transaction, steps } = *self;
            steps.counted(by(steps.deadline(), transaction.rollback())).await
        })
    }
}

/// As `busbar:bus/sql` has it. What may be tried again says when.
fn fault(error: &SqlError) -> Fault {
    let text = error.to_string();
    let has_a_code = matches!(
        error.kind,
        ErrorKind::TooManyRows { .. } | ErrorKind::TooLarge { .. } | ErrorKind::UnsupportedType { .. }
    );
    if error.maybe_processed && !has_a_code {
        let text = format!("{text}; it may have been done");
        return Fault::new(FaultKind::Failed, text).with_code(LOST);
    }
    let later = || Fault::new(FaultKind::RetryLater, text.clone()).with_retry_after_s(SOON_S);
    let (fault, code) = match &error.kind {
        ErrorKind::Unreachable { .. } | ErrorKind::Tls { .. } => (later(), "unreachable"),
        ErrorKind::Busy { .. } => (later(), "connection-busy"),
        ErrorKind::Conflict { .. } => (later(), "conflict"),
        ErrorKind::Constraint { name, .. } => {
            let name = name.as_deref().map(|name| format!(" {name}")).unwrap_or_default();
            (
                Fault::new(FaultKind::Rejected, format!("the constraint{name} of the database refuses it")),
                "constraint",
            )
        }
        ErrorKind::InvalidParameter { .. } => {
            (Fault::new(FaultKind::InvalidInput, text.clone()), "invalid-parameter")
        }
        other => (Fault::new(FaultKind::Failed, text.clone()), other.code()),
    };
    fault.with_code(code)
}

pub(super) fn pool(client: &Connection) -> Pool {
    let statistics = client.statistics();
    Pool { in_use: statistics.in_use, idle: statistics.idle, waiting: statistics.waiting, breaker: None }
}
