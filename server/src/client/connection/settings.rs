//! What a connection is made with, as it is given on the command line.

use std::{
    fs,
    path::{Path, PathBuf},
};

use busbar_model::connection::{
    amqp::{self, Address},
    http, soap, sql,
};
use serde_json::{Map, Value, json};

use super::auth::Auth;
use crate::client::failure::Usage;

mod wsdl;

const NONE: &str = "none";

#[derive(Debug, clap::Args)]
pub(crate) struct Settings {
    /// A name, or an IP address.
    #[arg(long)]
    host: Option<String>,
    /// The one that is registered for it by default: of brokers 5672, or 5671 with TLS; 5432 or 3306 of databases.
    #[arg(long, value_name = "N")]
    port: Option<u16>,
    /// The broker's virtual host; / by default.
    #[arg(long)]
    vhost: Option<String>,
    /// Whom the other side knows the bus as. Over HTTP and SOAP it makes the auth basic.
    #[arg(long, value_name = "NAME")]
    username: Option<String>,
    /// What calls over HTTP begin with: http:// or https://, host, port and path. Of SOAP the endpoint's address, if it is
    /// not the one that the WSDL has.
    #[arg(long, value_name = "URL")]
    base_url: Option<String>,
    #[command(flatten)]
    auth: Auth,
    /// An address or a network beside the public ones that may be connected to; more than once for several.
    #[arg(long, value_name = "NETWORK")]
    allow: Vec<String>,
    /// The WSDL of a SOAP service: a file, with what it imports beside it, or a URL that the bus fetches it from.
    #[arg(long, value_name = "FILE|URL")]
    wsdl: Option<String>,
    /// Which of the WSDL's services; `none` where there is one only.
    #[arg(long, value_name = "NAME")]
    service: Option<String>,
    /// Which of the service's ports; `none` for the one of SOAP 1.1, or the only one.
    #[arg(long, value_name = "NAME")]
    port_name: Option<String>,
    /// Whom a UsernameToken of WS-Security names; `none` for no token.
    #[arg(long, value_name = "NAME")]
    token_username: Option<String>,
    /// A database on the server.
    #[arg(long, value_name = "NAME")]
    database: Option<String>,
    /// The file of an SQLite database, on each of the bus's servers.
    #[arg(long, value_name = "PATH")]
    file: Option<String>,
    /// Changes nothing in the database.
    #[arg(long)]
    read_only: bool,
    /// A member by its path, with a value in JSON or a text: timeouts.total_ms=5000, breaker=null. More than once for
    /// several. Limits, pool and breaker are of each worker: limits.per_second=10 is 80 with 2 servers of 4 workers.
    #[arg(long, value_name = "MEMBER=VALUE")]
    set: Vec<String>,
    /// Over TLS; the other TLS options ask for it, too.
    #[arg(long, conflicts_with = "no_tls")]
    tls: bool,
    /// In the clear, as it is by default.
    #[arg(long, conflicts_with_all = ["ca", "server_name", "client_certificate", "client_key"])]
    no_tls: bool,
    /// A file of certificates (PEM) that may vouch for the other side; `none` for those that the system trusts.
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// Whom its certificate must name; `none` for the host.
    #[arg(long, value_name = "NAME")]
    server_name: Option<String>,
    /// A file with the certificate that is shown to it (PEM); `none` for none.
    #[arg(long, value_name = "FILE")]
    client_certificate: Option<PathBuf>,
    /// The file with its key (PEM).
    #[arg(long, value_name = "FILE")]
    client_key: Option<PathBuf>,
    /// How often the broker and the bus tell each other that they live.
    #[arg(long, value_name = "N")]
    heartbeat_s: Option<u16>,
    /// AMQP channels that each worker publishes by.
    #[arg(long, value_name = "N")]
    publishers: Option<u16>,
    /// Messages that each worker publishes at once.
    #[arg(long, value_name = "N")]
    in_flight_max: Option<u16>,
    /// Connects, as it does by default.
    #[arg(long, conflicts_with = "inactive")]
    active: bool,
    /// Does not connect.
    #[arg(long)]
    inactive: bool,
}

impl Settings {
    /// The kind of a new connection that these are of.
    pub(super) fn kind(&self, has_engine: bool) -> &'static str {
        if has_engine {
            sql::KIND
        } else if self.wsdl.is_some() {
            soap::KIND
        } else if self.base_url.is_some() {
            http::KIND
        } else {
            amqp::KIND
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        let texts = [
            &self.host,
            &self.vhost,
            &self.username,
            &self.base_url,
            &self.wsdl,
            &self.service,
            &self.port_name,
            &self.token_username,
            &self.database,
            &self.file,
            &self.server_name,
        ];
        let paths = [&self.ca, &self.client_certificate, &self.client_key];
        let numbers = [&self.port, &self.heartbeat_s, &self.publishers, &self.in_flight_max];
        let flags = [self.read_only, self.tls, self.no_tls, self.active, self.inactive];
        texts.into_iter().all(Option::is_none)
            && paths.into_iter().all(Option::is_none)
            && numbers.into_iter().all(Option::is_none)
            && !flags.contains(&true)
            && self.allow.is_empty()
            && self.set.is_empty()
            && self.auth.is_empty()
    }

