//! By what services reach systems of others within a call: a client for each connection that was used, made when it is
//! first needed.

mod breakers;
mod counted;
mod http;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use busbar_egress::Outside;
use busbar_engine::{
    Pipeline,
    metrics::Metrics,
    request::Response,
    ways::{
        self, Cursor, Passage, Transaction, WayFuture,
        http::Outgoing,
        soap::{Failure, Operation},
        sql::Statement,
    },
};
use busbar_model::{
    Connection, Fault, Name,
    connection::Client,
    server::Outgoing as Report,
    sql::{Begin, Rows},
};
use bytes::Bytes;
use tokio::sync::watch;

pub(crate) use self::breakers::Breakers;
use self::counted::Counted;
use crate::{outgoing, worker::secrets::Opener};

/// Shared by the pipeline and those who report. Clones are the same.
#[derive(Clone)]
pub(crate) struct Ways(Arc<Inner>);

struct Inner {
    opener: Arc<Opener>,
    outside: Outside,
    metrics: Arc<Metrics>,
    held: Mutex<HashMap<Name, Arc<Held>>>,
    breakers: Breakers,
}

/// A connection as it is used here.
struct Held {
    name: Name,
    /// Of the definition.
    id: String,
    revision: i64,
    made: Result<Made, String>,
    counted: Counted,
}

enum Made {
    Http(busbar_egress::Connection),
}

impl Ways {
    pub(crate) fn new(opener: Arc<Opener>, metrics: Arc<Metrics>) -> Self {
        let (outside, held, breakers) = (Outside::system(), Mutex::default(), Breakers::default());
        Self(Arc::new(Inner { opener, outside, metrics, held, breakers }))
    }

    pub(crate) fn breakers(&self) -> &Breakers {
        &self.0.breakers
    }

    /// Lets go of what no catalog has any more, until there are no more catalogs.
    pub(crate) async fn follow(self, pipeline: Arc<Pipeline>, mut catalogs: watch::Receiver<u64>) {
        while catalogs.changed().await.is_ok() {
            let catalog = pipeline.catalog();
            let definitions = catalog.definitions();
            self.0.held().retain(|name, held| {
                let present = definitions.connection(name.as_str());
                present.is_some_and(|present| present.active && held.serves(present))
            });
        }
    }

    /// How the connections do, by name.
    pub(crate) fn report(&self) -> Vec<Report> {
        let mut all: Vec<Report> = self.0.held().values().map(|held| held.report()).collect();
        all.sort_by(|one, other| one.connection.cmp(&other.connection));
        all
    }
}

impl Inner {
    fn held(&self) -> MutexGuard<'_, HashMap<Name, Arc<Held>>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The client of a connection. A call of an older catalog uses the newest there is.
    fn of(&self, connection: &Connection) -> Arc<Held> {
        let mut all = self.held();
        if let Some(held) = all.get(&connection.name).filter(|held| held.serves(connection)) {
            return Arc::clone(held);
        }
        let held = Arc::new(Held {
            name: connection.name.clone(),
            id: connection.id.clone(),
            revision: connection.revision,
            made: self.make(connection),
            counted: Counted::default(),
        });
        all.insert(connection.name.clone(), Arc::clone(&held));
        held
    }

    fn make(&self, connection: &Connection) -> Result<Made, String> {
        let client = self.opener.open_connection(connection).map_err(|error| error.to_string())?;
        match client {
            Client::Http(http) => {
                let made = outgoing::http(http, self.outside.clone())?;
                self.breakers.put_back(connection, &made);
                Ok(Made::Http(made))
            }
            Client::Amqp(_) => Err("messages go out by it, and nothing else".to_owned()),
            Client::Soap(_) | Client::Sql(_) => Err("not there".to_owned()),
        }
    }
}

impl Held {
    fn serves(&self, connection: &Connection) -> bool {
        self.id == connection.id && self.revision >= connection.revision
    }

    fn made(&self) -> Result<&Made, Fault> {
        self.made.as_ref().map_err(|problem| ways::unusable(format!("connection {}: {problem}", self.name)))
    }

    fn http(&self) -> Result<&busbar_egress::Connection, Fault> {
        let Made::Http(http) = self.made()?;
        Ok(http)
    }

    /// The client that has a breaker.
    fn breaking(&self) -> Option<&busbar_egress::Connection> {
        match &self.made {
            Ok(Made::Http(http)) => Some(http),
            Err(_) => None,
        }
    }

    fn report(&self) -> Report {
        let pool = match &self.made {
            Ok(Made::Http(http)) => http::pool(http),
            Err(_) => counted::Pool::default(),
        };
        self.counted.report(&self.name, pool)
    }
}

fn of_kind(kind: &str) -> String {
    format!("it is of kind {kind}")
}

impl ways::Ways for Ways {
    fn http(&self, passage: Passage, request: Outgoing) -> WayFuture<Response> {
        let inner = Arc::clone(&self.0);
        Box::pin(async move {
            let held = inner.of(passage.connection());
            inner.counted(&held, async { http::send(held.http()?, &passage, request).await }).await
        })
    }

    fn soap(&self, passage: Passage, _: String, _: Bytes) -> WayFuture<Bytes, Failure> {
        let fault = ways::unusable(of_kind(passage.connection().client.kind()));
        Box::pin(async { Err(fault.into()) })
    }

    fn exchange(&self, passage: Passage, _: String, _: Outgoing) -> WayFuture<Response> {
        no(&passage)
    }

    fn operations(&self, passage: Passage) -> WayFuture<Vec<Operation>> {
        no(&passage)
    }

    fn query(&self, passage: Passage, _: Statement) -> WayFuture<Rows> {
        no(&passage)
    }

    fn execute(&self, passage: Passage, _: Statement) -> WayFuture<u64> {
        no(&passage)
    }

    fn open(&self, passage: Passage, _: Statement) -> WayFuture<Box<dyn Cursor>> {
        no(&passage)
    }

    fn begin(&self, passage: Passage, _: Begin) -> WayFuture<Box<dyn Transaction>> {
        no(&passage)
    }
}

fn no<T: Send + 'static>(passage: &Passage) -> WayFuture<T> {
    let fault = ways::unusable(of_kind(passage.connection().client.kind()));
    Box::pin(async { Err(fault) })
}
