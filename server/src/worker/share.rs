//! How many connections each worker of a server has, in memory that all of them see: so that who has more leaves the
//! next one to the others.
//!
//! All workers accept on the same sockets, and whoever comes first takes what waits there. Left to that, one that is
//! awake takes all of a crowd that comes at once, and connections of a balancer stay where they are for hours.

use std::{
    cell::Cell,
    io,
    os::fd::{AsFd, OwnedFd},
    sync::atomic::{AtomicBool, AtomicU32, Ordering::Relaxed},
    time::Duration,
};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use tokio::{io::unix::AsyncFd, time::sleep};

use crate::sys;

/// How much longer the others have for it.
const TURN: Duration = Duration::from_millis(1);
/// So many more than the least of the others, and a sixteenth of that, are no reason to wait.
const AHEAD: u32 = 2;
/// Taken without waiting, at most, where the others take nothing.
const FREE_MAX: u32 = 1_024;

/// A worker's word among those of all: 0 for one that accepts nothing, else how many connections it has, and one.
pub(crate) struct Share {
    words: &'static [AtomicU32],
    slot: usize,
    accepts: AtomicBool,
}

impl Share {
    /// Without words, nobody is ever ahead. What a predecessor of the same slot left is forgotten.
    pub(crate) fn new(words: &'static [AtomicU32], slot: u32) -> Self {
        let share = Self { words, slot: slot as usize, accepts: AtomicBool::new(false) };
        share.set(0);
        share
    }

    /// It accepts from now on.
    pub(crate) fn enter(&self) {
        self.accepts.store(true, Relaxed);
        self.tell(0);
    }

    /// It has so many.
    pub(crate) fn tell(&self, connections: usize) {
        if self.accepts.load(Relaxed) {
            self.set(u32::try_from(connections).unwrap_or(u32::MAX).saturating_add(1));
        }
    }

    /// It accepts no more.
    pub(crate) fn leave(&self) {
        self.accepts.store(false, Relaxed);
        self.set(0);
    }

    fn set(&self, word: u32) {
        if let Some(own) = self.words.get(self.slot) {
            own.store(word, Relaxed);
        }
    }

    /// Whether another one is better off with the next connection.
    fn is_ahead(&self) -> bool {
        let Some(own) = self.words.get(self.slot) else { return false };
        let others = self.words.iter().enumerate().filter(|(slot, _)| *slot != self.slot);
        let least = others.map(|(_, word)| word.load(Relaxed)).filter(|word| *word > 0).min();
        least.is_some_and(|least| own.load(Relaxed) >= least.saturating_add(AHEAD + least / 16))
    }
}

/// A socket on which other workers accept, too.
pub(crate) struct Entrance<L> {
    listener: L,
    /// The same, by another descriptor.
    waiting: AsyncFd<OwnedFd>,
    /// What may be taken before the others are waited for again; more each time that they took nothing meanwhile, as one
    /// that stands still does.
    free: Cell<u32>,
    grant: Cell<u32>,
}

impl<L: AsFd> Entrance<L> {
    /// `listener` does not block.
    pub(crate) fn new(listener: L) -> io::Result<Self> {
        let waiting = sys::readable(listener.as_fd().try_clone_to_owned()?)?;
        Ok(Self { listener, waiting, free: Cell::new(0), grant: Cell::new(1) })
    }

    /// The next connection, as `accept` takes it from the listener.
    pub(crate) async fn next<S>(&self, share: &Share, accept: impl Fn(&L) -> io::Result<S>) -> io::Result<S> {
        loop {
            let mut ready = self.waiting.readable().await?;
            let is_ahead = share.is_ahead();
            if !is_ahead {
                self.others_took();
            } else if self.free.get() == 0 {
                if !self.is_any_there()? {
                    ready.clear_ready();
                    continue;
                }
                sleep(TURN).await;
                if !self.is_any_there()? {
                    self.others_took();
                    ready.clear_ready();
                    continue;
                }
                self.free.set(self.grant.get());
                self.grant.set((self.grant.get() * 2).min(FREE_MAX));
            }
            if let Ok(outcome) = ready.try_io(|_| accept(&self.listener)) {
                self.free.update(|free| free.saturating_sub(1));
                return outcome;
            }
        }
    }

