//! Why a description, or an operation of it, can't be used.

use busbar_model::bounds::SOAP_PROBLEM_CHARS_MAX;

use super::Document;

/// Something in a document that can't be, or is not supported, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{document}, line {line}: {text}")]
pub struct Refused {
    /// The document's location.
    pub document: String,
    /// From 1 on.
    pub line: usize,
    pub text: String,
}

impl Refused {
    pub(super) fn at(document: &Document, offset: usize, text: impl AsRef<str>) -> Self {
        // The reader counts from behind a byte order mark.
        let body = document.text.strip_prefix('\u{FEFF}').unwrap_or(&document.text);
        let before = body.as_bytes().get(..offset).unwrap_or(body.as_bytes());
        Self::on(&document.location, 1 + memchr::memchr_iter(b'\n', before).count(), text.as_ref())
    }

    pub(super) fn on(location: &str, line: usize, text: &str) -> Self {
        let text = text.chars().take(SOAP_PROBLEM_CHARS_MAX).collect();
        Self { document: location.to_owned(), line, text }
    }
}
