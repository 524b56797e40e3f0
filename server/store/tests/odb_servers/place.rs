//! Where a test's database is: on the server that tests share.

use busbar_test_databases::Database;

pub(crate) struct Place {
    database: Database,
}

impl Place {
    pub(crate) fn new() -> Self {
        Self { database: Database::new(crate::KIND) }
    }

    pub(crate) fn url(&self) -> String {
        self.database.url()
    }

    pub(crate) fn sql(&self, statements: &str) {
        self.database.sql(statements);
    }

    /// The rows, a line each.
    pub(crate) fn rows(&self, query: &str) -> String {
        self.database.sql(query)
    }

    pub(crate) fn count(&self, table: &str) -> i64 {
        self.rows(&format!("SELECT count(*) FROM {table}")).parse().unwrap()
    }
}
