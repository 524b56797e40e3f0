//! Connections that are open: those in use, and those that wait for their next call.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Duration,
};

use busbar_model::connection::http::{self as settings, origin::Origin};
use hyper::client::conn::http1::{Builder, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::{
    task::AbortHandle,
    time::{Instant, sleep},
};

use crate::{
    request::Outbound,
    statistics::{Counters, count},
    stream::Stream,
};

/// One connection, for one call at a time. Dropped, it is closed, whatever its other side does.
pub(crate) struct Lane {
    pub(crate) sender: SendRequest<Outbound>,
    pub(crate) origin: Arc<Origin>,
    /// It served a call before; the other side may have closed it meanwhile.
    pub(crate) is_reused: bool,
    task: AbortHandle,
    counters: Arc<Counters>,
}

impl Drop for Lane {
    fn drop(&mut self) {
        self.task.abort();
        self.counters.open.fetch_sub(1, Relaxed);
    }
}

pub(crate) struct Pool {
    idle: Mutex<Vec<Idle>>,
    idle_max: usize,
    idle_time: Duration,
    builder: Builder,
    counters: Arc<Counters>,
    is_swept: AtomicBool,
}

struct Idle {
    lane: Lane,
    since: Instant,
}

impl Pool {
    pub(crate) fn new(pool: &settings::Pool, builder: Builder, counters: Arc<Counters>) -> Self {
        Self {
            idle: Mutex::default(),
            idle_max: pool.idle_max as usize,
            idle_time: Duration::from_millis(pool.idle_ms),
            builder,
            counters,
            is_swept: AtomicBool::new(false),
        }
    }

    pub(crate) async fn open(&self, stream: Stream, origin: &Arc<Origin>) -> Result<Lane, hyper::Error> {
        let (sender, connection) = self.builder.handshake(TokioIo::new(stream)).await?;
        // What goes wrong with it is told to the call that uses it.
        let task = tokio::spawn(async move {
            let _ = connection.await;
        });
        count(&self.counters.opened);
        count(&self.counters.open);
        Ok(Lane {
            sender,
            origin: Arc::clone(origin),
            is_reused: false,
            task: task.abort_handle(),
            counters: Arc::clone(&self.counters),
        })
    }

    /// The one that waits the shortest, since it is the likeliest to be open still.
    pub(crate) fn take(&self, origin: &Arc<Origin>, now: Instant) -> Option<Lane> {
        let mut idle = self.lock();
        loop {
            let is_of = |kept: &Idle| Arc::ptr_eq(&kept.lane.origin, origin) || kept.lane.origin == *origin;
            let place = idle.iter().rposition(is_of)?;
            let Idle { mut lane, since } = idle.remove(place);
            if !lane.sender.is_closed() && now.saturating_duration_since(since) < self.idle_time {
                lane.is_reused = true;
                return Some(lane);
            }
        }
    }

    pub(crate) fn put(self: &Arc<Self>, lane: Lane) {
        if self.idle_max == 0 || lane.sender.is_closed() {
            return;
        }
        let mut idle = self.lock();
        if idle.len() >= self.idle_max {
            idle.remove(0);
        }
        idle.push(Idle { lane, since: Instant::now() });
        drop(idle);
        if !self.is_swept.swap(true, Relaxed) {
            self.sweep_while_some_wait();
        }
    }

    /// Closes those that waited too long, also when no call comes that would find them.
    fn sweep_while_some_wait(self: &Arc<Self>) {
        let (pool, idle_time) = (Arc::downgrade(self), self.idle_time);
        tokio::spawn(async move {
            loop {
                sleep(idle_time).await;
                let Some(pool) = pool.upgrade() else { return };
                let now = Instant::now();
                let mut idle = pool.lock();
                idle.retain(|kept| {
                    !kept.lane.sender.is_closed() && now.saturating_duration_since(kept.since) < idle_time
                });
                if idle.is_empty() {
                    // Under the lock: who puts one back now begins anew.
                    pool.is_swept.store(false, Relaxed);
                    return;
                }
            }
        });
    }

    pub(crate) fn idle(&self) -> u64 {
        let mut idle = self.lock();
        idle.retain(|kept| !kept.lane.sender.is_closed());
        idle.len() as u64
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Idle>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
