//! From a service's output to a response.

use schemars::JsonSchema;
use serde::Serialize;

use crate::{Fault, Response, schema};

/// What a service function can return: a type with `#[output]` (anything `Serialize + JsonSchema`), the same
/// within a [`Reply`], or a raw [`Response`].
pub trait Output {
    fn schema() -> Option<String>;

    /// # Errors
    /// `failed` if the value has no JSON form.
    fn into_response(self) -> Result<Response, Fault>;
}

impl<T: Serialize + JsonSchema> Output for T {
    fn schema() -> Option<String> {
        Some(schema::of_output::<T>())
    }

    fn into_response(self) -> Result<Response, Fault> {
        Response::json(&self)
    }
}

impl Output for Response {
    fn schema() -> Option<String> {
        None
    }

    fn into_response(self) -> Result<Response, Fault> {
        Ok(self)
    }
}

/// A typed output with a status and headers of its own.
#[derive(Clone, Debug)]
pub struct Reply<T> {
    status: u16,
    headers: Vec<(String, String)>,
    output: T,
}

impl<T> Reply<T> {
    pub fn ok(output: T) -> Self {
        Self::new(200, output)
    }

    pub fn created(output: T) -> Self {
        Self::new(201, output)
    }

    pub fn accepted(output: T) -> Self {
        Self::new(202, output)
    }

    pub fn new(status: u16, output: T) -> Self {
        Self { status, headers: Vec::new(), output }
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }
}

impl<T: Serialize + JsonSchema> Output for Reply<T> {
    fn schema() -> Option<String> {
        Some(schema::of_output::<T>())
    }

    fn into_response(self) -> Result<Response, Fault> {
        let response = Response::json(&self.output)?;
        Ok(Response { status: Some(self.status), headers: self.headers, ..response })
    }
}
