//! A JSON object with members, in any order, as attributes and then elements in the order of declaration.

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::{
    Null, Writer,
    body::{Body, Repeated, Written},
    parser,
    scalar::{ScalarValue, TagValue},
};
use crate::{
    escape::{Place, escape_lossy},
    namespace,
    shape::{self, Attribute, Content, Member, Occurs, TypeId},
};

#[derive(Clone, Copy)]
pub(super) struct Record<'s> {
    pub(super) id: TypeId,
    pub(super) record: &'s shape::Record,
}

/// What one member of the JSON object became: bytes of the output. Attributes are not among them, and empty.
#[derive(Clone, Copy)]
pub(super) struct Span {
    slot: usize,
    start: usize,
    end: usize,
}

/// A record that is being written.
pub(super) struct Open<'s> {
    record: Record<'s>,
    /// Where its spans begin in [`Writer::spans`].
    spans: usize,
    /// Where its elements begin: behind the start tag. None while attributes can be appended to it.
    content: Option<usize>,
    /// Attributes that came after the first element.
    late: String,
    likely: usize,
    in_order: bool,
}

impl<'s> Record<'s> {
    pub(super) fn write<'de, A: MapAccess<'de>>(
        self,
        writer: &mut Writer<'s, '_>,
        map: A,
    ) -> Result<Written, A::Error> {
        let mut open = self.open(writer);
        open.rest(writer, map)?;
        open.close(writer)
    }

    pub(super) fn open(self, writer: &Writer<'s, '_>) -> Open<'s> {
        Open {
            record: self,
            spans: writer.spans.len(),
            content: None,
            late: String::new(),
            likely: 0,
            in_order: true,
        }
    }

    /// How many names it has: attributes are numbered first, then members, then the tag.
    fn names(self) -> usize {
        self.record.attributes.len() + self.record.members.len() + usize::from(self.record.tag.is_some())
    }

    fn name(self, slot: usize) -> &'s str {
        match self.slot(slot) {
            Slot::Attribute(attribute) => &attribute.json,
            Slot::Member(member) => &member.json,
            Slot::Tag(tag, _) => tag,
            Slot::None => "",
        }
    }

    fn slot(self, slot: usize) -> Slot<'s> {
        let shape::Record { attributes, members, tag } = self.record;
        if let Some(attribute) = attributes.get(slot) {
            return Slot::Attribute(attribute);
        }
        match (members.get(slot - attributes.len()), tag) {
            (Some(member), _) => Slot::Member(member),
            (None, Some((tag, value))) => Slot::Tag(tag, value),
            (None, None) => Slot::None,
        }
    }
}

