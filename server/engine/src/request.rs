//! What an adapter hands to the pipeline, and what it gets back.

use busbar_model::correlation::CorrelationId;
use http::{HeaderMap, Method, StatusCode, Uri};

use crate::body::Body;

/// The metadata of a request. HTTP's vocabulary serves every protocol here: a queue's message has a
/// method, an address and headers too.
#[derive(Debug, Default)]
pub struct Head {
    pub method: Method,
    pub uri: Uri,
    pub headers: HeaderMap,
}

/// How the target of a request is named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// The path of a channel.
    Path,
    /// A service by its name.
    Service(String),
}

/// The hop that a request came over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Hop {
    /// From whoever has connected: what it says of itself is nobody's word but its own.
    #[default]
    Client,
    /// From the cluster's balancer, which lets no client say what only the balancer may.
    Balancer,
}

/// A request as an adapter made it.
#[derive(Debug)]
pub struct Request {
    pub target: Target,
    pub head: Head,
    pub body: Body,
    pub hop: Hop,
    /// Whether the sender's own word on correlation is taken, whatever hop it came over.
    pub trusted: bool,
}

/// A reply for an adapter to put into its protocol.
#[derive(Debug)]
pub struct Reply {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Body,
    pub correlation: CorrelationId,
}

/// What a service answered.
#[derive(Debug, Default)]
pub struct Response {
    /// `None`: 200, or 204 where the body is empty.
    pub status: Option<StatusCode>,
    pub headers: HeaderMap,
    pub body: Body,
}

/// What a service is called with.
#[derive(Debug, Default)]
pub struct Input {
    pub content_type: Option<String>,
    pub body: Body,
}

impl Input {
    pub fn json(bytes: impl Into<bytes::Bytes>) -> Self {
        Self { content_type: Some("application/json".to_owned()), body: Body::Bytes(bytes.into()) }
    }
}
