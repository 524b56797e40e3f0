//! Connections to brokers that speak AMQP 0-9-1.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::Part;
pub use super::{
    pem::{certificates, private_key},
    url::{Address, parse as parse_url},
};
use crate::{
    bounds::{
        AMQP_HEARTBEAT_S_DEFAULT, AMQP_IN_FLIGHT_DEFAULT, AMQP_NAME_CHARS_MAX, AMQP_PUBLISHERS_DEFAULT,
        HOST_CHARS_MAX, PASSWORD_CHARS_MAX, USERNAME_CHARS_MAX,
    },
    secret::Sealed,
};

pub const KIND: &str = "amqp";
/// Registered for AMQP, and for AMQP over TLS.
pub const PORT: u16 = 5672;
pub const PORT_TLS: u16 = 5671;
pub const VHOST: &str = "/";

/// `S` is what its secrets are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Amqp<S = Sealed> {
    /// A name of the DNS, or an IP address.
    pub host: String,
    pub port: u16,
    pub vhost: String,
    pub username: String,
    pub password: S,
    /// `None`: in the clear.
    pub tls: Option<Tls<S>>,
    pub heartbeat_s: u16,
    /// AMQP channels that each worker publishes by.
    pub publishers: u16,
    /// Messages that each worker publishes at once: sent, and not yet confirmed.
    pub in_flight_max: u16,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tls<S = Sealed> {
    /// Who may vouch for the broker, in PEM; `None`: whom the system trusts.
    pub ca: Option<String>,
    /// Whom the broker's certificate must name; `None`: the host.
    pub server_name: Option<String>,
    /// What this side shows.
    pub identity: Option<Identity<S>>,
}

/// A client certificate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity<S = Sealed> {
    /// With those that vouch for it, in PEM.
    pub certificate: String,
    /// In PEM.
    pub key: S,
}

impl<S> Default for Tls<S> {
    fn default() -> Self {
        Self { ca: None, server_name: None, identity: None }
    }
}

impl<S> Amqp<S> {
    /// One with the defaults.
    pub fn new(host: String, username: String, password: S, tls: bool) -> Self {
        Self {
            host,
            port: port_default(tls),
            vhost: VHOST.to_owned(),
            username,
            password,
            tls: tls.then(Tls::default),
            heartbeat_s: AMQP_HEARTBEAT_S_DEFAULT,
            publishers: AMQP_PUBLISHERS_DEFAULT,
            in_flight_max: AMQP_IN_FLIGHT_DEFAULT,
        }
    }

    pub(super) fn secret(&self, part: Part) -> Option<&S> {
        match part {
            Part::Password => Some(&self.password),
            Part::ClientKey => self.tls.as_ref()?.key(),
            Part::TokenPassword => None,
        }
    }

    pub(super) fn try_map<T, E>(
        self,
        secret: &mut impl FnMut(Part, S) -> Result<T, E>,
    ) -> Result<Amqp<T>, E> {
        let password = secret(Part::Password, self.password)?;
        let tls = self.tls.map(|tls| tls.try_map(secret)).transpose()?;
        Ok(Amqp {
            host: self.host,
            port: self.port,
            vhost: self.vhost,
            username: self.username,
            password,
            tls,
            heartbeat_s: self.heartbeat_s,
            publishers: self.publishers,
            in_flight_max: self.in_flight_max,
        })
    }
}

pub fn port_default(tls: bool) -> u16 {
    if tls { PORT_TLS } else { PORT }
}

/// A name of the DNS (RFC 1123, section 2.1, and '_', which some networks use), or an IP address without
/// brackets.
pub fn host(text: String) -> Result<String, String> {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let named = text.len() <= HOST_CHARS_MAX && text.strip_suffix('.').unwrap_or(&text).split('.').all(label);
    if named || text.parse::<IpAddr>().is_ok() {
        return Ok(text);
    }
    let text: String = text.chars().take(HOST_CHARS_MAX).collect();
    Err(format!("{text:?} is not a host: a name like \"mq.example.com\", or an IP address without brackets"))
}

/// A virtual host: the broker knows which there are.
pub fn vhost(text: String) -> Result<String, String> {
    let printable = |byte: u8| matches!(byte, b' '..=b'~');
    if (1..=AMQP_NAME_CHARS_MAX).contains(&text.len()) && text.bytes().all(printable) {
        return Ok(text);
    }
    let text: String = text.chars().take(AMQP_NAME_CHARS_MAX).collect();
    Err(format!(
        "{text:?} is not a virtual host: 1 to {AMQP_NAME_CHARS_MAX} printable characters of ASCII, like \"/\""
    ))
}

pub fn username(text: String) -> Result<String, String> {
    let fits =
        (1..=USERNAME_CHARS_MAX).contains(&text.chars().count()) && !text.chars().any(char::is_control);
    if fits {
        return Ok(text);
    }
    let text: String = text.chars().take(USERNAME_CHARS_MAX).collect();
    Err(format!(
        "{text:?} is not a username: 1 to {USERNAME_CHARS_MAX} characters without control characters"
    ))
}

/// What is refused is not repeated.
pub fn password(text: String) -> Result<String, String> {
    match text.chars().count() {
        // NUL ends a part of what SASL PLAIN sends (RFC 4616).
        1..=PASSWORD_CHARS_MAX if !text.contains('\0') => Ok(text),
        1..=PASSWORD_CHARS_MAX => Err("has a NUL, which can't be sent".to_owned()),
        characters => Err(format!("has {characters} characters; allowed is 1 to {PASSWORD_CHARS_MAX}")),
    }
}

impl<S> Tls<S> {
    pub fn certificate(&self) -> Option<&str> {
        self.identity.as_ref().map(|identity| identity.certificate.as_str())
    }

    pub(super) fn key(&self) -> Option<&S> {
        self.identity.as_ref().map(|identity| &identity.key)
    }

    pub(super) fn try_map<T, E>(self, secret: &mut impl FnMut(Part, S) -> Result<T, E>) -> Result<Tls<T>, E> {
        let identity = match self.identity {
            None => None,
            Some(Identity { certificate, key }) => {
                Some(Identity { certificate, key: secret(Part::ClientKey, key)? })
            }
        };
        Ok(Tls { ca: self.ca, server_name: self.server_name, identity })
    }
}

#[cfg(test)]
mod tests {
    use super::{host, password, vhost};

    #[test]
    fn a_host_is_a_name_or_an_address() {
        for good in ["mq", "mq.example.com", "mq.example.com.", "10.0.0.1", "::1", "rabbit_1", "7x"] {
            assert_eq!(host(good.to_owned()).as_deref(), Ok(good));
        }
        for bad in
            ["", ".", "a..b", "-a", "a-", "a b", "a:5672", "[::1]", "amqp://a", "é", &"x".repeat(64), "a/b"]
        {
            assert!(host(bad.to_owned()).unwrap_err().contains("is not a host"), "{bad:?}");
        }
        assert!(host("x.".repeat(200)).is_err());
    }

    #[test]
    fn a_vhost_and_a_password_can_be_sent() {
        assert!(vhost("/".to_owned()).is_ok() && vhost("orders/eu".to_owned()).is_ok());
        assert!(
            vhost(String::new()).is_err()
                && vhost("é".to_owned()).is_err()
                && vhost("x".repeat(256)).is_err()
        );
        assert!(password("p ä".to_owned()).is_ok());
        for bad in ["", "a\0b", &"x".repeat(1025)] {
            let error = password(bad.to_owned()).unwrap_err();
            assert!(bad.is_empty() || !error.contains(bad), "{error}");
        }
    }
}
