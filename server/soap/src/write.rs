//! From a payload's JSON text to XML, by its [`Shape`].
//!
//! The text is parsed once and written as it is parsed: there is no tree. Members may come in any order; those of a
//! record that came in another order than the declared one are put right when the record ends.

mod body;
mod choice;
mod lookup;
mod moment;
mod number;
mod record;
mod scalar;

#[cfg(test)]
mod tests;

use busbar_model::bounds::XML_DEPTH_MAX;
use serde::de::{self, DeserializeSeed};
use serde_json::value::RawValue;

use self::{
    body::{Body, Written},
    lookup::Lookup,
};
use crate::{
    escape::{Place, escape, escape_lossy},
    mtom::Part,
    shape::{Element, Namespace, Shape, TypeId},
};

/// JSON that has no image in XML.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
#[error("{path:?} {reason}")]
pub struct Unwritable {
    /// JSON Pointer (RFC 6901) into the payload; empty for the whole.
    pub path: String,
    /// A fragment that fits behind the path, without anything of the payload's values.
    pub reason: String,
}

/// Appends `<element xmlns="namespace">…</element>` for `json`. The prefix `xsi` is taken to be declared around it.
///
/// With `parts`, binary values of elements are added to them and referred to; without, they are base64. After an error
/// `out` and `parts` are as they were.
pub fn payload(
    shape: &Shape,
    element: &str,
    namespace: &str,
    json: &[u8],
    out: &mut String,
    parts: Option<&mut Vec<Part>>,
) -> Result<(), Unwritable> {
    let mut declaration = String::from(" xmlns=\"");
    escape_lossy(&mut declaration, namespace, Place::Attribute);
    declaration.push('"');
    let document =
        Document { name: element, declarations: &declaration, root: shape.root, nullable: shape.nullable };
    document.write(shape, json, out, parts)
}

/// What stands around a payload.
#[derive(Clone, Copy, Debug)]
pub struct Document<'a> {
    /// The element's name, maybe with a prefix.
    pub name: &'a str,
    /// Namespaces, each behind a space; `xsi` is taken to be declared around it.
    pub declarations: &'a str,
    /// The type of what is in it.
    pub root: TypeId,
    /// JSON `null` is the element without content.
    pub nullable: bool,
}

impl Document<'_> {
    /// Like [`payload`].
    pub fn write(
        self,
        shape: &Shape,
        json: &[u8],
        out: &mut String,
        mut parts: Option<&mut Vec<Part>>,
    ) -> Result<(), Unwritable> {
        let length = out.len();
        let held = parts.as_ref().map_or(0, |parts| parts.len());
        out.reserve(json.len() + json.len() / 2);
        let mut writer = Writer::new(shape, out, parts.as_deref_mut());
        let written = writer.document(self, json);
        let failed = written.map_err(|error| writer.unwritable(&error));
        if failed.is_err() {
            out.truncate(length);
            if let Some(parts) = parts {
                parts.truncate(held);
            }
        }
        failed
    }
}

/// What becomes of a JSON `null`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Null {
    Refused,
    /// As if it were not there.
    Omitted,
    /// `xsi:nil="true"`
    Nil,
}

/// One payload that is being written.
struct Writer<'s, 'o> {
    shape: &'s Shape,
    out: &'o mut String,
    parts: Option<&'o mut Vec<Part>>,
    lookup: Lookup,
    /// Members of the records that are open: the innermost one's are at the end.
    spans: Vec<record::Span>,
    /// Where a record is put in order.
    scratch: String,
    /// Prefixes that were made for names in values.
    prefixes: usize,
    /// Elements that are open.
    depth: usize,
    /// Why writing stopped; if nothing is told here, the JSON itself or its type is wrong.
    reason: Option<String>,
    /// What a value of the wrong type should have been.
    expected: Option<&'static str>,
    /// Where writing stopped, the innermost place first.
    trail: Vec<String>,
}

impl<'s, 'o> Writer<'s, 'o> {
    fn new(shape: &'s Shape, out: &'o mut String, parts: Option<&'o mut Vec<Part>>) -> Self {
        Self {
            shape,
            out,
            parts,
            lookup: Lookup::default(),
            spans: Vec::new(),
            scratch: String::new(),
            prefixes: 0,
            depth: 0,
            reason: None,
            expected: None,
            trail: Vec::new(),
        }
    }

    fn document(&mut self, document: Document<'_>, json: &[u8]) -> serde_json::Result<()> {
        self.out.push('<');
        self.out.push_str(document.name);
        self.out.push_str(document.declarations);
        // Checked once, it needs no check of each text.
        let Ok(json) = std::str::from_utf8(json) else { return Err(self.stop("is not UTF-8")) };
        let mut deserializer = serde_json::Deserializer::from_str(json);
        self.depth = 1;
        let body = Body { writer: self, id: document.root, null: document.nullable };
        let written = body.deserialize(&mut deserializer)?;
        deserializer.end()?;
        if written == Written::Content {
            self.out.push_str("</");
            self.out.push_str(document.name);
            self.out.push('>');
        } else {
            self.out.push_str("/>");
        }
        Ok(())
    }

