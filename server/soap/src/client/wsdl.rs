//! Services, ports and what they are bound to (WSDL 1.1, sections 2 and 3).

mod choose;
mod operations;

pub(super) use self::{
    choose::{Bound, choose},
    operations::{Body, Described, described},
};

use std::collections::HashMap;

use super::{
    Refused,
    tree::{Names, Node, QName, Source, Space},
};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Kind {
    Message,
    PortType,
    Binding,
}

/// Something that is declared in a WSDL.
#[derive(Clone, Copy)]
pub(super) struct Item<'d> {
    pub(super) source: usize,
    pub(super) node: &'d Node<'d>,
}

/// What all documents that are WSDL declare.
pub(super) struct Definitions<'d> {
    pub(super) sources: &'d [Source<'d>],
    items: HashMap<(Kind, QName), Item<'d>>,
    services: Vec<Item<'d>>,
}

impl<'d> Definitions<'d> {
    pub(super) fn of(sources: &'d [Source<'d>], names: &mut Names) -> Result<Self, Refused> {
        let mut made = Self { sources, items: HashMap::new(), services: Vec::new() };
        for (source, read) in sources.iter().enumerate() {
            if !read.root.is(Space::Wsdl, "definitions") {
                continue;
            }
            let namespace = names.of(read.root.get("targetNamespace").unwrap_or_default());
            for node in read.root.children.iter().filter(|child| child.space == Space::Wsdl) {
                let kind = match node.local {
                    "message" => Kind::Message,
                    "portType" => Kind::PortType,
                    "binding" => Kind::Binding,
                    "service" => {
                        made.services.push(Item { source, node });
                        continue;
                    }
                    _ => continue,
                };
                let Some(name) = node.get("name") else { continue };
                let name = QName { namespace: namespace.clone(), local: names.of(name) };
                made.items.entry((kind, name)).or_insert(Item { source, node });
            }
        }
        match (made.services.is_empty(), sources.first()) {
            (true, Some(first)) => {
                Err(first.refuse(0, "no document has a service: is it the WSDL of a service?"))
            }
            _ => Ok(made),
        }
    }

    /// What the attribute of an element in the document `source` names.
    pub(super) fn named(
        &self,
        source: usize,
        node: &Node<'_>,
        attribute: &str,
        kind: Kind,
    ) -> Result<Item<'d>, Refused> {
        let refuse = |text: String| self.sources[source].refuse(node.offset, text);
        let name = node.name(attribute).map_err(refuse)?;
        let name = name.ok_or_else(|| refuse(format!("{} without {attribute}", node.local)))?;
        let found = self.items.get(&(kind, name.clone())).copied();
        found.ok_or_else(|| refuse(format!("the {attribute} {name} is declared in no document")))
    }

    pub(super) fn refuse(&self, item: Item<'_>, text: impl AsRef<str>) -> Refused {
        self.sources[item.source].refuse(item.node.offset, text)
    }
}
