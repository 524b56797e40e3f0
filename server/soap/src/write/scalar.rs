//! Texts, numbers and booleans as XSD writes them.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::de::{Deserialize, DeserializeSeed, Deserializer, Error, Visitor};
use serde_json::value::RawValue;

use super::{Writer, body::Written, moment, number};
use crate::{
    escape::Place,
    mtom::Part,
    namespace,
    read::is_fragment,
    shape::{Foreign, Scalar, ScalarKind, TypeId},
    xml::is_ncname,
};

/// A scalar as the content of an element, whose start tag it closes, or as an attribute's value.
pub(super) struct ScalarValue<'w, 's, 'o> {
    pub(super) writer: &'w mut Writer<'s, 'o>,
    pub(super) id: TypeId,
    pub(super) scalar: &'s Scalar,
    pub(super) place: Place,
    pub(super) null: bool,
}

impl<'de> DeserializeSeed<'de> for ScalarValue<'_, '_, '_> {
    type Value = Written;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Written, D::Error> {
        match self.scalar.kind {
            ScalarKind::Integer(_)
            | ScalarKind::Double
            | ScalarKind::DecimalNumber
            | ScalarKind::Foreign(Foreign::Whole) => {
                // Its digits count, which no number type of Rust keeps.
                let raw = <&RawValue>::deserialize(deserializer)?;
                self.number(raw.get())
            }
            kind => {
                let Self { writer, id, scalar, place, null } = self;
                let visitor = ScalarValue { writer: &mut *writer, id, scalar, place, null };
                let written = deserializer.deserialize_any(visitor);
                writer.expecting(written, if kind == ScalarKind::Boolean { "a boolean" } else { "a string" })
            }
        }
    }
}

impl ScalarValue<'_, '_, '_> {
    fn number<E: Error>(self, raw: &str) -> Result<Written, E> {
        match raw.as_bytes().first() {
            Some(b'n') => return self.visit_unit(),
            Some(b'-' | b'0'..=b'9') => {}
            _ => return Err(self.writer.stop("is not a number")),
        }
        let written = match self.scalar.kind {
            ScalarKind::Integer(width) => number::integer(raw, width),
            ScalarKind::Double => number::double(raw),
            ScalarKind::Foreign(Foreign::Whole) => number::whole(raw),
            _ => number::decimal(raw),
        };
        match written {
            Ok(text) => self.plain(&text),
            Err(reason) => Err(self.writer.stop(reason)),
        }
    }

    /// Writes what has no character that needs escaping.
    fn plain<E: Error>(mut self, text: &str) -> Result<Written, E> {
        self.allow(text)?;
        self.begin();
        self.writer.out.push_str(text);
        Ok(Written::Content)
    }

    fn begin(&mut self) {
        if self.place == Place::Content {
            self.writer.out.push('>');
        }
    }

    fn allow<E: Error>(&mut self, text: &str) -> Result<(), E> {
        let values = &self.scalar.values;
        let value = |i: usize| values.get(i).map_or("", String::as_str);
        if values.is_empty() || self.writer.lookup.find(self.id, values.len(), value, text, 0).is_some() {
            return Ok(());
        }
        Err(self.writer.stop("is none of the allowed values"))
    }

    fn binary<E: Error>(mut self, text: &str) -> Result<Written, E> {
        if self.place == Place::Attribute || self.writer.parts.is_none() {
            return if is_base64(text) { self.plain(text) } else { Err(self.not_base64()) };
        }
        self.allow(text)?;
        let Ok(bytes) = STANDARD.decode(text) else { return Err(self.not_base64()) };
        self.begin();
        let writer = self.writer;
        if let Some(parts) = writer.parts.as_deref_mut() {
            let content_id = format!("part{}@busbar", parts.len() + 1);
            for piece in ["<xop:Include xmlns:xop=\"", namespace::XOP, "\" href=\"cid:", &content_id, "\"/>"]
            {
                writer.out.push_str(piece);
            }
            parts.push(Part { content_id, content_type: "application/octet-stream".to_owned(), bytes });
        }
        Ok(Written::Content)
    }

    /// With a prefix that is declared beside it: in an attribute, by another one, whose closing quote is the caller's.
    fn name<E: Error>(mut self, text: &str) -> Result<Written, E> {
        let (namespace, local) = match text.strip_prefix('{').and_then(|rest| rest.split_once('}')) {
            Some(parts) => parts,
            None => ("", text),
        };
        if !is_ncname(local) {
            return Err(self.writer.stop("is not a name like {namespace}local"));
        }
        if namespace.is_empty() {
            return self.plain(local);
        }
        self.writer.prefixes += 1;
        let prefix = format!("q{}", self.writer.prefixes);
        if self.place == Place::Attribute {
            self.writer.out.push_str(&format!("{prefix}:{local}\" xmlns:{prefix}=\""));
            self.writer.text(namespace, Place::Attribute)?;
            return Ok(Written::Content);
        }
        self.writer.out.push_str(&format!(" xmlns:{prefix}=\""));
        self.writer.text(namespace, Place::Attribute)?;
        self.writer.out.push('"');
        self.begin();
        self.writer.out.push_str(&format!("{prefix}:{local}"));
        Ok(Written::Content)
    }

    fn not_base64<E: Error>(self) -> E {
        self.writer.stop("is not base64 (RFC 4648, section 4, with padding)")
    }
}

