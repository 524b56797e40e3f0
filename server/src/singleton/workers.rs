//! The workers that are connected, what they run, and the sums of what they counted.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use busbar_engine::metrics::{Counts, Difference, Outcome};
use busbar_model::{
    Digest, Name, Timestamp,
    fault::FaultKind,
    server::{Load, Worker, WorkerState},
};
use tokio::{
    sync::{Notify, mpsc, watch},
    time::timeout,
};

use crate::feed::ToWorker;

/// How long a scrape waits for workers that are busy.
const COUNT_TIMEOUT: Duration = Duration::from_millis(500);

struct Connected {
    worker: Worker,
    prepared: HashMap<Digest, Option<String>>,
    commands: mpsc::Sender<ToWorker>,
    /// The last `Count` it answered.
    counted: u64,
    /// Tells this connection from an earlier one of the same process.
    joined: u64,
}

/// Sums over all workers since the singleton started, those that died included.
#[derive(Clone, Default)]
pub(crate) struct Totals {
    pub(crate) requests: BTreeMap<(String, String), Counts>,
    pub(crate) errors: BTreeMap<FaultKind, u64>,
    pub(crate) outgoing: BTreeMap<String, Counts<Outcome>>,
}

#[derive(Default)]
struct State {
    by_pid: BTreeMap<u32, Connected>,
    totals: Totals,
    counts_asked: u64,
    /// Number of the list that workers are to prepare.
    prepare_list: u64,
    joined: u64,
}

pub(crate) struct Workers {
    state: Mutex<State>,
    counted: Notify,
    /// Grows with each change of what workers run.
    changed: watch::Sender<u64>,
}

impl Default for Workers {
    fn default() -> Self {
        Self { state: Mutex::default(), counted: Notify::new(), changed: watch::Sender::new(0) }
    }
}

/// What one worker serves.
#[derive(Clone, Debug)]
pub(crate) struct Serving {
    pub(crate) version: i64,
    pub(crate) plugins: BTreeMap<Name, Digest>,
    /// Calls and the like that have not ended.
    pub(crate) under_way: u64,
}

/// How far the workers are with loading a version.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Preparation {
    Waiting,
    Done,
    Impossible(String),
}

impl Workers {
    /// Returns what `leave` wants to know.
    pub(crate) fn join(&self, slot: u32, pid: u32, now: Timestamp, commands: mpsc::Sender<ToWorker>) -> u64 {
        let worker = Worker {
            slot,
            pid,
            state: WorkerState::Starting,
            catalog_version: 0,
            plugins: BTreeMap::new(),
            load: Load::default(),
            started_at: now,
        };
        let mut state = self.lock();
        state.joined += 1;
        let joined = state.joined;
        state
            .by_pid
            .insert(pid, Connected { worker, prepared: HashMap::new(), commands, counted: 0, joined });
        drop(state);
        self.tell();
        joined
    }

    pub(crate) fn leave(&self, pid: u32, joined: u64) {
        let mut state = self.lock();
        if state.by_pid.get(&pid).is_some_and(|connected| connected.joined == joined) {
            state.by_pid.remove(&pid);
        }
        drop(state);
        self.counted.notify_waiters();
        self.tell();
    }

    pub(crate) fn applied(&self, pid: u32, version: i64, plugins: BTreeMap<Name, Digest>) {
        if let Some(connected) = self.lock().by_pid.get_mut(&pid) {
            connected.worker.catalog_version = version;
            connected.worker.plugins = plugins;
            if connected.worker.state == WorkerState::Starting {
                connected.worker.state = WorkerState::Ready;
            }
        }
        self.tell();
    }

    /// Another list is to be prepared: what was said of earlier ones is forgotten, since workers may
    /// have dropped it. Returns the new list's number.
    pub(crate) fn begin_preparing(&self) -> u64 {
        let mut state = self.lock();
        state.prepare_list += 1;
        state.by_pid.values_mut().for_each(|connected| connected.prepared.clear());
        state.prepare_list
    }

    pub(crate) fn prepared(&self, pid: u32, list: u64, digest: Digest, problem: Option<String>) {
        let mut state = self.lock();
        if list == state.prepare_list
            && let Some(connected) = state.by_pid.get_mut(&pid)
        {
            connected.prepared.insert(digest, problem);
        }
        drop(state);
        self.tell();
    }

    pub(crate) fn draining(&self, pid: u32) {
        if let Some(connected) = self.lock().by_pid.get_mut(&pid) {
            connected.worker.state = WorkerState::Draining;
        }
        self.tell();
    }

    pub(crate) fn counted(&self, pid: u32, id: u64, difference: Difference, load: Load) {
        let (mut state, mut told) = (self.lock(), false);
        for (service, channel, counts) in difference.requests {
            state.totals.requests.entry((service, channel)).or_default().add(&counts);
        }
        for (kind, count) in difference.errors {
            *state.totals.errors.entry(kind).or_default() += count;
        }
        for (connection, counts) in difference.outgoing {
            state.totals.outgoing.entry(connection).or_default().add(&counts);
        }
        if let Some(connected) = state.by_pid.get_mut(&pid) {
            connected.counted = connected.counted.max(id);
            told = connected.worker.load.troubles != load.troubles;
            connected.worker.load = load;
        }
        drop(state);
        self.counted.notify_waiters();
        if told {
            self.tell();
        }
    }

