//! The worker's hold on brokers: a consumer for each AMQP channel, and links for the connections. A new catalog
//! changes what differs, and leaves the rest alone.

mod consumer;
mod links;
mod message;
mod outlet;

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use busbar_engine::{Pipeline, catalog::Catalog};
use busbar_model::{
    Channel, Connection, Name,
    server::{Consuming, Linked},
};
use tokio::{sync::watch, task::JoinSet, time::Instant};

use self::consumer::Running;
pub(crate) use self::links::Links;
use crate::feed::Duty;

/// Links and consumers have this long to come to their end when they are replaced.
const END: Duration = Duration::from_secs(30);

/// What this worker has of brokers. Shared with those who publish and with those who report.
pub(crate) struct Brokers {
    pipeline: Arc<Pipeline>,
    links: Arc<Links>,
    consumers: Mutex<HashMap<Name, Running>>,
    ending: AtomicUsize,
}

impl Brokers {
    pub(crate) fn new(pipeline: Arc<Pipeline>, links: Arc<Links>) -> Arc<Self> {
        Arc::new(Self { pipeline, links, consumers: Mutex::default(), ending: AtomicUsize::new(0) })
    }

    /// Follows the catalog until the worker drains; then ends with what is in hand.
    pub(crate) async fn run(
        self: Arc<Self>,
        mut catalogs: watch::Receiver<u64>,
        mut drain: watch::Receiver<bool>,
        mut duty: watch::Receiver<Duty>,
    ) {
        loop {
            if *drain.borrow() {
                break;
            }
            catalogs.mark_unchanged();
            let works = duty.borrow_and_update().works;
            if works {
                self.follow(&self.pipeline.catalog()).await;
            } else {
                self.end_all().await;
            }
            tokio::select! {
                changed = duty.changed() => if changed.is_err() { break },
                changed = catalogs.changed() => if changed.is_err() { break },
                changed = drain.changed() => if changed.is_err() { break },
            }
        }
        self.end_all().await;
    }

    async fn end_all(&self) {
        let all = std::mem::take(&mut *lock(&self.consumers));
        self.ending.store(all.len(), Ordering::Relaxed);
        end(all.into_values()).await;
        self.ending.store(0, Ordering::Relaxed);
    }

    /// Consumers that come to their end with what they have in hand.
    pub(crate) fn ending(&self) -> usize {
        self.ending.load(Ordering::Relaxed)
    }

    /// Lets go of what is not wanted any more, or not in this way, and begins what is new.
    async fn follow(&self, catalog: &Catalog) {
        let definitions = catalog.definitions();
        let wanted: HashMap<&Name, (&Channel, &Connection)> = definitions
            .channels
            .iter()
            .filter(|channel| channel.active)
            .filter_map(|channel| {
                let connection = definitions.connection(channel.address.amqp()?.connection.as_str())?;
                connection.active.then_some((&channel.name, (channel, connection)))
            })
            .collect();
        let gone: Vec<Running> = {
            let mut consumers = lock(&self.consumers);
            let stays = |name: &Name, running: &mut Running| {
                wanted.get(name).is_some_and(|(channel, connection)| running.is_of(channel, connection))
            };
            consumers.extract_if(|name, running| !stays(name, running)).map(|(_, running)| running).collect()
        };
        // Before another takes its place: an ordered channel has one consumer.
        end(gone.into_iter()).await;
        self.links.keep(&definitions.connections);
        for (name, (channel, connection)) in wanted {
            if lock(&self.consumers).contains_key(name) {
                continue;
            }
            match Running::start(&self.links, Arc::clone(&self.pipeline), channel, connection) {
                Ok(running) => drop(lock(&self.consumers).insert(name.clone(), running)),
                Err(problem) => {
                    tracing::error!(channel = %name, connection = %connection.name, problem, "nothing can be consumed");
                }
            }
        }
    }

    /// How the connections do, by name.
    pub(crate) fn linked(&self) -> Vec<Linked> {
        self.links.linked()
    }

    /// How the channels do, by name.
    pub(crate) fn consuming(&self) -> Vec<Consuming> {
        let mut all: Vec<Consuming> =
            lock(&self.consumers).iter().map(|(name, running)| running.report(name)).collect();
        all.sort_by(|one, other| one.channel.cmp(&other.channel));
        all
    }
}

/// All at once: what is in hand has its time.
async fn end(running: impl Iterator<Item = Running>) {
    let deadline = Instant::now() + END;
    let ends: JoinSet<()> = running.map(|one| one.end(deadline)).collect();
    ends.join_all().await;
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
