//! How one connection is, and whether its client keeps it waiting for too long.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering},
    },
    task::Waker,
};

use futures_util::task::AtomicWaker;

use crate::{settings, worker::roster::Clock};

/// What a connection is at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// Nothing has come yet.
    Opened,
    /// A request's head is on its way.
    Head,
    /// A call is under way, from its head to the end of its reply.
    Call,
    /// Its reply is written, and the rest of its body is on its way.
    Rest,
    /// Between two requests.
    Idle,
}

/// Why a connection is to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// The head of a request took too long.
    HeadLate,
    /// No request came.
    Idle,
    /// Others need its place.
    NoRoom,
    /// Its client does not read.
    Unread,
}

/// How long clients may take. Milliseconds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Patience {
    head: u64,
    idle: u64,
    body: u64,
    write: u64,
    /// 0: whatever they are.
    bytes_per_s_min: u64,
}

impl Patience {
    pub(crate) fn of(settings: &settings::Http) -> Self {
        Self {
            head: settings.header_timeout_ms,
            idle: settings.idle_timeout_ms,
            body: settings.body_idle_timeout_ms,
            write: settings.write_idle_timeout_ms,
            bytes_per_s_min: settings.transfer_bytes_per_s_min,
        }
    }

    pub(crate) fn least_ms(&self) -> u64 {
        self.head.min(self.idle).min(self.body).min(self.write)
    }
}

/// One direction of a transfer: how long the other side was waited for, and for how many bytes.
#[derive(Debug, Default)]
pub(crate) struct Pace {
    /// Since when it is waited for now; 0 is not at all.
    since: AtomicU64,
    waited: AtomicU64,
    bytes: AtomicU64,
}

impl Pace {
    fn begin(&self) {
        for part in [&self.since, &self.waited, &self.bytes] {
            part.store(0, Ordering::Relaxed);
        }
    }

    pub(crate) fn wait(&self, now: u64) {
        if !self.is_waiting() {
            self.since.store(now, Ordering::Relaxed);
        }
    }

    pub(crate) fn moved(&self, now: u64, bytes: usize) {
        let waiting = self.waiting_ms(now);
        self.since.store(0, Ordering::Relaxed);
        self.waited.fetch_add(waiting, Ordering::Relaxed);
        self.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    pub(crate) fn is_waiting(&self) -> bool {
        self.since.load(Ordering::Relaxed) > 0
    }

    pub(crate) fn waiting_ms(&self, now: u64) -> u64 {
        match self.since.load(Ordering::Relaxed) {
            0 => 0,
            since => now.saturating_sub(since),
        }
    }

    pub(crate) fn waited_ms(&self, now: u64) -> u64 {
        self.waited.load(Ordering::Relaxed) + self.waiting_ms(now)
    }

    /// A pause of `pause_max` at most, and beyond so much in all the least rate.
    fn is_too_slow(&self, now: u64, pause_max: u64, bytes_per_s_min: u64) -> bool {
        let bytes = self.bytes.load(Ordering::Relaxed);
        let earned = bytes.saturating_mul(1_000).checked_div(bytes_per_s_min).unwrap_or(u64::MAX);
        self.waiting_ms(now) > pause_max
            || (self.is_waiting() && self.waited_ms(now) > pause_max.saturating_add(earned))
    }
}

/// What is known of a connection, for all that have to do with it.
pub(crate) struct Seat {
    clock: Arc<Clock>,
    stage: AtomicU8,
    since: AtomicU64,
    pub(crate) body: Pace,
    pub(crate) reply: Pace,
    /// Of the reply that is being written: what it takes, and what is left to be written of it.
    reply_bytes: AtomicU64,
    reply_left: AtomicU64,
    body_is_late: AtomicBool,
    /// Bodies whose end has not come yet: at most two, since the next request may be read before it is noted that
    /// the last one's body has ended.
    bodies: AtomicU8,
    /// Of who reads the body, which may be another task.
    body_waker: Mutex<Option<Waker>>,
    ending: AtomicU8,
    lingers: AtomicBool,
    waker: AtomicWaker,
}

impl Seat {
    pub(crate) fn new(clock: Arc<Clock>) -> Self {
        let since = AtomicU64::new(clock.now());
        Self {
            clock,
            stage: AtomicU8::new(Stage::Opened as u8),
            since,
            body: Pace::default(),
            reply: Pace::default(),
            reply_bytes: AtomicU64::new(0),
            reply_left: AtomicU64::new(0),
            body_is_late: AtomicBool::new(false),
            bodies: AtomicU8::new(0),
            body_waker: Mutex::default(),
            ending: AtomicU8::new(0),
            lingers: AtomicBool::new(false),
            waker: AtomicWaker::new(),
        }
    }

