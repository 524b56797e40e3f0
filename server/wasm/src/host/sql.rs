//! `busbar:bus/sql`: SQL databases of others.

mod value;

use std::sync::Arc;

use busbar_engine::ways::{
    Cursor, Transaction,
    sql::{self, Statement},
};
use busbar_model::{Fault, fault::FaultKind, sql as model};
use wasmtime::component::Resource;

use self::value::{columns, parameters, rows, rows_of};
use crate::{
    bindings::busbar::bus::{
        sql::{Column, Host, HostCursor, HostTransaction, Isolation, Options, Rows, Value},
        types::Fault as GuestFault,
    },
    fault::to_guest,
    limiter::Refused,
    state::CallState,
};

/// Of a guest's memory one batch takes this part at most.
const BATCH_SHARE: u64 = 4;

/// Rows of which the guest has not read all.
pub struct CursorHandle(Box<dyn Cursor>);

/// `None`: it has ended.
pub struct TransactionHandle(Option<Box<dyn Transaction>>);

type Outcome<T> = wasmtime::Result<Result<T, GuestFault>>;

impl Host for CallState {
    async fn query(&mut self, connection: String, text: String, parameters: Vec<Value>) -> Outcome<Rows> {
        let statement = statement(text, parameters);
        let call = self.current()?;
        if let Err(fault) = call.count() {
            return Ok(Err(to_guest(fault)));
        }
        let invoker = Arc::clone(&call.invoker);
        let found = sql::query(&call.origin, invoker.ways(), &connection, statement).await;
        self.rows_in(found)
    }

    async fn execute(&mut self, connection: String, text: String, parameters: Vec<Value>) -> Outcome<u64> {
        let statement = statement(text, parameters);
        let call = self.current()?;
        if let Err(fault) = call.count() {
            return Ok(Err(to_guest(fault)));
        }
        let invoker = Arc::clone(&call.invoker);
        Ok(sql::execute(&call.origin, invoker.ways(), &connection, statement).await.map_err(to_guest))
    }

    async fn open(
        &mut self,
        connection: String,
        text: String,
        parameters: Vec<Value>,
    ) -> Outcome<Resource<CursorHandle>> {
        let statement = statement(text, parameters);
        let call = self.current()?;
        if let Err(fault) = call.count() {
            return Ok(Err(to_guest(fault)));
        }
        let invoker = Arc::clone(&call.invoker);
        match sql::open(&call.origin, invoker.ways(), &connection, statement).await {
            Ok(cursor) => {
                self.held += 1;
                Ok(Ok(self.table.push(CursorHandle(cursor))?))
            }
            Err(fault) => Ok(Err(to_guest(fault))),
        }
    }

    async fn begin(&mut self, connection: String, options: Options) -> Outcome<Resource<TransactionHandle>> {
        let call = self.current()?;
        if let Err(fault) = call.count() {
            return Ok(Err(to_guest(fault)));
        }
        let isolation = options.isolation.map(|isolation| match isolation {
            Isolation::ReadCommitted => model::Isolation::ReadCommitted,
            Isolation::RepeatableRead => model::Isolation::RepeatableRead,
            Isolation::Serializable => model::Isolation::Serializable,
        });
        let begin = model::Begin { read_only: options.read_only, isolation };
        let invoker = Arc::clone(&call.invoker);
        match sql::begin(&call.origin, invoker.ways(), &connection, begin).await {
            Ok(transaction) => {
                self.held += 1;
                Ok(Ok(self.table.push(TransactionHandle(Some(transaction)))?))
            }
            Err(fault) => Ok(Err(to_guest(fault))),
        }
    }
}

impl HostCursor for CallState {
    fn columns(&mut self, handle: Resource<CursorHandle>) -> wasmtime::Result<Vec<Column>> {
        Ok(columns(self.table.get(&handle)?.0.columns().to_vec()))
    }

    async fn next(&mut self, handle: Resource<CursorHandle>, max: u32) -> Outcome<Vec<Vec<Value>>> {
        let bytes_max = self.current()?.origin.service.limits.memory_bytes / BATCH_SHARE;
        // None would look like the end.
        let found = self.table.get_mut(&handle)?.0.next(max.max(1), bytes_max).await;
        Ok(found.map(rows_of).map_err(to_guest))
    }

    fn drop(&mut self, handle: Resource<CursorHandle>) -> wasmtime::Result<()> {
        self.table.delete(handle)?;
        self.held = self.held.saturating_sub(1);
        Ok(())
    }
}

impl HostTransaction for CallState {
    async fn query(
        &mut self,
        handle: Resource<TransactionHandle>,
        text: String,
        parameters: Vec<Value>,
    ) -> Outcome<Rows> {
        if let Err(fault) = self.current()?.count() {
            return Ok(Err(to_guest(fault)));
        }
        let found = match &mut self.table.get_mut(&handle)?.0 {
            Some(transaction) => transaction.query(statement(text, parameters)).await,
            None => Err(ended()),
        };
        self.rows_in(found)
    }

    async fn execute(
        &mut self,
        handle: Resource<TransactionHandle>,
        text: String,
        parameters: Vec<Value>,
    ) -> Outcome<u64> {
        if let Err(fault) = self.current()?.count() {
            return Ok(Err(to_guest(fault)));
        }
        let done = match &mut self.table.get_mut(&handle)?.0 {
            Some(transaction) => transaction.execute(statement(text, parameters)).await,
            None => Err(ended()),
        };
        Ok(done.map_err(to_guest))
    }

    async fn commit(&mut self, handle: Resource<TransactionHandle>) -> Outcome<()> {
        match self.table.get_mut(&handle)?.0.take() {
            Some(transaction) => Ok(transaction.commit().await.map_err(to_guest)),
            None => Ok(Err(to_guest(ended()))),
        }
    }

    async fn rollback(&mut self, handle: Resource<TransactionHandle>) -> Outcome<()> {
        match self.table.get_mut(&handle)?.0.take() {
            Some(transaction) => Ok(transaction.rollback().await.map_err(to_guest)),
            None => Ok(Err(to_guest(ended()))),
        }
    }

    fn drop(&mut self, handle: Resource<TransactionHandle>) -> wasmtime::Result<()> {
        self.table.delete(handle)?;
        self.held = self.held.saturating_sub(1);
        Ok(())
    }
}

impl CallState {
    /// What the guest could not hold, the host need not hand over.
    fn rows_in(&mut self, found: Result<model::Rows, Fault>) -> Outcome<Rows> {
        let found = match found {
            Ok(found) => found,
            Err(fault) => return Ok(Err(to_guest(fault))),
        };
        if value::bytes(&found.rows) > self.current()?.origin.service.limits.memory_bytes {
            self.limiter.refused = Some(Refused::OwnLimit);
            return Err(wasmtime::Error::msg("the rows are larger than the guest's memory"));
        }
        Ok(Ok(rows(found)))
    }
}

fn statement(text: String, given: Vec<Value>) -> Statement {
    Statement { text, parameters: parameters(given) }
}

fn ended() -> Fault {
    Fault::new(FaultKind::InvalidInput, "the transaction has ended").with_code("transaction-ended")
}
