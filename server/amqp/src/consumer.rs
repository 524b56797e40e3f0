//! A consumer that is there again whenever it can be.

use std::{
    collections::VecDeque,
    pin::pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};

use tokio::{
    sync::{Notify, Semaphore, mpsc, oneshot, watch},
    time::timeout_at,
};

use crate::{
    endpoint::Invalid,
    incoming::{Incoming, Told},
    link::Shared,
    reason::Reason,
    subscription::Subscription,
};

mod acks;
mod channel;
mod declare;
mod pump;

#[derive(Clone, Debug)]
pub enum ConsumerState {
    Consuming,
    /// There is no connection.
    Reconnecting {
        since: Instant,
        reason: Reason,
    },
    Paused,
    /// There is a connection, but the broker does not let it consume; it is tried again and again.
    Refused {
        since: Instant,
        /// In the broker's words, most of the time.
        reason: String,
    },
    Stopped,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    Running,
    Paused,
    /// Nothing is handed out any more.
    Draining,
    Stopped,
}

/// Hands out messages one by one. When it is dropped the broker takes back what is not settled; to let work come to
/// its end, [`drain`](Self::drain) it first.
pub struct Consumer {
    desk: Arc<Desk>,
}

/// Where the task that has the channel and those who take messages meet.
pub(crate) struct Desk {
    pub(crate) subscription: Subscription,
    pub(crate) state: watch::Sender<ConsumerState>,
    pub(crate) mode: watch::Sender<Mode>,
    pub(crate) told: mpsc::UnboundedSender<Told>,
    waiting: Mutex<VecDeque<Incoming>>,
    arrived: Notify,
    in_hand: Arc<Semaphore>,
    stale: AtomicU64,
}

impl Consumer {
    pub(crate) fn start(link: &Arc<Shared>, subscription: Subscription) -> Result<Self, Invalid> {
        subscription.check()?;
        let (told, hears) = mpsc::unbounded_channel();
        let untried = ConsumerState::Reconnecting { since: Instant::now(), reason: Reason::Untried };
        let desk = Arc::new(Desk {
            in_hand: Arc::new(Semaphore::new(subscription.at_once().into())),
            subscription,
            state: watch::Sender::new(untried),
            mode: watch::Sender::new(Mode::Running),
            told,
            waiting: Mutex::default(),
            arrived: Notify::new(),
            stale: AtomicU64::new(0),
        });
        tokio::spawn(pump::run(Arc::clone(link), Arc::clone(&desk), hears));
        Ok(Self { desk })
    }

    /// The next message, as soon as there is one and fewer than the prefetch are in hand; `None` when the consumer
    /// is drained or the link is gone. It can be given up at any time without losing a message, and several may
    /// wait at once.
    pub async fn next(&self) -> Option<Incoming> {
        let desk = &self.desk;
        let permit = Arc::clone(&desk.in_hand).acquire_owned().await.ok()?;
        loop {
            let mut arrived = pin!(desk.arrived.notified());
            arrived.as_mut().enable();
            if let Some(incoming) = desk.waiting().pop_front() {
                return Some(incoming.hand_out(permit));
            }
            if matches!(*desk.mode.borrow(), Mode::Draining | Mode::Stopped) {
                return None;
            }
            arrived.await;
        }
    }

    pub fn state(&self) -> watch::Receiver<ConsumerState> {
        self.desk.state.subscribe()
    }

    /// Takes no more from the broker. What it has sent by then is handed out still.
    pub fn pause(&self) {
        self.desk.change(Mode::Running, Mode::Paused);
    }

    pub fn resume(&self) {
        self.desk.change(Mode::Paused, Mode::Running);
    }

    /// Hands nothing out any more, gives back what was not handed out, and waits until all that was is settled and
    /// the broker was told. Whether that was so before the deadline.
    pub async fn drain(&self, deadline: tokio::time::Instant) -> bool {
        let desk = &self.desk;
        desk.mode.send_if_modified(|mode| {
            let begins = matches!(mode, Mode::Running | Mode::Paused);
            if begins {
                *mode = Mode::Draining;
            }
            begins
        });
        desk.arrived.notify_waiters();
        let all = desk.subscription.at_once().into();
        let settled = async {
            drop(desk.in_hand.acquire_many(all).await);
            let (done, told) = oneshot::channel();
            let _ = desk.told.send(Told::Flush(done));
            told.await
        };
        matches!(timeout_at(deadline, settled).await, Ok(Ok(())))
    }

    /// Settlements of messages whose connection was gone by then; the broker hands such messages out again.
    pub fn stale_settlements(&self) -> u64 {
        self.desk.stale.load(Ordering::Relaxed)
    }
}

impl Drop for Consumer {
    fn drop(&mut self) {
        self.desk.mode.send_replace(Mode::Stopped);
    }
}

impl Desk {
    fn waiting(&self) -> MutexGuard<'_, VecDeque<Incoming>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, from: Mode, to: Mode) {
        self.mode.send_if_modified(|mode| {
            let changes = *mode == from;
            if changes {
                *mode = to;
            }
            changes
        });
    }

    pub(crate) fn arrive(&self, incoming: Incoming) {
        self.waiting().push_back(incoming);
        self.arrived.notify_one();
    }

    /// The channel that they came by is gone.
    pub(crate) fn forget_waiting(&self) {
        let gone = std::mem::take(&mut *self.waiting());
        gone.into_iter().for_each(Incoming::forget);
    }

    /// Each goes back to the queue.
    pub(crate) fn give_back_waiting(&self) {
        drop(std::mem::take(&mut *self.waiting()));
    }

    pub(crate) fn count_stale(&self, settlements: usize) {
        self.stale.fetch_add(u64::try_from(settlements).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// Nothing will come any more.
    pub(crate) fn close(&self) {
        // Before the mode: who is told by `next` that nothing comes finds out why.
        self.state.send_replace(ConsumerState::Stopped);
        self.mode.send_replace(Mode::Stopped);
        self.forget_waiting();
        self.arrived.notify_waiters();
    }
}
