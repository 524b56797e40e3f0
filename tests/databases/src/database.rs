//! A database of a test's own on the server that tests share.

use std::{
    process,
    sync::atomic::{AtomicU32, Ordering},
};

use crate::{kind::Kind, shared::Use};

static NUMBER: AtomicU32 = AtomicU32::new(0);

/// Gone when it is dropped.
#[derive(Debug)]
pub struct Database {
    name: String,
    server: Use,
}

impl Database {
    /// Empty.
    pub fn new(kind: Kind) -> Self {
        let name = format!("test_{}_{}", process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
        let server = Use::of(kind);
        let made = format!("DROP DATABASE IF EXISTS {name};\nCREATE DATABASE {name};\n");
        server.place.try_sql(None, &made).unwrap_or_else(|error| panic!("no database: {error}"));
        Self { name, server }
    }

    /// With a user's password in it.
    pub fn url(&self) -> String {
        self.server.place.kind.url(self.server.place.port, &self.name)
    }

    /// Rows of statements, a line each, their columns as the server's own client separates them.
    pub fn sql(&self, statements: &str) -> String {
        let done = self.server.place.try_sql(Some(&self.name), statements);
        done.unwrap_or_else(|error| panic!("{statements}: {error}"))
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let force = match self.server.place.kind {
            Kind::Postgres => " WITH (FORCE)",
            Kind::Mariadb => "",
        };
        // What can't be dropped goes with the server.
        let _ = self.server.place.try_sql(None, &format!("DROP DATABASE IF EXISTS {}{force}", self.name));
    }
}
