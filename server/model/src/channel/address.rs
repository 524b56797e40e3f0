//! What a channel answers to: each protocol has what belongs to it and no more.

use serde::{Deserialize, Serialize};

use super::Protocol;
use crate::{
    amqp::Amqp,
    cors::Cors,
    name::Name,
    path::PathPattern,
    soap::{self, Soap},
};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "protocol", rename_all = "kebab-case")]
pub enum Address {
    Rest(Rest),
    Soap(Message),
    Amqp(Amqp),
}

/// Of REST channels.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rest {
    pub path: PathPattern,
    /// Upper case; empty for any.
    pub methods: Vec<String>,
    /// Name of a security definition; `None` is open to everyone.
    pub security: Option<Name>,
    /// `None`: pages of other origins are told nothing by the bus.
    pub cors: Option<Cors>,
}

/// Of SOAP channels; several may share a path by their operations.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// Without parameters.
    pub path: PathPattern,
    /// As [`Rest::security`].
    pub security: Option<Name>,
    pub soap: Soap,
}

impl Rest {
    /// Any method, open.
    pub fn new(path: PathPattern) -> Self {
        Self { path, methods: Vec::new(), security: None, cors: None }
    }
}

impl Message {
    /// What the channel to this service is called by at its path.
    pub fn operation<'a>(&'a self, service: &'a Name) -> &'a str {
        soap::operation(&self.soap, service)
    }
}

impl Address {
    pub fn protocol(&self) -> Protocol {
        match self {
            Self::Rest(_) => Protocol::Rest,
            Self::Soap(_) => Protocol::Soap,
            Self::Amqp(_) => Protocol::Amqp,
        }
    }

    /// `None`: it is not of HTTP.
    pub fn path(&self) -> Option<&PathPattern> {
        match self {
            Self::Rest(rest) => Some(&rest.path),
            Self::Soap(message) => Some(&message.path),
            Self::Amqp(_) => None,
        }
    }

    /// The security definition that callers are asked for. Who may put messages into a queue is the broker's to say.
    pub fn security(&self) -> Option<&Name> {
        match self {
            Self::Rest(rest) => rest.security.as_ref(),
            Self::Soap(message) => message.security.as_ref(),
            Self::Amqp(_) => None,
        }
    }

    pub fn rest(&self) -> Option<&Rest> {
        match self {
            Self::Rest(rest) => Some(rest),
            Self::Soap(_) | Self::Amqp(_) => None,
        }
    }

    pub fn message(&self) -> Option<&Message> {
        match self {
            Self::Soap(message) => Some(message),
            Self::Rest(_) | Self::Amqp(_) => None,
        }
    }

    pub fn amqp(&self) -> Option<&Amqp> {
        match self {
            Self::Amqp(amqp) => Some(amqp),
            Self::Rest(_) | Self::Soap(_) => None,
        }
    }
}
