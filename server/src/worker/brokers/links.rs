//! Links to brokers, one for each connection and way; each begins when it is first needed.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use busbar_amqp::{Link, State};
use busbar_model::{Connection, Name, Timestamp, connection::Client, server::Linked};

use crate::{clock, endpoint, worker::secrets::Opener};

/// Shared by those who consume, who publish and who report.
pub(crate) struct Links {
    opener: Arc<Opener>,
    /// Shown to the broker: `busbar SERVER/SLOT`.
    name: String,
    links: Mutex<HashMap<Name, Linking>>,
    /// Those of the catalog.
    connections: Mutex<HashMap<Name, Connection>>,
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

/// Which way messages go by a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
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

impl Links {
    pub(crate) fn new(opener: Arc<Opener>, name: String) -> Arc<Self> {
        let (links, connections) = (Mutex::default(), Mutex::default());
        Arc::new(Self { opener, name, links, connections })
    }

    /// These are the connections from now on; links of others, or of what they were, end.
    pub(super) fn keep(&self, connections: &[Connection]) {
        let active = connections.iter().filter(|connection| connection.active);
        let active: HashMap<Name, Connection> =
            active.map(|connection| (connection.name.clone(), connection.clone())).collect();
        lock(&self.links).retain(|name, linking| {
            active.get(name).is_some_and(|connection| is_same(connection, &linking.connection))
        });
        *lock(&self.connections) = active;
    }

    /// The link that messages go out by; `None`: there is no active connection of this name.
    pub(super) fn outgoing(&self, connection: &Name) -> Option<Result<Link, String>> {
        let connection = lock(&self.connections).get(connection).cloned()?;
        Some(self.link(&connection, Way::Out))
    }

    /// The link of a connection, which is begun when it is first needed.
    pub(super) fn link(&self, connection: &Connection, way: Way) -> Result<Link, String> {
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
        let opened = self.opener.open_connection(connection).map_err(|error| error.to_string());
        let begun = opened.and_then(|client| {
            let Client::Amqp(amqp) = client else {
                return Err(format!("it is of kind {}, and messages go by kind amqp", client.kind()));
            };
            let endpoint = endpoint::of(amqp, &format!("{} {}", self.name, way.as_str()));
            Link::start(endpoint).map_err(|error| error.to_string())
        });
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

    /// How the connections do, by name.
    pub(super) fn linked(&self) -> Vec<Linked> {
        let mut all: Vec<Linked> =
            lock(&self.links).iter().flat_map(|(name, linking)| linking.report(name)).collect();
        all.sort_by(|one, other| one.connection.cmp(&other.connection));
        all
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
pub(super) fn is_same(one: &Connection, other: &Connection) -> bool {
    one.client == other.client
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
