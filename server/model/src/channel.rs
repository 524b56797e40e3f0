//! Ways in.

mod address;
mod fitting;

use std::str::FromStr;

use serde::{Deserialize, Serialize};

pub use address::{Address, Message, Rest};
pub use fitting::{Misfit, Written};

use crate::{bounds, name::Name, time::Timestamp};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Protocol {
    Rest,
    /// SOAP 1.1 and 1.2, each caller in its own version.
    Soap,
    /// AMQP 0-9-1.
    Amqp,
}

impl Protocol {
    pub const ALL: [Self; 3] = [Self::Rest, Self::Soap, Self::Amqp];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Rest => "rest",
            Self::Soap => "soap",
            Self::Amqp => "amqp",
        }
    }
}

impl FromStr for Protocol {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|protocol| protocol.as_str() == text).ok_or_else(|| {
            format!("protocol {text:?} is unknown; supported is \"rest\", \"soap\" or \"amqp\"")
        })
    }
}

/// An address bound to a service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Channel {
    pub id: String,
    pub name: Name,
    /// Need not be deployed; its calls answer 503, or wait, until it is.
    pub service: Name,
    pub active: bool,
    pub body_bytes_max: u64,
    pub timeout_ms: u64,
    pub address: Address,
    /// Grows by one with each change; what ETags are made from.
    pub revision: i64,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// The parts of a channel that its author decides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    pub name: Name,
    pub service: Name,
    pub active: bool,
    pub body_bytes_max: u64,
    pub timeout_ms: u64,
    pub address: Address,
}

impl Draft {
    /// A channel with the defaults.
    pub fn new(name: Name, service: Name, address: Address) -> Self {
        Self {
            name,
            service,
            active: true,
            body_bytes_max: bounds::BODY_BYTES_DEFAULT,
            timeout_ms: bounds::CALL_TIMEOUT_MS_DEFAULT,
            address,
        }
    }

    /// The channel that it makes.
    pub fn into_channel(
        self,
        id: String,
        revision: i64,
        created_at: Timestamp,
        updated_at: Timestamp,
    ) -> Channel {
        let Self { name, service, active, body_bytes_max, timeout_ms, address } = self;
        Channel {
            id,
            name,
            service,
            active,
            body_bytes_max,
            timeout_ms,
            address,
            revision,
            created_at,
            updated_at,
        }
    }
}

impl Channel {
    pub fn protocol(&self) -> Protocol {
        self.address.protocol()
    }

    /// `None`: it is no SOAP channel.
    pub fn operation(&self) -> Option<&str> {
        Some(self.address.message()?.operation(&self.service))
    }
}

impl From<Channel> for Draft {
    fn from(channel: Channel) -> Self {
        let Channel { name, service, active, body_bytes_max, timeout_ms, address, .. } = channel;
        Self { name, service, active, body_bytes_max, timeout_ms, address }
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
