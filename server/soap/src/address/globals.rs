//! Elements and attributes in namespaces of a schema's own choice. XSD declares these once for each namespace, whoever
//! uses them, so all users have to agree.

use std::collections::BTreeMap;

use super::Conflict;
use crate::{
    operation::Operation,
    shape::{Content, Namespace, Shape, TypeId},
};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Element,
    Attribute,
}

/// One declaration, as its first user has it.
#[derive(Clone, Copy)]
pub(crate) struct Global<'a> {
    pub(crate) kind: Kind,
    pub(crate) operation: &'a Operation,
    pub(crate) side: &'static str,
    pub(crate) shape: &'a Shape,
    pub(crate) value: TypeId,
    pub(crate) nillable: bool,
}

/// By kind, namespace and name.
pub(crate) type Globals<'a> = BTreeMap<(Kind, &'a str, &'a str), Global<'a>>;

/// All declarations of `operations`, whose types have their names already.
pub(crate) fn globals(operations: &[Operation]) -> Result<Globals<'_>, Conflict> {
    let mut globals = Globals::new();
    for operation in operations {
        for (side, shape) in operation.shapes() {
            for found in &shape.types {
                each(&found.content, |kind, namespace, name, value, nillable| {
                    let global = Global { kind, operation, side, shape, value, nillable };
                    let first = *globals.entry((kind, namespace, name)).or_insert(global);
                    if first.agrees(&global) {
                        return Ok(());
                    }
                    Err(Conflict::Type {
                        kind: if kind == Kind::Element { "element" } else { "attribute" },
                        namespace: namespace.to_owned(),
                        name: name.to_owned(),
                        first: first.owner(),
                        second: global.owner(),
                    })
                })?;
            }
        }
    }
    Ok(globals)
}

/// Calls `found` with kind, namespace, name, type and whether it is nillable.
fn each<'a>(
    content: &'a Content,
    mut found: impl FnMut(Kind, &'a str, &'a str, TypeId, bool) -> Result<(), Conflict>,
) -> Result<(), Conflict> {
    super::naming::elements(content, |element, nillable| match &element.namespace {
        Namespace::Target => Ok(()),
        Namespace::Other(namespace) => {
            found(Kind::Element, namespace, &element.name, element.value, nillable)
        }
        Namespace::Prefixed { uri, .. } => found(Kind::Element, uri, &element.name, element.value, nillable),
    })?;
    if let Content::Record(record) = content {
        for attribute in &record.attributes {
            if let Some(namespace) = &attribute.namespace {
                found(Kind::Attribute, namespace, &attribute.name, attribute.value, false)?;
            }
        }
    }
    Ok(())
}

impl Global<'_> {
    /// For people.
    pub(crate) fn owner(&self) -> String {
        format!("operation {}'s {}", self.operation.name, self.side)
    }

    /// All types but scalars have names, so that equal ones are easily told.
    fn agrees(&self, other: &Self) -> bool {
        let (own, others) = (self.shape.of(self.value), other.shape.of(other.value));
        let is_same = match ((&own.name, &own.content), (&others.name, &others.content)) {
            ((None, Content::Scalar(own)), (None, Content::Scalar(others))) => {
                own.kind.xsd() == others.kind.xsd() && own.values == others.values
            }
            ((Some(own), _), (Some(others), _)) => {
                own == others && self.operation.namespace == other.operation.namespace
            }
            _ => false,
        };
        is_same && self.nillable == other.nillable
    }
}
