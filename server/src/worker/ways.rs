//! By what services reach systems of others within a call: a client for each connection that was used, made when it is
//! first needed.

mod breakers;
mod counted;
mod http;
mod soap;
mod sql;

use std::{
    collections::HashMap,
    path::PathBuf,
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
    connection::{self, Client},
    server::Outgoing as Report,
    sql::{Begin, Rows},
};
use bytes::Bytes;
use tokio::sync::watch;

pub(crate) use self::breakers::Breakers;
use self::counted::{Counted, Steps};
use crate::{outgoing, worker::secrets::Opener};

/// Shared by the pipeline and those who report. Clones are the same.
#[derive(Clone)]
pub(crate) struct Ways(Arc<Inner>);

struct Inner {
    opener: Arc<Opener>,
    outside: Outside,
    /// For databases.
    databases: busbar_sql::Outside,
    metrics: Arc<Metrics>,
    held: Mutex<HashMap<Name, Arc<Held>>>,
    breakers: Breakers,
}

/// A connection as it is used here.
struct Held {
    name: Name,
    /// Of the ODB and the definition.
    incarnation: String,
    id: String,
    revision: i64,
    made: Result<Made, String>,
    counted: Counted,
}

enum Made {
    Http(busbar_egress::Connection),
    Soap(Box<soap::Soap>),
    Sql(busbar_sql::Connection),
}

