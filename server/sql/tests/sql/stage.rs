//! Databases, and connections to them.

use std::time::Duration;

use busbar_model::connection::sql::{Engine, Sql};
use busbar_sql::{Connection, Outside, RowSet, Secret, Settings, SqlError, Value};
use busbar_test_databases::{Database, Kind};
use tempfile::TempDir;

/// A database of a test's own, which goes with it.
pub(crate) enum Place {
    Server { database: Database, engine: Engine },
    File { folder: TempDir },
}

impl Place {
    pub(crate) fn new(engine: Engine) -> Self {
        match engine {
            Engine::Postgres => Self::Server { database: Database::new(Kind::Postgres), engine },
            Engine::Mysql => Self::Server { database: Database::new(Kind::Mariadb), engine },
            Engine::Sqlite => {
                let folder = tempfile::tempdir().unwrap();
                std::fs::write(folder.path().join("stock.db"), "").unwrap();
                Self::File { folder }
            }
        }
    }

    pub(crate) fn settings(&self) -> Settings {
        match self {
            Self::Server { database, engine } => of_url(*engine, &database.url()),
            Self::File { folder } => Sql::file(folder.path().join("stock.db").to_str().unwrap().to_owned()),
        }
    }

    pub(crate) fn connection(&self) -> Connection {
        connect(&self.settings())
    }
}

/// `scheme://user:password@host:port/database`
pub(crate) fn of_url(engine: Engine, url: &str) -> Settings {
    let rest = url.split_once("://").unwrap().1;
    let (login, place) = rest.split_once('@').unwrap();
    let (username, password) = login.split_once(':').unwrap();
    let (address, database) = place.split_once('/').unwrap();
    let (host, port) = address.split_once(':').unwrap();
    let [host, database, username] = [host, database, username].map(str::to_owned);
    let mut settings = Sql::server(engine, host, database, username, Secret::new(password));
    settings.port = Some(port.parse().unwrap());
    settings
}

pub(crate) fn connect(settings: &Settings) -> Connection {
    Connection::new(settings, Outside::default()).unwrap()
}

pub(crate) fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

/// As the database marks its parameters.
pub(crate) fn marked(engine: Engine, sql: &str) -> String {
    if engine != Engine::Postgres {
        return sql.to_owned();
    }
    let mut number = 0;
    let marked = sql.chars().map(|c| match c {
        '?' => {
            number += 1;
            format!("${number}")
        }
        c => c.to_string(),
    });
    marked.collect()
}

pub(crate) async fn rows(connection: &Connection, sql: &str) -> RowSet {
    connection.query(sql, Vec::new()).await.unwrap_or_else(|error| panic!("{sql}: {error}")).rows
}

pub(crate) async fn run(connection: &Connection, sql: &str) -> u64 {
    connection.execute(sql, Vec::new()).await.unwrap_or_else(|error| panic!("{sql}: {error}"))
}

pub(crate) async fn integer(connection: &Connection, sql: &str) -> i64 {
    match rows(connection, sql).await[0][0] {
        Value::Integer(number) => number,
        ref other => panic!("{sql}: {other:?}"),
    }
}

pub(crate) fn code<T>(outcome: Result<T, SqlError>) -> &'static str {
    match outcome {
        Ok(_) => "no error",
        Err(error) => error.kind.code(),
    }
}

/// Looks until it is so, for ten seconds.
pub(crate) async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    for _ in 0..500 {
        if is_so().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("never: {what}");
}

/// A statement that takes longer than any test.
pub(crate) fn endless(engine: Engine) -> &'static str {
    match engine {
        Engine::Postgres => "SELECT pg_sleep(600)",
        Engine::Mysql => "SELECT SLEEP(600)",
        Engine::Sqlite => {
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"
        }
    }
}

/// Integers from 1 on, a row each.
pub(crate) fn series(engine: Engine, count: u64) -> String {
    match engine {
        Engine::Postgres => format!("SELECT i FROM generate_series(1, {count}) AS i"),
        Engine::Mysql => format!("SELECT seq FROM seq_1_to_{count}"),
        Engine::Sqlite => format!(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count}) SELECT i FROM n"
        ),
    }
}
