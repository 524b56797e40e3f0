//! One element as a document of its own.

use crate::{
    escape::{Place, escape_lossy},
    xml::{Malformed, Reader},
};

/// The element that was just started, read to its end, as a standalone text: its own bytes, and in its start tag
/// the declarations of the namespaces that it inherits (Namespaces in XML 1.0, section 6). There is no XML
/// declaration.
pub fn raw(xml: &mut Reader<'_>) -> Result<String, Malformed> {
    let begins = xml.span().start;
    let mut declarations = String::new();
    for (prefix, uri) in xml.inherited() {
        // That no namespace is in force is what holds in a document of its own as well.
        if uri.is_empty() {
            continue;
        }
        declarations.push_str(" xmlns");
        if !prefix.is_empty() {
            declarations.push(':');
            declarations.push_str(prefix);
        }
        declarations.push_str("=\"");
        escape_lossy(&mut declarations, uri, Place::Attribute);
        declarations.push('"');
    }
    xml.skip()?;
    let element = xml.text().get(begins..xml.span().end).unwrap_or_default();
    let name = element.bytes().position(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | b'/' | b'>'));
    let (tag, rest) = element.split_at_checked(name.unwrap_or(element.len())).unwrap_or((element, ""));
    Ok([tag, &declarations, rest].concat())
}

/// The element of a document: the document without what may stand around its element.
pub fn element_of(document: &str) -> Result<&str, Malformed> {
    let mut xml = Reader::new(document)?;
    xml.next()?;
    let begins = xml.span().start;
    xml.skip()?;
    let ends = xml.span().end;
    // Nothing but comments may follow.
    xml.next()?;
    // Without a byte order mark.
    Ok(xml.text().get(begins..ends).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::{element_of, raw};
    use crate::xml::Reader;

    /// The raw form of the first element named `cut`.
    fn cut(document: &str) -> String {
        let mut xml = Reader::new(document).unwrap();
        while xml.local() != "cut" {
            xml.next().unwrap();
        }
        raw(&mut xml).unwrap()
    }

    #[test]
    fn a_document_is_its_element() {
        for document in ["<a/>", "\u{FEFF}<a/>", "<?xml version='1.0'?>\n<!-- x --><a/><!-- y -->\n"] {
            assert_eq!(element_of(document).unwrap(), "<a/>");
        }
        for bad in ["", "a", "<a/><b/>", "<a>", "<a/>b"] {
            assert!(element_of(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn what_is_inherited_is_declared() {
        let cases = [
            ("<cut/>", "<cut/>"),
            ("<a>x<cut >y<b/><!-- z --></cut>w</a>", "<cut >y<b/><!-- z --></cut>"),
            ("<a xmlns='u'><cut/></a>", "<cut xmlns=\"u\"/>"),
            ("<a xmlns='u'><cut xmlns='v'/></a>", "<cut xmlns='v'/>"),
            ("<a xmlns='u'><b xmlns=''><cut/></b></a>", "<cut/>"),
            ("<a xmlns='u'><cut xmlns=''>&amp;</cut></a>", "<cut xmlns=''>&amp;</cut>"),
            ("<p:a xmlns:p='u'><b xmlns:p='v'><p:cut/></b></p:a>", "<p:cut xmlns:p=\"v\"/>"),
            (
                "<p:a xmlns:p='u' xmlns:q='w'><p:cut xmlns:q='v' c='1'/></p:a>",
                "<p:cut xmlns:p=\"u\" xmlns:q='v' c='1'/>",
            ),
            ("<a xmlns='&quot;&lt;&amp;&#10;é'><cut/></a>", "<cut xmlns=\"&quot;&lt;&amp;&#10;é\"/>"),
            ("<a><![CDATA[<cut>]]><cut><![CDATA[</cut>]]></cut></a>", "<cut><![CDATA[</cut>]]></cut>"),
        ];
        for (document, expected) in cases {
            assert_eq!(cut(document), expected, "{document}");
        }
    }

    #[test]
    fn what_is_not_ended_is_refused() {
        let mut xml = Reader::new("<a><b></a>").unwrap();
        xml.next().unwrap();
        xml.next().unwrap();
        assert!(raw(&mut xml).is_err());
    }
}
