//! From XML to JSON text by a [`Shape`], in one pass and without a tree.

mod binary;
mod choice;
mod failure;
mod markup;
mod names;
mod number;
mod parts;
mod raw;
mod record;
mod scalar;
mod tag;
mod time;

pub use self::{
    markup::is_fragment,
    parts::{NoParts, Parts},
    raw::{element_of, raw},
};

use busbar_model::{
    bounds::{JSON_DEPTH_MAX, JSON_PER_XML_MAX, JSON_SLACK_BYTES},
    fault::FieldError,
};

use self::{
    failure::{Step, invalid},
    names::Names,
    record::Run,
};
use crate::{
    json,
    shape::{Content, Element, Shape, TypeId},
    xml::{Event, Malformed, Reader},
};

/// XML that gives no JSON.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum Unreadable {
    #[error(transparent)]
    Malformed(#[from] Malformed),
    /// Not what the shape says. What comes first in the document is told, alone.
    #[error("the XML is not what the schema allows")]
    Invalid(Vec<FieldError>),
}

/// The JSON text of an operation's element, which was just started; reads to its end. `namespace` is the operation's.
///
/// Whether required members are there is not checked: the JSON Schema does. Members are in the order of declaration,
/// attributes first.
pub fn payload(
    shape: &Shape,
    namespace: &str,
    xml: &mut Reader<'_>,
    parts: &mut dyn Parts,
) -> Result<String, Unreadable> {
    let mut reading = Reading::new(shape, namespace, xml, parts);
    reading.root(shape.root, shape.nullable)?;
    Ok(reading.out)
}

/// The JSON text of an element of somebody else's, which was just started; reads to its end. `root` is its type, and it may
/// be `null` if it is `nillable`.
///
/// Elements and attributes that are not known are passed over, since others add to what they send, and `xsi:type` is
/// read as the type that is declared. What is required has to be there: nobody else looks.
pub fn foreign(
    shape: &Shape,
    root: TypeId,
    nillable: bool,
    xml: &mut Reader<'_>,
    parts: &mut dyn Parts,
) -> Result<String, Unreadable> {
    let mut reading = Reading::new(shape, "", xml, parts);
    reading.foreign = true;
    if nillable && reading.is_nil()? {
        reading.xml.skip()?;
        return Ok("null".to_owned());
    }
    reading.root(root, false)?;
    Ok(reading.out)
}

/// An operation's element, which was just started and has nothing in it; reads to its end.
pub fn nothing(xml: &mut Reader<'_>) -> Result<(), Unreadable> {
    match xml.content()? {
        Some(text) if text.trim_ascii().is_empty() => Ok(()),
        _ => {
            let message = "the operation takes nothing".to_owned();
            Err(Unreadable::Invalid(vec![FieldError { path: String::new(), message }]))
        }
    }
}

struct Reading<'s, 'r, 'x> {
    shape: &'s Shape,
    namespace: &'s str,
    xml: &'r mut Reader<'x>,
    parts: &'r mut dyn Parts,
    names: Names<'s>,
    out: String,
    /// A record that is put in order.
    scratch: String,
    /// Of the records that are open, the innermost last.
    runs: Vec<Run>,
    /// Objects and arrays of JSON that are open.
    depth: usize,
    /// Bytes of JSON that may be written.
    most: usize,
    /// What others send: more may come than is known, and all that is required has to.
    foreign: bool,
}

impl<'s, 'r, 'x> Reading<'s, 'r, 'x> {
    fn new(shape: &'s Shape, namespace: &'s str, xml: &'r mut Reader<'x>, parts: &'r mut dyn Parts) -> Self {
        let xml_bytes = xml.text().len();
        Self {
            shape,
            namespace,
            xml,
            parts,
            names: Names::new(namespace),
            out: String::new(),
            scratch: String::new(),
            runs: Vec::new(),
            depth: 0,
            most: JSON_PER_XML_MAX.saturating_mul(xml_bytes).saturating_add(JSON_SLACK_BYTES),
            foreign: false,
        }
    }
}

impl<'s> Reading<'s, '_, '_> {
    fn root(&mut self, id: TypeId, nullable: bool) -> Step {
        match self.is_nil()? {
            true => Err(invalid("can't be null")),
            false => self.content(id, nullable),
        }
    }

    /// An element that was just started, read to its end.
    fn element(&mut self, element: &'s Element) -> Step {
        match self.is_nil()? {
            false => self.value(element.value),
            true if element.nillable => self.null(element),
            true => Err(invalid("can't be null")),
        }
    }

    fn value(&mut self, id: TypeId) -> Step {
        self.content(id, false)
    }

    /// `empty`: an element without content may be `null`.
    fn content(&mut self, id: TypeId, empty: bool) -> Step {
        let declared = self.shape.of(id);
        match &declared.content {
            Content::Record(record) => return self.record(id, declared, record, empty),
            Content::Scalar(scalar) => {
                self.bare(declared)?;
                return self.scalar(scalar);
            }
            Content::Choice(_) | Content::List(_) | Content::Sole(_) => self.bare(declared)?,
        }
        let more = self.child()?;
        match &declared.content {
            // An object there can't be without one of its variants.
            _ if empty && !more => {
                self.out.push_str("null");
                Ok(())
            }
            Content::Choice(variants) => self.choice(variants, more),
            Content::List(element) => self.list(element, more),
            Content::Sole(element) => self.sole(element, more),
            Content::Record(_) | Content::Scalar(_) => Ok(()),
        }
    }

    /// An element with `xsi:nil`, which has nothing in it.
    fn null(&mut self, element: &'s Element) -> Step {
        self.bare(self.shape.of(element.value))?;
        if !matches!(self.xml.content()?, Some(text) if text.trim_ascii().is_empty()) {
            return Err(invalid("is null, so it can't have content"));
        }
        self.out.push_str("null");
        Ok(())
    }

    /// Goes to the next element within the open one: it was just started, or (`false`) the open one has ended.
    fn child(&mut self) -> Step<bool> {
        loop {
            match self.xml.next()? {
                Event::Start => return Ok(true),
                Event::End | Event::Eof => return Ok(false),
                Event::Text(text) if text.trim_ascii().is_empty() => {}
                Event::Text(_) => return Err(invalid("has text where only elements can be")),
            }
        }
    }

    /// Opens an object or an array.
    fn open(&mut self, bracket: char) -> Step {
        self.deeper()?;
        self.out.push(bracket);
        Ok(())
    }

    fn close(&mut self, bracket: char) {
        self.shallower();
        self.out.push(bracket);
    }

    /// Refuses what becomes far longer than it was.
    fn bounded(&self) -> Step {
        match self.out.len() > self.most {
            true => Err(invalid("is far longer as JSON than as XML")),
            false => Ok(()),
        }
    }

    fn deeper(&mut self) -> Step {
        self.bounded()?;
        self.depth += 1;
        match self.depth > JSON_DEPTH_MAX {
            true => Err(invalid(format!("is nested deeper than {JSON_DEPTH_MAX} objects and arrays"))),
            false => Ok(()),
        }
    }

    fn shallower(&mut self) {
        self.depth -= 1;
    }
}

/// The name of a member, behind a comma if it is not the first: no JSON value ends with an opening bracket.
fn push_key(out: &mut String, name: &str) {
    if !out.ends_with('{') {
        out.push(',');
    }
    json::push_string(out, name);
    out.push(':');
}

#[cfg(test)]
mod tests;
