//! What only PostgreSQL does.

use std::time::Duration;

use diesel::{
    Connection as _, QueryableByName, RunQueryDsl as _,
    connection::SimpleConnection as _,
    pg::PgConnection,
    sql_query,
    sql_types::{Bool, Text},
};

use super::waiting;
use crate::{error::Error, url::remote::Remote};

/// Nothing waits for ever. Writers wait for each other's rows; who stands still within a transaction (a machine that is halted)
/// loses it before those that wait give up.
const SETUP: &str = "SET default_transaction_isolation = 'read committed';
    SET lock_timeout = '5s';
    SET statement_timeout = '60s';
    SET idle_in_transaction_session_timeout = '4s';
    SET client_encoding = 'UTF8'";

/// Of the client library, where the URL does not say otherwise: 5 s for a connection, and a server that
/// went without a word is noticed within a minute.
const DEFAULTS: [(&str, &str); 6] = [
    ("connect_timeout", "5"),
    ("keepalives_idle", "20"),
    ("keepalives_interval", "10"),
    ("keepalives_count", "3"),
    ("tcp_user_timeout", "30000"),
    ("application_name", "busbar"),
];

/// What diesel has no kind for. How messages begin, which are in English: `connect` sees to it.
pub(super) const CONTENTION: &[&str] = &[
    "deadlock detected",
    "could not serialize access",
    "could not obtain lock",
    "canceling statement due to lock timeout",
];
pub(super) const UNWRITABLE: &[&str] =
    &["could not extend file", "could not write", "No space left on device"];
pub(super) const LOST: &[&str] = &[
    "server closed the connection unexpectedly",
    "terminating connection due to",
    "could not receive data from server",
    "could not send data to server",
    "no connection to the server",
    "SSL connection has been closed unexpectedly",
    "SSL SYSCALL error",
    "the database system is",
];
pub(super) const BEGIN_WRITE: &str = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE";
pub(super) const BEGIN_SNAPSHOT: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";

/// The advisory lock of those that migrate: "busbar" and a one, as a number.
const MIGRATION_LOCK: i64 = 0x0062_7573_6261_7201;

#[derive(QueryableByName)]
struct Server {
    #[diesel(sql_type = Text)]
    encoding: String,
    #[diesel(sql_type = Text)]
    messages: String,
}

#[derive(QueryableByName)]
struct Locked {
    #[diesel(sql_type = Bool)]
    locked: bool,
}

pub(super) fn connect(url: &Remote) -> Result<PgConnection, Error> {
    let whole = DEFAULTS.iter().fold(url.clone(), |url, (name, value)| url.with_default(name, value));
    let mut connection = PgConnection::establish(whole.exposed())
        .map_err(|error| Error::Open(whole.hide_in(&error.to_string()).into()))?;
    connection.batch_execute(SETUP)?;
    let server = sql_query(
        "SELECT current_setting('server_encoding') AS encoding, current_setting('lc_messages') AS messages",
    )
    .get_result::<Server>(&mut connection)?;
    if server.encoding != "UTF8" {
        return Err(Error::Unsuited { what: "encoding", is: server.encoding, must: "be UTF8".to_owned() });
    }
    if !is_english(&server.messages) && connection.batch_execute("SET lc_messages = 'C'").is_err() {
        let must = "be C: let its administrator say ALTER ROLE … SET lc_messages = 'C'".to_owned();
        return Err(Error::Unsuited { what: "lc_messages", is: server.messages, must });
    }
    Ok(connection)
}

fn is_english(locale: &str) -> bool {
    matches!(locale, "C" | "POSIX") || locale.starts_with("C.") || locale.starts_with("en")
}

/// Of the connection, until it is closed.
pub(super) fn lock_to_migrate(connection: &mut PgConnection) -> Result<(), Error> {
    waiting::until(Duration::from_millis(100), || {
        let locked = sql_query(format!("SELECT pg_try_advisory_lock({MIGRATION_LOCK}) AS locked"));
        Ok(locked.get_result::<Locked>(connection)?.locked)
    })
}