    /// Writes `element` for the value that comes, and tells whether it was `null`.
    fn element<'de, D>(&mut self, element: &'s Element, null: Null, deserializer: D) -> Result<bool, D::Error>
    where
        D: de::Deserializer<'de>,
    {
        let start = self.out.len();
        self.enter(element)?;
        let body = Body { writer: self, id: element.value, null: null != Null::Refused };
        let written = body.deserialize(deserializer)?;
        self.depth -= 1;
        match (written, null) {
            (Written::Content, _) => self.end_tag(element),
            (Written::Empty, _) => self.out.push_str("/>"),
            (Written::Null, Null::Omitted) => self.out.truncate(start),
            (Written::Null, _) => self.out.push_str(" xsi:nil=\"true\"/>"),
        }
        Ok(written == Written::Null)
    }

    /// Begins an element that has others in it. An envelope and its body are around all, and an empty one may be inside.
    fn enter<E: de::Error>(&mut self, element: &Element) -> Result<(), E> {
        if self.depth + 3 >= XML_DEPTH_MAX {
            return Err(self.stop("nests too deep"));
        }
        self.depth += 1;
        self.start_tag(element);
        Ok(())
    }

    /// An element without content for a JSON `null` or a variant without value.
    fn empty_element(&mut self, element: &Element, nil: bool) {
        self.start_tag(element);
        self.out.push_str(if nil { " xsi:nil=\"true\"/>" } else { "/>" });
    }

    /// Up to where attributes go. A prefix is declared where it is used, so that the default namespace stays the
    /// operation's for what is inside.
    #[inline]
    fn start_tag(&mut self, element: &Element) {
        match &element.namespace {
            Namespace::Target => {
                self.out.reserve(element.name.len() + 2);
                self.out.push('<');
                self.out.push_str(&element.name);
            }
            Namespace::Other(namespace) => {
                self.out.push_str("<n1:");
                self.out.push_str(&element.name);
                self.out.push_str(" xmlns:n1=\"");
                escape_lossy(self.out, namespace, Place::Attribute);
                self.out.push('"');
            }
            Namespace::Prefixed { prefix, .. } => {
                self.out.push('<');
                self.out.push_str(prefix);
                self.out.push(':');
                self.out.push_str(&element.name);
            }
        }
    }

    #[inline]
    fn end_tag(&mut self, element: &Element) {
        match &element.namespace {
            Namespace::Target => self.out.push_str("</"),
            Namespace::Other(_) => self.out.push_str("</n1:"),
            Namespace::Prefixed { prefix, .. } => {
                self.out.push_str("</");
                self.out.push_str(prefix);
                self.out.push(':');
            }
        }
        self.out.push_str(&element.name);
        self.out.push('>');
    }

    /// Appends `text`, of which no character may be forbidden.
    fn text<E: de::Error>(&mut self, text: &str, place: Place) -> Result<(), E> {
        escape(self.out, text, place).map_err(|forbidden| {
            let code = u32::from(forbidden.0);
            self.stop(format!("has the character U+{code:04X}, which XML forbids"))
        })
    }

    /// What a parser of its own came to, for a value that was read without being looked into.
    fn parsed<T, E: de::Error>(&mut self, result: serde_json::Result<T>) -> Result<T, E> {
        result.map_err(|error| {
            let reason = self.reason_of(&error);
            self.stop(reason)
        })
    }

    /// The error that ends it all, for this reason.
    fn stop<E: de::Error>(&mut self, reason: impl Into<String>) -> E {
        self.reason.get_or_insert_with(|| reason.into());
        E::custom("unwritable")
    }

    fn reason_of(&mut self, error: &serde_json::Error) -> String {
        match (self.reason.take(), self.expected) {
            (Some(reason), _) => reason,
            (None, Some(expected)) if error.is_data() => format!("is not {expected}"),
            _ => format!("is no JSON (line {}, column {})", error.line(), error.column()),
        }
    }

    fn unwritable(&mut self, error: &serde_json::Error) -> Unwritable {
        let reason = self.reason_of(error);
        let mut path = String::new();
        for segment in self.trail.iter().rev() {
            path.push('/');
            path.push_str(&segment.replace('~', "~0").replace('/', "~1"));
        }
        Unwritable { path, reason }
    }

    /// Notes where the error happened that is on its way out.
    #[inline]
    fn at<T, E>(&mut self, result: Result<T, E>, place: impl FnOnce() -> String) -> Result<T, E> {
        if result.is_err() {
            self.trail.push(place());
        }
        result
    }

    /// Notes what a value should have been whose type is wrong. The first note is of the innermost value.
    #[inline]
    fn expecting<T, E>(&mut self, result: Result<T, E>, expected: &'static str) -> Result<T, E> {
        if result.is_err() {
            self.expected.get_or_insert(expected);
        }
        result
    }

    #[inline]
    fn value(&self, id: TypeId) -> &'s crate::shape::Content {
        &self.shape.of(id).content
    }
}

/// For what was read without being looked into.
fn parser(raw: &RawValue) -> serde_json::Deserializer<serde_json::de::StrRead<'_>> {
    serde_json::Deserializer::from_str(raw.get())
}
