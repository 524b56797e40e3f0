//! One type for a connection to any of the databases.

use diesel::sqlite::SqliteConnection;

/// The URL's scheme chooses the variant (`dialect::connect`), never `establish`: that tries each.
#[derive(diesel::MultiConnection)]
pub(crate) enum AnyConnection {
    Sqlite(SqliteConnection),
}
