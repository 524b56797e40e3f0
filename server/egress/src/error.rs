//! Why a call came to nothing, and whether the other side may have acted on it.

use std::{fmt, net::IpAddr, time::Duration};

/// A call that got no reply, or a reply's body that broke off. Holds no secret and nothing of a body.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{kind}")]
pub struct CallError {
    pub kind: ErrorKind,
    /// The request, or part of it, went out: the other side may have acted on it.
    pub maybe_processed: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ErrorKind {
    #[error("the request can't be sent: {text}")]
    Request { text: String },
    #[error("{host} is at {address}, which is not on the list of allowed addresses")]
    RefusedAddress { host: String, address: IpAddr },
    #[error("no connection to {host}: {text}")]
    Connect { host: String, text: String },
    #[error("no TLS with {host}: {text}")]
    Tls { host: String, text: String },
    #[error("{which} took longer than {} ms", bound.as_millis())]
    Timeout { which: Which, bound: Duration },
    #[error("{what} is larger than {bytes_max} bytes")]
    TooLarge { what: What, bytes_max: u64 },
    #[error("the circuit breaker is open for {} ms more", retry_after.as_millis())]
    BreakerOpen { retry_after: Duration },
    #[error("over the limit of {limit}")]
    OverLimit { limit: Limit, retry_after: Duration },
    #[error("the reply is not HTTP as it should be: {text}")]
    Protocol { text: String },
    #[error("the redirect was not followed: {text}")]
    Redirect { text: String },
    #[error("no credentials: {text}")]
    Auth { text: String },
    #[error("{text}")]
    Body { text: String },
}

/// What took too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// Resolving the name, TCP and TLS.
    Connect,
    /// The head of the reply, after the request.
    FirstByte,
    /// All of the call, to the last byte of the reply.
    Total,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    RequestBody,
    ReplyHead,
    ReplyBody,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    Concurrency,
    Rate,
}

impl fmt::Display for Which {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Connect => "connecting",
            Self::FirstByte => "the head of the reply",
            Self::Total => "the call",
        })
    }
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::RequestBody => "the request's body",
            Self::ReplyHead => "the head of the reply",
            Self::ReplyBody => "the reply's body",
        })
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Concurrency => "calls at once",
            Self::Rate => "calls per second",
        })
    }
}

/// Codes of kinds, in the order of [`ErrorKind::place`].
pub(crate) const CODES: [&str; 14] = [
    "request",
    "refused-address",
    "connect",
    "tls",
    "timeout-connect",
    "timeout-first-byte",
    "timeout-total",
    "too-large",
    "breaker-open",
    "over-limit",
    "protocol",
    "redirect",
    "auth",
    "body",
];

impl ErrorKind {
    /// Stable, for faults and statistics.
    pub fn code(&self) -> &'static str {
        CODES[self.place()]
    }

    pub(crate) fn place(&self) -> usize {
        match self {
            Self::Request { .. } => 0,
            Self::RefusedAddress { .. } => 1,
            Self::Connect { .. } => 2,
            Self::Tls { .. } => 3,
            Self::Timeout { which: Which::Connect, .. } => 4,
            Self::Timeout { which: Which::FirstByte, .. } => 5,
            Self::Timeout { which: Which::Total, .. } => 6,
            Self::TooLarge { .. } => 7,
            Self::BreakerOpen { .. } => 8,
            Self::OverLimit { .. } => 9,
            Self::Protocol { .. } => 10,
            Self::Redirect { .. } => 11,
            Self::Auth { .. } => 12,
            Self::Body { .. } => 13,
        }
    }

    /// Whether it tells that the other side is not well, which is what a breaker counts.
    pub(crate) fn is_of_the_other_side(&self) -> bool {
        matches!(
            self,
            Self::Connect { .. }
                | Self::Tls { .. }
                | Self::Timeout { .. }
                | Self::Protocol { .. }
                | Self::Body { .. }
        )
    }

    /// Nothing of the request went out.
    pub(crate) fn unsent(self) -> CallError {
        CallError { kind: self, maybe_processed: false }
    }

    pub(crate) fn sent(self) -> CallError {
        CallError { kind: self, maybe_processed: true }
    }
}
