//! First stage: a request gets its correlation id and is pinned to a catalog.

use std::{sync::Arc, time::Instant};

use busbar_model::correlation::{CorrelationId, TraceParent};
use http::HeaderName;

use crate::{catalog::Catalog, request::Request};

pub const CORRELATION_HEADER: HeaderName = HeaderName::from_static("x-correlation-id");
pub const TRACEPARENT_HEADER: HeaderName = HeaderName::from_static("traceparent");

/// What a call and all the calls nested in it share. Read-only once made.
pub struct Context {
    pub correlation: CorrelationId,
    /// The caller's trace, with this call as the parent of what comes next.
    pub trace: Option<TraceParent>,
    pub catalog: Arc<Catalog>,
    pub accepted_at: Instant,
}

/// `unique` is 128 bits that no other request has.
pub(crate) fn accept(request: &Request, catalog: Arc<Catalog>, unique: u128) -> Context {
    let header = |name| request.head.headers.get(name).and_then(|value| value.to_str().ok());
    let own = if request.trusted { header(CORRELATION_HEADER).and_then(CorrelationId::parse) } else { None };
    let trace = header(TRACEPARENT_HEADER).and_then(TraceParent::parse);
    Context {
        correlation: own.unwrap_or_else(|| CorrelationId::from_unique(unique)),
        // The low half of a UUIDv7 is random.
        trace: trace.map(|parent| parent.child(unique as u64)),
        catalog,
        accepted_at: Instant::now(),
    }
}
