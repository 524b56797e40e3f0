//! A message on its way out, and what becomes of it.

use bytes::Bytes;
use lapin::BasicProperties;

use crate::{
    endpoint::Endpoint,
    properties::{self, BadProperties, Properties},
    reason::Reason,
    value::Headers,
};

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outgoing {
    /// Empty: the queue whose name is the routing key.
    pub exchange: String,
    pub routing_key: String,
    pub properties: Properties,
    pub headers: Headers,
    pub body: Bytes,
    /// A message that reaches no queue comes back as [`PublishError::Unroutable`]; without this it is confirmed and
    /// gone.
    pub mandatory: bool,
}

/// The broker has the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Confirmed {}

/// Fits after "failed to publish: ".
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PublishError {
    #[error("the message reaches no queue: {text} ({code})")]
    Unroutable { code: u16, text: String },
    #[error("exchange {exchange:?} does not exist")]
    NoExchange { exchange: String },
    #[error("the broker refused the message: a queue is full or could not keep it")]
    Nacked,
    /// Not allowed, for one.
    #[error("the broker refused the message: {text}")]
    Refused { text: String },
    #[error("the body has {bytes} bytes: at most {bytes_max} are allowed")]
    TooLarge { bytes: usize, bytes_max: usize },
    #[error("the message can't be sent: {0}")]
    Invalid(#[from] BadProperties),
    /// Not sent.
    #[error("the broker takes no messages: {reason}")]
    Blocked { reason: String },
    /// Not sent.
    #[error("{in_flight} messages are waiting to be confirmed, which is as many as may")]
    Busy { in_flight: usize },
    /// Not sent.
    #[error("there is no connection: {0}")]
    Unavailable(Reason),
    /// The broker may have it.
    #[error("it is not known whether the broker has the message: {reason}")]
    Unconfirmed { reason: String },
}

impl PublishError {
    /// Whether the message may be in a queue all the same: sent again, it may be there twice.
    pub fn may_have_arrived(&self) -> bool {
        matches!(self, Self::Unconfirmed { .. })
    }

    /// Whether the same message can succeed later without anything about it being changed.
    pub fn is_temporary(&self) -> bool {
        match self {
            Self::Nacked
            | Self::Blocked { .. }
            | Self::Busy { .. }
            | Self::Unavailable(_)
            | Self::Unconfirmed { .. } => true,
            Self::Unroutable { .. }
            | Self::NoExchange { .. }
            | Self::Refused { .. }
            | Self::TooLarge { .. }
            | Self::Invalid(_) => false,
        }
    }
}

impl Outgoing {
    /// What the broker would close a channel for is found here.
    pub(crate) fn check(&self, endpoint: &Endpoint) -> Result<BasicProperties, PublishError> {
        let (bytes, bytes_max) = (self.body.len(), endpoint.body_bytes_max);
        if bytes > bytes_max {
            return Err(PublishError::TooLarge { bytes, bytes_max });
        }
        properties::short("exchange", &self.exchange)?;
        properties::short("routing_key", &self.routing_key)?;
        Ok(properties::write(&self.properties, &self.headers, &endpoint.username)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_not_be_sent_is_refused() {
        let endpoint = Endpoint { body_bytes_max: 3, ..Endpoint::new("broker", 5672, "/", "ada", "") };
        let refused = |outgoing: Outgoing| outgoing.check(&endpoint).unwrap_err().to_string();
        let large = Outgoing { body: Bytes::from_static(b"four"), ..Outgoing::default() };
        assert_eq!(refused(large), "the body has 4 bytes: at most 3 are allowed");
        let long = Outgoing { routing_key: "k".repeat(256), ..Outgoing::default() };
        let text = "the message can't be sent: routing_key is 256 bytes long: at most 255 are allowed";
        assert_eq!(refused(long), text);
    }
}
