//! One connection to a database, driven by a task of its own: what a caller gives up, its task ends in order.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
};

use tokio::{
    sync::{mpsc, oneshot},
    task::unconstrained,
    time::{sleep, timeout},
};

use crate::{
    ErrorKind, Isolation, SqlError,
    bounds::{CLEANING, COMMANDS_MAX, STATEMENT_MARGIN},
    error::lost,
    feed::{Feed, Left},
    limits::Limits,
    statement::Job,
    value::{Column, RowSet, Rows},
};

/// What the task of a connection is asked for.
#[derive(Debug)]
pub(crate) enum Task {
    Query(Arc<Job>),
    Execute(Arc<Job>),
    /// From then on until the cursor's end there are `Next` and `Close` only.
    Open {
        job: Arc<Job>,
        cursor: u64,
    },
    Next {
        cursor: u64,
        rows_max: usize,
        bytes_max: u64,
    },
    Close {
        cursor: u64,
    },
    Begin {
        read_only: bool,
        isolation: Option<Isolation>,
    },
    Commit,
    Rollback,
    /// As new: no transaction, no cursor, nothing left in the session.
    Reset,
    Ping,
}

#[derive(Debug)]
pub(crate) enum Answer {
    Done,
    Rows(Rows),
    Affected(u64),
    Columns(Vec<Column>),
    Batch { rows: RowSet, is_last: bool },
}

pub(crate) type Outcome = Result<Answer, SqlError>;
pub(crate) type Reply = oneshot::Sender<Outcome>;

pub(crate) struct Command {
    pub(crate) task: Task,
    pub(crate) reply: Reply,
}

/// How a database is spoken to. Its futures may be dropped at any point; [`Driver::recover`] follows then.
pub(crate) trait Driver {
    async fn work(&mut self, task: Task) -> Outcome;

    /// Feeds the rows of a statement to who reads the cursor.
    async fn stream(&mut self, job: &Job, feed: &mut Feed<'_>) -> Result<(), SqlError>;

    /// After something was given up half-way. Whether the connection is of use still.
    async fn recover(&mut self) -> bool;
}

/// What calls need of a connection that has a task.
pub(crate) struct Session {
    commands: mpsc::Sender<Command>,
    /// What is under way is given up; looked at by databases that run in this process.
    stop: Arc<AtomicBool>,
}

/// What the task of a connection needs of its calls.
pub(crate) struct Orders {
    commands: mpsc::Receiver<Command>,
    pub(crate) stop: Arc<AtomicBool>,
}

pub(crate) fn pair() -> (Session, Orders) {
    let (sender, receiver) = mpsc::channel(COMMANDS_MAX);
    let stop = Arc::new(AtomicBool::new(false));
    (Session { commands: sender, stop: Arc::clone(&stop) }, Orders { commands: receiver, stop })
}

/// Says that what is under way is given up, unless it came to its end.
struct Cut<'a> {
    stop: &'a AtomicBool,
    is_over: bool,
}

impl Drop for Cut<'_> {
    fn drop(&mut self) {
        if !self.is_over {
            self.stop.store(true, Relaxed);
        }
    }
}

impl Session {
    pub(crate) async fn ask(&self, task: Task) -> Outcome {
        let (reply, answer) = oneshot::channel();
        let mut cut = Cut { stop: &self.stop, is_over: false };
        if self.commands.send(Command { task, reply }).await.is_err() {
            return Err(lost("it is closed").undone());
        }
        let answer = answer.await.unwrap_or_else(|_| Err(lost("it was closed").maybe()));
        cut.is_over = true;
        answer
    }

    /// Without waiting for what becomes of it.
    pub(crate) fn tell(&self, task: Task) {
        let (reply, _) = oneshot::channel();
        // There is room: who tells has asked for nothing else.
        let _ = self.commands.try_send(Command { task, reply });
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.commands.is_closed()
    }

    pub(crate) fn again(&self) -> Self {
        Self { commands: self.commands.clone(), stop: Arc::clone(&self.stop) }
    }
}

/// Numbers no two cursors alike, so that one that is over is not taken for another of the same connection.
pub(crate) fn cursor_number() -> u64 {
    static NUMBER: AtomicU64 = AtomicU64::new(1);
    NUMBER.fetch_add(1, Relaxed)
}

/// Until nobody has the session any more, or the connection is of no use.
pub(crate) async fn serve<D: Driver>(mut driver: D, mut orders: Orders, limits: Limits) {
    let mut next = None;
    loop {
        let Some(Command { task, reply }) = (match next.take() {
            Some(command) => Some(command),
            None => orders.commands.recv().await,
        }) else {
            return;
        };
        orders.stop.store(false, Relaxed);
        let is_of_use = match task {
            Task::Open { job, cursor } => {
                let mut feed = Feed::new(&mut orders.commands, cursor, reply, &limits);
                let result = driver.stream(&job, &mut feed).await;
                let is_lost = result.as_ref().is_err_and(SqlError::is_loss);
                let (left, after) = feed.finish(result);
                next = after;
                match left {
                    _ if is_lost => false,
                    Left::AtItsEnd => true,
                    Left::Early => within(driver.recover()).await,
                }
            }
            Task::Next { .. } | Task::Close { .. } => {
                let _ = reply.send(Err(closed_cursor()));
                true
            }
            task => attend(&mut driver, task, reply, &limits).await,
        };
        if !is_of_use {
            return;
        }
    }
}

pub(crate) fn closed_cursor() -> SqlError {
    ErrorKind::InvalidStatement { text: "the cursor is closed".to_owned() }.undone()
}

/// Whether the connection is of use still.
async fn attend<D: Driver>(driver: &mut D, task: Task, mut reply: Reply, limits: &Limits) -> bool {
    let bound = if matches!(task, Task::Reset) { CLEANING } else { limits.statement + STATEMENT_MARGIN };
    let outcome = tokio::select! {
        biased;
        outcome = driver.work(task) => Some(outcome),
        // Rows that come without a pause use up what a task may do at once; these two are looked at all the same.
        () = unconstrained(reply.closed()) => None,
        () = unconstrained(sleep(bound)) => Some(Err(ErrorKind::StatementTimeout { bound: limits.statement }.maybe())),
    };
    let (is_lost, is_whole) = match &outcome {
        None => (false, false),
        Some(Ok(_)) => (false, true),
        Some(Err(error)) => (error.is_loss(), !given_up(error)),
    };
    if let Some(outcome) = outcome {
        let _ = reply.send(outcome.map_err(|error| limits.complete(error)));
    }
    !is_lost && (is_whole || within(driver.recover()).await)
}

/// Of a statement that may still run, or whose rows are not all read.
pub(crate) fn given_up(error: &SqlError) -> bool {
    matches!(
        error.kind,
        ErrorKind::StatementTimeout { .. }
            | ErrorKind::TooManyRows { .. }
            | ErrorKind::TooLarge { .. }
            | ErrorKind::UnsupportedType { .. }
    )
}

async fn within(cleaning: impl Future<Output = bool>) -> bool {
    timeout(CLEANING, cleaning).await.unwrap_or(false)
}
