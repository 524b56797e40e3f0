//! The documents of a partner's description, as they were fetched, and what they refer to.

use busbar_model::bounds::{WSDL_BYTES_MAX, WSDL_DOCUMENTS_MAX};
use url::Url;

use super::Refused;
use crate::{
    namespace,
    xml::{Event, Reader},
};

/// A document that is part of a WSDL: the WSDL itself, another that it imports, or a schema.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// Its URL, or a file's name: what others refer to it by, maybe relatively to their own.
    pub location: String,
    pub text: String,
}

/// A document that another one needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    /// As it stands in the document: see [`resolve`].
    pub location: String,
    pub kind: ReferenceKind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ReferenceKind {
    /// `wsdl:import`
    Wsdl,
    /// `xs:import` and `xs:include`
    Schema,
}

/// Namespaces that every reader of WSDL knows: where their schemas are is of no interest.
const KNOWN: [&str; 4] = [namespace::XSD, namespace::XML, namespace::SOAP_ENCODING, namespace::MEDIA_TYPES];

/// What the text of a document refers to, each location once. Nothing is fetched here; who fetches does so once per
/// resolved location, so that documents may refer to each other in a circle.
pub fn references(document: &Document) -> Result<Vec<Reference>, Refused> {
    let refuse = |offset, text: &str| Refused::at(document, offset, text);
    if document.text.len() > WSDL_BYTES_MAX {
        return Err(refuse(0, &format!("more than {WSDL_BYTES_MAX} bytes")));
    }
    let malformed = |error: crate::xml::Malformed| Refused::at(document, error.offset, error.reason);
    let mut found: Vec<Reference> = Vec::new();
    let mut xml = Reader::of_description(&document.text).map_err(malformed)?;
    loop {
        match xml.next().map_err(malformed)? {
            Event::Eof => return Ok(found),
            Event::Start => {}
            Event::End | Event::Text(_) => continue,
        }
        let (kind, attribute) = match (xml.namespace(), xml.local()) {
            (namespace::WSDL, "import") => (ReferenceKind::Wsdl, "location"),
            (namespace::XSD, "import" | "include") => (ReferenceKind::Schema, "schemaLocation"),
            (namespace::XSD, "redefine") => {
                return Err(refuse(xml.span().start, "xs:redefine is not supported"));
            }
            _ => continue,
        };
        if xml.attribute("", "namespace").is_some_and(|namespace| KNOWN.contains(&namespace)) {
            continue;
        }
        let Some(location) = xml.attribute("", attribute).map(str::trim_ascii) else { continue };
        if location.is_empty() || found.iter().any(|known| known.location == location) {
            continue;
        }
        if found.len() >= WSDL_DOCUMENTS_MAX {
            return Err(refuse(
                xml.span().start,
                &format!("refers to more than {WSDL_DOCUMENTS_MAX} documents"),
            ));
        }
        found.push(Reference { location: location.to_owned(), kind });
    }
}

/// The location that a document at `base` means by `location`; `None` if it is none.
pub fn resolve(base: &str, location: &str) -> Option<String> {
    // Names of files have a place among themselves.
    let folder = Url::parse("file:///").ok()?;
    let mut resolved = folder.join(base).ok()?.join(location).ok()?;
    resolved.set_fragment(None);
    let text = String::from(resolved);
    Some(match text.strip_prefix("file:///") {
        Some(name) if !base.starts_with("file:") && !location.starts_with("file:") => name.to_owned(),
        _ => text,
    })
}

#[cfg(test)]
mod tests {
    use super::{Document, ReferenceKind, references, resolve};

    #[test]
    fn how_a_browser_shows_it_is_passed_over() {
        let text = "<?xml version='1.0'?>\n<?xml-stylesheet href='x.xsl'?><a/>";
        assert_eq!(of(text).unwrap(), []);
        assert!(of("<?xml-stylesheet href='x.xsl'?><!DOCTYPE a><a/>").is_err());
    }

    fn of(text: &str) -> Result<Vec<(String, ReferenceKind)>, String> {
        let document = Document { location: "a.wsdl".to_owned(), text: text.to_owned() };
        let found = references(&document).map_err(|refused| refused.to_string())?;
        Ok(found.into_iter().map(|reference| (reference.location, reference.kind)).collect())
    }

    #[test]
    fn imports_and_includes_are_found_once() {
        let text = r#"<w:definitions xmlns:w="http://schemas.xmlsoap.org/wsdl/" xmlns:x="http://www.w3.org/2001/XMLSchema">
            <w:import namespace="u" location="b.wsdl"/>
            <w:types><x:schema>
              <x:import namespace="u" schemaLocation="../x.xsd?a=1&amp;b=2"/>
              <x:import namespace="v"/>
              <x:import namespace="http://www.w3.org/XML/1998/namespace" schemaLocation="xml.xsd"/>
              <x:include schemaLocation=" y.xsd "/><x:include schemaLocation="y.xsd"/>
            </x:schema></w:types>
            <import location="other"/></w:definitions>"#;
        let expected = [
            ("b.wsdl", ReferenceKind::Wsdl),
            ("../x.xsd?a=1&b=2", ReferenceKind::Schema),
            ("y.xsd", ReferenceKind::Schema),
        ];
        assert_eq!(of(text).unwrap(), expected.map(|(location, kind)| (location.to_owned(), kind)));
    }

    #[test]
    fn what_is_dangerous_is_refused_before_anything_is_made_of_it() {
        let laughs = "<!DOCTYPE a [<!ENTITY b \"bb\"><!ENTITY c \"&b;&b;\">]>\n<a>&c;</a>";
        assert_eq!(of(laughs).unwrap_err(), "a.wsdl, line 1: a DOCTYPE");
        let entity = "<a>\n<!-- x -->\n&evil;</a>";
        assert_eq!(of(entity).unwrap_err(), "a.wsdl, line 3: an entity that is not declared");
        let deep = "<a>".repeat(101);
        assert!(of(&deep).unwrap_err().contains("deeper than 100"));
        let redefine = "<s:schema xmlns:s='http://www.w3.org/2001/XMLSchema'>\n<s:redefine schemaLocation='x'/></s:schema>";
        assert_eq!(of(redefine).unwrap_err(), "a.wsdl, line 2: xs:redefine is not supported");
        assert!(of("no xml").is_err());
    }

    #[test]
    fn locations_are_relative_to_their_document() {
        let cases = [
            ("http://x.example/a/b?wsdl", "c.xsd", "http://x.example/a/c.xsd"),
            ("http://x.example/a/b?wsdl", "b?xsd=1", "http://x.example/a/b?xsd=1"),
            ("http://x.example/a", "https://y.example/z#f", "https://y.example/z"),
            ("a.wsdl", "b.xsd", "b.xsd"),
            ("w/a.wsdl", "../s/b.xsd", "s/b.xsd"),
            ("w/a.wsdl", "./a.wsdl", "w/a.wsdl"),
            ("a.wsdl", "http://y.example/z", "http://y.example/z"),
        ];
        for (base, location, expected) in cases {
            assert_eq!(resolve(base, location).as_deref(), Some(expected));
        }
        assert_eq!(resolve("http://x.example/", "http://"), None);
    }
}
