//! The headers of a part (RFC 2045).

use busbar_model::bounds::MTOM_PART_HEADER_BYTES_MAX;

use crate::{media::bare, refusal::Refusal};

/// What is of use in them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Headers {
    /// Without `<>`.
    pub(super) content_id: Option<String>,
    pub(super) content_type: Option<String>,
    pub(super) content_length: Option<u64>,
    pub(super) encoding: Encoding,
}

/// `Content-Transfer-Encoding`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Encoding {
    /// `binary`, `8bit` and `7bit`.
    #[default]
    Identity,
    Base64,
}

/// Cuts a part into its headers and its content.
pub(super) fn split(part: &[u8]) -> Result<(Headers, &[u8]), Refusal> {
    if let Some(content) = part.strip_prefix(b"\r\n") {
        return Ok((Headers::default(), content));
    }
    let window = part.get(..MTOM_PART_HEADER_BYTES_MAX).unwrap_or(part);
    let (head, content) = match memchr::memmem::find(window, b"\r\n\r\n") {
        Some(at) => (part.get(..at), part.get(at + 4..)),
        // A part that ends with its headers has no content.
        None if window.len() == part.len() && part.ends_with(b"\r\n") => (part.strip_suffix(b"\r\n"), None),
        None => return Err(invalid("a part's headers have no end, or too many bytes")),
    };
    let head = std::str::from_utf8(head.unwrap_or_default());
    let head = head.map_err(|_| invalid("a part's headers are not in UTF-8"))?;
    Ok((parse(head)?, content.unwrap_or_default()))
}

fn parse(head: &str) -> Result<Headers, Refusal> {
    let mut found = Headers::default();
    let mut encoding = None;
    // A line that begins with white space belongs to the one before it (RFC 5322, section 2.2.3).
    let unfolded = head.replace("\r\n ", " ").replace("\r\n\t", " ");
    for line in unfolded.split("\r\n") {
        let (name, value) =
            line.split_once(':').ok_or_else(|| invalid("a part has a header without a name"))?;
        let value = value.trim();
        match name.trim_end().to_ascii_lowercase().as_str() {
            "content-id" => once(&mut found.content_id, bare(value).to_owned())?,
            "content-type" => once(&mut found.content_type, value.to_owned())?,
            "content-length" => once(&mut found.content_length, length(value)?)?,
            "content-transfer-encoding" => once(&mut encoding, encoding_of(value)?)?,
            _ => {}
        }
    }
    found.encoding = encoding.unwrap_or_default();
    match found.content_id.as_deref() {
        Some("") => Err(invalid("a part has an empty Content-ID")),
        _ => Ok(found),
    }
}

fn once<T>(place: &mut Option<T>, value: T) -> Result<(), Refusal> {
    match place.replace(value) {
        None => Ok(()),
        Some(_) => Err(invalid("a part has a header twice")),
    }
}

fn length(value: &str) -> Result<u64, Refusal> {
    let digits = value.bytes().all(|byte| byte.is_ascii_digit()).then_some(value);
    digits
        .and_then(|digits| digits.parse().ok())
        .ok_or_else(|| invalid("a part's Content-Length is no number"))
}

fn encoding_of(value: &str) -> Result<Encoding, Refusal> {
    match value.to_ascii_lowercase().as_str() {
        "binary" | "8bit" | "7bit" => Ok(Encoding::Identity),
        "base64" => Ok(Encoding::Base64),
        _ => Err(invalid("a part's Content-Transfer-Encoding is none of binary, 8bit, 7bit and base64")),
    }
}

pub(super) fn invalid(message: impl Into<String>) -> Refusal {
    Refusal::message("invalid-package", message)
}
