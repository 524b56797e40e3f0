//! One operation: a service as SOAP shows it.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::{
    compile::{self, Unmappable},
    shape::{Content, Element, Namespace, Shape},
};

/// Document/literal wrapped: the body is one element named after the operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operation {
    /// Also its SOAPAction and the name of the request's element; the reply's is this with `Response`.
    pub name: String,
    pub namespace: String,
    pub documentation: Option<String>,
    pub input: Payload,
    pub output: Payload,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Payload {
    /// JSON by a schema.
    Typed(Shape),
    /// XML as the service gives or takes it.
    Raw,
    /// Nothing at all; as an output: a one-way operation.
    Nothing,
}

/// What an operation is made of.
#[derive(Clone, Copy, Debug)]
pub struct Source<'a> {
    pub name: &'a str,
    pub namespace: &'a str,
    pub documentation: Option<&'a str>,
    /// `None` is a raw payload.
    pub input_schema: Option<&'a Value>,
    pub output_schema: Option<&'a Value>,
}

/// A schema that XML has no image of.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
#[error("the {side} schema has no image in XML at {:?}: {}", .unmappable.path, .unmappable.reason)]
pub struct Unusable {
    pub side: &'static str,
    pub unmappable: Unmappable,
}

impl Operation {
    pub fn of(source: Source<'_>) -> Result<Self, Unusable> {
        let payload = |side, schema: Option<&Value>| match schema {
            None => Ok(Payload::Raw),
            Some(schema) => match compile::shape(schema) {
                Ok(Some(shape)) => within(shape, source.namespace)
                    .map(Payload::Typed)
                    .map_err(|unmappable| Unusable { side, unmappable }),
                Ok(None) => Ok(Payload::Nothing),
                Err(unmappable) => Err(Unusable { side, unmappable }),
            },
        };
        Ok(Self {
            name: source.name.to_owned(),
            namespace: source.namespace.to_owned(),
            documentation: source.documentation.map(str::to_owned),
            input: payload("input", source.input_schema)?,
            output: payload("output", source.output_schema)?,
        })
    }

    /// The element of the reply.
    pub fn response_name(&self) -> String {
        format!("{}Response", self.name)
    }

    /// Whether callers get no more than an acknowledgement.
    pub fn is_one_way(&self) -> bool {
        self.output == Payload::Nothing
    }
}

/// The shape in an operation of this namespace, which a schema may have named too. Refuses what would have two
/// elements of one name then.
fn within(mut shape: Shape, namespace: &str) -> Result<Shape, Unmappable> {
    for found in &mut shape.types {
        let mut elements: Vec<&mut Element> = match &mut found.content {
            Content::Scalar(_) => Vec::new(),
            Content::Record(record) => record.members.iter_mut().map(|member| &mut member.element).collect(),
            Content::Choice(variants) => variants.iter_mut().map(|variant| &mut variant.element).collect(),
            Content::List(element) | Content::Sole(element) => vec![element],
        };
        let mut moved = false;
        for element in &mut elements {
            if matches!(&element.namespace, Namespace::Other(other) if other == namespace) {
                element.namespace = Namespace::Target;
                moved = true;
            }
        }
        let mut names = BTreeSet::new();
        let twice = elements.iter().find(|element| !names.insert((&element.namespace, &element.name)));
        if let Some(element) = twice.filter(|_| moved) {
            let reason = format!("has two elements named {:?} in the operation's namespace", element.name);
            return Err(Unmappable { path: String::new(), reason });
        }
    }
    Ok(shape)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Operation, Source};

    #[test]
    fn a_schema_may_name_the_operations_own_namespace() {
        let of = |namespace: &str, name: &str| {
            let second = json!({"type": "string", "xml": {"name": name, "namespace": "urn:own"}});
            let schema = json!({"type": "object", "properties": {"a": {"type": "string"}, "b": second}});
            let source = Source {
                name: "op",
                namespace,
                documentation: None,
                input_schema: Some(&schema),
                output_schema: None,
            };
            Operation::of(source)
        };
        assert!(of("urn:own", "b").is_ok());
        assert!(of("urn:other", "a").is_ok());
        let refused = of("urn:own", "a").unwrap_err();
        assert!(refused.to_string().contains("two elements named \"a\""), "{refused}");
    }
}
