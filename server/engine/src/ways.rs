//! Ways out that services use within a call: what they may use, and the port behind which the clients are.

pub mod http;
pub mod soap;
pub mod sql;

use std::{pin::Pin, sync::Arc};

use busbar_model::{
    Connection, Fault, Name,
    correlation::{CorrelationId, TraceParent},
    fault::FaultKind,
    sql::{Begin, Column, RowSet, Rows},
};
use bytes::Bytes;
use tokio::time::Instant;

use crate::{
    accept::Context,
    authenticate::authorize_connection,
    ports::Origin,
    request::Response,
    ways::{
        http::Outgoing,
        soap::{Failure, Operation},
        sql::Statement,
    },
};

pub type WayFuture<T, E = Fault> = Pin<Box<dyn Future<Output = Result<T, E>> + Send>>;

/// What of a call goes with all that leaves the bus for it.
#[derive(Clone)]
pub struct Passage {
    context: Arc<Context>,
    /// Of the connection, among those of the call's catalog.
    place: usize,
    /// In time for the call to go on.
    pub deadline: Instant,
}

impl Passage {
    /// As the call's catalog has it.
    pub fn connection(&self) -> &Connection {
        &self.context.catalog.definitions().connections[self.place]
    }

    /// Of the ODB that the catalog is of: revisions of another one do not compare.
    pub fn incarnation(&self) -> &str {
        &self.context.catalog.definitions().incarnation
    }

    pub fn correlation(&self) -> &CorrelationId {
        &self.context.correlation
    }

    pub fn trace(&self) -> Option<TraceParent> {
        self.context.trace
    }

    /// Where a call of this service leaves the bus by a connection, if it may.
    fn of(origin: &Origin, connection: &str) -> Result<Self, Fault> {
        let name: Name = connection.parse().map_err(|_| unknown())?;
        authorize_connection(&origin.service, &name)?;
        let all = &origin.context.catalog.definitions().connections;
        let place = all.iter().position(|one| one.name == name).ok_or_else(unknown)?;
        if !all[place].active {
            return Err(unusable(format!("connection {name} is not active")));
        }
        Ok(Self::at(origin, place))
    }

    fn at(origin: &Origin, place: usize) -> Self {
        let now = Instant::now();
        let left = origin.deadline.saturating_duration_since(now);
        Self { context: Arc::clone(&origin.context), place, deadline: now + left * 9 / 10 }
    }
}

/// The clients of systems of others. Futures may be dropped at any time: whether the other side has acted is unknown
/// then.
pub trait Ways: Send + Sync {
    fn http(&self, passage: Passage, request: Outgoing) -> WayFuture<Response>;
    /// `input` is JSON, and so is what it gives.
    fn soap(&self, passage: Passage, operation: String, input: Bytes) -> WayFuture<Bytes, Failure>;
    /// An envelope as it is.
    fn exchange(&self, passage: Passage, action: String, envelope: Outgoing) -> WayFuture<Response>;
    fn operations(&self, passage: Passage) -> WayFuture<Vec<Operation>>;
    fn query(&self, passage: Passage, statement: Statement) -> WayFuture<Rows>;
    fn execute(&self, passage: Passage, statement: Statement) -> WayFuture<u64>;
    fn open(&self, passage: Passage, statement: Statement) -> WayFuture<Box<dyn Cursor>>;
    fn begin(&self, passage: Passage, begin: Begin) -> WayFuture<Box<dyn Transaction>>;
}

pub type Borrowed<'a, T> = Pin<Box<dyn Future<Output = Result<T, Fault>> + Send + 'a>>;

/// Rows that are read in batches.
pub trait Cursor: Send + Sync {
    fn columns(&self) -> &[Column];
    /// At most so many rows, and about so many bytes; one at least. None are the end.
    fn next(&mut self, most: u32, bytes_max: u64) -> Borrowed<'_, RowSet>;
}

/// Rolled back when it is dropped, unless it was committed.
pub trait Transaction: Send + Sync {
    fn query(&mut self, statement: Statement) -> Borrowed<'_, Rows>;
    fn execute(&mut self, statement: Statement) -> Borrowed<'_, u64>;
    fn commit(self: Box<Self>) -> WayFuture<()>;
    fn rollback(self: Box<Self>) -> WayFuture<()>;
}

fn there(ways: Option<&Arc<dyn Ways>>) -> Result<&Arc<dyn Ways>, Fault> {
    ways.ok_or_else(|| unusable("there are no connections here".to_owned()))
}

pub(crate) fn unknown() -> Fault {
    Fault::new(FaultKind::NotFound, "no connection has this name").with_code("connection-unknown")
}

/// It leads to a system that speaks something else.
pub fn unfit(connection: &Connection, wanted: &str) -> Fault {
    let (name, kind) = (&connection.name, connection.client.kind());
    let text = format!("connection {name} is of kind {kind}, and this takes one of kind {wanted}");
    Fault::new(FaultKind::InvalidInput, text).with_code("connection-unfit")
}

/// Nothing can leave by it as it is defined.
pub fn unusable(text: String) -> Fault {
    Fault::new(FaultKind::NotDeployed, text).with_code("connection-unusable")
}
