//! Every open connection of a worker and how it is: who is idle, who keeps others waiting, who is to go.
//!
//! One look at all of them each now and then, instead of timers for each of them.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use busbar_model::bounds;
use tokio::sync::Notify;

use crate::{
    settings,
    trouble::{self, Trouble},
    worker::{
        seat::{Ending, Patience, Seat, Stage},
        share::Share,
    },
};

/// Between two looks.
const LOOK_MS_MAX: u64 = 500;
const LOOK_MS_MIN: u64 = 20;
/// Who has kept everyone waiting for so long may be told to go where there is no room.
const UNHURRIED_MS: u64 = 1_000;
/// Who has not read for so long has stopped reading.
const UNREAD: Duration = Duration::from_millis(100);
/// Of those who may go, this part goes at once: looking for them takes time by their number.
const ROOM_PART: usize = 64;

pub(crate) struct Roster {
    seats: Mutex<HashMap<u64, Arc<Seat>>>,
    numbers: AtomicU64,
    /// A connection has ended.
    freed: Notify,
    clock: Arc<Clock>,
    patience: Patience,
    connections_max: usize,
    pub(crate) share: Share,
}

/// What all seats share: milliseconds as of the last look, of the worker's own time, since nobody asks the system for
/// it who need not; and the bytes of replies.
#[derive(Debug)]
pub(crate) struct Clock {
    started: Instant,
    now_ms: AtomicU64,
    reply_bytes: AtomicU64,
    /// There are too many of them.
    full: Notify,
}

impl Clock {
    fn new() -> Self {
        Self {
            started: Instant::now(),
            now_ms: AtomicU64::new(1),
            reply_bytes: AtomicU64::new(0),
            full: Notify::new(),
        }
    }

    /// Never 0.
    pub(crate) fn now(&self) -> u64 {
        self.now_ms.load(Ordering::Relaxed)
    }

    pub(crate) fn look(&self) -> u64 {
        let now = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX).saturating_add(1);
        self.now_ms.store(now, Ordering::Relaxed);
        now
    }

    /// A reply of so many bytes is held, and another one no longer.
    pub(crate) fn hold(&self, bytes: u64, no_longer: u64) {
        if bytes == no_longer {
            return;
        }
        let held = self.reply_bytes.fetch_add(bytes, Ordering::Relaxed) + bytes;
        self.reply_bytes.fetch_sub(no_longer, Ordering::Relaxed);
        if bytes > 0 && held > bounds::REPLIES_BYTES_MAX {
            self.full.notify_one();
        }
    }

    fn reply_bytes(&self) -> u64 {
        self.reply_bytes.load(Ordering::Relaxed)
    }
}

/// What the connections are, in numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Crowd {
    pub(crate) open: u64,
    pub(crate) idle: u64,
}

impl Roster {
    pub(crate) fn new(settings: &settings::Http, descriptors: u64, share: Share) -> Arc<Self> {
        let fit = usize::try_from(descriptors.saturating_sub(bounds::DESCRIPTORS_KEPT)).unwrap_or(usize::MAX);
        Arc::new(Self {
            seats: Mutex::default(),
            numbers: AtomicU64::new(0),
            freed: Notify::new(),
            clock: Arc::new(Clock::new()),
            patience: Patience::of(settings),
            // A few even where there are next to no descriptors.
            connections_max: (settings.connections_max as usize).min(fit.max(16)),
            share,
        })
    }

    /// For a connection that was accepted, until its guard is dropped.
    pub(crate) fn take(self: &Arc<Self>) -> Seated {
        let number = self.numbers.fetch_add(1, Ordering::Relaxed);
        let seat = Arc::new(Seat::new(Arc::clone(&self.clock)));
        let mut seats = self.lock();
        seats.insert(number, Arc::clone(&seat));
        self.share.tell(seats.len());
        drop(seats);
        Seated { roster: Arc::clone(self), seat, number }
    }

    pub(crate) fn count(&self) -> usize {
        self.lock().len()
    }

    /// Whether one more may be accepted. Where there is no room, those who are idle for longest make some; then
    /// those who are slow with the head of their request.
    pub(crate) fn has_room(&self) -> bool {
        if self.count() < self.connections_max {
            return true;
        }
        trouble::note(Trouble::Connections, format!("{} are open", self.count()));
        self.make_room()
    }

    /// Ends some who wait for nothing. Whether there were any.
    pub(crate) fn make_room(&self) -> bool {
        let now = self.clock.now();
        let mut idle: Vec<(u64, Arc<Seat>)> = Vec::new();
        let mut slow = Vec::new();
        for seat in self.lock().values().filter(|seat| seat.is_open()) {
            match seat.stage() {
                Stage::Idle if !seat.reply.is_waiting() => idle.push((seat.since_ms(), Arc::clone(seat))),
                Stage::Opened | Stage::Head if now >= seat.since_ms() + UNHURRIED_MS => {
                    slow.push((seat.since_ms(), Arc::clone(seat)));
                }
                _ => {}
            }
        }
        let mut going = if idle.is_empty() { slow } else { idle };
        if going.is_empty() {
            return false;
        }
        let some = going.len().div_ceil(ROOM_PART);
        going.select_nth_unstable_by_key(some - 1, |(since, _)| *since);
        for (_, seat) in going.iter().take(some) {
            seat.end(Ending::NoRoom);
        }
        true
    }

    /// Returns when a connection has ended or there was another look.
    pub(crate) async fn freed(&self) {
        self.freed.notified().await;
    }

