//! Reading a package that is in memory.

use std::{borrow::Cow, collections::BTreeMap};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use busbar_model::bounds::MTOM_PARTS_MAX;
use memchr::memmem;
use percent_encoding::percent_decode_str;

use super::header::{Encoding, Headers, invalid, split};
use crate::{
    media::{Parameters, Related},
    refusal::Refusal,
};

/// An envelope, and the parts it may refer to.
#[derive(Debug)]
pub struct Package<'b> {
    /// The envelope's bytes.
    pub root: &'b [u8],
    pub root_charset: Option<String>,
    /// By content id.
    parts: BTreeMap<String, Held<'b>>,
}

#[derive(Debug)]
struct Held<'b> {
    bytes: Cow<'b, [u8]>,
    taken: bool,
}

impl<'b> Package<'b> {
    /// `body` is the whole body of the message. Parts are borrowed of it but for those in base64.
    pub fn parse(body: &'b [u8], related: &Related) -> Result<Self, Refusal> {
        let mut root: Option<(Headers, &'b [u8])> = None;
        let mut parts = BTreeMap::new();
        for (at, part) in cut(body, &related.boundary)?.into_iter().enumerate() {
            let (headers, content) = split(part)?;
            let length = u64::try_from(content.len()).unwrap_or(u64::MAX);
            if headers.content_length.is_some_and(|told| told != length) {
                return Err(invalid("a part is not as long as its Content-Length says"));
            }
            let is_root = match &related.start {
                Some(start) => headers.content_id.as_ref() == Some(start),
                None => at == 0,
            };
            if is_root {
                if root.replace((headers, content)).is_some() {
                    return Err(invalid("two parts have the same Content-ID"));
                }
                continue;
            }
            let id =
                headers.content_id.ok_or_else(|| invalid("a part that is not the root has no Content-ID"))?;
            let held = Held { bytes: decoded(content, headers.encoding)?, taken: false };
            if parts.insert(id, held).is_some() {
                return Err(invalid("two parts have the same Content-ID"));
            }
        }
        let (headers, root) = root.ok_or_else(|| invalid("the package has no root part"))?;
        if headers.content_id.is_some_and(|id| parts.contains_key(&id)) {
            return Err(invalid("two parts have the same Content-ID"));
        }
        if headers.encoding != Encoding::Identity {
            return Err(invalid("the root part is in base64"));
        }
        Ok(Self { root, root_charset: root_charset(headers.content_type.as_deref())?, parts })
    }

    /// The content of a part, once: `None` for one that is missing or was taken. The id is that of a `cid:` address,
    /// without this prefix, percent-encoded (RFC 2392) or not.
    pub fn take(&mut self, content_id: &str) -> Option<&[u8]> {
        let id = match self.parts.contains_key(content_id) {
            true => Cow::Borrowed(content_id),
            false => percent_decode_str(content_id).decode_utf8().ok()?,
        };
        let held = self.parts.get_mut(id.as_ref()).filter(|held| !held.taken)?;
        held.taken = true;
        Some(&held.bytes)
    }

    /// The content ids of the parts that nobody took.
    pub fn untaken(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().filter(|(_, held)| !held.taken).map(|(id, _)| id.as_str())
    }

    /// Refuses a package with parts that the envelope did not refer to.
    pub fn finish(&self) -> Result<(), Refusal> {
        match self.untaken().next() {
            None => Ok(()),
            Some(id) => {
                let id: String = id.chars().take(100).collect();
                Err(invalid(format!("the part {id:?} is referred to by nothing")))
            }
        }
    }
}

/// The parts between the boundaries (RFC 2046, section 5.1.1), each from behind its boundary's line to before the next.
/// Preamble and epilogue are passed over.
fn cut<'b>(body: &'b [u8], boundary: &str) -> Result<Vec<&'b [u8]>, Refusal> {
    let delimiter = format!("\r\n--{boundary}");
    let finder = memmem::Finder::new(delimiter.as_bytes());
    // The first boundary may stand at the very beginning.
    let mut rest = match body.strip_prefix(delimiter.trim_start().as_bytes()) {
        Some(rest) => rest,
        None => behind(body, &finder).ok_or_else(|| invalid("the package has no boundary"))?.1,
    };
    let mut parts = Vec::new();
    while !rest.starts_with(b"--") {
        let padding = rest.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
        let line_end = rest.get(padding..).unwrap_or_default();
        // The line's end is left to the part: a part without headers begins with an empty line.
        if !line_end.starts_with(b"\r\n") {
            return Err(invalid("a boundary does not end its line"));
        }
        if parts.len() >= MTOM_PARTS_MAX {
            return Err(invalid(format!("the package has more than {MTOM_PARTS_MAX} parts")));
        }
        let (part, after) =
            behind(line_end, &finder).ok_or_else(|| invalid("the package has no final boundary"))?;
        parts.push(part.get(2..).ok_or_else(|| invalid("a part is empty"))?);
        rest = after;
    }
    Ok(parts)
}

/// What stands before the next delimiter, and behind it.
fn behind<'b>(bytes: &'b [u8], finder: &memmem::Finder<'_>) -> Option<(&'b [u8], &'b [u8])> {
    let at = finder.find(bytes)?;
    Some((bytes.get(..at)?, bytes.get(at + finder.needle().len()..)?))
}

fn decoded(content: &[u8], encoding: Encoding) -> Result<Cow<'_, [u8]>, Refusal> {
    match encoding {
        Encoding::Identity => Ok(Cow::Borrowed(content)),
        Encoding::Base64 => {
            let compact: Vec<u8> =
                content.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).collect();
            let bytes =
                STANDARD.decode(compact).map_err(|_| invalid("a part is not in base64 as it says"))?;
            Ok(Cow::Owned(bytes))
        }
    }
}

fn root_charset(content_type: Option<&str>) -> Result<Option<String>, Refusal> {
    let Some(content_type) = content_type else { return Ok(None) };
    let (name, parameters) = Parameters::of(content_type).map_err(invalid)?;
    match name.to_ascii_lowercase().as_str() {
        "application/xop+xml" | "text/xml" | "application/soap+xml" => {
            Ok(parameters.get("charset").map(str::to_owned))
        }
        _ => Err(invalid("the root part is no application/xop+xml")),
    }
}

#[cfg(test)]
mod tests;
