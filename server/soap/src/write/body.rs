//! What stands in an element: text, members, items or one of several elements.

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use super::{Null, Writer, choice::Choice, record::Record, scalar::ScalarValue};
use crate::{
    escape::Place,
    shape::{Content, Element, TypeId},
};

/// How far an element's start tag is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Written {
    /// It is closed, and content follows it.
    Content,
    /// It is open still; there is no content.
    Empty,
    /// It is open still, and the JSON is `null`.
    Null,
}

/// The content of an element whose start tag was begun.
pub(super) struct Body<'w, 's, 'o> {
    pub(super) writer: &'w mut Writer<'s, 'o>,
    pub(super) id: TypeId,
    /// Whether JSON may be `null`.
    pub(super) null: bool,
}

impl<'de> DeserializeSeed<'de> for Body<'_, '_, '_> {
    type Value = Written;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Written, D::Error> {
        let Self { writer, id, null } = self;
        match writer.value(id) {
            Content::Scalar(scalar) => {
                ScalarValue { writer, id, scalar, place: Place::Content, null }.deserialize(deserializer)
            }
            Content::Record(record) => {
                let visitor = Visit { writer: &mut *writer, null, kind: Kind::Record(Record { id, record }) };
                let written = deserializer.deserialize_any(visitor);
                writer.expecting(written, "an object")
            }
            Content::Choice(variants) => {
                let visitor =
                    Visit { writer: &mut *writer, null, kind: Kind::Choice(Choice { id, variants }) };
                let written = deserializer.deserialize_any(visitor);
                writer.expecting(written, "one of the variants")
            }
            Content::List(item) => {
                let visitor = Visit { writer: &mut *writer, null, kind: Kind::List(item) };
                let written = deserializer.deserialize_any(visitor);
                writer.expecting(written, "an array")
            }
            Content::Sole(element) => sole(writer, element, null, deserializer),
        }
    }
}

/// One element for a value that is no object. A `null` is told by it where it can, else by what is around it.
fn sole<'de, 's, D: Deserializer<'de>>(
    writer: &mut Writer<'s, '_>,
    element: &'s Element,
    null: bool,
    deserializer: D,
) -> Result<Written, D::Error> {
    let start = writer.out.len();
    writer.out.push('>');
    let treated = match (element.nillable, null) {
        (true, _) => Null::Nil,
        (false, true) => Null::Omitted,
        (false, false) => Null::Refused,
    };
    let was_null = writer.element(element, treated, deserializer)?;
    if was_null && treated == Null::Omitted {
        writer.out.truncate(start);
        return Ok(Written::Null);
    }
    Ok(Written::Content)
}

enum Kind<'s> {
    Record(Record<'s>),
    Choice(Choice<'s>),
    List(&'s Element),
}

struct Visit<'w, 's, 'o> {
    writer: &'w mut Writer<'s, 'o>,
    null: bool,
    kind: Kind<'s>,
}

impl<'de> Visitor<'de> for Visit<'_, '_, '_> {
    type Value = Written;

    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("another type")
    }

    fn visit_unit<E: Error>(self) -> Result<Written, E> {
        if self.null { Ok(Written::Null) } else { Err(self.writer.stop("is null, which it may not be")) }
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Written, E> {
        match self.kind {
            Kind::Choice(choice) => choice.unit(self.writer, text),
            _ => Err(E::custom("text")),
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Written, A::Error> {
        match self.kind {
            Kind::Record(record) => record.write(self.writer, map),
            Kind::Choice(choice) => choice.write(self.writer, map),
            Kind::List(_) => Err(A::Error::custom("an object")),
        }
    }

    fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<Written, A::Error> {
        let Kind::List(element) = self.kind else { return Err(A::Error::custom("an array")) };
        let writer = self.writer;
        let start = writer.out.len();
        writer.out.push('>');
        if write_items(writer, element, items)? == 0 {
            writer.out.truncate(start);
            return Ok(Written::Empty);
        }
        Ok(Written::Content)
    }
}

/// Writes an element for each item, and tells how many there were.
fn write_items<'de, 's, A: SeqAccess<'de>>(
    writer: &mut Writer<'s, '_>,
    element: &'s Element,
    mut items: A,
) -> Result<usize, A::Error> {
    let mut count: usize = 0;
    while items.next_element_seed(Item { writer, element, index: count })?.is_some() {
        count += 1;
    }
    Ok(count)
}

struct Item<'w, 's, 'o> {
    writer: &'w mut Writer<'s, 'o>,
    element: &'s Element,
    index: usize,
}

impl<'de> DeserializeSeed<'de> for Item<'_, '_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        let null = if self.element.nillable { Null::Nil } else { Null::Refused };
        let written = self.writer.element(self.element, null, deserializer);
        self.writer.at(written, || self.index.to_string()).map(|_| ())
    }
}

/// A member's array whose items are elements without one around them.
pub(super) struct Repeated<'w, 's, 'o> {
    pub(super) writer: &'w mut Writer<'s, 'o>,
    pub(super) element: &'s Element,
    pub(super) null: Null,
}

impl<'de> DeserializeSeed<'de> for Repeated<'_, '_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        let Self { writer, element, null } = self;
        let written = deserializer.deserialize_any(Repeated { writer: &mut *writer, element, null });
        writer.expecting(written, "an array")
    }
}

impl<'de> Visitor<'de> for Repeated<'_, '_, '_> {
    type Value = ();

    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("an array")
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        match self.null {
            Null::Refused => return Err(self.writer.stop("is null, which it may not be")),
            Null::Omitted => {}
            Null::Nil => self.writer.empty_element(self.element, true),
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<(), A::Error> {
        write_items(self.writer, self.element, items).map(|_| ())
    }
}