impl Ways {
    /// `own` are the bus's own files, which no connection opens.
    pub(crate) fn new(opener: Arc<Opener>, metrics: Arc<Metrics>, own: Vec<PathBuf>) -> Self {
        let (outside, held, breakers) = (Outside::system(), Mutex::default(), Breakers::default());
        let databases = busbar_sql::Outside { forbidden: own, ..busbar_sql::Outside::default() };
        Self(Arc::new(Inner { opener, outside, databases, metrics, held, breakers }))
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
                present
                    .is_some_and(|present| present.active && held.serves(&definitions.incarnation, present))
            });
            self.0.breakers.keep(|name, revision| {
                definitions.connection(name.as_str()).is_some_and(|present| present.revision == revision)
            });
        }
    }

    fn of(&self, passage: &Passage) -> (Arc<Inner>, Arc<Held>) {
        (Arc::clone(&self.0), self.0.of(passage.incarnation(), passage.connection()))
    }

    fn broke(&self, held: &Arc<Held>) -> http::Broke {
        let (inner, held) = (Arc::clone(&self.0), Arc::clone(held));
        Box::new(move |fault| inner.broke(&held, fault))
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
    fn of(&self, incarnation: &str, connection: &Connection) -> Arc<Held> {
        let mut all = self.held();
        if let Some(held) = all.get(&connection.name).filter(|held| held.serves(incarnation, connection)) {
            return Arc::clone(held);
        }
        let held = Arc::new(Held {
            name: connection.name.clone(),
            incarnation: incarnation.to_owned(),
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
            Client::Soap(definition) => {
                let made = soap::Soap::new(definition, self.outside.clone())?;
                self.breakers.put_back(connection, &made.client);
                Ok(Made::Soap(Box::new(made)))
            }
            Client::Sql(definition) => Ok(Made::Sql(outgoing::sql(definition, self.databases.clone())?)),
            Client::Amqp(_) => Err("messages go out by it, and nothing else".to_owned()),
        }
    }
}

impl Held {
    fn serves(&self, incarnation: &str, connection: &Connection) -> bool {
        self.incarnation == incarnation && self.id == connection.id && self.revision >= connection.revision
    }

    fn made(&self) -> Result<&Made, Fault> {
        self.made.as_ref().map_err(|problem| ways::unusable(format!("connection {}: {problem}", self.name)))
    }

    fn http(&self, passage: &Passage) -> Result<&busbar_egress::Connection, Fault> {
        match self.made()? {
            Made::Http(http) => Ok(http),
            _ => Err(ways::unfit(passage.connection(), connection::http::KIND)),
        }
    }

    fn soap(&self, passage: &Passage) -> Result<&soap::Soap, Fault> {
        match self.made()? {
            Made::Soap(soap) => Ok(soap),
            _ => Err(ways::unfit(passage.connection(), connection::soap::KIND)),
        }
    }

    fn sql(&self, passage: &Passage) -> Result<&busbar_sql::Connection, Fault> {
        match self.made()? {
            Made::Sql(sql) => Ok(sql),
            _ => Err(ways::unfit(passage.connection(), connection::sql::KIND)),
        }
    }

    /// The client that has a breaker.
    fn breaking(&self) -> Option<&busbar_egress::Connection> {
        match &self.made {
            Ok(Made::Http(http)) => Some(http),
            Ok(Made::Soap(soap)) => Some(&soap.client),
            Ok(Made::Sql(_)) | Err(_) => None,
        }
    }

    fn report(&self) -> Report {
        let pool = match &self.made {
            Ok(Made::Http(http)) => http::pool(http),
            Ok(Made::Soap(soap)) => http::pool(&soap.client),
            Ok(Made::Sql(sql)) => sql::pool(sql),
            Err(_) => counted::Pool::default(),
        };
        self.counted.report(&self.name, pool)
    }
}

impl ways::Ways for Ways {
    fn http(&self, passage: Passage, request: Outgoing) -> WayFuture<Response> {
        let (inner, held) = self.of(&passage);
        let broke = self.broke(&held);
        Box::pin(async move {
            let work = async { http::send(held.http(&passage)?, &passage, request, broke).await };
            inner.counted(&held, &passage, work).await
        })
    }

    fn soap(&self, passage: Passage, operation: String, input: Bytes) -> WayFuture<Bytes, Failure> {
        let (inner, held) = self.of(&passage);
        Box::pin(async move {
            let work = async { held.soap(&passage)?.call(&passage, &operation, input).await };
            inner.counted(&held, &passage, work).await
        })
    }

    fn exchange(&self, passage: Passage, action: String, envelope: Outgoing) -> WayFuture<Response> {
        let (inner, held) = self.of(&passage);
        let broke = self.broke(&held);
        Box::pin(async move {
            let work = async { held.soap(&passage)?.exchange(&passage, &action, envelope, broke).await };
            inner.counted(&held, &passage, work).await
        })
    }

    fn operations(&self, passage: Passage) -> WayFuture<Vec<Operation>> {
        let (_, held) = self.of(&passage);
        Box::pin(async move { held.soap(&passage)?.operations(&passage).await })
    }

    fn query(&self, passage: Passage, statement: Statement) -> WayFuture<Rows> {
        let (inner, held) = self.of(&passage);
        Box::pin(async move {
            let work = async { sql::query(held.sql(&passage)?, &passage, statement).await };
            inner.counted(&held, &passage, work).await
        })
    }

    fn execute(&self, passage: Passage, statement: Statement) -> WayFuture<u64> {
        let (inner, held) = self.of(&passage);
        Box::pin(async move {
            let work = async { sql::execute(held.sql(&passage)?, &passage, statement).await };
            inner.counted(&held, &passage, work).await
        })
    }

    fn open(&self, passage: Passage, statement: Statement) -> WayFuture<Box<dyn Cursor>> {
        let (inner, held) = self.of(&passage);
        let steps = Steps::new(&inner, &held, &passage);
        Box::pin(async move {
            let work = async { sql::open(held.sql(&passage)?, &passage, statement, steps).await };
            inner.counted(&held, &passage, work).await
        })
    }

    fn begin(&self, passage: Passage, begin: Begin) -> WayFuture<Box<dyn Transaction>> {
        let (inner, held) = self.of(&passage);
        let steps = Steps::new(&inner, &held, &passage);
        Box::pin(async move {
            let work = async { sql::begin(held.sql(&passage)?, &passage, begin, steps).await };
            inner.counted(&held, &passage, work).await
        })
    }
}
