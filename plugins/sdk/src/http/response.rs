//! Replies of others.

use serde::de::DeserializeOwned;

use crate::{BodyError, Fault, Payload};

/// A reply, of whatever status. Its body is a stream, unless it is small or there is none.
#[derive(Debug)]
pub struct Response {
    status: u16,
    content_type: Option<String>,
    headers: Vec<(String, String)>,
    payload: Payload,
}

impl Response {
    pub(crate) fn received(response: crate::Response) -> Self {
        let crate::Response { status, content_type, headers, payload } = response;
        let empty = matches!(payload, Payload::Empty);
        Self { status: status.unwrap_or(if empty { 204 } else { 200 }), content_type, headers, payload }
    }

    #[must_use]
    pub fn status(&self) -> u16 {
        self.status
    }

    /// The first header of that name, in whatever case; the content type is not among them.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    #[must_use]
    pub fn headers(&self) -> &[(String, String)] {
        &self.headers
    }

    #[must_use]
    pub fn content_type(&self) -> Option<&str> {
        self.content_type.as_deref()
    }

    /// Itself, if the status is 2xx.
    ///
    /// # Errors
    /// `failed`, naming the status.
    pub fn success(self) -> Result<Self, Fault> {
        match self.status {
            200..=299 => Ok(self),
            status => Err(Fault::fail(format!("the other side answered with status {status}"))),
        }
    }

    /// The whole body; a streamed one is read to its end.
    ///
    /// # Errors
    /// `bad-reply` if it is too large, `no-reply` if it broke off.
    pub fn bytes(self) -> Result<Vec<u8>, Fault> {
        match self.payload {
            Payload::Empty => Ok(Vec::new()),
            Payload::Bytes(bytes) => Ok(bytes),
            Payload::Stream(body) => body.pieces().map_err(fault),
        }
    }

    /// # Errors
    /// `bad-reply` if the body is no UTF-8; else those of [`Response::bytes`].
    pub fn text(self) -> Result<String, Fault> {
        String::from_utf8(self.bytes()?).map_err(|_| bad("the reply is no UTF-8".to_owned()))
    }

    /// # Errors
    /// `bad-reply` if the body is no `T` in JSON; else those of [`Response::bytes`].
    pub fn json<T: DeserializeOwned>(self) -> Result<T, Fault> {
        serde_json::from_slice(&self.bytes()?)
            .map_err(|error| bad(format!("the reply is not as expected: {error}")))
    }

    /// The body, to be read piece by piece or handed on.
    #[must_use]
    pub fn body(self) -> Payload {
        self.payload
    }
}

/// To pass it on: of a streamed body, no byte passes through the service.
impl From<Response> for crate::Response {
    fn from(response: Response) -> Self {
        let Response { status, content_type, headers, payload } = response;
        Self { status: Some(status), content_type, headers, payload }
    }
}

fn bad(text: String) -> Fault {
    Fault::fail(text).code("bad-reply")
}

#[cold]
fn fault(error: BodyError) -> Fault {
    match error {
        BodyError::TooLarge => bad("the reply is larger than allowed".to_owned()),
        BodyError::Broken(reason) => Fault::fail(format!("the reply broke off: {reason}")).code("no-reply"),
    }
}
