//! The operations that one address offers, fit to be told in one WSDL.

mod globals;
mod naming;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

pub(crate) use self::globals::{Global, Kind, globals};
use crate::{
    namespace,
    operation::{Operation, Payload},
    shape::{Member, Occurs, Shape},
};

/// Operations whose names, elements and types don't contradict each other.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Address {
    name: String,
    operations: Vec<Operation>,
}

/// What two operations can't share, or one can't have.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum Conflict {
    #[error("two operations are named {0:?}")]
    Operation(String),
    #[error(
        "the operation's name {0:?} can't name an element: letters, digits, \"-\", \"_\" and \".\" are \
         possible, the first of them a letter or \"_\""
    )]
    Name(String),
    #[error("the namespace {0:?} is not for operations and their schemas")]
    Namespace(String),
    #[error("the element {name:?} of {namespace:?} would be that of {first} and that of {second}")]
    Element { namespace: String, name: String, first: String, second: String },
    #[error("the {kind} {name:?} of {namespace:?} is of one type in {first} and of another in {second}")]
    Type { kind: &'static str, namespace: String, name: String, first: String, second: String },
}

impl Address {
    /// Whatever the order of `operations`, the same comes of them. Gives their types the names that WSDL tells and
    /// `xsi:type` may use. `name` names the WSDL's service; what no name may have is replaced by `_`.
    pub fn new(name: &str, mut operations: Vec<Operation>) -> Result<Self, Conflict> {
        operations.sort_by(|a, b| a.name.cmp(&b.name));
        for pair in operations.windows(2) {
            if let [first, second] = pair
                && first.name == second.name
            {
                return Err(Conflict::Operation(first.name.clone()));
            }
        }
        for operation in &operations {
            if !is_name(&operation.name) {
                return Err(Conflict::Name(operation.name.clone()));
            }
            if is_reserved(&operation.namespace) {
                return Err(Conflict::Namespace(operation.namespace.clone()));
            }
        }
        let wrappers = wrappers(&operations)?;
        naming::name(&mut operations);
        for ((_, namespace, name), global) in globals(&operations)? {
            if is_reserved(namespace) {
                return Err(Conflict::Namespace(namespace.to_owned()));
            }
            if let (Kind::Element, Some(wrapper)) =
                (global.kind, wrappers.get(&(namespace.into(), name.into())))
            {
                return Err(Conflict::Element {
                    namespace: namespace.to_owned(),
                    name: name.to_owned(),
                    first: wrapper.clone(),
                    second: global.owner(),
                });
            }
        }
        Ok(Self { name: to_name(name), operations })
    }

    /// An NCName.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// By name.
    pub fn operations(&self) -> &[Operation] {
        &self.operations
    }
}

impl Operation {
    /// Its typed payloads, as `input` and `output`.
    pub(crate) fn shapes(&self) -> impl Iterator<Item = (&'static str, &Shape)> {
        [("input", &self.input), ("output", &self.output)].into_iter().filter_map(|(side, payload)| {
            match payload {
                Payload::Typed(shape) => Some((side, shape)),
                _ => None,
            }
        })
    }

    fn shapes_mut(&mut self) -> impl Iterator<Item = &mut Shape> {
        [&mut self.input, &mut self.output].into_iter().filter_map(|payload| match payload {
            Payload::Typed(shape) => Some(shape),
            _ => None,
        })
    }
}

impl Member {
    /// Whether its element can have `xsi:nil`: also in place of an array that is `null`.
    pub(crate) fn is_nillable(&self) -> bool {
        self.element.nillable || (self.occurs == Occurs::Repeated && self.required && self.nullable)
    }
}

/// The elements of requests and replies, and whose they are.
fn wrappers(operations: &[Operation]) -> Result<BTreeMap<(String, String), String>, Conflict> {
    let mut wrappers: BTreeMap<(String, String), String> = BTreeMap::new();
    for operation in operations {
        let request = (operation.name.clone(), "request");
        let reply = (!operation.is_one_way()).then(|| (operation.response_name(), "reply"));
        for (name, what) in [Some(request), reply].into_iter().flatten() {
            let owner = format!("operation {}'s {what}", operation.name);
            let key = (operation.namespace.clone(), name);
            if let Some(first) = wrappers.get(&key) {
                let ((namespace, name), first) = (key, first.clone());
                return Err(Conflict::Element { namespace, name, first, second: owner });
            }
            wrappers.insert(key, owner);
        }
    }
    Ok(wrappers)
}

/// Namespaces that schemas can't define anything in, or in which the bus does.
fn is_reserved(namespace: &str) -> bool {
    matches!(
        namespace,
        "" | namespace::XML
            | namespace::XSI
            | namespace::XSD
            | namespace::FAULT
            | "http://www.w3.org/2000/xmlns/"
    )
}

/// What all clients take for the name of an element and of what they generate for it.
fn is_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') && name.chars().all(continues_name)
}

fn continues_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.')
}

fn to_name(name: &str) -> String {
    let mut made: String = name.chars().map(|c| if continues_name(c) { c } else { '_' }).collect();
    if !is_name(&made) {
        made.insert(0, '_');
    }
    made
}