    fn others_took(&self) {
        self.free.set(0);
        self.grant.set(1);
    }

    /// Whether a connection waits at this moment.
    fn is_any_there(&self) -> io::Result<bool> {
        let mut asked = [PollFd::new(self.listener.as_fd(), PollFlags::POLLIN)];
        Ok(poll(&mut asked, PollTimeout::ZERO)? > 0)
    }

    /// What waits there when nothing more is accepted, so many at most.
    pub(crate) fn last<S>(self, most: usize, accept: impl Fn(&L) -> io::Result<S>) -> Vec<S> {
        // It does not block: an empty queue is an error too, and like any other the end.
        std::iter::from_fn(|| accept(&self.listener).ok()).take(most).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::{
        net::{SocketAddr, TcpListener, TcpStream},
        sync::atomic::AtomicU32,
        time::Duration,
    };

    use tokio::time::timeout;

    use super::{Entrance, Share};

    fn words(words: &[u32]) -> &'static [AtomicU32] {
        words.iter().map(|word| AtomicU32::new(*word)).collect::<Vec<_>>().leak()
    }

    fn is_ahead(all: &[u32], slot: u32, own: usize) -> bool {
        let share = Share::new(words(all), slot);
        share.enter();
        share.tell(own);
        share.is_ahead()
    }

    #[test]
    fn who_has_more_than_another_is_ahead() {
        // Of the others: none accepts; five connections; and one.
        assert!(!is_ahead(&[0, 0, 0, 0], 1, 1_000));
        assert!(!is_ahead(&[], 0, 1_000));
        assert!(!is_ahead(&[0, 0, 6], 1, 6) && is_ahead(&[0, 0, 6], 1, 7));
        assert!(!is_ahead(&[2, 0, 6], 1, 2) && is_ahead(&[2, 0, 6], 1, 3));
        assert!(!is_ahead(&[0, 3_201], 0, 3_401) && is_ahead(&[0, 3_201], 0, 3_403), "a sixteenth");
        let share = Share::new(words(&[9, 1]), 0);
        let other = Share::new(share.words, 1);
        share.enter();
        share.tell(5);
        assert!(!share.is_ahead(), "the other one does not accept yet");
        other.enter();
        assert!(share.is_ahead());
        other.leave();
        other.tell(0);
        assert!(!share.is_ahead(), "the other one accepts no more");
    }

    /// It has no connections; this worker has a hundred.
    fn beside_one_that_stands_still() -> (SocketAddr, Entrance<TcpListener>, Share) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let share = Share::new(words(&[0, 1]), 0);
        share.enter();
        share.tell(100);
        (address, Entrance::new(listener).unwrap(), share)
    }

    #[tokio::test]
    async fn what_nobody_else_takes_is_taken() {
        let (address, entrance, share) = beside_one_that_stands_still();
        let clients: Vec<_> = (0..120).map(|_| TcpStream::connect(address).unwrap()).collect();
        for _ in &clients {
            let next = entrance.next(&share, TcpListener::accept);
            timeout(Duration::from_secs(10), next).await.unwrap().unwrap();
        }
        // The other one was waited for seven times: before the first, and after 1, 2, 4, 8, 16 and 32 more.
        assert_eq!(entrance.grant.get(), 128);
        let waiting = TcpStream::connect(address).unwrap();
        assert_eq!(entrance.last(10, TcpListener::accept).len(), 1);
        drop(waiting);
    }

    #[tokio::test]
    async fn what_comes_one_by_one_is_not_kept_waiting_for_one_that_stands_still() {
        let (address, entrance, share) = beside_one_that_stands_still();
        for _ in 0..20 {
            let _client = TcpStream::connect(address).unwrap();
            entrance.next(&share, TcpListener::accept).await.unwrap();
        }
        // Before the first, and after 1, 2, 4 and 8 more.
        assert_eq!(entrance.grant.get(), 32);
    }
}
