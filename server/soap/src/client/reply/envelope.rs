//! A partner's envelope, opened up to what is in its Body.

use super::Unreadable;
use crate::{
    version::Version,
    xml::{Event, Reader},
};

/// What stands in the Body; a payload or a fault has just been started.
pub(super) enum Opened {
    Empty,
    Payload,
    Fault(Version),
}

pub(super) fn open(xml: &mut Reader<'_>) -> Result<Opened, Unreadable> {
    let no_envelope = |text: &str| Unreadable::Envelope(text.to_owned());
    xml.next()?;
    if xml.local() != "Envelope" {
        return Err(no_envelope("the document's element is no Envelope"));
    }
    let version = Version::of(xml.namespace());
    let version = version.ok_or_else(|| no_envelope("it is neither of SOAP 1.1 nor of SOAP 1.2"))?;
    let is = |xml: &Reader<'_>, local| xml.local() == local && xml.namespace() == version.namespace();
    let mut more = child(xml)?;
    if more && is(xml, "Header") {
        xml.skip()?;
        more = child(xml)?;
    }
    if !more || !is(xml, "Body") {
        return Err(no_envelope("it has no Body"));
    }
    Ok(match child(xml)? {
        false => Opened::Empty,
        true if is(xml, "Fault") => Opened::Fault(version),
        true => Opened::Payload,
    })
}

/// Reads to the end, for what may be wrong there. Whatever else stands in the Body, or behind it, is passed over.
pub(super) fn finish(xml: &mut Reader<'_>) -> Result<(), Unreadable> {
    while xml.next()? != Event::Eof {}
    Ok(())
}

/// Goes on to the next element; `false` at the end of the one around it. Text between them means nothing.
pub(super) fn child(xml: &mut Reader<'_>) -> Result<bool, Unreadable> {
    loop {
        match xml.next()? {
            Event::Start => return Ok(true),
            Event::End | Event::Eof => return Ok(false),
            Event::Text(_) => {}
        }
    }
}
