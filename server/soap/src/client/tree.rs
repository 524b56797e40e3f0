//! Documents as trees of what WSDL and XSD have; elements of other namespaces are left out with all that is in them.

use std::{borrow::Cow, collections::HashSet, sync::Arc};

use busbar_model::bounds::{
    WSDL_BYTES_MAX, WSDL_DOCUMENTATION_CHARS_MAX, WSDL_DOCUMENTS_MAX, WSDL_NODES_MAX,
};

use super::{Document, Refused};
use crate::{
    namespace,
    xml::{Event, Malformed, Reader},
};

/// A namespace, empty for none, and a local name.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct QName {
    pub namespace: Arc<str>,
    pub local: Arc<str>,
}

impl std::fmt::Display for QName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &*self.namespace {
            "" => write!(f, "{}", self.local),
            namespace => write!(f, "{{{namespace}}}{}", self.local),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Space {
    Xsd,
    Wsdl,
    Soap11,
    Soap12,
    Http,
}

impl Space {
    fn of(namespace: &str) -> Option<Self> {
        Some(match namespace {
            namespace::XSD => Self::Xsd,
            namespace::WSDL => Self::Wsdl,
            namespace::WSDL_SOAP_11 => Self::Soap11,
            namespace::WSDL_SOAP_12 => Self::Soap12,
            namespace::WSDL_HTTP => Self::Http,
            _ => return None,
        })
    }
}

#[derive(Debug)]
pub(super) struct Node<'x> {
    pub(super) space: Space,
    pub(super) local: &'x str,
    attributes: Vec<Attribute<'x>>,
    pub(super) children: Vec<Node<'x>>,
    /// What `documentation` says, on the element that it is of.
    pub(super) documentation: Option<String>,
    pub(super) offset: usize,
}

#[derive(Debug)]
struct Attribute<'x> {
    local: &'x str,
    value: Cow<'x, str>,
    /// Of attributes whose value is a name: what it means where it stands.
    name: Option<QName>,
}

/// Attributes of XSD and WSDL that hold the name of something.
const NAMES: [&str; 8] =
    ["type", "base", "ref", "element", "message", "binding", "itemType", "substitutionGroup"];
/// How an attribute for WS-Addressing is kept, whatever its namespace.
const ADDRESSING_ACTION: &str = "wsa:Action";

impl<'x> Node<'x> {
    pub(super) fn get(&self, attribute: &str) -> Option<&str> {
        self.attributes.iter().find(|own| own.local == attribute).map(|own| own.value.trim_ascii())
    }

    /// As it stands there.
    pub(super) fn literal(&self, attribute: &str) -> Option<&str> {
        self.attributes.iter().find(|own| own.local == attribute).map(|own| own.value.as_ref())
    }

    pub(super) fn addressing_action(&self) -> Option<&str> {
        self.get(ADDRESSING_ACTION)
    }

    /// The name in an attribute; an error tells one whose prefix is not declared.
    pub(super) fn name(&self, attribute: &str) -> Result<Option<&QName>, String> {
        match self.attributes.iter().find(|own| own.local == attribute) {
            None => Ok(None),
            Some(Attribute { name: Some(name), .. }) => Ok(Some(name)),
            Some(own) => {
                Err(format!("the {attribute} {:?} is no name, or its prefix is not declared", own.value))
            }
        }
    }

    pub(super) fn is(&self, space: Space, local: &str) -> bool {
        self.space == space && self.local == local
    }

    pub(super) fn child(&self, space: Space, local: &str) -> Option<&Self> {
        self.children.iter().find(|child| child.is(space, local))
    }

    pub(super) fn each<'n>(&'n self, space: Space, local: &'n str) -> impl Iterator<Item = &'n Self> {
        self.children.iter().filter(move |child| child.is(space, local))
    }

    /// What of XSD is in it.
    pub(super) fn xsd(&self) -> impl Iterator<Item = &Self> {
        self.children.iter().filter(|child| child.space == Space::Xsd)
    }
}

/// A document that was read.
pub(super) struct Source<'x> {
    pub(super) document: &'x Document,
    pub(super) root: Node<'x>,
    /// Where its lines end.
    ends: Vec<usize>,
}

impl Source<'_> {
    pub(super) fn refuse(&self, offset: usize, text: impl AsRef<str>) -> Refused {
        let line = 1 + self.ends.partition_point(|end| *end < offset);
        Refused::on(&self.document.location, line, text.as_ref())
    }
}

/// Names that occur again and again are held once.
#[derive(Default)]
pub(super) struct Names(HashSet<Arc<str>>);

impl Names {
    pub(super) fn of(&mut self, text: &str) -> Arc<str> {
        if let Some(known) = self.0.get(text) {
            return known.clone();
        }
        let new: Arc<str> = text.into();
        self.0.insert(new.clone());
        new
    }
}

