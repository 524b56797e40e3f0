//! First stage: a request gets its correlation id and is pinned to a catalog.

use std::{sync::Arc, time::Instant};

use busbar_model::correlation::{CorrelationId, TraceParent};
use http::HeaderName;

use crate::{
    authenticate::Certificate,
    catalog::Catalog,
    request::{Hop, Request},
};

pub const CORRELATION_HEADER: HeaderName = HeaderName::from_static("x-correlation-id");
pub const TRACEPARENT_HEADER: HeaderName = HeaderName::from_static("traceparent");

/// What a call and all the calls nested in it share. Read-only once made.
pub struct Context {
    pub correlation: CorrelationId,
    /// The caller's trace, with this call as the parent of what comes next.
    pub trace: Option<TraceParent>,
    pub catalog: Arc<Catalog>,
    pub accepted_at: Instant,
    /// What the client has shown to the balancer.
    pub certificate: Option<Box<Certificate>>,
}

/// Takes out of the request's headers what only the balancer may say. `unique` is 128 bits that no other request has.
pub(crate) fn accept(request: &mut Request, catalog: Arc<Catalog>, unique: u128) -> Context {
    let certificate = Certificate::take(&mut request.head.headers, request.hop);
    Context { certificate, ..unread(request, catalog, unique) }
}

/// The same for a request of which nobody reads more.
pub(crate) fn unread(request: &Request, catalog: Arc<Catalog>, unique: u128) -> Context {
    let header = |name| request.head.headers.get(name).and_then(|value| value.to_str().ok());
    let trusted = request.trusted || request.hop == Hop::Balancer;
    let own = header(CORRELATION_HEADER).filter(|_| trusted).and_then(CorrelationId::parse);
    let trace = header(TRACEPARENT_HEADER).and_then(TraceParent::parse);
    Context {
        correlation: own.unwrap_or_else(|| CorrelationId::from_unique(unique)),
        // The low half of a UUIDv7 is random.
        trace: trace.map(|parent| parent.child(unique as u64)),
        catalog,
        accepted_at: Instant::now(),
        certificate: None,
    }
}
