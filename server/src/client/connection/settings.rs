//! What a connection is made with, as it is given on the command line.

use std::{
    fs,
    path::{Path, PathBuf},
};

use busbar_model::connection::amqp::{self, Address};
use serde_json::{Map, Value, json};

use crate::client::failure::Usage;

const NONE: &str = "none";

#[derive(Debug, clap::Args)]
pub(crate) struct Settings {
    /// A name, or an IP address.
    #[arg(long)]
    host: Option<String>,
    /// 5672, or 5671 with TLS, by default.
    #[arg(long, value_name = "N")]
    port: Option<u16>,
    /// The broker's virtual host; / by default.
    #[arg(long)]
    vhost: Option<String>,
    /// Whom the broker knows the bus as.
    #[arg(long, value_name = "NAME")]
    username: Option<String>,
    /// Over TLS; the other TLS options ask for it, too.
    #[arg(long, conflicts_with = "no_tls")]
    tls: bool,
    /// In the clear, as it is by default.
    #[arg(long, conflicts_with_all = ["ca", "server_name", "client_certificate", "client_key"])]
    no_tls: bool,
    /// A file of certificates (PEM) that may vouch for the broker; `none` for those that the system trusts.
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// Whom the broker's certificate must name; `none` for the host.
    #[arg(long, value_name = "NAME")]
    server_name: Option<String>,
    /// A file with the certificate that is shown to the broker (PEM); `none` for none.
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
    /// The members that were given.
    pub(super) fn body(self, url: Option<&str>) -> anyhow::Result<Map<String, Value>> {
        let mut tls = self.tls()?;
        let Self { mut host, mut port, mut vhost, mut username, .. } = self;
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
        let members = [
            ("active", active),
            ("host", host.map(Value::from)),
            ("port", port.map(Value::from)),
            ("vhost", vhost.map(Value::from)),
            ("username", username.map(Value::from)),
            ("tls", tls),
            ("heartbeat_s", self.heartbeat_s.map(Value::from)),
            ("publishers", self.publishers.map(Value::from)),
            ("in_flight_max", self.in_flight_max.map(Value::from)),
        ];
        Ok(members.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect())
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