    pub(crate) fn now(&self) -> u64 {
        self.clock.now()
    }

    pub(crate) fn stage(&self) -> Stage {
        match self.stage.load(Ordering::Relaxed) {
            0 => Stage::Opened,
            1 => Stage::Head,
            2 => Stage::Call,
            _ if self.has_open_body() => Stage::Rest,
            _ => Stage::Idle,
        }
    }

    pub(crate) fn since_ms(&self) -> u64 {
        self.since.load(Ordering::Relaxed)
    }

    fn enter(&self, stage: Stage) {
        self.stage.store(stage as u8, Ordering::Relaxed);
        self.since.store(self.now(), Ordering::Relaxed);
    }

    /// Bytes came.
    pub(crate) fn heard(&self) {
        match self.stage() {
            // From the connection's begin on: whoever connects has a request.
            Stage::Opened => self.stage.store(Stage::Head as u8, Ordering::Relaxed),
            Stage::Idle => self.enter(Stage::Head),
            Stage::Head | Stage::Call | Stage::Rest => {}
        }
    }

    pub(crate) fn begin_call(&self) {
        self.enter(Stage::Call);
        self.body.begin();
    }

    /// The reply's head is about to be written.
    pub(crate) fn begin_reply(&self, bytes: u64) {
        if !self.reply.is_waiting() {
            self.reply.begin();
        }
        self.reply_left.store(bytes, Ordering::Relaxed);
        self.clock.hold(bytes, self.reply_bytes.swap(bytes, Ordering::Relaxed));
    }

    /// All of the reply was handed over to be written.
    pub(crate) fn end_call(&self) {
        self.enter(Stage::Idle);
    }

    /// The client has taken so much.
    pub(crate) fn wrote(&self, bytes: usize) {
        self.reply.moved(self.now(), bytes);
        let left = self.reply_left.load(Ordering::Relaxed).saturating_sub(bytes as u64);
        self.reply_left.store(left, Ordering::Relaxed);
        if left == 0 {
            self.clock.hold(0, self.reply_bytes.swap(0, Ordering::Relaxed));
        }
    }

    pub(crate) fn reply_bytes(&self) -> u64 {
        self.reply_bytes.load(Ordering::Relaxed)
    }

    /// The client does not take more at present.
    pub(crate) fn wait_reader(&self) {
        self.reply.wait(self.clock.look());
    }

    /// A request has a body, until what is returned is dropped.
    pub(crate) fn open_body(self: &Arc<Self>) -> OpenBody {
        self.bodies.fetch_add(1, Ordering::Relaxed);
        OpenBody(Arc::clone(self))
    }

    fn has_open_body(&self) -> bool {
        self.bodies.load(Ordering::Relaxed) > 0
    }

    /// Nobody reads the body any more.
    pub(crate) fn leave_body(&self) {
        self.body.moved(self.now(), 0);
    }

    /// Who reads the body waits for its sender.
    pub(crate) fn wait_body(&self, waker: &Waker) {
        self.body.wait(self.clock.look());
        let mut kept = self.body_waker.lock().unwrap_or_else(PoisonError::into_inner);
        if !kept.as_ref().is_some_and(|kept| kept.will_wake(waker)) {
            *kept = Some(waker.clone());
        }
    }