impl Visitor<'_> for ScalarValue<'_, '_, '_> {
    type Value = Written;

    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("a scalar")
    }

    fn visit_unit<E: Error>(self) -> Result<Written, E> {
        if self.null { Ok(Written::Null) } else { Err(self.writer.stop("is null, which it may not be")) }
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Written, E> {
        if self.scalar.kind != ScalarKind::Boolean {
            return Err(E::custom("a boolean"));
        }
        self.plain(if value { "true" } else { "false" })
    }

    fn visit_str<E: Error>(mut self, text: &str) -> Result<Written, E> {
        match self.scalar.kind {
            ScalarKind::Text | ScalarKind::Foreign(Foreign::Token) => {
                self.allow(text)?;
                if text.is_empty() && self.place == Place::Content {
                    return Ok(Written::Empty);
                }
                self.begin();
                let Self { writer, place, .. } = self;
                writer.text(text, place)?;
                Ok(Written::Content)
            }
            ScalarKind::Decimal => match number::decimal(text) {
                Ok(decimal) => self.plain(&decimal),
                Err(reason) => Err(self.writer.stop(reason)),
            },
            ScalarKind::Date if moment::is_date(text) => self.plain(text),
            ScalarKind::Date => Err(self.writer.stop("is not a date (RFC 3339, full-date)")),
            ScalarKind::DateTime => match moment::date_time(text) {
                Some(moment) => self.plain(&moment),
                None => Err(self.writer.stop("is not a date and time (RFC 3339, without leap seconds)")),
            },
            ScalarKind::Binary => self.binary(text),
            ScalarKind::Foreign(Foreign::Moment) => match moment::local(text) {
                Some(moment) => self.plain(&moment),
                None => Err(self.writer.stop("is not a date and time (RFC 3339, maybe without its zone)")),
            },
            ScalarKind::Foreign(Foreign::Name) => self.name(text),
            ScalarKind::Foreign(Foreign::Markup) => match is_fragment(text) {
                Ok(()) => self.plain(text),
                Err(malformed) => {
                    Err(self.writer.stop(format!("is not XML that can stand here: {malformed}")))
                }
            },
            _ => Err(E::custom("text")),
        }
    }
}

/// The value of a tag, which is not written: the element's name tells it.
pub(super) struct TagValue<'w, 's, 'o> {
    pub(super) writer: &'w mut Writer<'s, 'o>,
    pub(super) value: &'s str,
}

impl<'de> DeserializeSeed<'de> for TagValue<'_, '_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        let Self { writer, value } = self;
        let read = deserializer.deserialize_str(TagValue { writer: &mut *writer, value });
        writer.expecting(read, "a string")
    }
}

impl Visitor<'_> for TagValue<'_, '_, '_> {
    type Value = ();

    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("a string")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<(), E> {
        if text == self.value { Ok(()) } else { Err(self.writer.stop("is not the tag's value")) }
    }
}

/// RFC 4648, section 4, with padding and without stray bits (as XSD part 2, section 3.2.16 has it too).
fn is_base64(text: &str) -> bool {
    const fn value(byte: u8) -> Option<u8> {
        match byte {
            b'A'..=b'Z' => Some(byte - b'A'),
            b'a'..=b'z' => Some(byte - b'a' + 26),
            b'0'..=b'9' => Some(byte - b'0' + 52),
            b'+' => Some(62),
            b'/' => Some(63),
            _ => None,
        }
    }
    const VALID: [bool; 256] = {
        let mut valid = [false; 256];
        let mut byte = 0;
        while byte < 256 {
            valid[byte] = value(byte as u8).is_some();
            byte += 1;
        }
        valid
    };
    let digits = text.strip_suffix("==").or_else(|| text.strip_suffix('=')).unwrap_or(text);
    let stray = match text.len() - digits.len() {
        0 => 0,
        1 => 0b11,
        _ => 0b1111,
    };
    let last = digits.bytes().last().and_then(value).unwrap_or(0);
    text.len().is_multiple_of(4)
        && last & stray == 0
        && !(digits.is_empty() && stray != 0)
        && digits.bytes().all(|byte| VALID[usize::from(byte)])
}

#[cfg(test)]
mod tests {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    use proptest::prelude::*;

    use super::is_base64;

    proptest! {
        #[test]
        fn base64_is_what_the_decoder_takes(text in "[AQgwz09+/=]{0,9}|.{0,8}") {
            prop_assert_eq!(is_base64(&text), STANDARD.decode(&text).is_ok(), "{}", text);
        }

        #[test]
        fn what_was_encoded_is_base64(bytes: Vec<u8>) {
            prop_assert!(is_base64(&STANDARD.encode(bytes)));
        }
    }
}
