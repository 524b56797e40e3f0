//! The connections of one worker to one database: who waits for one, who has one, which are kept for later.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Duration,
};

use tokio::{
    runtime::Handle,
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Instant, sleep_until, timeout},
};

use crate::{
    ErrorKind, SqlError,
    bounds::ANSWERING,
    engine::Engine,
    session::{Session, Task},
    statistics::Counters,
};

pub(crate) struct Pool {
    engine: Engine,
    places: Arc<Semaphore>,
    max: u32,
    idle: Mutex<Vec<Idle>>,
    idle_for: Duration,
    /// A task closes those that wait too long.
    is_swept: AtomicBool,
    wait: Duration,
    connect: Duration,
    pub(crate) counters: Counters,
}

struct Idle {
    session: Session,
    since: Instant,
}

/// Connections at one time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Standing {
    pub(crate) in_use: u64,
    pub(crate) idle: u64,
}

/// A connection that one caller has. Dropped, it is made as new before another gets it, or it is closed.
pub(crate) struct Lease {
    pool: Arc<Pool>,
    session: Option<Session>,
    permit: Option<OwnedSemaphorePermit>,
    /// It was idle before, and may have been lost meanwhile.
    pub(crate) is_used: bool,
    /// Nothing is under way on it and nothing is left in it.
    is_clean: bool,
}

impl Pool {
    pub(crate) fn new(engine: Engine, settings: &busbar_model::connection::sql::Pool) -> Self {
        Self {
            engine,
            places: Arc::new(Semaphore::new(settings.max as usize)),
            max: settings.max,
            idle: Mutex::default(),
            idle_for: Duration::from_millis(settings.idle_ms),
            is_swept: AtomicBool::new(false),
            wait: Duration::from_millis(settings.wait_ms),
            connect: Duration::from_millis(settings.connect_ms),
            counters: Counters::default(),
        }
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Idle>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn standing(&self) -> Standing {
        let taken = u64::from(self.max).saturating_sub(self.places.available_permits() as u64);
        Standing { in_use: taken, idle: self.idle().len() as u64 }
    }

    /// The one that was used last, or a new one.
    pub(crate) async fn take(self: &Arc<Self>) -> Result<Lease, SqlError> {
        let permit = self.enter().await?;
        loop {
            let Some(idle) = self.idle().pop() else { return self.fresh(permit).await };
            if idle.session.is_closed() || idle.since.elapsed() >= self.idle_for {
                continue;
            }
            if self.engine.is_suspect(idle.since.elapsed()) {
                let answer = timeout(ANSWERING, idle.session.ask(Task::Ping)).await;
                if !answer.is_ok_and(|answer| answer.is_ok()) {
                    continue;
                }
            }
            return Ok(self.lease(idle.session, permit, true));
        }
    }

    /// After one that was idle turned out to be lost: all that were idle are in doubt.
    pub(crate) async fn take_fresh(self: &Arc<Self>) -> Result<Lease, SqlError> {
        let permit = self.enter().await?;
        self.idle().clear();
        self.fresh(permit).await
    }

    async fn enter(&self) -> Result<OwnedSemaphorePermit, SqlError> {
        if let Ok(permit) = Arc::clone(&self.places).try_acquire_owned() {
            return Ok(permit);
        }
        let _waiting = Waiting::new(&self.counters);
        let entered = timeout(self.wait, Arc::clone(&self.places).acquire_owned()).await;
        match entered {
            Ok(Ok(permit)) => Ok(permit),
            _ => {
                let text = format!("{} are in use for {} ms", self.max, self.wait.as_millis());
                Err(ErrorKind::Busy { text }.undone())
            }
        }
    }

    /// One that is not the pool's.
    pub(crate) async fn try_connect(&self) -> Result<Session, SqlError> {
        let connected = timeout(self.connect, self.engine.connect()).await;
        connected.unwrap_or_else(|_| {
            let text = format!("it took longer than {} ms", self.connect.as_millis());
            Err(ErrorKind::Unreachable { text }.undone())
        })
    }

    async fn fresh(self: &Arc<Self>, permit: OwnedSemaphorePermit) -> Result<Lease, SqlError> {
        let session = self.try_connect().await?;
        self.counters.opened.fetch_add(1, Relaxed);
        Ok(self.lease(session, permit, false))
    }

    fn lease(self: &Arc<Self>, session: Session, permit: OwnedSemaphorePermit, is_used: bool) -> Lease {
        Lease {
            pool: Arc::clone(self),
            session: Some(session),
            permit: Some(permit),
            is_used,
            is_clean: true,
        }
    }

    fn keep(self: &Arc<Self>, session: Session) {
        if session.is_closed() {
            return;
        }
        self.idle().push(Idle { session, since: Instant::now() });
        // Without a runtime nobody drives the connection, either.
        if let Ok(runtime) = Handle::try_current()
            && !self.is_swept.swap(true, Relaxed)
        {
            let (pool, first) = (Arc::downgrade(self), Instant::now() + self.idle_for);
            runtime.spawn(async move {
                let mut next = Some(first);
                while let Some(at) = next {
                    sleep_until(at).await;
                    next = pool.upgrade().and_then(|pool| pool.sweep());
                }
            });
        }
    }

    /// Closes those that waited too long, also when no call comes that would find them. Returns when the next one will
    /// have.
    fn sweep(&self) -> Option<Instant> {
        let mut idle = self.idle();
        idle.retain(|idle| !idle.session.is_closed() && idle.since.elapsed() < self.idle_for);
        // The oldest are the first.
        let next = idle.first().map(|idle| idle.since + self.idle_for);
        if next.is_none() {
            // Under the lock: who keeps one now begins anew.
            self.is_swept.store(false, Relaxed);
        }
        next
    }
}

impl Lease {
    /// Asks for something that may leave something behind; [`Lease::settle`] says that it did not.
    pub(crate) async fn ask(&mut self, task: Task) -> crate::session::Outcome {
        self.is_clean = false;
        match &self.session {
            Some(session) => session.ask(task).await,
            None => Err(crate::error::lost("it is given back").undone()),
        }
    }

    /// Nothing is under way any more, and nothing was left in the session.
    pub(crate) fn settle(&mut self) {
        self.is_clean = true;
    }

    pub(crate) fn session(&self) -> Option<Session> {
        self.session.as_ref().map(Session::again)
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let (Some(session), Some(permit)) = (self.session.take(), self.permit.take()) else { return };
        if self.is_clean {
            self.pool.keep(session);
            return;
        }
        let pool = Arc::clone(&self.pool);
        // Without a runtime nobody drives the connection, either: it is closed.
        if let Ok(runtime) = Handle::try_current() {
            runtime.spawn(async move {
                if session.ask(Task::Reset).await.is_ok() {
                    pool.keep(session);
                }
                drop(permit);
            });
        }
    }
}

/// Counted while it waits.
struct Waiting<'a>(&'a Counters);

impl<'a> Waiting<'a> {
    fn new(counters: &'a Counters) -> Self {
        counters.waiting.fetch_add(1, Relaxed);
        Self(counters)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Relaxed);
    }
}
