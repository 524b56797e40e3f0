//! The worker's hold on brokers: links for the connections that the catalog names, and a consumer for each AMQP
//! channel. A new catalog changes what differs, and leaves the rest alone.

mod consumer;
mod endpoint;
mod message;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use busbar_amqp::{Link, State};
use busbar_engine::{Pipeline, catalog::Catalog};
use busbar_model::{
    Channel, Connection, Name, Timestamp,
    server::{Consuming, Linked},
};
use tokio::{sync::watch, task::JoinSet, time::Instant};

use self::consumer::Running;
use crate::{clock, worker::secrets::Opener};

/// Links and consumers have this long to come to their end when they are replaced.
const END: Duration = Duration::from_secs(30);

/// What this worker has of brokers. Shared with those who publish and with those who report.
pub(crate) struct Brokers {
    pipeline: Arc<Pipeline>,
    opener: Arc<Opener>,
    /// Shown to the broker: `busbar SERVER/SLOT`.
    name: String,
    links: Mutex<HashMap<Name, Linking>>,
    consumers: Mutex<HashMap<Name, Running>>,
}

/// A connection of the catalog, as it is used here. Those who publish and those who consume have links of their own:
/// a broker in an alarm reads nothing from a connection that publishes, not even what was acknowledged.
struct Linking {
    connection: Connection,
    outgoing: Option<Link>,
    incoming: Option<Link>,
    /// It can't be used: why.
    problem: Option<String>,
}

impl Brokers {
    pub(crate) fn new(pipeline: Arc<Pipeline>, opener: Arc<Opener>, name: String) -> Arc<Self> {
        let (links, consumers) = (Mutex::default(), Mutex::default());
        Arc::new(Self { pipeline, opener, name, links, consumers })
    }

    /// Follows the catalog until the worker drains; then ends with what is in hand.
    pub(crate) async fn run(
        self: Arc<Self>,
        mut catalogs: watch::Receiver<u64>,
        mut drain: watch::Receiver<bool>,
    ) {
        loop {
            if *drain.borrow() {
                break;
            }
            catalogs.mark_unchanged();
            self.follow(&self.pipeline.catalog()).await;
            tokio::select! {
                changed = catalogs.changed() => if changed.is_err() { break },
                changed = drain.changed() => if changed.is_err() { break },
            }
        }
        let all = std::mem::take(&mut *lock(&self.consumers));
        end(all.into_values()).await;
    }

    /// Lets go of what is not wanted any more, or not in this way, and begins what is new.
    async fn follow(&self, catalog: &Catalog) {
        let definitions = catalog.definitions();
        let connection = |name: &Name| definitions.connections.iter().find(|one| one.name == *name);
        let wanted: HashMap<&Name, (&Channel, &Connection)> = definitions
            .channels
            .iter()
            .filter(|channel| channel.active)
            .filter_map(|channel| {
                let connection = connection(&channel.address.amqp()?.connection)?;
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
        lock(&self.links).retain(|name, linking| {
            connection(name).is_some_and(|one| one.active && is_same(one, &linking.connection))
        });
        for (name, (channel, connection)) in wanted {
            if lock(&self.consumers).contains_key(name) {
                continue;
            }
            match self.link(connection, Way::In) {
                Ok(link) => match Running::start(&link, Arc::clone(self.pipeline()), channel, connection) {
                    Ok(running) => drop(lock(&self.consumers).insert(name.clone(), running)),
                    Err(problem) => tracing::error!(channel = %name, problem, "nothing can be consumed"),
                },
                Err(problem) => {
                    tracing::error!(channel = %name, connection = %connection.name, problem, "nothing can be consumed");
                }
            }
        }
    }

    fn pipeline(&self) -> &Arc<Pipeline> {
        &self.pipeline
    }

    /// The link of a connection, which is begun when it is first needed.
    fn link(&self, connection: &Connection, way: Way) -> Result<Link, String> {
        let mut links = lock(&self.links);
        let linking = links.entry(connection.name.clone()).or_insert_with(|| Linking {
            connection: connection.clone(),
            outgoing: None,
            incoming: None,
            problem: None,
        });
        let place = match way {
            Way::In => &mut linking.incoming,
            Way::Out => &mut linking.outgoing,
        };
        if let Some(link) = place {
            return Ok(link.clone());
        }
        let begun = endpoint::of(connection, &self.opener, &format!("{} {}", self.name, way.as_str()))
            .and_then(|endpoint| Link::start(endpoint).map_err(|error| error.to_string()));
        match begun {
            Ok(link) => {
                linking.problem = None;
                Ok(place.insert(link).clone())
            }
            Err(problem) => {
                linking.problem = Some(problem.clone());
                Err(problem)
            }
        }
    }

    /// How the channels do, by name.
    pub(crate) fn consuming(&self) -> Vec<Consuming> {
        let mut all: Vec<Consuming> =
            lock(&self.consumers).iter().map(|(name, running)| running.report(name)).collect();
        all.sort_by(|one, other| one.channel.cmp(&other.channel));
        all
    }

    /// How the connections do, by name.
    pub(crate) fn linked(&self) -> Vec<Linked> {
        let mut all: Vec<Linked> =
            lock(&self.links).iter().flat_map(|(name, linking)| linking.report(name)).collect();
        all.sort_by(|one, other| one.connection.cmp(&other.connection));
        all
    }
}

/// Which way messages go by a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    In,
    Out,
}

impl Way {
    fn as_str(self) -> &'static str {
        match self {
            Self::In => "in",
            Self::Out => "out",
        }
    }
}

impl Linking {
    fn report(&self, connection: &Name) -> Vec<Linked> {
        let ways = [(Way::In, &self.incoming), (Way::Out, &self.outgoing)];
        let linked = |(way, link): (Way, &Option<Link>)| {
            let link = link.as_ref()?;
            let (state, since, reason) = match &*link.state().borrow() {
                State::Connecting => ("connecting", None, None),
                State::Connected => ("connected", None, None),
                State::Reconnecting { since, reason, .. } => {
                    ("reconnecting", Some(*since), Some(reason.to_string()))
                }
                State::Blocked { since, reason } => ("blocked", Some(*since), Some(reason.clone())),
                State::Stopped => ("stopped", None, None),
            };
            let since = since.map(clock::at);
            Some(told(connection, way.as_str(), state, since, reason))
        };
        let unusable = self.problem.clone();
        let unusable = unusable.map(|problem| told(connection, "", "unusable", None, Some(problem)));
        ways.into_iter().filter_map(linked).chain(unusable).collect()
    }
}

fn told(
    connection: &Name,
    way: &str,
    state: &str,
    since: Option<Timestamp>,
    reason: Option<String>,
) -> Linked {
    Linked { connection: connection.clone(), way: way.to_owned(), state: state.to_owned(), since, reason }
}

/// Whether a link made for the one serves for the other.
fn is_same(one: &Connection, other: &Connection) -> bool {
    one.client == other.client
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