    pub(crate) fn body_is_late(&self) -> bool {
        self.body_is_late.load(Ordering::Relaxed)
    }

    /// The body that is waited for will not be waited for any more.
    pub(crate) fn end_body(&self) {
        self.body_is_late.store(true, Ordering::Relaxed);
        if let Some(waker) = self.body_waker.lock().unwrap_or_else(PoisonError::into_inner).take() {
            waker.wake();
        }
    }

    /// Who moves the connection's bytes.
    pub(crate) fn register(&self, waker: &Waker) {
        self.waker.register(waker);
    }

    /// There is something for it to do.
    pub(crate) fn wake(&self) {
        self.waker.wake();
    }

    pub(crate) fn end(&self, ending: Ending) {
        self.ending.store(ending as u8 + 1, Ordering::Relaxed);
        self.wake();
    }

    pub(crate) fn ending(&self) -> Option<Ending> {
        match self.ending.load(Ordering::Relaxed) {
            0 => None,
            1 => Some(Ending::HeadLate),
            2 => Some(Ending::Idle),
            3 => Some(Ending::NoRoom),
            _ => Some(Ending::Unread),
        }
    }

    /// What is refused may still be on its way when the connection is closed.
    pub(crate) fn linger(&self) {
        self.lingers.store(true, Ordering::Relaxed);
    }

    /// Whether it is to be read, for no longer than a head may take.
    pub(crate) fn begin_lingering(&self) -> bool {
        let lingers = self.lingers.load(Ordering::Relaxed) || self.has_open_body();
        if lingers {
            self.enter(Stage::Head);
        }
        lingers
    }

    /// A request came at the last moment.
    pub(crate) fn stay(&self) {
        if self.ending() != Some(Ending::Unread) {
            self.ending.store(0, Ordering::Relaxed);
        }
    }

    pub(crate) fn is_open(&self) -> bool {
        self.ending().is_none()
    }

    /// Ends what takes too long.
    pub(crate) fn judge(&self, now: u64, patience: &Patience) {
        if !self.is_open() {
            return;
        }
        if self.reply.is_too_slow(now, patience.write, patience.bytes_per_s_min) {
            return self.end(Ending::Unread);
        }
        let lasts = now.saturating_sub(self.since_ms());
        match self.stage() {
            Stage::Opened | Stage::Head if lasts > patience.head => self.end(Ending::HeadLate),
            Stage::Idle if lasts > patience.idle && !self.reply.is_waiting() => self.end(Ending::Idle),
            Stage::Call if self.body.is_too_slow(now, patience.body, patience.bytes_per_s_min) => {
                self.end_body();
            }
            _ => {}
        }
    }
}

/// The body of a request, for as long as its end has not come.
pub(crate) struct OpenBody(Arc<Seat>);

impl Drop for OpenBody {
    fn drop(&mut self) {
        self.0.bodies.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.clock.hold(0, self.reply_bytes.swap(0, Ordering::Relaxed));
    }
}

#[cfg(test)]
mod tests {
    use super::Pace;

    #[test]
    fn a_pause_and_a_trickle_are_too_slow() {
        let slow = |pace: &Pace, now| pace.is_too_slow(now, 10_000, 500);
        let pause = Pace::default();
        assert!(!slow(&pause, 99_999), "nobody waits");
        pause.wait(1);
        assert!(!slow(&pause, 10_001) && slow(&pause, 10_002));
        pause.moved(10_000, 1);
        assert!(!slow(&pause, 99_999));
        // One byte a second.
        let trickle = Pace::default();
        for second in 0..11 {
            trickle.wait(1 + second * 1_000);
            assert_eq!(slow(&trickle, 999 + second * 1_000), second > 9, "{second}");
            trickle.moved(1_001 + second * 1_000, 1);
        }
        let steady = Pace::default();
        for second in 0..1_000 {
            steady.wait(1 + second * 1_000);
            assert!(!slow(&steady, 1_000 + second * 1_000));
            steady.moved(1_001 + second * 1_000, 1_000);
        }
    }
}
