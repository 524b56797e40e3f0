//! Where a test's database is: a file in a temporary folder.

use std::path::PathBuf;

use diesel::{
    Connection as _, RunQueryDsl as _, connection::SimpleConnection as _, sqlite::SqliteConnection,
};
use tempfile::TempDir;

use crate::fixture::Fixture;

pub(crate) struct Place {
    folder: TempDir,
}

impl Place {
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("odb.sqlite")
    }

    pub(crate) fn url(&self) -> String {
        format!("sqlite://{}", self.path().display())
    }

    pub(crate) fn sql(&self, statements: &str) {
        let mut connection = SqliteConnection::establish(&self.path().to_string_lossy()).unwrap();
        connection.batch_execute(statements).unwrap();
    }

    pub(crate) fn count(&self, table: &str) -> i64 {
        let mut connection = SqliteConnection::establish(&self.path().to_string_lossy()).unwrap();
        let count = diesel::dsl::sql::<diesel::sql_types::BigInt>(&format!("SELECT count(*) FROM {table}"));
        count.get_result(&mut connection).unwrap()
    }
}

impl Fixture {
    pub(crate) fn path(&self) -> PathBuf {
        self.place.path()
    }
}
