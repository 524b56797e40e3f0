//! One of several variants as one of several elements.

use std::borrow::Cow;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::{Null, Writer, body::Written, parser, record::Record};
use crate::shape::{Content, TypeId, Variant, VariantForm};

#[derive(Clone, Copy)]
pub(super) struct Choice<'s> {
    pub(super) id: TypeId,
    pub(super) variants: &'s [Variant],
}

impl<'s> Choice<'s> {
    /// A variant without value: the JSON is its name.
    pub(super) fn unit<E: Error>(self, writer: &mut Writer<'s, '_>, name: &str) -> Result<Written, E> {
        let variant = self.find(writer, name, |form| matches!(form, VariantForm::Unit(_)))?;
        writer.out.push('>');
        writer.empty_element(&variant.element, false);
        Ok(Written::Content)
    }

    /// A variant that is an object. Its tag is likely to come first, and if so nothing of it is read twice.
    pub(super) fn write<'de, A: MapAccess<'de>>(
        self,
        writer: &mut Writer<'s, '_>,
        mut map: A,
    ) -> Result<Written, A::Error> {
        let tag = self.variants.iter().find_map(|variant| match &variant.form {
            VariantForm::Internal { tag, .. } => Some(tag.as_str()),
            _ => None,
        });
        let mut before: Vec<(Cow<'de, str>, &'de RawValue)> = Vec::new();
        while let Some(Key(name)) = map.next_key()? {
            if tag == Some(&*name) {
                let found = map.next_value_seed(TagOf { writer, choice: self });
                let variant = writer.at(found, || name.into_owned())?;
                return Self::internal(writer, variant, &before, map);
            }
            if tag.is_none() {
                let variant = self.external(writer, &name)?;
                let written = map.next_value_seed(Whole { writer, variant });
                writer.at(written, || name.into_owned())?;
                return match map.next_key::<Key<'de>>()? {
                    None => Ok(Written::Content),
                    Some(_) => Err(writer.stop("is more than one variant")),
                };
            }
            before.push((name, map.next_value()?));
        }
        match (tag, before.as_slice()) {
            (Some(_), [(name, raw)]) if self.is_external(writer, name) => {
                let variant = self.external(writer, name)?;
                let written = Whole { writer, variant }.deserialize(&mut parser(raw));
                let written = writer.parsed(written);
                writer.at(written, || name.to_string()).map(|()| Written::Content)
            }
            (Some(tag), _) => {
                let missing = Err(writer.stop("is missing"));
                writer.at(missing, || tag.to_owned())
            }
            (None, _) => Err(writer.stop("is none of the variants")),
        }
    }

    /// The object itself, of which `before` was read already.
    fn internal<'de, A: MapAccess<'de>>(
        writer: &mut Writer<'s, '_>,
        variant: &'s Variant,
        before: &[(Cow<'de, str>, &'de RawValue)],
        map: A,
    ) -> Result<Written, A::Error> {
        let id = variant.element.value;
        let Content::Record(record) = writer.value(id) else {
            return Err(writer.stop("is a tagged variant that is no object"));
        };
        writer.out.push('>');
        writer.enter(&variant.element)?;
        let mut open = Record { id, record }.open(writer);
        open.tagged(writer);
        for (name, raw) in before {
            open.member(writer, name, raw)?;
        }
        open.rest(writer, map)?;
        if open.close(writer)? == Written::Content {
            writer.end_tag(&variant.element);
        } else {
            writer.out.push_str("/>");
        }
        writer.depth -= 1;
        Ok(Written::Content)
    }

    fn external<E: Error>(self, writer: &mut Writer<'s, '_>, name: &str) -> Result<&'s Variant, E> {
        let found = self.find(writer, name, |form| matches!(form, VariantForm::External(_)));
        writer.at(found, || name.to_owned())
    }

    fn is_external(self, writer: &mut Writer<'s, '_>, name: &str) -> bool {
        self.position(writer, name, |form| matches!(form, VariantForm::External(_))).is_some()
    }

    fn find<E: Error>(
        self,
        writer: &mut Writer<'s, '_>,
        name: &str,
        kind: fn(&VariantForm) -> bool,
    ) -> Result<&'s Variant, E> {
        let found = self.position(writer, name, kind);
        found.ok_or_else(|| writer.stop("is none of the variants"))
    }

    /// Two variants of different forms may have the same name in JSON, though their elements differ.
    fn position(
        self,
        writer: &mut Writer<'s, '_>,
        name: &str,
        kind: fn(&VariantForm) -> bool,
    ) -> Option<&'s Variant> {
        let named = |i: usize| self.variants.get(i).map_or("", |variant| variant.form.name());
        let found = writer.lookup.find(self.id, self.variants.len(), named, name, 0)?;
        let fits = |variant: &&Variant| kind(&variant.form) && variant.form.name() == name;
        self.variants.get(found).filter(fits).or_else(|| self.variants.iter().find(fits))
    }
}

impl VariantForm {
    /// What tells it in JSON.
    fn name(&self) -> &str {
        match self {
            Self::Unit(name) | Self::External(name) => name,
            Self::Internal { value, .. } => value,
        }
    }
}

/// A member's name; borrowed unless it has escapes.
struct Key<'de>(Cow<'de, str>);

impl<'de> serde::Deserialize<'de> for Key<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Name;
        impl<'de> Visitor<'de> for Name {
            type Value = Key<'de>;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("a name")
            }

            fn visit_borrowed_str<E: Error>(self, name: &'de str) -> Result<Key<'de>, E> {
                Ok(Key(Cow::Borrowed(name)))
            }

            fn visit_str<E: Error>(self, name: &str) -> Result<Key<'de>, E> {
                Ok(Key(Cow::Owned(name.to_owned())))
            }
        }
        deserializer.deserialize_str(Name)
    }
}

/// The variant that a tag's value tells.
struct TagOf<'w, 's, 'o> {
    writer: &'w mut Writer<'s, 'o>,
    choice: Choice<'s>,
}

impl<'de, 's> DeserializeSeed<'de> for TagOf<'_, 's, '_> {
    type Value = &'s Variant;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<&'s Variant, D::Error> {
        let Self { writer, choice } = self;
        let found = deserializer.deserialize_str(TagOf { writer: &mut *writer, choice });
        writer.expecting(found, "a string")
    }
}

impl<'s> Visitor<'_> for TagOf<'_, 's, '_> {
    type Value = &'s Variant;

    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("a string")
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<&'s Variant, E> {
        self.choice.find(self.writer, value, |form| matches!(form, VariantForm::Internal { .. }))
    }
}

/// A variant's value as its element, inside the choice's own.
struct Whole<'w, 's, 'o> {
    writer: &'w mut Writer<'s, 'o>,
    variant: &'s Variant,
}

impl<'de> DeserializeSeed<'de> for Whole<'_, '_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        self.writer.out.push('>');
        let null = if self.variant.element.nillable { Null::Nil } else { Null::Refused };
        self.writer.element(&self.variant.element, null, deserializer).map(|_| ())
    }
}
