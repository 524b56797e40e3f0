//! What only MySQL and MariaDB do.

use std::{
    net::{TcpStream, ToSocketAddrs as _},
    time::Duration,
};

use diesel::{
    Connection as _, QueryableByName, RunQueryDsl as _,
    connection::SimpleConnection as _,
    mysql::MysqlConnection,
    sql_query,
    sql_types::{BigInt, Text},
};

use super::waiting;
use crate::{error::Error, url::remote::Remote};

/// Nothing waits for ever. Writers wait for each other's rows; who stands still within a transaction (a machine that is halted)
/// loses it before those that wait give up. MariaDB alone knows the last two.
const SETUP: &str = "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED;
    SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION', lc_messages = 'en_US', autocommit = 1,
        innodb_lock_wait_timeout = 5, lock_wait_timeout = 5
        /*M!100300 , max_statement_time = 60, idle_transaction_timeout = 4 */";

/// The client library has no time limit for connecting that could be set.
const REACH_BOUND: Duration = Duration::from_secs(5);
const PORT: u16 = 3306;

/// A delivery's payload is one parameter of one statement.
const PACKET_BYTES_LEAST: i64 = 32 * 1024 * 1024;

/// What diesel has no kind for. How messages begin.
pub(super) const CONTENTION: &[&str] = &[
    "Deadlock found when trying to get lock",
    "Lock wait timeout exceeded",
    "Record has changed since last read",
];
pub(super) const UNWRITABLE: &[&str] =
    &["The table '", "Disk full", "Got error 28", "No space left on device"];
pub(super) const LOST: &[&str] = &[
    "Lost connection to",
    "MySQL server has gone away",
    "Server has gone away",
    "Connection was killed",
    "Server shutdown in progress",
    "Can't connect to",
];
pub(super) const BEGIN_WRITE: &str = "START TRANSACTION READ WRITE";
pub(super) const SNAPSHOT_LEVEL: &str = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ";
pub(super) const BEGIN_SNAPSHOT: &str = "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY";

#[derive(QueryableByName)]
struct Number {
    #[diesel(sql_type = BigInt)]
    number: i64,
}

#[derive(QueryableByName)]
struct Status {
    #[diesel(sql_type = Text, column_name = "Value")]
    value: String,
}

pub(super) fn connect(url: &Remote) -> Result<MysqlConnection, Error> {
    let wants_tls = wants_tls(url)?;
    reach(url)?;
    let mut connection = MysqlConnection::establish(url.exposed())
        .map_err(|error| Error::Open(url.hide_in(&error.to_string()).into()))?;
    connection.batch_execute(SETUP)?;
    if wants_tls && is_plain(&mut connection)? {
        let must = "be encrypted, by ssl_mode: give ssl_ca, without which the client library begins no TLS"
            .to_owned();
        return Err(Error::Unsuited { what: "connection", is: "plain text".to_owned(), must });
    }
    let packet = sql_query("SELECT CAST(@@max_allowed_packet AS SIGNED) AS number");
    let packet = packet.get_result::<Number>(&mut connection)?.number;
    if packet < PACKET_BYTES_LEAST {
        let must = format!("be {PACKET_BYTES_LEAST} or more");
        return Err(Error::Unsuited { what: "max_allowed_packet", is: packet.to_string(), must });
    }
    Ok(connection)
}

/// Debian's client library is MariaDB's, which knows no `ssl_mode` and says nothing of it: what it would not do
/// is refused or looked at here.
fn wants_tls(url: &Remote) -> Result<bool, Error> {
    let mode =
        url.parameters().find(|(name, _)| *name == "ssl_mode").map(|(_, mode)| mode.to_ascii_lowercase());
    match mode.as_deref() {
        Some("disabled" | "preferred") => Ok(false),
        Some("required") => Ok(true),
        None => Ok(url.parameters().any(|(name, _)| name.starts_with("ssl_"))),
        Some(mode) => {
            let must = "be disabled, preferred or required: the client library verifies no server".to_owned();
            Err(Error::Unsuited { what: "ssl_mode", is: mode.to_owned(), must })
        }
    }
}

fn is_plain(connection: &mut MysqlConnection) -> Result<bool, Error> {
    let status = sql_query("SHOW SESSION STATUS LIKE 'Ssl_cipher'").get_result::<Status>(connection)?;
    Ok(status.value.is_empty())
}

/// Fails within bounds where nobody answers.
fn reach(url: &Remote) -> Result<(), Error> {
    if url.parameters().any(|(name, _)| name == "unix_socket") {
        return Ok(());
    }
    let Some((host, port)) = url.host() else { return Ok(()) };
    let open = |error: std::io::Error| Error::Open(Box::new(error));
    let mut last = std::io::Error::other("its name has no address");
    for address in (host, port.unwrap_or(PORT)).to_socket_addrs().map_err(open)? {
        match TcpStream::connect_timeout(&address, REACH_BOUND) {
            Ok(_) => return Ok(()),
            Err(error) => last = error,
        }
    }
    Err(open(last))
}

/// Of the connection, until it is closed. The server has one space of names for all its databases.
pub(super) fn lock_to_migrate(connection: &mut MysqlConnection) -> Result<(), Error> {
    waiting::until(Duration::from_millis(100), || {
        let lock =
            "SELECT CAST(COALESCE(GET_LOCK(CONCAT('busbar.', MD5(DATABASE())), 0), 0) AS SIGNED) AS number";
        Ok(sql_query(lock).get_result::<Number>(connection)?.number == 1)
    })
}
