//! Load: connections that ask again as soon as they are answered, each reply checked.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use tokio::{runtime, task::JoinSet, time::sleep};

use crate::{
    http::{Client, Connection, Failure, Reply, Request},
    poll,
};

/// Kept of each kind of failure.
const EXAMPLES: usize = 5;

type Check = Arc<dyn Fn(&Reply) -> Result<(), String> + Send + Sync>;

/// What the load is.
#[derive(Clone)]
pub struct Plan {
    pub client: Client,
    pub connections: usize,
    /// Taken in turns.
    pub requests: Vec<Request>,
    /// Says what is wrong with a reply.
    pub check: Check,
    /// A connection per request instead of one for all.
    pub fresh_connections: bool,
    /// Between a reply and the next request.
    pub pause: Duration,
}

impl Plan {
    /// Any reply of status 200 is fine.
    pub fn new(client: &Client, connections: usize, requests: Vec<Request>) -> Self {
        let check: Check =
            Arc::new(|reply| if reply.status == 200 { Ok(()) } else { Err(reply.to_string()) });
        Self {
            client: client.clone(),
            connections,
            requests,
            check,
            fresh_connections: false,
            pause: Duration::ZERO,
        }
    }

    #[must_use]
    pub fn check(mut self, check: impl Fn(&Reply) -> Result<(), String> + Send + Sync + 'static) -> Self {
        self.check = Arc::new(check);
        self
    }

    #[must_use]
    pub fn fresh_connections(mut self) -> Self {
        self.fresh_connections = true;
        self
    }

    #[must_use]
    pub fn pause(mut self, pause: Duration) -> Self {
        self.pause = pause;
        self
    }
}

#[derive(Default)]
struct Counts {
    stop: AtomicBool,
    good: AtomicU64,
    wrong: AtomicU64,
    broken: AtomicU64,
    refused: AtomicU64,
    slowest_us: AtomicU64,
    latencies_us: Mutex<Vec<u32>>,
    examples: Mutex<BTreeMap<&'static str, Vec<String>>>,
}

impl Counts {
    fn p99(&self) -> Duration {
        let mut all = self.latencies_us.lock().unwrap_or_else(PoisonError::into_inner).clone();
        all.sort_unstable();
        let at = (all.len() * 99 / 100).min(all.len().saturating_sub(1));
        Duration::from_micros(all.get(at).copied().unwrap_or_default().into())
    }

    fn note(&self, kind: &'static str, counter: &AtomicU64, text: String) {
        counter.fetch_add(1, Ordering::Relaxed);
        let mut examples = self.examples.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = examples.entry(kind).or_default();
        if kept.len() < EXAMPLES {
            kept.push(text);
        }
    }
}

/// What came of it so far.
#[derive(Clone, Debug)]
pub struct Report {
    /// Replies that the check found good.
    pub good: u64,
    /// Replies that it did not.
    pub wrong: u64,
    /// Requests whose connection broke before the reply was whole.
    pub broken: u64,
    /// Connections that could not be made.
    pub refused: u64,
    pub slowest: Duration,
    /// Only one reply in a hundred took longer.
    pub p99: Duration,
    /// Of each kind of failure.
    pub examples: BTreeMap<&'static str, Vec<String>>,
}

impl Report {
    /// Not one request failed, and there were some.
    #[track_caller]
    pub fn expect_clean(&self) {
        assert!(self.good > 0, "{self}");
        assert_eq!((self.wrong, self.broken, self.refused), (0, 0, 0), "{self}");
    }
}

impl fmt::Display for Report {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { good, wrong, broken, refused, slowest, p99, examples } = self;
        write!(
            formatter,
            "{good} good, {wrong} wrong, {broken} broken, {refused} refused, slowest {slowest:?}, p99 {p99:?}; {examples:#?}"
        )
    }
}

/// Load that is under way, on a thread of its own; it ends when it is stopped or dropped.
pub struct Load {
    counts: Arc<Counts>,
    thread: Option<JoinHandle<()>>,
}

