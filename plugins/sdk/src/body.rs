//! Reading what a service was called with.

use serde::de::DeserializeOwned;

use crate::{Body, BodyError, Fault, Payload, Request, input};

/// What one read asks of the bus, in bytes.
const READ_BYTES: u32 = 64 * 1024;

impl Request {
    /// The whole body; a streamed one is read to its end.
    ///
    /// # Errors
    /// As [`Payload::into_bytes`].
    pub fn into_bytes(self) -> Result<Vec<u8>, Fault> {
        self.payload.into_bytes()
    }

    /// The whole body as JSON.
    ///
    /// # Errors
    /// `invalid-input` with the place and the reason; else as [`Payload::into_bytes`].
    pub fn into_json<T: DeserializeOwned>(self) -> Result<T, Fault> {
        input::parse(&self.payload.into_bytes()?)
    }
}

impl Payload {
    /// The whole payload; a streamed one is read to its end.
    ///
    /// # Errors
    /// `too-large` (413) or `body-broken` (400), both of a stream only.
    pub fn into_bytes(self) -> Result<Vec<u8>, Fault> {
        match self {
            Self::Empty => Ok(Vec::new()),
            Self::Bytes(bytes) => Ok(bytes),
            Self::Stream(body) => body.read_to_end(),
        }
    }
}

impl Body {
    /// Everything up to the end.
    ///
    /// # Errors
    /// As [`Payload::into_bytes`].
    pub fn read_to_end(&self) -> Result<Vec<u8>, Fault> {
        self.pieces().map_err(fault)
    }

    /// Everything up to the end, with the bus's own error.
    pub(crate) fn pieces(&self) -> Result<Vec<u8>, BodyError> {
        let mut bytes = self.read(READ_BYTES)?;
        if bytes.is_empty() {
            return Ok(bytes);
        }
        loop {
            let more = self.read(READ_BYTES)?;
            if more.is_empty() {
                return Ok(bytes);
            }
            bytes.extend_from_slice(&more);
        }
    }
}

#[cold]
fn fault(error: BodyError) -> Fault {
    match error {
        BodyError::TooLarge => Fault::reject("too-large", "the body is larger than allowed").status(413),
        BodyError::Broken(reason) => Fault::reject("body-broken", format!("the body broke off: {reason}")),
    }
}
