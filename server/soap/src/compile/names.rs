//! Names and characters that XML allows.

use busbar_model::bounds::{XML_NAME_CHARS_MAX, XML_NAMESPACE_CHARS_MAX};

use crate::xml::{is_name, is_name_start, is_ncname, is_xml};

/// An `NCName` that is as much like `name` as can be, with room for a number after it.
pub(super) fn to_nc_name(name: &str) -> String {
    let kept = name.chars().take(XML_NAME_CHARS_MAX - 8);
    let mut made: String = kept.map(|c| if is_name(c) { c } else { '_' }).collect();
    if !made.chars().next().is_some_and(is_name_start) {
        made.insert(0, '_');
    }
    made
}

/// Why it can't name an element; also what attributes share.
pub(super) fn element_flaw(name: &str) -> Option<String> {
    if name.chars().nth(XML_NAME_CHARS_MAX).is_some() {
        return Some(format!("has a name of more than {XML_NAME_CHARS_MAX} characters: set xml.name"));
    }
    (!is_ncname(name)).then(|| format!("is named {name:?}, which no element can be: set xml.name"))
}

/// Why it can't name an attribute: names that begin with `xml` are reserved (Namespaces in XML 1.0, section 3).
pub(super) fn attribute_flaw(name: &str) -> Option<String> {
    element_flaw(name).or_else(|| {
        let reserved = name.get(..3).is_some_and(|start| start.eq_ignore_ascii_case("xml"));
        reserved.then(|| format!("is named {name:?}, which is reserved among attributes: set xml.name"))
    })
}

/// Why it can't be a namespace of a schema's choice.
pub(super) fn namespace_flaw(namespace: &str) -> Option<String> {
    const RESERVED: [&str; 3] =
        [crate::namespace::XML, crate::namespace::XSI, "http://www.w3.org/2000/xmlns/"];
    let broken = |c: char| c.is_whitespace() || c.is_control() || !is_xml(c);
    if namespace.is_empty() || namespace.chars().any(broken) {
        Some("has an xml.namespace that is empty or has white space".to_owned())
    } else if namespace.chars().nth(XML_NAMESPACE_CHARS_MAX).is_some() {
        Some(format!("has an xml.namespace of more than {XML_NAMESPACE_CHARS_MAX} characters"))
    } else {
        RESERVED
            .contains(&namespace)
            .then(|| format!("has the xml.namespace {namespace:?}, which is XML's own"))
    }
}
