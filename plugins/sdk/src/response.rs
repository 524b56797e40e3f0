//! Raw responses.

use serde::Serialize;

use crate::{Fault, Payload, Response};

impl Response {
    /// No body: 204 unless another status is set.
    #[must_use]
    pub fn empty() -> Self {
        Self::new(None, Payload::Empty)
    }

    pub fn text(text: impl Into<String>) -> Self {
        Self::bytes("text/plain; charset=utf-8", text.into().into_bytes())
    }

    /// # Errors
    /// `failed` if the value has no JSON form: a map whose keys are no strings, for one.
    pub fn json<T: Serialize + ?Sized>(value: &T) -> Result<Self, Fault> {
        Ok(Self::bytes("application/json", serde_json::to_vec(value)?))
    }

    pub fn bytes(content_type: impl Into<String>, bytes: Vec<u8>) -> Self {
        Self::new(Some(content_type.into()), Payload::Bytes(bytes))
    }

    /// A payload as it came: of a stream, no byte passes through the service.
    #[must_use]
    pub fn new(content_type: Option<String>, payload: Payload) -> Self {
        Self { status: None, content_type, headers: Vec::new(), payload }
    }

    #[must_use]
    pub fn status(mut self, status: u16) -> Self {
        self.status = Some(status);
        self
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }
}
