//! Replies that are ready at about the same time are written one after the other.
//!
//! To write a reply wakes its reader. A reader on the same machine (a balancer, above all) that is woken for each of
//! many replies takes the processor from the worker each time, and is asleep again before the next one is ready.
//! So small replies wait for some more, for as long as others have calls to be gone on with, and never for long.

use std::{
    io::{self, IoSlice},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU8, AtomicU64, Ordering::Relaxed},
    },
    task::{Context, Poll, ready},
    time::{Duration, Instant},
};

use tokio::sync::Notify;

use crate::worker::{seat::Seat, transport::Socket};

/// So many are written together.
const REPLIES_MAX: usize = 16;
/// Larger ones are written at once.
const BYTES_MAX: usize = 4 * 1024;
/// For which one waits at most, but for the one piece of work that has begun by then.
const WAIT_MAX: Duration = Duration::from_micros(250);
/// Where a piece of work takes longer than this, others may, too, and nothing waits for them for a while.
const PIECE_MAX: Duration = Duration::from_millis(1);
const HASTE: Duration = Duration::from_millis(100);

const CLEAR: u8 = 0;
/// What it holds is among the replies that wait.
const WAITING: u8 = 1;
/// Its client has not taken all of it.
const BLOCKED: u8 = 2;

/// A connection's socket, and what is to be written to it before anything else.
pub(crate) struct Corked {
    pub(crate) socket: Socket,
    seat: Arc<Seat>,
    state: AtomicU8,
    left: Mutex<Vec<u8>>,
}

impl Corked {
    pub(crate) fn new(socket: Socket, seat: Arc<Seat>) -> Arc<Self> {
        Arc::new(Self { socket, seat, state: AtomicU8::new(CLEAR), left: Mutex::default() })
    }

    fn write(&self, bytes: &[u8]) {
        // Another failure than that there is no room is met again by the connection's own task.
        let written = self.socket.try_write(&[IoSlice::new(bytes)]).unwrap_or_default();
        if let Some(rest) = bytes.get(written..).filter(|rest| !rest.is_empty()) {
            self.left().extend_from_slice(rest);
            self.state.store(BLOCKED, Relaxed);
            self.seat.wake();
        } else {
            self.state.store(CLEAR, Relaxed);
        }
    }

    fn left(&self) -> MutexGuard<'_, Vec<u8>> {
        self.left.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes what its client had no room for.
    pub(crate) fn poll_left(&self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.state.load(Relaxed) != BLOCKED {
            return Poll::Ready(Ok(()));
        }
        let mut left = self.left();
        while !left.is_empty() {
            let written = ready!(self.socket.poll_write(context, &[IoSlice::new(&left)]))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            left.drain(..written);
            self.seat.wrote(0);
        }
        self.state.store(CLEAR, Relaxed);
        Poll::Ready(Ok(()))
    }
}

/// The replies of a worker that wait to be written.
pub(crate) struct Cork {
    waiting: Mutex<Waiting>,
    /// The first of them waits.
    begun: Notify,
    started: Instant,
    /// Nanoseconds since then: when the last piece of work ended; until when nothing waits; since when something waits, or
    /// 0.
    ended: AtomicU64,
    haste: AtomicU64,
    since: AtomicU64,
}

#[derive(Default)]
struct Waiting {
    bytes: Vec<u8>,
    /// Whose they are, and where in `bytes` they end.
    sockets: Vec<(Arc<Corked>, usize)>,
}

