//! Where servers are, and where the front end listens.

use std::{
    fmt,
    net::{IpAddr, Ipv6Addr},
};

use serde::{Deserialize, Serialize};

use crate::text::{HostName, InvalidText, SocketPath};

/// Of a server: `10.0.0.1:17010`, `[2001:db8::1]:17010`, `b1.example.org:17010`, or the absolute path of a Unix socket.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Address {
    Tcp { host: Host, port: u16 },
    Unix(SocketPath),
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Host {
    Ip(IpAddr),
    Name(HostName),
}

/// Of the front end: `*:11223` (all IPv4 addresses), `[::]:11223`, `10.0.0.1:11223`, or the absolute path of a Unix
/// socket. A host name is not allowed: what it stands for may change between two reloads.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ListenAddress(Bind);

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Bind {
    /// `None`: all IPv4 addresses.
    Tcp(Option<IpAddr>, u16),
    Unix(SocketPath),
}

const ADDRESS: &str = "host:port with an IPv4 address, an IPv6 address in brackets or a host name, and a port from 1 to \
     65535, or the absolute path of a Unix socket, is allowed";
const LISTEN: &str = "address:port with '*', an IPv4 address or an IPv6 address in brackets, and a port from 1 to 65535, or \
     the absolute path of a Unix socket, is allowed";

/// Host and port, the host without its brackets.
fn split(value: &str) -> Option<(&str, bool, u16)> {
    let (host, port) = value.rsplit_once(':')?;
    // "+80" is a number to Rust.
    let digits = !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
    let port = port.parse().ok().filter(|port| digits && *port > 0)?;
    match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        Some(host) => Some((host, true, port)),
        None => Some((host, false, port)),
    }
}

fn ip(host: &str, brackets: bool) -> Option<IpAddr> {
    if brackets {
        host.parse::<Ipv6Addr>().ok().map(IpAddr::V6)
    } else {
        host.parse().ok().filter(IpAddr::is_ipv4)
    }
}

impl Address {
    pub fn new(value: &str) -> Result<Self, InvalidText> {
        let invalid = || InvalidText { kind: "an address", value: value.to_owned(), allowed: ADDRESS };
        if value.starts_with('/') {
            return SocketPath::new(value).map(Self::Unix);
        }
        let (host, brackets, port) = split(value).ok_or_else(invalid)?;
        let host = match ip(host, brackets) {
            Some(ip) => Host::Ip(ip),
            None if brackets => return Err(invalid()),
            None => Host::Name(HostName::new(host).map_err(|_| invalid())?),
        };
        Ok(Self::Tcp { host, port })
    }

    /// As HAProxy writes it.
    pub(crate) fn haproxy(&self) -> String {
        match self {
            Self::Tcp { .. } => self.to_string(),
            Self::Unix(path) => format!("unix@{path}"),
        }
    }
}

impl ListenAddress {
    pub fn new(value: &str) -> Result<Self, InvalidText> {
        let invalid =
            || InvalidText { kind: "an address to listen at", value: value.to_owned(), allowed: LISTEN };
        if value.starts_with('/') {
            return SocketPath::new(value).map(|path| Self(Bind::Unix(path)));
        }
        match split(value).ok_or_else(invalid)? {
            ("*", false, port) => Ok(Self(Bind::Tcp(None, port))),
            (host, brackets, port) => {
                Ok(Self(Bind::Tcp(Some(ip(host, brackets).ok_or_else(invalid)?), port)))
            }
        }
    }

    pub fn bind(&self) -> &Bind {
        &self.0
    }

    pub(crate) fn haproxy(&self) -> String {
        match &self.0 {
            Bind::Tcp(..) => self.to_string(),
            Bind::Unix(path) => format!("unix@{path}"),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp { host: Host::Ip(IpAddr::V6(ip)), port } => write!(f, "[{ip}]:{port}"),
            Self::Tcp { host: Host::Ip(ip), port } => write!(f, "{ip}:{port}"),
            Self::Tcp { host: Host::Name(name), port } => write!(f, "{name}:{port}"),
            Self::Unix(path) => path.fmt(f),
        }
    }
}

impl fmt::Display for ListenAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Bind::Tcp(None, port) => write!(f, "*:{port}"),
            Bind::Tcp(Some(IpAddr::V6(ip)), port) => write!(f, "[{ip}]:{port}"),
            Bind::Tcp(Some(ip), port) => write!(f, "{ip}:{port}"),
            Bind::Unix(path) => path.fmt(f),
        }
    }
}

macro_rules! as_text {
    ($type:ident) => {
        impl TryFrom<String> for $type {
            type Error = InvalidText;

            fn try_from(value: String) -> Result<Self, InvalidText> {
                Self::new(&value)
            }
        }

        impl From<$type> for String {
            fn from(value: $type) -> Self {
                value.to_string()
            }
        }
    };
}

as_text!(Address);
as_text!(ListenAddress);