    pub(crate) fn crowd(&self) -> Crowd {
        let mut crowd = Crowd::default();
        for seat in self.lock().values() {
            crowd.open += 1;
            crowd.idle += u64::from(matches!(seat.stage(), Stage::Idle | Stage::Opened));
        }
        crowd
    }

    /// Looks after the connections for as long as the worker lives.
    pub(crate) async fn watch(self: Arc<Self>, buffers: impl Fn() -> bool) {
        let every = Duration::from_millis((self.patience.least_ms() / 4).clamp(LOOK_MS_MIN, LOOK_MS_MAX));
        loop {
            tokio::select! {
                () = tokio::time::sleep(every) => {}
                // Not at once: whoever reads at all has read by then.
                () = self.clock.full.notified() => tokio::time::sleep(UNREAD).await,
            }
            self.look(buffers());
        }
    }

    fn look(&self, buffers_are_scarce: bool) {
        let now = self.clock.look();
        let reply_bytes = self.clock.reply_bytes();
        let replies_are_many = reply_bytes > bounds::REPLIES_BYTES_MAX;
        let mut waiting = Vec::new();
        for seat in self.lock().values() {
            seat.judge(now, &self.patience);
            if buffers_are_scarce || (replies_are_many && seat.reply.is_waiting()) {
                waiting.push(Arc::clone(seat));
            }
        }
        if replies_are_many {
            trouble::note(Trouble::Replies, format!("{reply_bytes} bytes"));
            drop_unread(&mut waiting, now, reply_bytes);
        }
        if buffers_are_scarce {
            trouble::note(Trouble::Buffers, "senders that are slow are told to come again");
            end_slow_bodies(&mut waiting, now);
        }
        self.freed.notify_waiters();
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<u64, Arc<Seat>>> {
        self.seats.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Those who have not read for longest, until the rest fits.
fn drop_unread(seats: &mut [Arc<Seat>], now: u64, mut held: u64) {
    seats.sort_by_key(|seat| std::cmp::Reverse(seat.reply.waiting_ms(now)));
    for seat in seats.iter().filter(|seat| seat.reply.is_waiting() && seat.is_open()) {
        let has_stopped = u128::from(seat.reply.waiting_ms(now)) >= UNREAD.as_millis();
        // Twice as much is too much, whoever it is for.
        if held <= bounds::REPLIES_BYTES_MAX || (!has_stopped && held <= 2 * bounds::REPLIES_BYTES_MAX) {
            return;
        }
        held -= seat.reply_bytes().min(held);
        seat.end(Ending::Unread);
    }
}

/// Half of the bodies that wait for their senders: those that do so for longest.
fn end_slow_bodies(seats: &mut Vec<Arc<Seat>>, now: u64) {
    seats.retain(|seat| seat.body.waiting_ms(now) >= UNHURRIED_MS);
    seats.sort_by_key(|seat| std::cmp::Reverse(seat.body.waited_ms(now)));
    let half = seats.len().div_ceil(2);
    seats.iter().take(half).for_each(|seat| seat.end_body());
}

/// A connection's place in the roster.
pub(crate) struct Seated {
    roster: Arc<Roster>,
    pub(crate) seat: Arc<Seat>,
    number: u64,
}

impl Drop for Seated {
    fn drop(&mut self) {
        let mut seats = self.roster.lock();
        seats.remove(&self.number);
        self.roster.share.tell(seats.len());
        drop(seats);
        self.roster.freed.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::Roster;
    use crate::{
        settings::Http,
        worker::{
            seat::{Ending, Stage},
            share::Share,
        },
    };

    fn roster(connections_max: u32, descriptors: u64) -> Arc<Roster> {
        let settings = Http { connections_max, ..Http::default() };
        Roster::new(&settings, descriptors, Share::new(&[], 0))
    }

    #[test]
    fn the_one_that_is_idle_for_longest_makes_room() {
        let roster = roster(2, 20_000);
        let (busy, idle) = (roster.take(), roster.take());
        busy.seat.begin_call();
        assert!(!roster.has_room(), "a call and one that has only just come");
        idle.seat.begin_call();
        idle.seat.end_call();
        assert_eq!(idle.seat.stage(), Stage::Idle);
        assert!(roster.has_room());
        assert_eq!((idle.seat.ending(), busy.seat.ending()), (Some(Ending::NoRoom), None));
        drop(idle);
        assert_eq!(roster.count(), 1);
    }

    #[test]
    fn a_connection_idles_once_its_last_body_has_ended() {
        let roster = roster(1, 20_000);
        let seated = roster.take();
        seated.seat.begin_call();
        let body = seated.seat.open_body();
        assert_eq!(seated.seat.stage(), Stage::Call);
        seated.seat.end_call();
        assert_eq!(seated.seat.stage(), Stage::Rest);
        seated.seat.heard();
        assert_eq!(seated.seat.stage(), Stage::Rest, "that was no head");
        assert!(!roster.has_room());
        drop(body);
        assert_eq!(seated.seat.stage(), Stage::Idle);
        assert!(roster.has_room());
        assert!(!seated.seat.begin_lingering());
        let _body = seated.seat.open_body();
        assert!(seated.seat.begin_lingering(), "what comes is read before it is closed");
    }

    #[test]
    fn descriptors_are_kept_for_everything_else() {
        let roster = roster(1_000, 192 + 20);
        let seats: Vec<_> = (0..20).map(|_| roster.take()).collect();
        assert!(!roster.has_room());
        drop(seats);
        assert!(roster.has_room());
    }
}