#[derive(Clone, Copy)]
enum Slot<'s> {
    Attribute(&'s Attribute),
    Member(&'s Member),
    Tag(&'s str, &'s str),
    None,
}

impl<'s> Open<'s> {
    /// Writes what the object has still.
    pub(super) fn rest<'de, A: MapAccess<'de>>(
        &mut self,
        writer: &mut Writer<'s, '_>,
        mut map: A,
    ) -> Result<(), A::Error> {
        while let Some(slot) = map.next_key_seed(Name { writer, open: self })? {
            self.likely = slot + 1;
            map.next_value_seed(Value { writer, open: self, slot })?;
        }
        Ok(())
    }

    /// Writes a member that was read before.
    pub(super) fn member<E: Error>(
        &mut self,
        writer: &mut Writer<'s, '_>,
        name: &str,
        raw: &RawValue,
    ) -> Result<(), E> {
        let slot = self.find(writer, name)?;
        self.likely = slot + 1;
        let written = Value { writer, open: self, slot }.deserialize(&mut parser(raw));
        writer.parsed(written)
    }

    /// Counts the tag as seen, whose value was looked at before.
    pub(super) fn tagged(&mut self, writer: &mut Writer<'s, '_>) {
        if self.record.record.tag.is_some() {
            let slot = self.record.names() - 1;
            self.note(writer, slot, 0);
        }
    }

    fn find<E: Error>(&self, writer: &mut Writer<'s, '_>, name: &str) -> Result<usize, E> {
        let record = self.record;
        let found =
            writer.lookup.find(record.id, record.names(), |slot| record.name(slot), name, self.likely);
        let found = found.ok_or_else(|| writer.stop("has no image in XML: the schema does not have it"));
        writer.at(found, || name.to_owned())
    }

    /// Notes that `slot` was written from `start` on.
    fn note(&mut self, writer: &mut Writer<'s, '_>, slot: usize, start: usize) {
        let end = if start == 0 { 0 } else { writer.out.len() };
        if let Some(last) = writer.spans.get(self.spans..).and_then(<[Span]>::last) {
            self.in_order &= last.slot < slot;
        }
        writer.spans.push(Span { slot, start, end });
    }

    fn write<'de, D: Deserializer<'de>>(
        &mut self,
        writer: &mut Writer<'s, '_>,
        slot: usize,
        deserializer: D,
    ) -> Result<(), D::Error> {
        match self.record.slot(slot) {
            Slot::Attribute(attribute) => {
                self.attribute(writer, slot, attribute, deserializer)?;
                self.note(writer, slot, 0);
            }
            Slot::Member(member) => {
                if self.content.is_none() {
                    writer.out.push('>');
                    self.content = Some(writer.out.len());
                }
                let start = writer.out.len();
                element(writer, member, deserializer)?;
                self.note(writer, slot, start);
            }
            Slot::Tag(_, value) => {
                TagValue { writer, value }.deserialize(deserializer)?;
                self.note(writer, slot, 0);
            }
            Slot::None => {}
        }
        Ok(())
    }

    fn attribute<'de, D: Deserializer<'de>>(
        &mut self,
        writer: &mut Writer<'s, '_>,
        slot: usize,
        attribute: &'s Attribute,
        deserializer: D,
    ) -> Result<(), D::Error> {
        let Content::Scalar(scalar) = writer.value(attribute.value) else {
            return Err(writer.stop("is an attribute that is no scalar"));
        };
        let start = writer.out.len();
        attribute_name(writer.out, attribute, slot);
        writer.out.push_str("=\"");
        let null = attribute.nullable && !attribute.required;
        let value = ScalarValue { writer, id: attribute.value, scalar, place: Place::Attribute, null };
        if value.deserialize(deserializer)? == Written::Null {
            writer.out.truncate(start);
            return Ok(());
        }
        writer.out.push('"');
        if self.content.is_some() {
            self.late.push_str(writer.out.get(start..).unwrap_or_default());
            writer.out.truncate(start);
        }
        Ok(())
    }

    pub(super) fn close<E: Error>(self, writer: &mut Writer<'s, '_>) -> Result<Written, E> {
        if !self.in_order {
            writer.spans[self.spans..].sort_by_key(|span| span.slot);
        }
        self.complete(writer)?;
        let Some(content) = self.content else {
            writer.spans.truncate(self.spans);
            return Ok(Written::Empty);
        };
        let spans = &writer.spans[self.spans..];
        if !self.in_order && !elements(spans).is_sorted_by_key(|span| span.start) {
            writer.scratch.clear();
            for span in elements(spans) {
                writer.scratch.push_str(writer.out.get(span.start..span.end).unwrap_or_default());
            }
            writer.out.truncate(content);
            writer.out.push_str(&writer.scratch);
        }
        writer.spans.truncate(self.spans);
        if !self.late.is_empty() {
            writer.out.insert_str(content - 1, &self.late);
        }
        if writer.out.len() == content + self.late.len() {
            writer.out.pop();
            return Ok(Written::Empty);
        }
        Ok(Written::Content)
    }

    /// Refuses a record with a member twice, or without one that it must have.
    fn complete<E: Error>(&self, writer: &mut Writer<'s, '_>) -> Result<(), E> {
        let mut spans = writer.spans[self.spans..].iter().map(|span| span.slot);
        let mut next = spans.next();
        for slot in 0..self.record.names() {
            let required = match self.record.slot(slot) {
                Slot::Attribute(attribute) => attribute.required,
                Slot::Member(member) => member.required,
                Slot::Tag(..) => true,
                Slot::None => false,
            };
            if next == Some(slot) {
                next = spans.next();
                if next != Some(slot) {
                    continue;
                }
            } else if !required {
                continue;
            }
            let stopped = Err(writer.stop(match next {
                Some(twice) if twice == slot => "is there twice",
                _ => "is missing",
            }));
            return writer.at(stopped, || self.record.name(slot).to_owned());
        }
        Ok(())
    }
}

/// With a prefix of its own where it is in a namespace: the default one is none of an attribute's.
fn attribute_name(out: &mut String, attribute: &Attribute, slot: usize) {
    out.push(' ');
    if let Some(namespace) = &attribute.namespace {
        // No other prefix may stand for it (Namespaces in XML 1.0, section 3).
        if namespace == namespace::XML {
            out.push_str("xml:");
            out.push_str(&attribute.name);
            return;
        }
        let prefix = format!("a{}", slot + 1);
        out.push_str("xmlns:");
        out.push_str(&prefix);
        out.push_str("=\"");
        escape_lossy(out, namespace, Place::Attribute);
        out.push_str("\" ");
        out.push_str(&prefix);
        out.push(':');
    }
    out.push_str(&attribute.name);
}

fn elements(spans: &[Span]) -> impl Iterator<Item = &Span> {
    spans.iter().filter(|span| span.start != 0)
}

fn element<'de, 's, D: Deserializer<'de>>(
    writer: &mut Writer<'s, '_>,
    member: &'s Member,
    deserializer: D,
) -> Result<(), D::Error> {
    let null = match (member.nullable || member.element.nillable, member.required) {
        (false, _) => Null::Refused,
        (true, false) => Null::Omitted,
        (true, true) => Null::Nil,
    };
    match member.occurs {
        // The tag was closed for elements, of which there are none: an empty text leaves it open.
        Occurs::Content => {
            writer.out.pop();
            let body = Body { writer: &mut *writer, id: member.element.value, null: false };
            if body.deserialize(deserializer)? != Written::Content {
                writer.out.push('>');
            }
            Ok(())
        }
        Occurs::Once => writer.element(&member.element, null, deserializer).map(|_| ()),
        Occurs::Repeated => {
            // Whether its items may be null is another matter.
            let null = if member.nullable { null } else { Null::Refused };
            Repeated { writer, element: &member.element, null }.deserialize(deserializer)
        }
    }
}

/// The name of a member, told as its slot.
struct Name<'w, 's, 'o> {
    writer: &'w mut Writer<'s, 'o>,
    open: &'w Open<'s>,
}

impl<'de> DeserializeSeed<'de> for Name<'_, '_, '_> {
    type Value = usize;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<usize, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Name<'_, '_, '_> {
    type Value = usize;

    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("a name")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<usize, E> {
        self.open.find(self.writer, name)
    }
}

/// The value of a member.
struct Value<'w, 's, 'o> {
    writer: &'w mut Writer<'s, 'o>,
    open: &'w mut Open<'s>,
    slot: usize,
}

impl<'de> DeserializeSeed<'de> for Value<'_, '_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        let Self { writer, open, slot } = self;
        let written = open.write(writer, slot, deserializer);
        writer.at(written, || open.record.name(slot).to_owned())
    }
}
