//! Every bound that is not a setting, with its unit.

use std::time::Duration;

/// Prepared statements of a connection.
pub(crate) const STATEMENTS_MAX: usize = 64;
pub(crate) const STATEMENT_BYTES_MAX: usize = 1024 * 1024;
/// What a protocol can count.
pub(crate) const PARAMETERS_MAX: usize = 32_767;
/// Databases keep the time limit themselves; so much later this side ends a statement that they let run on.
pub(crate) const STATEMENT_MARGIN: Duration = Duration::from_millis(500);
/// How long a connection whose statement was given up may take until it is clean, before it is closed.
pub(crate) const CLEANING: Duration = Duration::from_secs(5);
/// After so much idleness a server is asked whether it is there, before a statement is sent; and how long it may take
/// to say so.
pub(crate) const TRUSTED_IDLE: Duration = Duration::from_millis(100);
pub(crate) const ANSWERING: Duration = Duration::from_secs(1);
/// What a row takes beside its values' own bytes, and each value.
pub(crate) const ROW_BYTES: u64 = 24;
pub(crate) const VALUE_BYTES: u64 = 32;
/// A cursor that is closed is read on for so long for the sake of its connection, before its statement is ended.
pub(crate) const DRAINING: Duration = Duration::from_millis(20);
/// Rows of a batch that room is made for before they come.
pub(crate) const ROWS_RESERVED_MAX: usize = 1_024;
/// Commands that a connection holds while it is at one.
pub(crate) const COMMANDS_MAX: usize = 8;
/// Instructions of SQLite between two looks at the time.
pub(crate) const SQLITE_INSTRUCTIONS: i32 = 4_000;
/// How long SQLite waits for another writer, at most.
pub(crate) const SQLITE_LOCK_MS_MAX: u64 = 5_000;
/// Of a message that a database sent with an error.
pub(crate) const MESSAGE_CHARS_MAX: usize = 1_000;