impl Cork {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            waiting: Mutex::default(),
            begun: Notify::new(),
            started: Instant::now(),
            ended: AtomicU64::new(1),
            haste: AtomicU64::new(0),
            since: AtomicU64::new(0),
        })
    }

    /// Takes a small reply over. `None`: it is to be written by the caller, to whom the way is clear.
    pub(crate) fn take(&self, corked: &Arc<Corked>, pieces: &[IoSlice<'_>]) -> Option<usize> {
        let bytes = pieces.iter().map(|piece| piece.len()).sum();
        let ended = self.ended.load(Relaxed);
        let in_haste = ended < self.haste.load(Relaxed);
        if in_haste || bytes == 0 || bytes > BYTES_MAX || corked.state.load(Relaxed) != CLEAR {
            return None;
        }
        let mut waiting = self.lock();
        pieces.iter().for_each(|piece| waiting.bytes.extend_from_slice(piece));
        let end = waiting.bytes.len();
        waiting.sockets.push((Arc::clone(corked), end));
        corked.state.store(WAITING, Relaxed);
        match waiting.sockets.len() {
            1 => {
                self.since.store(ended, Relaxed);
                self.begun.notify_one();
            }
            REPLIES_MAX => self.write(&mut waiting),
            _ => {}
        }
        Some(bytes)
    }

    /// All that was taken over from a connection is written; `Pending` until its client has room for it.
    pub(crate) fn poll_clear(&self, corked: &Corked, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if corked.state.load(Relaxed) == WAITING {
            self.write_all();
        }
        corked.poll_left(context)
    }

    /// Writes what has waited for its time. To be called whenever a piece of a connection's work is done. (Where there was
    /// nothing to do for a while, or something else, that counts as one that took long: nothing would be gained by waiting.)
    pub(crate) fn piece_done(&self) {
        let now = u64::try_from(self.started.elapsed().as_nanos()).unwrap_or(u64::MAX).max(1);
        let began = self.ended.swap(now, Relaxed);
        if now.saturating_sub(began) > nanos(PIECE_MAX) {
            self.haste.store(now + nanos(HASTE), Relaxed);
        }
        let since = self.since.load(Relaxed);
        if since > 0 && now.saturating_sub(since) > nanos(WAIT_MAX) {
            self.write_all();
        }
    }

    pub(crate) fn write_all(&self) {
        self.write(&mut self.lock());
    }

    fn write(&self, waiting: &mut Waiting) {
        let mut begin = 0;
        for (corked, end) in waiting.sockets.drain(..) {
            corked.write(waiting.bytes.get(begin..end).unwrap_or_default());
            begin = end;
        }
        waiting.bytes.clear();
        self.since.store(0, Relaxed);
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes what waits once all else that was ready has had its turn, for as long as the worker lives.
    pub(crate) async fn run(self: Arc<Self>) {
        loop {
            self.begun.notified().await;
            self.write_all();
        }
    }
}

const fn nanos(duration: Duration) -> u64 {
    duration.as_nanos() as u64
}

#[cfg(test)]
mod tests {
    use std::{
        io::{IoSlice, Read as _},
        os::unix::net::UnixStream as Client,
        sync::{
            Arc,
            atomic::{AtomicBool, Ordering::Relaxed},
        },
        task::{Context, Poll, Wake, Waker},
    };

    use tokio::net::UnixStream;

    use super::{BYTES_MAX, Cork, Corked, HASTE, PIECE_MAX, REPLIES_MAX, WAIT_MAX, nanos};
    use crate::{
        settings::Http,
        worker::{roster::Roster, share::Share, transport::Socket},
    };

    /// A connection, and what its client has got.
    struct Line {
        corked: Arc<Corked>,
        client: Client,
        woken: Arc<Woken>,
    }

    #[derive(Default)]
    struct Woken(AtomicBool);

    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.store(true, Relaxed);
        }
    }

    impl Line {
        async fn new() -> Self {
            let (client, served) = Client::pair().unwrap();
            client.set_nonblocking(true).unwrap();
            served.set_nonblocking(true).unwrap();
            let served = UnixStream::from_std(served).unwrap();
            served.writable().await.unwrap();
            let roster = Roster::new(&Http::default(), 1_000, Share::new(&[], 0));
            let seat = Arc::clone(&roster.take().seat);
            let woken = Arc::new(Woken::default());
            seat.register(&Arc::clone(&woken).into());
            Self { corked: Corked::new(Socket::Unix(served), seat), client, woken }
        }

        fn got(&mut self) -> String {
            let mut bytes = vec![0; 1024 * 1024];
            let read = self.client.read(&mut bytes).unwrap_or(0);
            String::from_utf8_lossy(&bytes[..read]).into_owned()
        }
    }

    fn take(cork: &Cork, line: &Line, text: &str) -> Option<usize> {
        let (head, body) = text.split_at(text.len() / 2);
        cork.take(&line.corked, &[IoSlice::new(head.as_bytes()), IoSlice::new(body.as_bytes())])
    }

    #[tokio::test]
    async fn some_are_written_together_each_to_its_own() {
        let cork = Cork::new();
        let mut lines = Vec::new();
        for number in 0..REPLIES_MAX {
            let mut line = Line::new().await;
            assert_eq!(line.got(), "");
            lines.push(line);
            let reply = format!("reply {number}");
            assert_eq!(take(&cork, &lines[number], &reply), Some(reply.len()));
            assert_eq!(lines[0].got().is_empty(), number + 1 < REPLIES_MAX, "{number}");
        }
        for (number, line) in lines.iter_mut().enumerate().skip(1) {
            assert_eq!(line.got(), format!("reply {number}"));
        }
    }

    #[tokio::test]
    async fn none_waits_for_long() {
        let cork = Cork::new();
        let mut line = Line::new().await;
        take(&cork, &line, "one").unwrap();
        assert_eq!(line.got(), "");
        std::thread::sleep(2 * WAIT_MAX);
        cork.piece_done();
        assert_eq!(line.got(), "one");
        // Where nobody asks, it is written when nothing else is ready.
        let cork = Cork::new();
        let running = tokio::spawn(Arc::clone(&cork).run());
        take(&cork, &line, "two").unwrap();
        line.client.set_nonblocking(false).unwrap();
        let got = tokio::task::spawn_blocking(move || line.got()).await.unwrap();
        assert_eq!(got, "two");
        running.abort();
    }

    #[tokio::test]
    async fn nothing_waits_for_those_who_take_long() {
        let cork = Cork::new();
        let mut line = Line::new().await;
        take(&cork, &line, "one").unwrap();
        std::thread::sleep(2 * PIECE_MAX);
        cork.piece_done();
        assert_eq!(line.got(), "one");
        assert_eq!(take(&cork, &line, "two"), None, "another one may take long, too");
        cork.ended.fetch_add(nanos(HASTE), Relaxed);
        assert!(take(&cork, &line, "three").is_some());
    }

    #[tokio::test]
    async fn what_comes_later_waits_for_what_was_taken() {
        let cork = Cork::new();
        let mut line = Line::new().await;
        let context = &mut Context::from_waker(Waker::noop());
        assert_eq!(take(&cork, &line, &"x".repeat(BYTES_MAX + 1)), None, "it is too large");
        take(&cork, &line, "first").unwrap();
        assert_eq!(take(&cork, &line, "second"), None, "the first one waits still");
        assert!(cork.poll_clear(&line.corked, context).is_ready());
        assert_eq!(line.got(), "first");
        assert!(take(&cork, &line, "second").is_some());
    }

    #[tokio::test]
    async fn a_client_that_does_not_read_gets_it_all_the_same() {
        let cork = Cork::new();
        let mut line = Line::new().await;
        let context = &mut Context::from_waker(Waker::noop());
        let mut sent = 0;
        let text = "x".repeat(BYTES_MAX);
        while take(&cork, &line, &text).is_some() {
            sent += text.len();
            cork.write_all();
        }
        assert_eq!(line.corked.poll_left(context).map(|_| ()), Poll::Pending, "there is no room");
        assert!(line.woken.0.load(Relaxed), "the connection's task is told that it has to go on with it");
        let mut got = 0;
        while got < sent {
            got += line.got().len();
            // It is found that there is room again.
            tokio::time::sleep(WAIT_MAX).await;
            let _ = cork.poll_clear(&line.corked, context);
        }
        assert!(take(&cork, &line, "more").is_some());
        cork.write_all();
        assert_eq!(line.got(), "more");
    }
}
