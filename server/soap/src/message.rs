//! An envelope, opened up to its payload: headers are read, the body's element has just been started.

mod addressing;
mod headers;
mod security;

pub(crate) use self::addressing::anonymous;
pub use self::{
    addressing::{Addressing, Endpoint},
    headers::Headers,
    security::{Password, PasswordKind, Security, SecurityTimestamp, UsernameToken},
};

use crate::{
    refusal::Refusal,
    version::Version,
    xml::{Event, Reader},
};

/// SOAP 1.2, part 1, section 5.1.1: no encoding at all.
const ENCODING_NONE: &str = "http://www.w3.org/2003/05/soap-envelope/encoding/none";

/// A message whose payload is to be read: at first [`Reader::local`] and [`Reader::namespace`] tell the name of the
/// body's element. Who has read up to its end calls [`Message::finish`].
pub struct Message<'x> {
    pub version: Version,
    pub headers: Headers,
    pub reader: Reader<'x>,
}

/// Reads up to the element in the body. A refusal has the version and the addressing headers once they are known.
///
/// Nothing may follow the body: SOAP 1.1, section 4, would let elements do so, but Basic Profile 1.1 (R1011) forbids
/// them, and nobody sends them.
pub fn open(text: &str) -> Result<Message<'_>, Refusal> {
    let mut reader = Reader::new(text)?;
    reader.next()?;
    if reader.local() != "Envelope" {
        return Err(Refusal::envelope("the document's element is no Envelope"));
    }
    let version = Version::of(reader.namespace()).ok_or_else(Refusal::version)?;
    let mut headers = Headers::default();
    match up_to_payload(&mut reader, version, &mut headers) {
        Ok(()) => Ok(Message { version, headers, reader }),
        Err(refusal) => {
            let addressing = headers.addressing.map(Box::new);
            Err(Refusal { addressing, ..refusal.in_version(version) })
        }
    }
}

fn up_to_payload(reader: &mut Reader<'_>, version: Version, headers: &mut Headers) -> Result<(), Refusal> {
    let missing = || Refusal::envelope("the envelope has no Body");
    if !started(reader)? {
        return Err(missing());
    }
    if reader.local() == "Header" && reader.namespace() == version.namespace() {
        *headers = Headers::read(reader, version)?;
        if !started(reader)? {
            return Err(missing());
        }
    }
    if reader.local() != "Body" || reader.namespace() != version.namespace() {
        return Err(Refusal::envelope("the envelope has something else than a Header and a Body"));
    }
    if !started(reader)? {
        return Err(Refusal::envelope("the Body is empty"));
    }
    let encoding = reader.attribute(version.namespace(), "encodingStyle");
    match encoding {
        // Toolkits of 1.1 say it by habit.
        Some(style) if version == Version::V12 && style.trim() != ENCODING_NONE => {
            Err(Refusal::data_encoding())
        }
        _ => Ok(()),
    }
}

/// Goes on to the next element; `false` at the end of the one around it. There is no text between them.
fn started(reader: &mut Reader<'_>) -> Result<bool, Refusal> {
    loop {
        match reader.next()? {
            Event::Start => return Ok(true),
            Event::End | Event::Eof => return Ok(false),
            Event::Text(text) if text.trim_ascii().is_empty() => {}
            Event::Text(_) => {
                return Err(Refusal::envelope("there is text between the parts of the envelope"));
            }
        }
    }
}

impl Message<'_> {
    /// Checks what stands behind the payload, up to the end. To be called at the payload's end.
    pub fn finish(&mut self) -> Result<(), Refusal> {
        let version = self.version;
        self.rest().map_err(|refusal| refusal.in_version(version))
    }

    fn rest(&mut self) -> Result<(), Refusal> {
        if started(&mut self.reader)? {
            return Err(Refusal::envelope("the Body has more than one element"));
        }
        if started(&mut self.reader)? {
            return Err(Refusal::envelope("there is something behind the Body"));
        }
        match self.reader.next()? {
            Event::Eof => Ok(()),
            _ => Err(Refusal::envelope("the payload was not read to its end")),
        }
    }
}

#[cfg(test)]
mod tests;
