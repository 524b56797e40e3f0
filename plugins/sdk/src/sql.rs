//! SQL databases of others, by a connection that the plugin is granted. A statement is in the database's own dialect, with
//! its own marks for parameters (`$1` in PostgreSQL, `?` in MariaDB, MySQL and SQLite); one at a time.
//!
//! ```no_run
//! use busbar_sdk::prelude::*;
//!
//! #[data]
//! struct Item {
//!     sku: String,
//!     in_stock: i64,
//!     /// A decimal, with every digit.
//!     price: String,
//! }
//!
//! # fn example(sku: &str) -> Result<(), Fault> {
//! let rows = sql::query("stock", "select sku, in_stock, price from items where sku = $1", &[&sku])?;
//! let item: Option<Item> = rows.at_most_one()?;
//! let count: i64 = sql::query("stock", "select count(*) from items", &[])?.one()?;
//! let left: i64 = sql::transaction("stock", |tx| {
//!     tx.execute("update items set in_stock = in_stock - 1 where sku = $1", &[&sku])?;
//!     tx.query("select in_stock from items where sku = $1", &[&sku])?.one()
//! })?;
//! for row in sql::cursor("stock", "select sku from items", &[])?.batch(100) {
//!     let sku: String = row?.get("sku")?;
//! }
//! # Ok(())
//! # }
//! ```
//!
//! | the database has | [`Value`] | is read into |
//! | --- | --- | --- |
//! | a boolean | `Boolean` | `bool`; integers 0 and 1 too |
//! | a whole number | `Integer`, a large one `Decimal` | any integer that it fits into |
//! | a floating point number | `Float` | `f64`, `f32` |
//! | a decimal | `Decimal` | `String`, types of decimals that read texts; `f64` loses digits |
//! | a text | `Text` | `String`, enums by their names |
//! | a date, time, timestamp, UUID | `Date`, `Time`, `Timestamp`, `Uuid` | `String` as in ISO 8601 and RFC 9562, types that read such texts |
//! | bytes | `Bytes` | `Vec<u8>` |
//! | JSON | `Json` | whatever the JSON fits, its text as `String` |
//! | null | `Null` | `Option` |

mod cursor;
mod read;
mod row;
mod value;

pub use self::cursor::Cursor;
pub use self::row::{Column, Row, Rows};
pub use self::value::{Parameter, Value};
use crate::Fault;
use crate::host::sql as bus;

/// How a transaction is begun.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    pub read_only: bool,
    /// None: the database's default.
    pub isolation: Option<Isolation>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Isolation {
    ReadCommitted,
    RepeatableRead,
    Serializable,
}

/// All rows, as many as the connection's limits allow.
///
/// # Errors
/// `not-granted`, `connection-unknown`, `connection-unusable`, `invoke-limit`, `unreachable`, `connection-busy`,
/// `login-refused`, `denied`, `read-only`, `invalid-statement`, `invalid-parameter`, `constraint`, `conflict` (a
/// deadlock, or a transaction that has to be tried again), `statement-timeout`, `too-many-rows`, `too-large`,
/// `unsupported-type`, `connection-lost` (it may have been done).
pub fn query(connection: &str, statement: &str, parameters: &[&dyn Parameter]) -> Result<Rows, Fault> {
    let rows = bus::query(connection, statement, &value::to_bus(parameters));
    rows.map(Rows::received).map_err(Fault::received)
}

/// How many rows it changed.
///
/// # Errors
/// Those of [`query`].
pub fn execute(connection: &str, statement: &str, parameters: &[&dyn Parameter]) -> Result<u64, Fault> {
    bus::execute(connection, statement, &value::to_bus(parameters)).map_err(Fault::received)
}

/// Rows that are read in batches, from one connection that is this call's own until the cursor is dropped.
///
/// # Errors
/// Those of [`query`].
pub fn cursor(connection: &str, statement: &str, parameters: &[&dyn Parameter]) -> Result<Cursor, Fault> {
    let cursor = bus::open(connection, statement, &value::to_bus(parameters));
    cursor.map(Cursor::received).map_err(Fault::received)
}

/// Statements that take effect together: committed if `work` succeeds, else rolled back. This is past the call's unit of
/// work: what is committed stays, whatever becomes of the call, and a call that is tried again does it again.
///
/// # Errors
/// Those of `work`; those of [`query`], and `transaction-ended`.
pub fn transaction<T>(
    connection: &str,
    work: impl FnOnce(&Transaction) -> Result<T, Fault>,
) -> Result<T, Fault> {
    transaction_with(connection, Options::default(), work)
}

/// The same with options.
///
/// # Errors
/// Those of [`transaction`].
pub fn transaction_with<T>(
    connection: &str,
    options: Options,
    work: impl FnOnce(&Transaction) -> Result<T, Fault>,
) -> Result<T, Fault> {
    let transaction = Transaction(bus::begin(connection, options.to_bus()).map_err(Fault::received)?);
    match work(&transaction) {
        Ok(result) => {
            transaction.0.commit().map_err(Fault::received)?;
            Ok(result)
        }
        Err(fault) => {
            // What the work says matters more; one that can't be rolled back ends with its connection.
            let _ = transaction.0.rollback();
            Err(fault)
        }
    }
}

/// Within [`transaction`].
pub struct Transaction(bus::Transaction);

impl Transaction {
    /// # Errors
    /// Those of the function [`query`], and `transaction-ended`.
    pub fn query(&self, statement: &str, parameters: &[&dyn Parameter]) -> Result<Rows, Fault> {
        let rows = self.0.query(statement, &value::to_bus(parameters));
        rows.map(Rows::received).map_err(Fault::received)
    }

    /// # Errors
    /// Those of the function [`query`], and `transaction-ended`.
    pub fn execute(&self, statement: &str, parameters: &[&dyn Parameter]) -> Result<u64, Fault> {
        self.0.execute(statement, &value::to_bus(parameters)).map_err(Fault::received)
    }
}

impl std::fmt::Debug for Transaction {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Transaction").finish_non_exhaustive()
    }
}

impl Options {
    fn to_bus(self) -> bus::Options {
        let isolation = self.isolation.map(|isolation| match isolation {
            Isolation::ReadCommitted => bus::Isolation::ReadCommitted,
            Isolation::RepeatableRead => bus::Isolation::RepeatableRead,
            Isolation::Serializable => bus::Isolation::Serializable,
        });
        bus::Options { read_only: self.read_only, isolation }
    }
}
