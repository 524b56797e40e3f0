//! One operation: a service as SOAP shows it.

use serde_json::Value;

use crate::{
    compile::{self, Unmappable},
    shape::Shape,
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
                Ok(Some(shape)) => Ok(Payload::Typed(shape)),
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