impl Load {
    pub fn start(plan: Plan) -> Self {
        let counts = Arc::new(Counts::default());
        let shared = Arc::clone(&counts);
        let thread = thread::spawn(move || {
            let runtime =
                runtime::Builder::new_current_thread().enable_all().build().expect("a runtime can be built");
            runtime.block_on(async {
                let mut tasks = JoinSet::new();
                for number in 0..plan.connections {
                    tasks.spawn(drive(number, plan.clone(), Arc::clone(&shared)));
                }
                tasks.join_all().await;
            });
        });
        Self { counts, thread: Some(thread) }
    }

    /// Forgets how long replies took so far.
    pub fn forget_latencies(&self) {
        self.counts.latencies_us.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// Waits for so many more good replies: shows that the load goes on.
    pub async fn wait_good(&self, more: u64) {
        let goal = self.counts.good.load(Ordering::Relaxed) + more;
        poll::until("good replies under load", Duration::from_secs(60), async || {
            let report = self.report();
            if report.good >= goal { Ok(()) } else { Err(report.to_string()) }
        })
        .await;
    }

    pub fn report(&self) -> Report {
        let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let counts = &self.counts;
        Report {
            good: load(&counts.good),
            wrong: load(&counts.wrong),
            broken: load(&counts.broken),
            refused: load(&counts.refused),
            slowest: Duration::from_micros(load(&counts.slowest_us)),
            p99: counts.p99(),
            examples: counts.examples.lock().unwrap_or_else(PoisonError::into_inner).clone(),
        }
    }

    /// Lets what is under way end.
    pub async fn stop(mut self) -> Report {
        self.counts.stop.store(true, Ordering::Relaxed);
        let thread = self.thread.take().expect("a load is stopped once");
        poll::until_true("the load's end", Duration::from_secs(90), async || thread.is_finished()).await;
        thread.join().expect("the load does not panic");
        self.report()
    }

    /// Ends it: none failed, and more were good than `least`.
    pub async fn unharmed(self, what: &str, least: u64) {
        let report = self.stop().await;
        eprintln!(
            "{what}: {} good, {} wrong, {} broken, {} refused, slowest {:?}",
            report.good, report.wrong, report.broken, report.refused, report.slowest
        );
        assert_eq!((report.wrong, report.broken, report.refused), (0, 0, 0), "{what}: {:?}", report.examples);
        assert!(report.good > least, "{what}: {report:?}");
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.counts.stop.store(true, Ordering::Relaxed);
    }
}

async fn drive(number: usize, plan: Plan, counts: Arc<Counts>) {
    let mut connection: Option<Connection> = None;
    let mut turn = number;
    while !counts.stop.load(Ordering::Relaxed) {
        let request = &plan.requests[turn % plan.requests.len()];
        let mut open = match connection.take() {
            Some(open) => open,
            None => match plan.client.open().await {
                Ok(open) => open,
                Err(failure) => {
                    counts.note("refused", &counts.refused, failure.to_string());
                    sleep(Duration::from_millis(20)).await;
                    continue;
                }
            },
        };
        let started = Instant::now();
        match open.try_send(request).await {
            // Nothing is lost: the server ended an idle connection, and the request goes out on the next one.
            Err(Failure::NotSent(_)) => continue,
            Err(failure) => {
                counts.note("broken", &counts.broken, format!("{} {failure}", request.path()));
                continue;
            }
            Ok(reply) => match (plan.check)(&reply) {
                Ok(()) => drop(counts.good.fetch_add(1, Ordering::Relaxed)),
                Err(text) => counts.note("wrong", &counts.wrong, format!("{} {text}", request.path())),
            },
        }
        let took = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX);
        counts.slowest_us.fetch_max(took, Ordering::Relaxed);
        let us = u32::try_from(took).unwrap_or(u32::MAX);
        counts.latencies_us.lock().unwrap_or_else(PoisonError::into_inner).push(us);
        turn += 1;
        connection = (!plan.fresh_connections && !open.is_closed()).then_some(open);
        if !plan.pause.is_zero() {
            sleep(plan.pause).await;
        }
    }
}
