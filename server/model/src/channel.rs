//! Ways in.

mod fitting;

use std::str::FromStr;

use serde::{Deserialize, Serialize};

pub use fitting::Misfit;

use crate::{
    bounds,
    cors::Cors,
    name::Name,
    path::PathPattern,
    soap::{self, Soap},
    time::Timestamp,
};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Protocol {
    Rest,
    /// SOAP 1.1 and 1.2, each caller in its own version.
    Soap,
}

impl Protocol {
    pub const ALL: [Self; 2] = [Self::Rest, Self::Soap];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Rest => "rest",
            Self::Soap => "soap",
        }
    }
}

impl FromStr for Protocol {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|protocol| protocol.as_str() == text)
            .ok_or_else(|| format!("protocol {text:?} is unknown; supported is \"rest\" or \"soap\""))
    }
}

/// A protocol, an address and a security definition bound to a service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Channel {
    pub id: String,
    pub name: Name,
    pub protocol: Protocol,
    pub path: PathPattern,
    /// Upper case; empty for any.
    pub methods: Vec<String>,
    /// Need not be deployed; its calls answer 503 until it is.
    pub service: Name,
    /// Name of a security definition; `None` is open to everyone.
    pub security: Option<Name>,
    pub active: bool,
    pub body_bytes_max: u64,
    pub timeout_ms: u64,
    /// `None`: pages of other origins are told nothing by the bus.
    #[serde(default)]
    pub cors: Option<Cors>,
    /// Of SOAP channels only; `None` is all defaults.
    #[serde(default)]
    pub soap: Option<Soap>,
    /// Grows by one with each change; what ETags are made from.
    pub revision: i64,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// The parts of a channel that its author decides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    pub name: Name,
    pub protocol: Protocol,
    pub path: PathPattern,
    pub methods: Vec<String>,
    pub service: Name,
    pub security: Option<Name>,
    pub active: bool,
    pub body_bytes_max: u64,
    pub timeout_ms: u64,
    pub cors: Option<Cors>,
    pub soap: Option<Soap>,
}

impl Draft {
    /// As [`Channel::operation`].
    pub fn operation(&self) -> &str {
        soap::operation(self.soap.as_ref(), &self.service)
    }

    /// A channel with the defaults: active, any method, open.
    pub fn new(name: Name, path: PathPattern, service: Name) -> Self {
        Self {
            name,
            protocol: Protocol::Rest,
            path,
            methods: Vec::new(),
            service,
            security: None,
            active: true,
            body_bytes_max: bounds::BODY_BYTES_DEFAULT,
            timeout_ms: bounds::CALL_TIMEOUT_MS_DEFAULT,
            cors: None,
            soap: None,
        }
    }
}

impl Channel {
    /// What a SOAP channel's operation is called; of others it says nothing.
    pub fn operation(&self) -> &str {
        soap::operation(self.soap.as_ref(), &self.service)
    }
}

impl From<Channel> for Draft {
    fn from(channel: Channel) -> Self {
        Self {
            name: channel.name,
            protocol: channel.protocol,
            path: channel.path,
            methods: channel.methods,
            service: channel.service,
            security: channel.security,
            active: channel.active,
            body_bytes_max: channel.body_bytes_max,
            timeout_ms: channel.timeout_ms,
            cors: channel.cors,
            soap: channel.soap,
        }
    }
}

#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
#[error("method {0:?} is not an HTTP method: upper-case letters and '-'")]
pub struct InvalidMethod(pub String);

/// Sorted, without doubles; refuses what is not an HTTP method in upper case.
pub fn methods(given: &[String]) -> Result<Vec<String>, InvalidMethod> {
    let mut methods = given.to_vec();
    methods.sort();
    methods.dedup();
    match methods.iter().find(|m| m.is_empty() || !m.bytes().all(|b| b.is_ascii_uppercase() || b == b'-')) {
        Some(odd) => Err(InvalidMethod(odd.clone())),
        None => Ok(methods),
    }
}
