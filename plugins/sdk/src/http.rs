//! HTTP to systems of others, by a connection that the plugin is granted. Address, credentials, time limits, retries and
//! the circuit are the connection's; a service says what is asked for.
//!
//! ```no_run
//! use busbar_sdk::prelude::*;
//!
//! # fn example(order: serde_json::Value) -> Result<serde_json::Value, Fault> {
//! let item = http::get("prices", "/items/4711")?;
//! if item.status() == 404 {
//!     return Err(Fault::reject("item-unknown", "there is no such item").status(404));
//! }
//! let _price: serde_json::Value = item.success()?.json()?;
//! http::Request::post("/orders").header("x-tenant", "acme").json(&order)?.send("prices")?.success()?.json()
//! # }
//! ```

mod response;

use std::time::Duration;

use serde::Serialize;

pub use self::response::Response;
use crate::host::http as bus;
use crate::{Fault, Payload};

/// What is asked for.
///
/// Bytes can be sent again by the connection's own retries; a stream goes out once, as it is read.
#[derive(Debug)]
pub struct Request {
    /// As it is sent: `GET`.
    pub method: String,
    /// What comes behind the connection's base address, with the query, percent-encoded: `/orders?open=1`.
    pub path: String,
    /// Those of a single hop, `host` and `content-length` are the bus's own and are dropped.
    pub headers: Vec<(String, String)>,
    pub content_type: Option<String>,
    pub payload: Payload,
    /// None: the connection's. Never longer than that, nor than the call has.
    pub timeout: Option<Duration>,
}

impl Request {
    #[must_use]
    pub fn new(method: &str, path: &str) -> Self {
        Self {
            method: method.to_owned(),
            path: path.to_owned(),
            headers: Vec::new(),
            content_type: None,
            payload: Payload::Empty,
            timeout: None,
        }
    }

    #[must_use]
    pub fn get(path: &str) -> Self {
        Self::new("GET", path)
    }

    #[must_use]
    pub fn post(path: &str) -> Self {
        Self::new("POST", path)
    }

    #[must_use]
    pub fn put(path: &str) -> Self {
        Self::new("PUT", path)
    }

    #[must_use]
    pub fn patch(path: &str) -> Self {
        Self::new("PATCH", path)
    }

    #[must_use]
    pub fn delete(path: &str) -> Self {
        Self::new("DELETE", path)
    }

    /// Adds a parameter to the query, percent-encoded.
    #[must_use]
    pub fn query(mut self, name: &str, value: &str) -> Self {
        self.path.push(if self.path.contains('?') { '&' } else { '?' });
        self.path.push_str(&escape(name));
        self.path.push('=');
        self.path.push_str(&escape(value));
        self
    }

    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// A value as JSON.
    ///
    /// # Errors
    /// `failed` if it has no JSON form.
    pub fn json(self, value: &(impl Serialize + ?Sized)) -> Result<Self, Fault> {
        Ok(self.bytes("application/json", serde_json::to_vec(value)?))
    }

    /// Text in UTF-8.
    #[must_use]
    pub fn text(self, text: &str) -> Self {
        self.bytes("text/plain; charset=utf-8", text.as_bytes().to_vec())
    }

    #[must_use]
    pub fn bytes(self, content_type: &str, bytes: Vec<u8>) -> Self {
        Self { content_type: Some(content_type.to_owned()), payload: Payload::Bytes(bytes), ..self }
    }

    /// A payload as it came: of a stream, no byte passes through the service.
    #[must_use]
    pub fn body(self, content_type: Option<String>, payload: Payload) -> Self {
        Self { content_type, payload, ..self }
    }

    #[must_use]
    pub fn timeout(self, time: Duration) -> Self {
        Self { timeout: Some(time), ..self }
    }

    /// A reply of any status is a reply.
    ///
    /// # Errors
    /// Of nothing that was sent: `not-granted`, `connection-unknown`, `connection-unusable`, `invalid-input`,
    /// `invoke-limit`, `unreachable`, `address-refused`, `no-credentials`, `circuit-open`, `connection-busy`. Where the
    /// other side may have acted on it: `no-reply`, `bad-reply`, `redirect-refused`, `too-large`.
    pub fn send(self, connection: &str) -> Result<Response, Fault> {
        let Self { method, path, headers, content_type, payload, timeout } = self;
        let timeout_ms = timeout.map(|time| u64::try_from(time.as_millis()).unwrap_or(u64::MAX));
        let request = bus::Request { method, path, headers, content_type, payload, timeout_ms };
        bus::send(connection, request).map(Response::received).map_err(Fault::received)
    }
}

/// # Errors
/// Those of [`Request::send`].
pub fn get(connection: &str, path: &str) -> Result<Response, Fault> {
    Request::get(path).send(connection)
}

/// A value as JSON.
///
/// # Errors
/// Those of [`Request::send`]; `failed` if the value has no JSON form.
pub fn post(connection: &str, path: &str, value: &(impl Serialize + ?Sized)) -> Result<Response, Fault> {
    Request::post(path).json(value)?.send(connection)
}

/// Percent-encoded but for what RFC 3986 leaves unreserved: safe as one segment of a path, and in a query.
#[must_use]
pub fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            escaped.push_str(&format!("%{byte:02X}"));
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_in_an_address_is_escaped() {
        assert_eq!(escape("a/b ü~"), "a%2Fb%20%C3%BC~");
        assert_eq!(Request::get("/x").query("a b", "1&2").query("c", "").path, "/x?a%20b=1%262&c=");
    }
}
