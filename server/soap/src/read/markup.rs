//! Content of any kind, as XML that can stand elsewhere.

use super::{
    Reading,
    failure::{Step, invalid},
    raw,
};
use crate::{
    escape::{Place, escape_lossy},
    json,
    xml::{Event, Malformed, Reader},
};

impl Reading<'_, '_, '_> {
    /// What is in the element that was just started, read to its end: its elements with the namespaces they inherit.
    pub(super) fn markup(&mut self) -> Step {
        self.out.push('"');
        loop {
            match self.xml.next()? {
                Event::Text(text) => {
                    let mut escaped = String::new();
                    escape_lossy(&mut escaped, &text, Place::Content);
                    json::push_escaped(&mut self.out, &escaped);
                }
                Event::Start => {
                    let element = raw(self.xml)?;
                    json::push_escaped(&mut self.out, &element);
                    // Each element declares all that it inherits.
                    self.bounded()?;
                }
                Event::End => break,
                Event::Eof => return Err(invalid("ends within an element")),
            }
        }
        self.out.push('"');
        Ok(())
    }
}

/// Whether a text can stand in an element as it is: well-formed, without DOCTYPE, and with all prefixes declared.
pub fn is_fragment(text: &str) -> Result<(), Malformed> {
    let document = format!("<x>{text}</x>");
    let mut xml = Reader::new(&document)?;
    while xml.next()? != Event::Eof {}
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::is_fragment;

    #[test]
    fn a_fragment_stands_by_itself() {
        for good in ["", "a &amp; b", "<a/>text<b xmlns='u'/>", "<p:a xmlns:p='u'>1</p:a>", "<![CDATA[<]]>"] {
            assert!(is_fragment(good).is_ok(), "{good}");
        }
        for bad in [
            "<",
            "a & b",
            "<a>",
            "</x><x>",
            "<p:a/>",
            "<?pi?>",
            "<!DOCTYPE x>",
            "<?xml version='1.0'?>",
            "\0",
        ] {
            assert!(is_fragment(bad).is_err(), "{bad}");
        }
    }
}
