//! What can't be, each with its member, its value and what is allowed.

use std::{fmt, ops::RangeInclusive};

use super::{Engine, Sql};
use crate::{
    bounds::{
        SQL_BYTES_MAX, SQL_BYTES_MIN, SQL_CONNECTIONS_MAX, SQL_MILLISECONDS_MAX, SQL_NAME_CHARS_MAX,
        SQL_PATH_BYTES_MAX, SQL_ROWS_MAX,
    },
    connection::amqp,
};

/// One member that can't be. A secret's value is never in it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{member} {text}")]
pub struct Invalid {
    pub member: &'static str,
    pub text: String,
}

/// All of them, at least one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused(pub Vec<Invalid>);

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, invalid) in self.0.iter().enumerate() {
            let separator = if place == 0 { "" } else { "; " };
            write!(f, "{separator}{invalid}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Refused {}

/// At least 1 where a time is waited for.
const WAITED: RangeInclusive<u64> = 1..=SQL_MILLISECONDS_MAX;

type Parse = fn(String) -> Result<String, String>;

impl<S> Sql<S> {
    /// All that is wrong with it, except for secrets and certificates.
    pub fn check(&self) -> Result<(), Refused> {
        let mut found = Findings(Vec::new());
        match self.engine {
            Engine::Postgres | Engine::Mysql => self.check_server(&mut found),
            Engine::Sqlite => self.check_file(&mut found),
        }
        found.within("pool.max", self.pool.max.into(), 1..=SQL_CONNECTIONS_MAX.into());
        found.within("pool.idle_ms", self.pool.idle_ms, WAITED);
        found.within("pool.wait_ms", self.pool.wait_ms, 0..=SQL_MILLISECONDS_MAX);
        found.within("pool.connect_ms", self.pool.connect_ms, WAITED);
        found.within("statement_ms", self.statement_ms, WAITED);
        found.within("rows_max", self.rows_max, 1..=SQL_ROWS_MAX);
        found.within("bytes_max", self.bytes_max, SQL_BYTES_MIN..=SQL_BYTES_MAX);
        if found.0.is_empty() { Ok(()) } else { Err(Refused(found.0)) }
    }

    fn check_server(&self, found: &mut Findings) {
        let engine = self.engine.as_str();
        let texts: [(&'static str, &Option<String>, Parse); 3] = [
            ("host", &self.host, amqp::host),
            ("database", &self.database, database),
            ("username", &self.username, amqp::username),
        ];
        for (member, text, check) in texts {
            match text {
                None => found.add(member, format!("is missing: {engine} needs it")),
                Some(text) => {
                    if let Err(error) = check(text.clone()) {
                        found.add(member, error);
                    }
                }
            }
        }
        if self.password.is_none() {
            found.add("password", format!("is missing: {engine} needs it"));
        }
        if self.port == Some(0) {
            found.add("port", "is 0: 1 to 65535 are allowed".to_owned());
        }
        if let Some(Err(error)) = self.tls.as_ref().and_then(|tls| tls.server_name.clone()).map(amqp::host) {
            found.add("tls.server_name", error);
        }
        if self.file.is_some() {
            found.add("file", format!("is given: {engine} has none"));
        }
    }

    fn check_file(&self, found: &mut Findings) {
        let given = [
            ("host", self.host.is_some()),
            ("port", self.port.is_some()),
            ("database", self.database.is_some()),
            ("username", self.username.is_some()),
            ("password", self.password.is_some()),
            ("tls", self.tls.is_some()),
        ];
        for (member, _) in given.iter().filter(|(_, is_given)| *is_given) {
            found.add(member, "is given: sqlite has none".to_owned());
        }
        match &self.file {
            None => found.add("file", "is missing: sqlite needs it".to_owned()),
            Some(path) => {
                let fits = path.starts_with('/') && path.len() <= SQL_PATH_BYTES_MAX && !path.contains('\0');
                if !fits {
                    let path: String = path.chars().take(64).collect();
                    let allowed = format!("an absolute path of at most {SQL_PATH_BYTES_MAX} bytes is needed");
                    found.add("file", format!("is {path:?}: {allowed}"));
                }
            }
        }
    }
}

fn database(text: String) -> Result<String, String> {
    let fits =
        (1..=SQL_NAME_CHARS_MAX).contains(&text.chars().count()) && !text.chars().any(char::is_control);
    if fits {
        return Ok(text);
    }
    let text: String = text.chars().take(SQL_NAME_CHARS_MAX).collect();
    Err(format!(
        "{text:?} is not a database: 1 to {SQL_NAME_CHARS_MAX} characters without control characters"
    ))
}

struct Findings(Vec<Invalid>);

impl Findings {
    fn add(&mut self, member: &'static str, text: String) {
        self.0.push(Invalid { member, text });
    }

    fn within(&mut self, member: &'static str, value: u64, range: RangeInclusive<u64>) {
        if !range.contains(&value) {
            self.add(member, format!("is {value}: {} to {} are allowed", range.start(), range.end()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Pool;
    use super::*;

    fn server() -> Sql<&'static str> {
        let [host, database, username] = ["db.example.com", "shop", "bus"].map(str::to_owned);
        Sql::server(Engine::Postgres, host, database, username, "hunter2")
    }

    fn refused(sql: &Sql<&'static str>) -> String {
        sql.check().unwrap_err().to_string()
    }

    #[test]
    fn a_server_or_a_file_is_named() {
        assert_eq!(server().check(), Ok(()));
        assert_eq!(Sql::<()>::file("/var/lib/stock.db".to_owned()).check(), Ok(()));
        let none = Sql { host: None, password: None, file: Some("/a".to_owned()), ..server() };
        assert_eq!(
            refused(&none),
            "host is missing: postgres needs it; password is missing: postgres needs it; \
             file is given: postgres has none"
        );
        let sqlite = Sql { engine: Engine::Sqlite, ..server() };
        assert!(refused(&sqlite).starts_with("host is given: sqlite has none; "));
        assert!(refused(&sqlite).contains("file is missing: sqlite needs it"));
        assert!(!refused(&sqlite).contains("hunter2"));
        for path in ["stock.db", "", "/a\0b"] {
            let error = Sql::<()>::file(path.to_owned()).check().unwrap_err().to_string();
            assert!(error.contains("an absolute path"), "{error}");
        }
    }

    #[test]
    fn what_can_not_be_is_refused_with_member_value_and_what_is_allowed() {
        let pool = Pool { max: 0, connect_ms: 0, ..Pool::default() };
        let sql = Sql { pool, bytes_max: 1, rows_max: 0, ..server() };
        assert_eq!(
            refused(&sql),
            "pool.max is 0: 1 to 256 are allowed; pool.connect_ms is 0: 1 to 3600000 are allowed; \
             rows_max is 0: 1 to 1000000 are allowed; bytes_max is 1: 1024 to 268435456 are allowed"
        );
        let sql = Sql { host: Some("a b".to_owned()), database: Some(String::new()), ..server() };
        let error = refused(&sql);
        assert!(
            error.contains("host \"a b\" is not a host") && error.contains("is not a database"),
            "{error}"
        );
    }
}
