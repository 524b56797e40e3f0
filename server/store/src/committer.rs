//! The one thread of a process that commits units of work: those that wait together share one
//! transaction, and so one wait for the disk.
//!
//! Nothing is put off for the sake of company: while one transaction is on its way to the disk, the units
//! that come gather for the next.

use std::{
    collections::VecDeque,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread::{self, JoinHandle},
    time::Duration,
};

use busbar_model::{
    Timestamp, bounds,
    unit::{CommitError, Unit},
};

use crate::{error::Error, odb::Odb, unit::Commits};

/// Pause where others keep the database locked, beside what each try waits.
const BUSY_PAUSE: Duration = Duration::from_millis(5);

type Done = Box<dyn FnOnce(Result<(), CommitError>) + Send>;

/// A unit on its way.
struct Waiting {
    /// Gone once it is taken or withdrawn.
    unit: Mutex<Option<Unit>>,
    done: Mutex<Option<Done>>,
}

#[derive(Default)]
struct Queue {
    waiting: VecDeque<Arc<Waiting>>,
    closed: bool,
}

#[derive(Default)]
struct Shared {
    queue: Mutex<Queue>,
    arrived: Condvar,
}

/// Ends, when it is dropped, with what it was given.
pub struct Committer {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

/// Of a unit that was submitted.
pub struct Ticket(Arc<Waiting>);

impl Ticket {
    /// Takes the unit back, unless its transaction has begun. If it could, nothing of the unit will ever be
    /// committed, and its outcome is not told.
    pub fn withdraw(&self) -> bool {
        lock(&self.0.unit).take().is_some()
    }
}

impl Committer {
    pub fn start(odb: &Odb, clock: fn() -> Timestamp) -> std::io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let (theirs, commits) = (Arc::clone(&shared), odb.commits());
        let thread = thread::Builder::new()
            .name("committer".to_owned())
            .spawn(move || run(&theirs, commits, clock))?;
        Ok(Self { shared, thread: Some(thread) })
    }

    /// `done` is called on the committer's thread, unless the unit is withdrawn.
    pub fn submit(&self, unit: Unit, done: impl FnOnce(Result<(), CommitError>) + Send + 'static) -> Ticket {
        let waiting =
            Arc::new(Waiting { unit: Mutex::new(Some(unit)), done: Mutex::new(Some(Box::new(done))) });
        lock(&self.shared.queue).waiting.push_back(Arc::clone(&waiting));
        self.shared.arrived.notify_one();
        Ticket(waiting)
    }
}

impl Drop for Committer {
    fn drop(&mut self) {
        lock(&self.shared.queue).closed = true;
        self.shared.arrived.notify_one();
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the thread that commits ended badly");
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn run(shared: &Shared, mut commits: Commits, clock: fn() -> Timestamp) {
    loop {
        let mut queue = lock(&shared.queue);
        while queue.waiting.is_empty() {
            if queue.closed {
                return;
            }
            queue = shared.arrived.wait(queue).unwrap_or_else(PoisonError::into_inner);
        }
        drop(queue);
        let mut taken = Vec::new();
        let outcome = commits.commit(clock, || {
            let (waiting, units) = take(&mut lock(&shared.queue));
            taken = waiting;
            units
        });
        match outcome {
            Ok(results) => taken.iter().zip(results).for_each(|(waiting, result)| tell(waiting, result)),
            Err(Error::Busy) => {
                // Those that still wait do so until their own time is up.
                lock(&shared.queue).waiting.retain(|waiting| lock(&waiting.unit).is_some());
                thread::sleep(BUSY_PAUSE);
            }
            Err(error) => fail_all(shared, &error),
        }
    }
}

/// The units that go into one transaction.
fn take(queue: &mut Queue) -> (Vec<Arc<Waiting>>, Vec<Unit>) {
    let (mut taken, mut units, mut bytes) = (Vec::new(), Vec::new(), 0);
    while units.len() < bounds::COMMIT_UNITS_MAX && bytes < bounds::COMMIT_BYTES_MAX {
        let Some(waiting) = queue.waiting.pop_front() else { break };
        let unit = lock(&waiting.unit).take();
        if let Some(unit) = unit {
            bytes += unit.effects.bytes();
            units.push(unit);
            taken.push(waiting);
        }
    }
    (taken, units)
}

fn tell(waiting: &Waiting, result: Result<(), CommitError>) {
    let done = lock(&waiting.done).take();
    if let Some(done) = done {
        done(result);
    }
}

/// The database can't even be asked.
fn fail_all(shared: &Shared, error: &Error) {
    let all: Vec<_> = lock(&shared.queue).waiting.drain(..).collect();
    for waiting in all {
        if lock(&waiting.unit).take().is_some() {
            tell(&waiting, Err(CommitError::Unavailable(error.to_string())));
        }
    }
}
