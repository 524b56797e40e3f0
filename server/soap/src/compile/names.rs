//! Names and characters that XML allows.

use busbar_model::bounds::{XML_NAME_CHARS_MAX, XML_NAMESPACE_CHARS_MAX};

/// XML 1.0 (fifth edition), production 2.
pub(crate) fn is_char(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='\u{D7FF}' | '\u{E000}'..='\u{FFFD}' | '\u{10000}'..)
}

/// Namespaces in XML 1.0, production 4.
pub(crate) fn is_nc_name(name: &str) -> bool {
    let mut chars = name.chars();
    chars.next().is_some_and(starts_name) && chars.all(continues_name)
}

/// XML 1.0 (fifth edition), production 4, without the colon.
fn starts_name(c: char) -> bool {
    matches!(c,
        'A'..='Z' | '_' | 'a'..='z' | '\u{C0}'..='\u{D6}' | '\u{D8}'..='\u{F6}' | '\u{F8}'..='\u{2FF}'
        | '\u{370}'..='\u{37D}' | '\u{37F}'..='\u{1FFF}' | '\u{200C}'..='\u{200D}' | '\u{2070}'..='\u{218F}'
        | '\u{2C00}'..='\u{2FEF}' | '\u{3001}'..='\u{D7FF}' | '\u{F900}'..='\u{FDCF}'
        | '\u{FDF0}'..='\u{FFFD}' | '\u{10000}'..='\u{EFFFF}')
}

/// XML 1.0 (fifth edition), production 4a, without the colon.
fn continues_name(c: char) -> bool {
    starts_name(c)
        || matches!(c, '-' | '.' | '0'..='9' | '\u{B7}' | '\u{300}'..='\u{36F}' | '\u{203F}'..='\u{2040}')
}

/// An `NCName` that is as much like `name` as can be, with room for a number after it.
pub(super) fn to_nc_name(name: &str) -> String {
    let kept = name.chars().take(XML_NAME_CHARS_MAX - 8);
    let mut made: String = kept.map(|c| if continues_name(c) { c } else { '_' }).collect();
    if !made.chars().next().is_some_and(starts_name) {
        made.insert(0, '_');
    }
    made
}

/// Why it can't name an element; also what attributes share.
pub(super) fn element_flaw(name: &str) -> Option<String> {
    if name.chars().nth(XML_NAME_CHARS_MAX).is_some() {
        return Some(format!("has a name of more than {XML_NAME_CHARS_MAX} characters: set xml.name"));
    }
    (!is_nc_name(name)).then(|| format!("is named {name:?}, which no element can be: set xml.name"))
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
    let broken = |c: char| c.is_whitespace() || c.is_control() || !is_char(c);
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