/// Reads all documents. One that is there twice, by its location, is read once.
pub(super) fn read<'x>(documents: &'x [Document], names: &mut Names) -> Result<Vec<Source<'x>>, Refused> {
    let bytes: usize = documents.iter().map(|document| document.text.len()).sum();
    let Some(first) = documents.first() else {
        return Err(Refused::on("", 1, "there is no document"));
    };
    if documents.len() > WSDL_DOCUMENTS_MAX {
        return Err(Refused::at(first, 0, format!("more than {WSDL_DOCUMENTS_MAX} documents")));
    }
    if bytes > WSDL_BYTES_MAX {
        return Err(Refused::at(first, 0, format!("more than {WSDL_BYTES_MAX} bytes in all documents")));
    }
    let mut left = WSDL_NODES_MAX;
    let mut sources: Vec<Source<'x>> = Vec::new();
    for document in documents {
        if sources.iter().any(|known| known.document.location == document.location) {
            continue;
        }
        let root = tree(document, names, &mut left)?;
        let text = document.text.strip_prefix('\u{FEFF}').unwrap_or(&document.text);
        let ends = memchr::memchr_iter(b'\n', text.as_bytes()).collect();
        sources.push(Source { document, root, ends });
    }
    Ok(sources)
}

fn tree<'x>(document: &'x Document, names: &mut Names, left: &mut usize) -> Result<Node<'x>, Refused> {
    let malformed = |error: Malformed| Refused::at(document, error.offset, error.reason);
    let mut xml = Reader::of_description(&document.text).map_err(malformed)?;
    let mut open: Vec<Node<'x>> = Vec::new();
    let mut root = None;
    loop {
        match xml.next().map_err(malformed)? {
            Event::Start => {}
            Event::Text(_) => continue,
            Event::Eof => {
                return root.ok_or_else(|| Refused::at(document, 0, "is neither a WSDL nor a schema"));
            }
            Event::End => {
                let Some(ended) = open.pop() else { continue };
                match open.last_mut() {
                    // An annotation is nothing but what it says.
                    Some(around) if ended.is(Space::Xsd, "annotation") => {
                        around.documentation = around.documentation.take().or(ended.documentation);
                    }
                    Some(around) => around.children.push(ended),
                    None => root = Some(ended),
                }
                continue;
            }
        }
        let Some(space) = Space::of(xml.namespace()) else {
            xml.skip().map_err(malformed)?;
            continue;
        };
        if xml.local() == "documentation" && matches!(space, Space::Xsd | Space::Wsdl) {
            let said = documentation(&mut xml).map_err(malformed)?;
            if let Some(around) = open.last_mut() {
                around.documentation = around.documentation.take().or(said);
            }
            continue;
        }
        *left = left.checked_sub(1).ok_or_else(|| {
            Refused::at(document, xml.span().start, format!("more than {WSDL_NODES_MAX} elements"))
        })?;
        open.push(node(space, &xml, names));
    }
}

fn node<'x>(space: Space, xml: &Reader<'x>, names: &mut Names) -> Node<'x> {
    let mut attributes = Vec::new();
    for own in xml.attributes() {
        let local = match xml.namespace_of(own) {
            "" => own.local,
            namespace::ADDRESSING_METADATA | namespace::ADDRESSING_WSDL_2006 if own.local == "Action" => {
                ADDRESSING_ACTION
            }
            _ => continue,
        };
        let resolved = NAMES.contains(&local).then(|| xml.resolve(own.value.trim_ascii())).flatten();
        let name = resolved
            .map(|(namespace, local)| QName { namespace: names.of(namespace), local: names.of(local) });
        attributes.push(Attribute { local, value: own.value.clone(), name });
    }
    let offset = xml.span().start;
    Node { space, local: xml.local(), attributes, children: Vec::new(), documentation: None, offset }
}

/// All text in the element that was just started, read to its end.
fn documentation(xml: &mut Reader<'_>) -> Result<Option<String>, Malformed> {
    let mut said = String::new();
    let mut depth = 1;
    while depth > 0 {
        match xml.next()? {
            Event::Start => depth += 1,
            Event::End => depth -= 1,
            Event::Text(text) if said.len() < 4 * WSDL_DOCUMENTATION_CHARS_MAX => said.push_str(&text),
            Event::Text(_) => {}
            Event::Eof => break,
        }
    }
    let words: Vec<&str> = said.split_whitespace().collect();
    let said: String = words.join(" ").chars().take(WSDL_DOCUMENTATION_CHARS_MAX).collect();
    Ok(Some(said).filter(|said| !said.is_empty()))
}
