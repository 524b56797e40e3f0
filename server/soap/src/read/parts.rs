//! Binary content that comes beside the envelope (MTOM, XOP).

/// The parts of a message, by the Content-ID of each.
pub trait Parts {
    /// The bytes of a part; `content_id` is without angle brackets and not percent-encoded. Each part is given once
    /// at most: a document that names one often would be far larger as JSON than as XML.
    fn take(&mut self, content_id: &str) -> Option<&[u8]>;
}

/// A message that is nothing but its envelope.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoParts;

impl Parts for NoParts {
    fn take(&mut self, _content_id: &str) -> Option<&[u8]> {
        None
    }
}