    /// The members that were given. `present` is the connection that they change.
    pub(super) fn body(
        self,
        kind: &str,
        present: Option<&Value>,
        url: Option<&str>,
    ) -> anyhow::Result<Map<String, Value>> {
        let mut tls = self.tls()?;
        let called = [http::KIND, soap::KIND].contains(&kind);
        let by_auth = if called { self.username.clone() } else { None };
        let auth = self.auth.value(by_auth, present);
        let Self { mut host, mut port, mut vhost, mut username, .. } = self;
        username = username.filter(|_| !called);
        if let Some(url) = url {
            let address = address(url)?;
            if address.tls {
                tls = tls.filter(|tls| !tls.is_null()).or_else(|| Some(json!({})));
            } else if tls.as_ref().is_some_and(|tls| !tls.is_null()) {
                return Err(Usage::error("TLS goes with amqps://, not with amqp://"));
            }
            (host, port) = (Some(address.host), address.port);
            (vhost, username) = (address.vhost, address.username);
        }
        let active = (self.active || self.inactive).then(|| self.active.into());
        let port_name = self.port_name.as_deref().map(or_null);
        let token = self.token_username.as_deref().map(|name| match or_null(name) {
            Value::Null => Value::Null,
            name => json!({"username": name}),
        });
        let members = [
            ("active", active),
            ("host", host.map(Value::from)),
            ("port", port.map(Value::from).or(port_name)),
            ("vhost", vhost.map(Value::from)),
            ("username", username.map(Value::from)),
            ("base_url", self.base_url.map(Value::from)),
            ("auth", auth),
            ("allow", (!self.allow.is_empty()).then(|| json!(self.allow))),
            ("wsdl", self.wsdl.as_deref().map(wsdl::given).transpose()?),
            ("service", self.service.as_deref().map(or_null)),
            ("username_token", token),
            ("database", self.database.map(Value::from)),
            ("file", self.file.map(Value::from)),
            ("read_only", self.read_only.then_some(Value::Bool(true))),
            ("tls", tls),
            ("heartbeat_s", self.heartbeat_s.map(Value::from)),
            ("publishers", self.publishers.map(Value::from)),
            ("in_flight_max", self.in_flight_max.map(Value::from)),
        ];
        let given = members.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
        let mut body = given.collect();
        self.set.iter().try_for_each(|line| set(&mut body, line))?;
        Ok(body)
    }

    /// The member `tls`, if anything of it was given.
    fn tls(&self) -> anyhow::Result<Option<Value>> {
        if self.no_tls {
            return Ok(Some(Value::Null));
        }
        let members = [
            ("ca", self.ca.as_deref().map(file).transpose()?),
            ("server_name", self.server_name.as_deref().map(or_null)),
            ("client_certificate", self.client_certificate.as_deref().map(file).transpose()?),
            ("client_key", self.client_key.as_deref().map(file).transpose()?),
        ];
        let given = members.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
        let given: Map<String, Value> = given.collect();
        Ok((self.tls || !given.is_empty()).then_some(Value::Object(given)))
    }
}

/// Puts a member by its path: objects on the way are made where there are none.
fn set(body: &mut Map<String, Value>, line: &str) -> anyhow::Result<()> {
    let wrong = || Usage::error(format!("--set {line:?} is not like timeouts.total_ms=5000"));
    let (path, value) = line.split_once('=').ok_or_else(wrong)?;
    let value = serde_json::from_str(value).unwrap_or_else(|_| value.into());
    let mut names: Vec<&str> = path.split('.').collect();
    let last = names.pop().filter(|last| !last.is_empty()).ok_or_else(wrong)?;
    let mut place = body;
    for name in names {
        let next = place.entry(name).or_insert_with(|| json!({}));
        place = next.as_object_mut().filter(|_| !name.is_empty()).ok_or_else(wrong)?;
    }
    place.insert(last.to_owned(), value);
    Ok(())
}

fn address(url: &str) -> anyhow::Result<Address> {
    let address = amqp::parse_url(url).map_err(|error| Usage::error(format!("--url {error}")))?;
    if address.password.is_some() {
        return Err(Usage::error(
            "--url has a password, which others can see on a command line; leave it out, and type it or use \
             --password-stdin",
        ));
    }
    if address.username.is_none() {
        return Err(Usage::error("--url has no user name"));
    }
    Ok(address)
}

fn or_null(text: &str) -> Value {
    if text == NONE { Value::Null } else { text.into() }
}

fn file(path: &Path) -> anyhow::Result<Value> {
    if path == Path::new(NONE) {
        return Ok(Value::Null);
    }
    let text = fs::read_to_string(path);
    let text = text.map_err(|error| Usage::error(format!("{} can't be read: {error}", path.display())))?;
    Ok(text.into())
}
