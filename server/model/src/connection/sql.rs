//! Connections to databases that speak SQL.

use serde::{Deserialize, Serialize};

use super::{
    Part,
    amqp::{Identity, Tls},
};
use crate::{
    bounds::{
        SQL_BYTES_MAX_DEFAULT, SQL_CONNECTIONS_DEFAULT, SQL_ROWS_MAX_DEFAULT, SQL_STATEMENT_MS_DEFAULT,
    },
    secret::Sealed,
};

mod check;

pub use check::{Invalid, Refused};

pub const KIND: &str = "sql";

/// What is spoken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Engine {
    Postgres,
    /// MariaDB too.
    Mysql,
    Sqlite,
}

impl Engine {
    pub const ALL: [Self; 3] = [Self::Postgres, Self::Mysql, Self::Sqlite];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Postgres => "postgres",
            Self::Mysql => "mysql",
            Self::Sqlite => "sqlite",
        }
    }

    /// Registered for it; `None`: it has no server.
    pub fn port(self) -> Option<u16> {
        match self {
            Self::Postgres => Some(5432),
            Self::Mysql => Some(3306),
            Self::Sqlite => None,
        }
    }
}

/// `S` is what its secrets are. Either a server or a file is named ([`Sql::check`]).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sql<S = Sealed> {
    pub engine: Engine,
    /// A name of the DNS, or an IP address.
    pub host: Option<String>,
    /// `None`: the one that is registered.
    pub port: Option<u16>,
    pub database: Option<String>,
    pub username: Option<String>,
    pub password: Option<S>,
    /// `None`: in the clear.
    pub tls: Option<Tls<S>>,
    /// Of SQLite, by its absolute path.
    pub file: Option<String>,
    #[serde(default)]
    pub read_only: bool,
    #[serde(default)]
    pub pool: Pool,
    /// The longest that a statement may take, or one batch of a cursor.
    #[serde(default = "statement_ms")]
    pub statement_ms: u64,
    /// Rows of one result; those of cursors are not bounded.
    #[serde(default = "rows_max")]
    pub rows_max: u64,
    /// What one result, or one batch of a cursor, takes in memory.
    #[serde(default = "bytes_max")]
    pub bytes_max: u64,
}

/// Connections of each worker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Pool {
    pub max: u32,
    pub idle_ms: u64,
    /// How long a call waits for a connection while all are in use.
    pub wait_ms: u64,
    /// Resolving the name, TCP, TLS and the login together.
    pub connect_ms: u64,
}

impl Default for Pool {
    fn default() -> Self {
        Self { max: SQL_CONNECTIONS_DEFAULT, idle_ms: 60_000, wait_ms: 5_000, connect_ms: 5_000 }
    }
}

fn statement_ms() -> u64 {
    SQL_STATEMENT_MS_DEFAULT
}

fn rows_max() -> u64 {
    SQL_ROWS_MAX_DEFAULT
}

fn bytes_max() -> u64 {
    SQL_BYTES_MAX_DEFAULT
}

impl<S> Sql<S> {
    /// One of a server, in the clear, with the defaults.
    pub fn server(engine: Engine, host: String, database: String, username: String, password: S) -> Self {
        Self {
            host: Some(host),
            port: engine.port(),
            database: Some(database),
            username: Some(username),
            password: Some(password),
            ..Self::bare(engine)
        }
    }

    /// One of SQLite, with the defaults.
    pub fn file(path: String) -> Self {
        Self { file: Some(path), ..Self::bare(Engine::Sqlite) }
    }

    fn bare(engine: Engine) -> Self {
        Self {
            engine,
            host: None,
            port: None,
            database: None,
            username: None,
            password: None,
            tls: None,
            file: None,
            read_only: false,
            pool: Pool::default(),
            statement_ms: statement_ms(),
            rows_max: rows_max(),
            bytes_max: bytes_max(),
        }
    }

    pub fn secret(&self, part: Part) -> Option<&S> {
        match part {
            Part::Password => self.password.as_ref(),
            Part::ClientKey => self.tls.as_ref()?.identity.as_ref().map(|identity| &identity.key),
            Part::TokenPassword => None,
        }
    }

    /// The same with other secrets.
    pub fn try_map<T, E>(self, secret: &mut impl FnMut(Part, S) -> Result<T, E>) -> Result<Sql<T>, E> {
        let password = self.password.map(|password| secret(Part::Password, password)).transpose()?;
        let mut key = |Identity { certificate, key }| {
            secret(Part::ClientKey, key).map(|key| Identity { certificate, key })
        };
        let tls = match self.tls {
            None => None,
            Some(Tls { ca, server_name, identity }) => {
                Some(Tls { ca, server_name, identity: identity.map(&mut key).transpose()? })
            }
        };
        Ok(Sql {
            engine: self.engine,
            host: self.host,
            port: self.port,
            database: self.database,
            username: self.username,
            password,
            tls,
            file: self.file,
            read_only: self.read_only,
            pool: self.pool,
            statement_ms: self.statement_ms,
            rows_max: self.rows_max,
            bytes_max: self.bytes_max,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{Engine, Pool, Sql};
    use crate::connection::{
        Part,
        amqp::{Identity, Tls},
    };

    #[test]
    fn what_is_not_given_has_its_default() {
        let text = r#"{"engine": "postgres", "host": "db", "port": 5432, "database": "d", "username": "u", "password": "p"}"#;
        let read: Sql<String> = serde_json::from_str(text).unwrap();
        let [host, database, username, password] = ["db", "d", "u", "p"].map(str::to_owned);
        assert_eq!(read, Sql::server(Engine::Postgres, host, database, username, password));
        assert_eq!((read.statement_ms, read.rows_max, read.bytes_max), (30_000, 10_000, 16_777_216));
        assert_eq!(read.pool, Pool { max: 8, idle_ms: 60_000, wait_ms: 5_000, connect_ms: 5_000 });
        let text = serde_json::to_string(&read).unwrap();
        assert_eq!(serde_json::from_str::<Sql<String>>(&text).unwrap(), read);
    }

    #[test]
    fn what_is_not_known_is_refused() {
        for text in [
            r#"{"engine": "sqlite", "file": "/a", "path": "/b"}"#,
            r#"{"engine": "sqlite", "file": "/a", "pool": {"maximum": 1}}"#,
            r#"{"engine": "oracle", "host": "db"}"#,
        ] {
            assert!(serde_json::from_str::<Sql<String>>(text).is_err(), "{text}");
        }
    }

    #[test]
    fn secrets_are_mapped_one_by_one() {
        let identity = Some(Identity { certificate: "c".to_owned(), key: 2 });
        let [host, database, username] = ["h", "d", "u"].map(str::to_owned);
        let sql = Sql {
            tls: Some(Tls { identity, ..Tls::default() }),
            ..Sql::server(Engine::Mysql, host, database, username, 1)
        };
        let mut map = |part: Part, secret| Ok::<_, ()>(format!("{} {secret}", part.as_str()));
        let mapped = sql.try_map(&mut map).unwrap();
        assert_eq!(mapped.secret(Part::Password).unwrap(), "password 1");
        assert_eq!(mapped.secret(Part::ClientKey).unwrap(), "client_key 2");
    }
}
