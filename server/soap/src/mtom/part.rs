//! A binary value beside its envelope.

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// Without `<>`, as it is before it is percent-encoded into a `cid:` address (RFC 2392).
    pub content_id: String,
    pub content_type: String,
    pub bytes: Vec<u8>,
}
