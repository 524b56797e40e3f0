//! The operations of a binding, as the documents describe them.

use std::collections::{HashMap, HashSet};

use busbar_model::bounds::WSDL_OPERATIONS_MAX;

use super::{Bound, Definitions, Item, Kind};
use crate::{
    client::{
        Refused,
        tree::{Node, QName, Space},
    },
    version::Version,
    xml::is_ncname,
};

/// An operation, or why it can't be called.
pub(in crate::client) struct Described<'d> {
    pub(in crate::client) name: String,
    pub(in crate::client) documentation: Option<String>,
    /// SOAPAction; empty for none.
    pub(in crate::client) action: String,
    pub(in crate::client) addressing_action: Option<String>,
    pub(in crate::client) input: Result<Body, Refused>,
    /// `None`: it is one-way.
    pub(in crate::client) output: Option<Result<Body, Refused>>,
    /// Names of the faults, and the elements of their details.
    pub(in crate::client) faults: Vec<(String, QName)>,
    /// Elements of the header blocks that are declared for requests.
    pub(in crate::client) headers: Vec<QName>,
    pub(in crate::client) place: Item<'d>,
}

/// What stands in a Body.
#[derive(Clone, Debug)]
pub(in crate::client) enum Body {
    Nothing,
    Element(QName),
    /// An element named after the operation, in a namespace, with an element for each part: its name and its type.
    Rpc {
        namespace: String,
        parts: Vec<(String, QName)>,
    },
}

/// Of one operation: more than anybody declares, since each is looked for among the other's.
const HEADERS_MAX: usize = 32;
const PARTS_MAX: usize = 1_000;
const FAULTS_MAX: usize = 100;

pub(super) fn space(version: Version) -> Space {
    match version {
        Version::V11 => Space::Soap11,
        Version::V12 => Space::Soap12,
    }
}

pub(in crate::client) fn described<'d>(
    definitions: &Definitions<'d>,
    bound: &Bound<'d>,
) -> Result<Vec<Described<'d>>, Refused> {
    let binding = bound.binding;
    let port_type = definitions.named(binding.source, binding.node, "type", Kind::PortType)?;
    let mut declared = HashMap::new();
    for node in port_type.node.each(Space::Wsdl, "operation") {
        declared.entry(node.get("name").unwrap_or_default()).or_insert(node);
    }
    let mut operations: Vec<Described<'d>> = Vec::new();
    let mut names = HashSet::new();
    for node in binding.node.each(Space::Wsdl, "operation") {
        let item = Item { source: binding.source, node };
        if operations.len() >= WSDL_OPERATIONS_MAX {
            let text = format!("the binding has more than {WSDL_OPERATIONS_MAX} operations");
            return Err(definitions.refuse(item, text));
        }
        let name = node.get("name").unwrap_or_default();
        let declared = declared.get(name).copied();
        let mut operation = Reading { definitions, bound, port_type, item, declared }.operation(name);
        if !names.insert(name) {
            operation.input = Err(definitions.refuse(item, "another operation has the same name"));
        }
        operations.push(operation);
    }
    match operations.is_empty() {
        true => Err(definitions.refuse(binding, "the binding has no operation")),
        false => Ok(operations),
    }
}

struct Reading<'r, 'd> {
    definitions: &'r Definitions<'d>,
    bound: &'r Bound<'d>,
    port_type: Item<'d>,
    /// The operation in the binding.
    item: Item<'d>,
    /// The same in the port type.
    declared: Option<&'d Node<'d>>,
}

