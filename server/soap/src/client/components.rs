//! What the schemas of all documents declare, by name.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use busbar_model::bounds::WSDL_DOCUMENTS_MAX;

use super::{
    Refused, document,
    tree::{Names, Node, QName, Source, Space},
};

/// One `xs:schema`, in a namespace: its own, or that of the one which includes it.
pub(super) struct Schema<'d> {
    pub(super) namespace: Arc<str>,
    pub(super) source: usize,
    pub(super) node: &'d Node<'d>,
    pub(super) qualified_elements: bool,
    pub(super) qualified_attributes: bool,
    /// It has no namespace of its own, so that names without one are in that of the schema which includes it.
    is_chameleon: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Kind {
    Element,
    /// Simple and complex ones.
    Type,
    Group,
    AttributeGroup,
    Attribute,
}

impl Kind {
    fn of(node: &Node<'_>) -> Option<Self> {
        Some(match node.local {
            "element" => Self::Element,
            "complexType" | "simpleType" => Self::Type,
            "group" => Self::Group,
            "attributeGroup" => Self::AttributeGroup,
            "attribute" => Self::Attribute,
            _ => return None,
        })
    }

    fn text(self) -> &'static str {
        match self {
            Self::Element => "element",
            Self::Type => "type",
            Self::Group => "group",
            Self::AttributeGroup => "attribute group",
            Self::Attribute => "attribute",
        }
    }
}

/// Something that is declared, and by which schema.
#[derive(Clone, Copy)]
pub(super) struct Item<'d> {
    pub(super) schema: usize,
    pub(super) node: &'d Node<'d>,
}

pub(super) struct Components<'d> {
    pub(super) sources: &'d [Source<'d>],
    pub(super) schemas: Vec<Schema<'d>>,
    items: HashMap<(Kind, QName), Item<'d>>,
    /// How many schemas there are: behind them comes each document, for what it says outside of schemas.
    documents_from: usize,
}

impl<'d> Components<'d> {
    /// Where something is declared twice, what comes first counts: descriptions repeat what they import.
    pub(super) fn of(sources: &'d [Source<'d>], names: &mut Names) -> Result<Self, Refused> {
        let mut made = Self { sources, schemas: Vec::new(), items: HashMap::new(), documents_from: 0 };
        for (source, read) in sources.iter().enumerate() {
            for node in schemas(&read.root) {
                let namespace = names.of(node.get("targetNamespace").unwrap_or_default());
                made.schemas.push(Schema::new(namespace, source, node));
            }
        }
        made.include()?;
        for at in 0..made.schemas.len() {
            let schema = &made.schemas[at];
            for node in schema.node.xsd() {
                if node.local == "redefine" {
                    return Err(sources[schema.source].refuse(node.offset, "xs:redefine is not supported"));
                }
                let (Some(kind), Some(name)) = (Kind::of(node), node.get("name")) else { continue };
                let name = QName { namespace: schema.namespace.clone(), local: names.of(name) };
                made.items.entry((kind, name)).or_insert(Item { schema: at, node });
            }
        }
        made.documents_from = made.schemas.len();
        let documents = sources.iter().enumerate();
        made.schemas.extend(documents.map(|(at, source)| Schema::new(Arc::default(), at, &source.root)));
        Ok(made)
    }

    /// Schemas without a namespace, once more in that of each which includes them (XML Schema, part 1, section 4.2.1).
    fn include(&mut self) -> Result<(), Refused> {
        let places: HashMap<&str, usize> = self
            .sources
            .iter()
            .enumerate()
            .map(|(at, source)| (source.document.location.as_str(), at))
            .collect();
        let mut seen: HashSet<(usize, Arc<str>)> = HashSet::new();
        let mut at = 0;
        while let Some(schema) = self.schemas.get(at) {
            at += 1;
            if schema.namespace.is_empty() {
                continue;
            }
            let (namespace, source) = (schema.namespace.clone(), &self.sources[schema.source]);
            for include in schema.node.each(Space::Xsd, "include") {
                let Some(location) = include.get("schemaLocation") else { continue };
                let resolved = document::resolve(&source.document.location, location);
                let found = resolved.and_then(|resolved| places.get(resolved.as_str()).copied());
                let Some(found) = found.or_else(|| places.get(location).copied()) else { continue };
                let root = &self.sources[found].root;
                let is_ours = root.is(Space::Xsd, "schema") && root.get("targetNamespace").is_none();
                if !is_ours || !seen.insert((found, namespace.clone())) {
                    continue;
                }
                if seen.len() > 5 * WSDL_DOCUMENTS_MAX {
                    return Err(source.refuse(include.offset, "includes schemas in too many namespaces"));
                }
                let included = Schema::new(namespace.clone(), found, root);
                self.schemas.push(Schema { is_chameleon: true, ..included });
                // The list has moved; what it includes is looked at in its turn.
            }
        }
        Ok(())
    }

    /// What stands for a document as a whole.
    pub(super) fn of_wsdl(&self, source: usize) -> usize {
        self.documents_from + source
    }

    /// What `name` means in a schema, or why it means nothing.
    pub(super) fn get(&self, schema: usize, kind: Kind, name: &QName) -> Result<Item<'d>, String> {
        let own = &self.schemas[schema];
        let is_included = own.is_chameleon && name.namespace.is_empty();
        let namespace = if is_included { &own.namespace } else { &name.namespace };
        let key = (kind, QName { namespace: namespace.clone(), local: name.local.clone() });
        let found = self.items.get(&key).copied();
        found.ok_or_else(|| format!("the {} {} is declared in no document", kind.text(), key.1))
    }

    pub(super) fn refuse(&self, schema: usize, offset: usize, text: impl AsRef<str>) -> Refused {
        self.sources[self.schemas[schema].source].refuse(offset, text)
    }
}

impl<'d> Schema<'d> {
    fn new(namespace: Arc<str>, source: usize, node: &'d Node<'d>) -> Self {
        let is_qualified = |attribute| node.get(attribute) == Some("qualified");
        Self {
            namespace,
            source,
            node,
            qualified_elements: is_qualified("elementFormDefault"),
            qualified_attributes: is_qualified("attributeFormDefault"),
            is_chameleon: false,
        }
    }
}

/// The schemas of a document: itself, or those in its `types`.
fn schemas<'n, 'x>(root: &'n Node<'x>) -> Vec<&'n Node<'x>> {
    if root.is(Space::Xsd, "schema") {
        return vec![root];
    }
    root.each(Space::Wsdl, "types").flat_map(|types| types.each(Space::Xsd, "schema")).collect()
}
