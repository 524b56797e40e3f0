//! What a fault of the bus tells programs, in an element that the WSDL declares.

use std::fmt::Write as _;

use busbar_model::fault::FieldError;

use crate::{
    escape::{Place, escape_lossy},
    namespace,
};

/// `f:problem`: the members of a problem (RFC 9457) as they are told over REST.
#[derive(Clone, Copy, Debug)]
pub struct Detail<'a> {
    /// Stable, lower-case, dashes.
    pub code: &'a str,
    pub message: &'a str,
    pub correlation_id: &'a str,
    /// Seconds.
    pub retry_after_s: Option<u32>,
    pub errors: &'a [FieldError],
}

impl Detail<'_> {
    /// The order is that of the type in the WSDL.
    pub(super) fn push(&self, text: &mut String) {
        let _ = write!(text, "<f:problem xmlns:f=\"{}\">", namespace::FAULT);
        push_element(text, "code", self.code);
        push_element(text, "message", self.message);
        push_element(text, "correlationId", self.correlation_id);
        if let Some(seconds) = self.retry_after_s {
            let _ = write!(text, "<f:retryAfterSeconds>{seconds}</f:retryAfterSeconds>");
        }
        for error in self.errors {
            text.push_str("<f:error>");
            push_element(text, "path", &error.path);
            push_element(text, "message", &error.message);
            text.push_str("</f:error>");
        }
        text.push_str("</f:problem>");
    }
}

fn push_element(text: &mut String, local: &str, value: &str) {
    let _ = write!(text, "<f:{local}>");
    escape_lossy(text, value, Place::Content);
    let _ = write!(text, "</f:{local}>");
}
