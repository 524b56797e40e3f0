//! Where a broker is, and how to come in.

use std::{fmt, time::Duration};

use crate::bounds::{BODY_BYTES_MAX, SHORT_BYTES_MAX};

/// One broker, as one user, in one virtual host. Its `Debug` shows no password and no key.
#[derive(Clone)]
pub struct Endpoint {
    pub host: String,
    pub port: u16,
    pub vhost: String,
    pub username: String,
    pub password: String,
    /// Without it everything goes in the clear.
    pub tls: Option<Tls>,
    /// A peer that says nothing for this long is gone. In whole seconds; the broker may ask for less.
    pub heartbeat: Duration,
    /// What the broker's own tools call this connection.
    pub name: String,
    /// Channels that messages are published on. A message that breaks one (its exchange was deleted a moment ago)
    /// hurts those that are under way on the same one only.
    pub publishers: usize,
    /// Messages that were given to the broker and are not confirmed yet.
    pub in_flight_max: usize,
    /// Of a message that is published.
    pub body_bytes_max: usize,
}

/// TLS, by rustls: the broker's certificate must come from `ca_pem`, not from what the machine trusts.
#[derive(Clone)]
pub struct Tls {
    /// Certificates of authorities, PEM.
    pub ca_pem: String,
    /// What the broker's certificate must be for.
    pub server_name: String,
    pub identity: Option<Identity>,
}

/// What this side shows: a certificate, with what leads to its authority, and its key in PKCS #8; both PEM.
#[derive(Clone)]
pub struct Identity {
    pub certificate_pem: String,
    pub key_pem: String,
}

/// What is wrong with an endpoint, or another description of what is wanted of a broker.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{key} is {value}: {allowed}")]
pub struct Invalid {
    pub key: &'static str,
    pub value: String,
    pub allowed: &'static str,
}

impl Endpoint {
    /// With defaults for all that is not named here: no TLS, a heartbeat of 10 s, 4 publishing channels, 1,024
    /// messages in flight, bodies of at most 128 MiB.
    pub fn new(host: &str, port: u16, vhost: &str, username: &str, password: &str) -> Self {
        Self {
            host: host.to_owned(),
            port,
            vhost: vhost.to_owned(),
            username: username.to_owned(),
            password: password.to_owned(),
            tls: None,
            heartbeat: Duration::from_secs(10),
            name: "busbar".to_owned(),
            publishers: 4,
            in_flight_max: 1024,
            body_bytes_max: BODY_BYTES_MAX,
        }
    }

    pub(crate) fn check(&self) -> Result<(), Invalid> {
        let invalid = |key, value: String, allowed| Err(Invalid { key, value, allowed });
        if self.host.is_empty() {
            return invalid("host", "empty".to_owned(), "a host name or an address is needed");
        }
        if self.vhost.len() > SHORT_BYTES_MAX {
            return invalid("vhost", format!("{} bytes long", self.vhost.len()), "at most 255 are allowed");
        }
        if !(1..=3600).contains(&self.heartbeat.as_secs()) {
            return invalid("heartbeat", format!("{:?}", self.heartbeat), "1 s to 1 h are allowed");
        }
        if !(1..=64).contains(&self.publishers) {
            return invalid("publishers", self.publishers.to_string(), "1 to 64 are allowed");
        }
        if !(1..=65_536).contains(&self.in_flight_max) {
            return invalid("in_flight_max", self.in_flight_max.to_string(), "1 to 65536 are allowed");
        }
        if !(1..=BODY_BYTES_MAX).contains(&self.body_bytes_max) {
            return invalid("body_bytes_max", self.body_bytes_max.to_string(), "1 to 134217728 are allowed");
        }
        Ok(())
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Endpoint")
            .field("host", &self.host)
            .field("port", &self.port)
            .field("vhost", &self.vhost)
            .field("username", &self.username)
            .field("tls", &self.tls)
            .field("heartbeat", &self.heartbeat)
            .field("name", &self.name)
            .field("publishers", &self.publishers)
            .field("in_flight_max", &self.in_flight_max)
            .field("body_bytes_max", &self.body_bytes_max)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls")
            .field("server_name", &self.server_name)
            .field("identity", &self.identity.as_ref().map(|_| "[redacted]"))
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Identity([redacted])")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint() -> Endpoint {
        Endpoint::new("broker", 5672, "/", "ada", "hunter2")
    }

    #[test]
    fn secrets_are_not_shown() {
        let identity = Identity { certificate_pem: "hunter2".to_owned(), key_pem: "hunter2".to_owned() };
        let tls = Tls {
            ca_pem: "hunter2".to_owned(),
            server_name: "broker".to_owned(),
            identity: Some(identity.clone()),
        };
        let shown = format!("{:?} {identity:?}", Endpoint { tls: Some(tls), ..endpoint() });
        assert!(shown.contains("ada") && !shown.contains("hunter2"), "{shown}");
    }

    #[test]
    fn what_can_not_be_is_refused() {
        assert_eq!(endpoint().check(), Ok(()));
        let refused = |endpoint: Endpoint| endpoint.check().unwrap_err().to_string();
        assert_eq!(
            refused(Endpoint { vhost: "v".repeat(256), ..endpoint() }),
            "vhost is 256 bytes long: at most 255 are allowed"
        );
        assert_eq!(refused(Endpoint { publishers: 0, ..endpoint() }), "publishers is 0: 1 to 64 are allowed");
        assert!(refused(Endpoint { host: String::new(), ..endpoint() }).starts_with("host is empty"));
        assert!(refused(Endpoint { heartbeat: Duration::ZERO, ..endpoint() }).starts_with("heartbeat"));
        assert!(refused(Endpoint { in_flight_max: 0, ..endpoint() }).starts_with("in_flight_max"));
        assert!(refused(Endpoint { body_bytes_max: 0, ..endpoint() }).starts_with("body_bytes_max"));
    }
}