impl<'d> Reading<'_, 'd> {
    fn operation(&self, name: &str) -> Described<'d> {
        let declared = self.declared;
        let space = space(self.bound.version);
        let soap = self.item.node.child(space, "operation");
        let rpc = soap.and_then(|soap| soap.get("style")).map_or(self.bound.rpc, |style| style == "rpc");
        let way = |local| declared.and_then(|declared| declared.child(Space::Wsdl, local));
        let body = |local, node| self.body(name, local, node, rpc);
        let input = match (declared, way("input")) {
            (None, _) => Err(self.refuse(format!("the port type has no operation {name:?}"))),
            (Some(_), None) => Err(self.refuse("an operation that only the service begins")),
            (Some(_), Some(node)) => body("input", node),
        };
        let action = soap.and_then(|soap| soap.get("soapAction")).unwrap_or_default().to_owned();
        let mut headers = Vec::new();
        if let Some(input) = self.item.node.child(Space::Wsdl, "input") {
            headers.extend(
                input.each(space, "header").take(HEADERS_MAX).filter_map(|header| self.header(header)),
            );
        }
        Described {
            documentation: declared.and_then(|declared| declared.documentation.clone()),
            addressing_action: way("input").and_then(Node::addressing_action).map(str::to_owned),
            output: way("output").map(|node| body("output", node)),
            faults: declared.map(|declared| self.faults(declared)).unwrap_or_default(),
            place: self.item,
            name: name.to_owned(),
            action,
            input,
            headers,
        }
    }

    fn refuse(&self, text: impl AsRef<str>) -> Refused {
        self.definitions.refuse(self.item, text)
    }

    /// What an input or output that the port type declares (`node`) is in a Body.
    fn body(&self, name: &str, local: &str, node: &Node<'_>, rpc: bool) -> Result<Body, Refused> {
        let message = self.definitions.named(self.port_type.source, node, "message", Kind::Message)?;
        let way = self.item.node.child(Space::Wsdl, local);
        let soap = way.and_then(|way| way.child(space(self.bound.version), "body"));
        let Some(soap) = soap else {
            return Err(self.refuse(format!("the {local} of {name:?} has no soap:body: is it MIME?")));
        };
        let refuse_soap = |text: &str| self.definitions.sources[self.item.source].refuse(soap.offset, text);
        if soap.get("use") == Some("encoded") {
            return Err(refuse_soap("use=\"encoded\" is not supported: SOAP encoding has no schema"));
        }
        let listed: Option<Vec<&str>> =
            soap.get("parts").map(|parts| parts.split_ascii_whitespace().take(PARTS_MAX).collect());
        let is_ours = |part: &&Node<'d>| {
            let name = part.get("name").unwrap_or_default();
            listed.as_ref().is_none_or(|listed| listed.contains(&name))
                && !self.is_header(local, message, name)
        };
        let parts = message.node.each(Space::Wsdl, "part").take(PARTS_MAX);
        let parts: Vec<&Node<'d>> = parts.filter(is_ours).collect();
        let source = &self.definitions.sources[message.source];
        if rpc {
            if !is_ncname(name) {
                return Err(self.refuse(format!("{name:?} is no name")));
            }
            let namespace = soap.get("namespace").unwrap_or_default().to_owned();
            let typed = |part: &&Node<'d>| {
                let named = part.name("type").map_err(|text| source.refuse(part.offset, text))?;
                let named = named.ok_or_else(|| {
                    source.refuse(part.offset, "a part of an rpc operation that has no type")
                })?;
                Ok((part.get("name").unwrap_or_default().to_owned(), named.clone()))
            };
            return Ok(Body::Rpc { namespace, parts: parts.iter().map(typed).collect::<Result<_, _>>()? });
        }
        match parts.as_slice() {
            [] => Ok(Body::Nothing),
            [part] => match part.name("element").map_err(|text| source.refuse(part.offset, text))? {
                Some(element) => Ok(Body::Element(element.clone())),
                None => Err(source.refuse(part.offset, "a part of a document operation that has no element")),
            },
            [_, second, ..] => {
                Err(source.refuse(second.offset, "a Body of several parts in style \"document\""))
            }
        }
    }

    /// Whether the part of a message is bound to a header.
    fn is_header(&self, local: &str, message: Item<'_>, part: &str) -> bool {
        let Some(way) = self.item.node.child(Space::Wsdl, local) else { return false };
        way.each(space(self.bound.version), "header").take(HEADERS_MAX).any(|header| {
            let named = header.name("message").ok().flatten();
            header.get("part") == Some(part)
                && named.is_some_and(|named| message.node.get("name") == Some(&named.local))
        })
    }

    fn header(&self, header: &Node<'_>) -> Option<QName> {
        let message = self.definitions.named(self.item.source, header, "message", Kind::Message).ok()?;
        let wanted = header.get("part")?;
        let part = message
            .node
            .each(Space::Wsdl, "part")
            .take(PARTS_MAX)
            .find(|part| part.get("name") == Some(wanted))?;
        part.name("element").ok().flatten().cloned()
    }

    /// Those whose detail is an element; others are told as XML alone.
    fn faults(&self, declared: &Node<'d>) -> Vec<(String, QName)> {
        let element = |fault: &Node<'d>| {
            let message =
                self.definitions.named(self.port_type.source, fault, "message", Kind::Message).ok()?;
            let part = message.node.child(Space::Wsdl, "part")?;
            let element = part.name("element").ok().flatten()?;
            Some((fault.get("name").unwrap_or(&element.local).to_owned(), element.clone()))
        };
        declared.each(Space::Wsdl, "fault").take(FAULTS_MAX).filter_map(element).collect()
    }
}
