//! Start tags: the attributes that a record has, and those that SOAP and XML Schema put everywhere.

use super::{
    Reading,
    failure::{Step, invalid},
    names::Known,
    scalar,
};
use crate::{
    namespace,
    shape::{Attribute, Content, Foreign, Record, Scalar, ScalarKind, Type},
    xml::Reader,
};

impl<'s> Reading<'s, '_, '_> {
    /// Whether the element that was just started stands for `null` (XML Schema, part 1, section 2.6.2).
    pub(super) fn is_nil(&self) -> Step<bool> {
        if self.xml.attributes().is_empty() {
            return Ok(false);
        }
        match self.xml.attribute(namespace::XSI, "nil").map(str::trim_ascii) {
            None | Some("false" | "0") => Ok(false),
            Some("true" | "1") => Ok(true),
            Some(_) => Err(invalid("has an xsi:nil that is neither true nor false")),
        }
    }

    /// A value that has no attributes of its own.
    pub(super) fn bare(&self, declared: &Type) -> Step {
        if self.foreign {
            return Ok(());
        }
        for attribute in self.xml.attributes() {
            self.general(declared, self.xml.namespace_of(attribute), attribute.local, &attribute.value)?;
        }
        Ok(())
    }

    /// Writes the members of a record that are attributes.
    pub(super) fn attributes(&mut self, declared: &Type, record: &'s Record, known: &Known<'s>) -> Step {
        let mut last = 0;
        for attribute in self.xml.attributes() {
            let namespace = self.xml.namespace_of(attribute);
            let Some(at) = known.attribute(last, namespace, attribute.local) else {
                if !self.foreign {
                    self.general(declared, namespace, attribute.local, &attribute.value)?;
                }
                continue;
            };
            last = at;
            let own = &record.attributes[at];
            super::push_key(&mut self.out, &own.json);
            let written = match &self.shape.of(own.value).content {
                Content::Scalar(Scalar { kind: ScalarKind::Foreign(Foreign::Name), .. }) => {
                    scalar::push_name(&mut self.out, self.xml, &attribute.value).map_err(Into::into)
                }
                Content::Scalar(of) => scalar::push(&mut self.out, of, &attribute.value),
                _ => Err("can't be an attribute".into()),
            };
            written.map_err(|reason| invalid(reason).within(&own.json))?;
        }
        if self.foreign {
            let is_missing = |own: &&Attribute| {
                let namespace = own.namespace.as_deref().unwrap_or_default();
                own.required && self.xml.attribute(namespace, &own.name).is_none()
            };
            if let Some(own) = record.attributes.iter().find(is_missing) {
                return Err(invalid("is missing").within(&own.json));
            }
        }
        Ok(())
    }

    /// An attribute that means something else than a member, or nothing at all here.
    fn general(&self, declared: &Type, uri: &str, local: &str, value: &str) -> Step {
        match (uri, local) {
            (namespace::XSI, "type") => self.check_type(declared, value),
            (namespace::XSI, "nil" | "schemaLocation" | "noNamespaceSchemaLocation")
            | (namespace::XML | namespace::SOAP_11 | namespace::SOAP_12, _)
            | (namespace::SECURITY_UTILITY, "Id") => Ok(()),
            ("", _) => Err(invalid(format!("has the attribute {local:?}, which is not known here"))),
            _ => {
                let message =
                    format!("has the attribute {local:?} of namespace {uri:?}, which is not known here");
                Err(invalid(message))
            }
        }
    }

    /// Types can't be derived, so that `xsi:type` can only repeat what is declared.
    fn check_type(&self, declared: &Type, value: &str) -> Step {
        let expected = match (&declared.name, &declared.content) {
            (Some(name), _) => Some((self.namespace, name.as_str())),
            (None, Content::Scalar(scalar)) if scalar.values.is_empty() => {
                Some((namespace::XSD, scalar.kind.xsd()))
            }
            (None, _) => None,
        };
        let given = self.xml.resolve(value.trim_ascii());
        match given.is_some() && given == expected {
            true => Ok(()),
            false => Err(invalid(match expected {
                Some((uri, name)) => format!("has an xsi:type other than {name:?} of namespace {uri:?}"),
                None => "has an xsi:type, but its type has no name".to_owned(),
            })),
        }
    }
}

/// Why the element that was just started is none of those with these names.
pub(super) fn unknown<'s>(
    xml: &Reader<'_>,
    target: &str,
    mut elements: impl Iterator<Item = (&'s str, &'s str)>,
) -> String {
    let (namespace, local) = (xml.namespace(), xml.local());
    let quoted =
        |uri: &str| if uri.is_empty() { "no namespace".to_owned() } else { format!("namespace {uri:?}") };
    match elements.find(|(_, name)| *name == local) {
        Some((expected, _)) => {
            format!("has the element {local:?} in {} instead of {}", quoted(namespace), quoted(expected))
        }
        None if namespace == target => format!("has the element {local:?}, which is not known here"),
        None => format!("has the element {local:?} of {}, which is not known here", quoted(namespace)),
    }
}
