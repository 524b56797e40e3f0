//! Thousands of clients that do as little as they can: they are idle, slow, or don't read.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use nix::sys::resource::{Resource, getrlimit, setrlimit};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpSocket, TcpStream},
    runtime,
    task::JoinSet,
    time::{sleep, timeout},
};

use crate::poll;

/// What each of them does.
#[derive(Clone, Debug)]
pub struct Manner {
    /// Sent at once.
    pub first: String,
    /// Sent a byte a second, again and again.
    pub then: &'static str,
    /// Nothing is ever read.
    pub unread: bool,
}

/// How many connections this process may have, having raised its limit as far as it goes.
pub fn connections_possible() -> usize {
    let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE).expect("there is a limit");
    setrlimit(Resource::RLIMIT_NOFILE, hard, hard).expect("it can be raised");
    usize::try_from(hard).unwrap_or(usize::MAX).saturating_sub(200)
}

#[derive(Default)]
struct Counts {
    stop: AtomicBool,
    connected: AtomicUsize,
    open: AtomicUsize,
    replies: Mutex<BTreeMap<u16, usize>>,
}

/// They go when it is dropped.
pub struct Crowd {
    counts: Arc<Counts>,
    thread: Option<JoinHandle<()>>,
    size: usize,
}

impl Crowd {
    /// Returns when all of them have connected once, or were turned away.
    pub async fn gather(authority: &str, size: usize, manner: Manner) -> Self {
        let counts = Arc::new(Counts::default());
        let (shared, authority) = (Arc::clone(&counts), authority.to_owned());
        let thread = thread::spawn(move || {
            let runtime =
                runtime::Builder::new_current_thread().enable_all().build().expect("a runtime can be built");
            runtime.block_on(async {
                let mut tasks = JoinSet::new();
                for number in 0..size {
                    let (authority, manner, counts) =
                        (authority.clone(), manner.clone(), Arc::clone(&shared));
                    tasks.spawn(async move {
                        // Not all in one moment: a queue of connections has an end.
                        sleep(Duration::from_micros(number as u64 * 200)).await;
                        one(&authority, &manner, &counts).await;
                    });
                }
                tasks.join_all().await;
            });
        });
        let crowd = Self { counts, thread: Some(thread), size };
        poll::until("the crowd", Duration::from_secs(60), async || {
            let connected = crowd.counts.connected.load(Ordering::Relaxed);
            if connected == size { Ok(()) } else { Err(format!("{connected} of {size}")) }
        })
        .await;
        crowd
    }

    /// Connections that are open still.
    pub fn open(&self) -> usize {
        self.counts.open.load(Ordering::Relaxed)
    }

    pub fn size(&self) -> usize {
        self.size
    }

    /// How many got a reply of each status.
    pub fn replies(&self) -> BTreeMap<u16, usize> {
        self.counts.replies.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits until the server has let all of them go.
    pub async fn wait_gone(&self, bound: Duration) {
        poll::until("the crowd's end", bound, async || match self.open() {
            0 => Ok(()),
            open => Err(format!("{open} of {} are there still; {:?}", self.size, self.replies())),
        })
        .await;
    }
}

impl Drop for Crowd {
    fn drop(&mut self) {
        self.counts.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

async fn one(authority: &str, manner: &Manner, counts: &Counts) {
    let connected = connect(authority, manner).await;
    counts.connected.fetch_add(1, Ordering::Relaxed);
    let Ok(mut stream) = connected else { return };
    counts.open.fetch_add(1, Ordering::Relaxed);
    let _ = stream.write_all(manner.first.as_bytes()).await;
    let status = stay(&mut stream, manner, counts).await;
    counts.open.fetch_sub(1, Ordering::Relaxed);
    if let Some(status) = status {
        *counts.replies.lock().unwrap_or_else(PoisonError::into_inner).entry(status).or_default() += 1;
    }
}

/// Who does not read takes next to nothing into the system's buffers either: those of thousands would hold up all of its
/// connections.
async fn connect(authority: &str, manner: &Manner) -> std::io::Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    if manner.unread {
        socket.set_recv_buffer_size(64 * 1024)?;
    }
    socket.connect(authority.parse().map_err(std::io::Error::other)?).await
}

/// Until the server ends it; the status of the first reply.
async fn stay(stream: &mut TcpStream, manner: &Manner, counts: &Counts) -> Option<u16> {
    let mut bytes = manner.then.bytes().cycle();
    let mut status = None;
    let mut buffer = [0; 1024];
    while !counts.stop.load(Ordering::Relaxed) {
        if manner.unread {
            sleep(Duration::from_millis(200)).await;
            // A connection that was reset says so without being read.
            if stream.take_error().ok().flatten().is_some() {
                return None;
            }
            continue;
        }
        match timeout(Duration::from_secs(1), stream.read(&mut buffer)).await {
            Ok(Ok(0) | Err(_)) => return status,
            Ok(Ok(read)) => {
                let code = buffer[..read].strip_prefix(b"HTTP/1.1 ").and_then(|rest| rest.get(..3));
                let code = code.and_then(|code| str::from_utf8(code).ok()?.parse().ok());
                status = status.or(code);
            }
            Err(_) => {
                if let Some(byte) = bytes.next()
                    && stream.write_all(&[byte]).await.is_err()
                {
                    return status;
                }
            }
        }
    }
    status
}
