//! What surrounds the call that is being handled. Each function asks the bus: keep the answer if it is needed
//! twice.

use std::time::Duration;

use crate::host::context as bus;

/// The protocol's own view of the request: method, path, query, headers, parameters of the channel's path.
pub use crate::bindings::busbar::bus::context::RequestHead;

#[must_use]
pub fn head() -> RequestHead {
    bus::head()
}

#[must_use]
pub fn correlation_id() -> String {
    bus::correlation_id()
}

/// The name of the security definition that let the caller in.
#[must_use]
pub fn caller() -> Option<String> {
    bus::caller()
}

/// Until the call is stopped.
#[must_use]
pub fn remaining() -> Duration {
    Duration::from_millis(bus::remaining_ms())
}

/// The same for every attempt at the same thing: of a delivery its id, else the caller's `Idempotency-Key`.
/// Hand it on where an effect outside the bus must not be repeated.
#[must_use]
pub fn idempotency_key() -> Option<String> {
    bus::idempotency_key()
}

/// 1 for the first attempt of a delivery and for every other call.
#[must_use]
pub fn attempt() -> u32 {
    bus::attempt()
}

impl RequestHead {
    /// The first header of that name; names are lower case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        first(&self.headers, name)
    }

    /// The first query parameter of that name.
    #[must_use]
    pub fn query(&self, name: &str) -> Option<&str> {
        first(&self.query, name)
    }

    /// The parameter of the channel's path.
    #[must_use]
    pub fn param(&self, name: &str) -> Option<&str> {
        first(&self.params, name)
    }
}

fn first<'a>(pairs: &'a [(String, String)], name: &str) -> Option<&'a str> {
    pairs.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
}
