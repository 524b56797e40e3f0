//! SQL connections to PostgreSQL, MariaDB or MySQL, and SQLite.
//!
//! A [`Connection`] is one database with a login, a pool and limits ([`Settings`]). Statements have parameters and never
//! values in their text; they are written as the database writes them, with `$1` or `?`.
//!
//! ```text
//! let connection = Connection::new(&settings, Outside::default())?;
//! let found = connection.query("SELECT left_in_stock FROM stock WHERE sku = $1", vec![Value::Text(sku)]).await?;
//!
//! let mut transaction = connection.begin(Begin::default()).await?;
//! transaction.execute("UPDATE stock SET left_in_stock = left_in_stock - 1 WHERE sku = $1", vec![sku]).await?;
//! transaction.commit().await?;
//!
//! let mut cursor = connection.open("SELECT * FROM movements", Vec::new()).await?;
//! while let rows = cursor.next(1_000, u64::MAX).await? && !rows.is_empty() { … }
//! ```
//!
//! Each connection to a database is driven by a task of its own (of SQLite: by a thread), which is asked by a channel
//! (`session.rs`). What a caller gives up, that task ends in order: futures here may be dropped at any point.
//!
//! What comes is bounded: rows and bytes of a result, bytes of a batch, the time of a statement.

mod bounds;
mod calendar;
mod connection;
mod cursor;
mod engine;
mod error;
mod feed;
mod limits;
mod message;
mod mysql;
mod outside;
mod pool;
mod postgres;
mod secrets;
mod session;
mod sqlite;
mod statement;
mod statistics;
mod tls;
mod transaction;
mod value;

pub use busbar_model::connection::sql::{Invalid, Refused};
pub use connection::{Connection, Settings};
pub use cursor::Cursor;
pub use error::{ErrorKind, SqlError};
pub use outside::{Authorities, Outside};
pub use secrets::Secret;
pub use statistics::{LATENCY_BUCKETS_MS, Statistics};
pub use transaction::Transaction;
pub use value::{Begin, Column, Isolation, Kind, RowSet, Rows, Value};