    /// All workers, by slot.
    pub(crate) fn list(&self) -> Vec<Worker> {
        let mut workers: Vec<Worker> =
            self.lock().by_pid.values().map(|connected| connected.worker.clone()).collect();
        workers.sort_by_key(|worker| (worker.slot, worker.pid));
        workers
    }

    /// What each worker serves that takes new calls.
    pub(crate) fn serving(&self) -> Vec<Serving> {
        let state = self.lock();
        let ready = state.by_pid.values().filter(|connected| connected.worker.state == WorkerState::Ready);
        ready
            .map(|Connected { worker, .. }| Serving {
                version: worker.catalog_version,
                plugins: worker.plugins.clone(),
                under_way: worker.load.under_way,
            })
            .collect()
    }

    /// Whether so many workers, and all there are, serve the version.
    pub(crate) fn all_at(&self, version: i64, expected: usize) -> bool {
        let state = self.lock();
        let serving =
            || state.by_pid.values().filter(|connected| connected.worker.state != WorkerState::Draining);
        serving().count() >= expected
            && serving().all(|connected| connected.worker.catalog_version == version)
    }

    pub(crate) fn preparation(&self, digest: &Digest) -> Preparation {
        let state = self.lock();
        let mut serving =
            state.by_pid.values().filter(|c| c.worker.state != WorkerState::Draining).peekable();
        if serving.peek().is_none() {
            return Preparation::Waiting;
        }
        let mut done = true;
        for connected in serving {
            match connected.prepared.get(digest) {
                Some(Some(problem)) => return Preparation::Impossible(problem.clone()),
                Some(None) => {}
                None => done = false,
            }
        }
        if done { Preparation::Done } else { Preparation::Waiting }
    }

    /// Sums that contain everything the workers counted until now.
    pub(crate) async fn totals(&self) -> Totals {
        self.ask(COUNT_TIMEOUT).await;
        self.lock().totals.clone()
    }

    /// Has all workers say how they are, and tells which of them did in time.
    pub(crate) async fn ask(&self, patience: Duration) -> Vec<u32> {
        let id = self.ask_counts();
        let answered = async {
            loop {
                let notified = self.counted.notified();
                if self.lock().by_pid.values().all(|connected| connected.counted >= id) {
                    return;
                }
                notified.await;
            }
        };
        if timeout(patience, answered).await.is_err() {
            tracing::debug!("some workers were too busy to be counted");
        }
        let state = self.lock();
        let answered = state.by_pid.iter().filter(|(_, connected)| connected.counted >= id);
        answered.map(|(pid, _)| *pid).collect()
    }

    /// Has all workers look for what is to be delivered.
    pub(crate) fn wake_senders(&self) {
        for connected in self.lock().by_pid.values() {
            // One that does not keep up looks by itself each second.
            let _ = connected.commands.try_send(ToWorker::Deliver);
        }
    }

    /// Asks all workers what they counted.
    pub(crate) fn ask_counts(&self) -> u64 {
        let mut state = self.lock();
        state.counts_asked += 1;
        for connected in state.by_pid.values() {
            // One that does not keep up is asked again next time.
            let _ = connected.commands.try_send(ToWorker::Count { id: state.counts_asked });
        }
        state.counts_asked
    }

    /// Changes when what workers run changes.
    pub(crate) fn changes(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    /// The number of the last one.
    pub(crate) fn change(&self) -> u64 {
        *self.changed.borrow()
    }

    fn tell(&self) {
        self.changed.send_modify(|count| *count += 1);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use busbar_model::{Digest, Timestamp};
    use tokio::sync::mpsc;

    use super::{Preparation, Workers};

    #[test]
    fn a_version_is_prepared_when_every_worker_has_it() {
        let (workers, digest) = (Workers::default(), Digest::of(b"x"));
        let (commands, _keep) = mpsc::channel(1);
        assert_eq!(workers.preparation(&digest), Preparation::Waiting);
        let joined = [1, 2].map(|pid| workers.join(pid - 1, pid, Timestamp(0), commands.clone()));
        workers.prepared(1, 0, digest, None);
        assert_eq!(workers.preparation(&digest), Preparation::Waiting);
        workers.prepared(2, 0, digest, None);
        assert_eq!(workers.preparation(&digest), Preparation::Done);
        workers.prepared(2, 0, digest, Some("no memory".to_owned()));
        assert_eq!(workers.preparation(&digest), Preparation::Impossible("no memory".to_owned()));
        workers.leave(2, joined[1] + 1);
        assert!(
            matches!(workers.preparation(&digest), Preparation::Impossible(_)),
            "an earlier connection's end"
        );
        workers.leave(2, joined[1]);
        assert_eq!(workers.preparation(&digest), Preparation::Done);
        let list = workers.begin_preparing();
        workers.prepared(1, list - 1, digest, None);
        assert_eq!(workers.preparation(&digest), Preparation::Waiting, "said of an earlier list");
        workers.prepared(1, list, digest, None);
        assert_eq!(workers.preparation(&digest), Preparation::Done);
        workers.draining(1);
        assert_eq!(workers.preparation(&digest), Preparation::Waiting);
    }

    #[test]
    fn all_are_at_a_version_only_when_all_are_there() {
        let workers = Workers::default();
        let (commands, _keep) = mpsc::channel(1);
        workers.join(0, 1, Timestamp(0), commands.clone());
        workers.applied(1, 7, BTreeMap::new());
        assert!(workers.all_at(7, 1) && !workers.all_at(7, 2) && !workers.all_at(8, 1));
        workers.join(1, 2, Timestamp(0), commands);
        assert!(!workers.all_at(7, 1));
    }
}
