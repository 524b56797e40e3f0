//! A pull reader with namespaces, over text that is in memory.

use std::borrow::Cow;

use busbar_model::bounds::{XML_ATTRIBUTES_MAX, XML_DEPTH_MAX, XML_NAME_BYTES_MAX, XML_NODES_MAX};
use quick_xml::{
    XmlVersion,
    events::{self, attributes::Attributes},
};

use super::{
    Malformed,
    character::{first_forbidden, is_ncname, is_xml, split},
    scope::{Bound, Scope},
};

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event<'x> {
    /// Ask [`Reader::local`], [`Reader::namespace`] and [`Reader::attributes`] for it.
    Start,
    End,
    /// A piece of text: what stands between two tags may come in several.
    Text(Cow<'x, str>),
    /// The document has ended well.
    Eof,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attribute<'x> {
    prefix: &'x str,
    /// Where its namespace is found.
    bound: Bound,
    pub local: &'x str,
    pub value: Cow<'x, str>,
}

/// Reads a document: one element, maybe behind an XML declaration. Comments are skipped, CDATA is text, an
/// empty element is a start and an end.
pub struct Reader<'x> {
    text: &'x str,
    inner: quick_xml::Reader<&'x [u8]>,
    scope: Scope<'x>,
    bound: Bound,
    local: &'x str,
    attributes: Vec<Attribute<'x>>,
    /// Where the last event begins.
    begins: usize,
    /// The element that was just started is empty: its end comes next.
    empty: bool,
    /// An end was given: its bindings go with the next event.
    leaving: bool,
    rooted: bool,
    nodes: usize,
    /// Whether the document has this anywhere: most have not, and then no text is searched for it.
    carriage_returns: bool,
    section_ends: bool,
    /// Processing instructions are passed over, not refused.
    instructions: bool,
}

impl<'x> Reader<'x> {
    /// A byte order mark is no part of the text: offsets are counted behind it.
    pub fn new(text: &'x str) -> Result<Self, Malformed> {
        let text = text.strip_prefix('\u{FEFF}').unwrap_or(text);
        if let Some(offset) = first_forbidden(text) {
            return Err(Malformed { offset, reason: "a character that XML forbids".into() });
        }
        // It would be skipped below without being counted.
        if text.starts_with('\u{FEFF}') {
            return Err(Malformed { offset: 0, reason: "text outside the document's element".into() });
        }
        let mut inner = quick_xml::Reader::from_str(text);
        inner.config_mut().check_comments = true;
        Ok(Self {
            text,
            inner,
            scope: Scope::default(),
            bound: Bound::default(),
            local: "",
            attributes: Vec::new(),
            begins: 0,
            empty: false,
            leaving: false,
            rooted: false,
            nodes: 0,
            carriage_returns: text.contains('\r'),
            section_ends: text.contains("]]>"),
            instructions: false,
        })
    }

    /// The same for what is no message: descriptions say by processing instructions how browsers show them.
    pub fn of_description(text: &'x str) -> Result<Self, Malformed> {
        Self::new(text).map(|reader| Self { instructions: true, ..reader })
    }

    /// The name of the element that was just started.
    pub fn local(&self) -> &'x str {
        self.local
    }

    /// The namespace of the element that was just started; empty for none.
    pub fn namespace(&self) -> &str {
        self.scope.uri(self.bound)
    }

    /// The attributes of the element that was just started, without declarations of namespaces.
    pub fn attributes(&self) -> &[Attribute<'x>] {
        &self.attributes
    }

    /// Empty for none: an attribute without a prefix is in no namespace.
    pub fn namespace_of(&self, attribute: &Attribute<'_>) -> &str {
        self.scope.uri(attribute.bound)
    }

    /// The value of an attribute of the element that was just started; `namespace` is empty for none.
    pub fn attribute(&self, namespace: &str, local: &str) -> Option<&str> {
        let found = self.attributes.iter().find(|a| a.local == local && self.namespace_of(a) == namespace);
        found.map(|attribute| attribute.value.as_ref())
    }

    /// A qualified name in content (`xsi:type`, fault codes) as namespace and local name.
    pub fn resolve<'n>(&self, name: &'n str) -> Option<(&str, &'n str)> {
        let (prefix, local) = name.split_once(':').unwrap_or(("", name));
        (is_ncname(local)).then_some(())?;
        Some((self.scope.resolve(prefix)?, local))
    }

    /// Prefixes and namespaces in force around the element that was just started, but for those that it
    /// declares anew; a namespace is empty where none is in force.
    pub fn inherited(&self) -> impl Iterator<Item = (&'x str, &str)> {
        self.scope.inherited()
    }

    /// The bytes of the document that the last event stands for begin and end here.
    pub fn span(&self) -> std::ops::Range<usize> {
        self.begins..self.position()
    }

    pub fn text(&self) -> &'x str {
        self.text
    }

    fn position(&self) -> usize {
        usize::try_from(self.inner.buffer_position()).unwrap_or(usize::MAX).min(self.text.len())
    }

    fn malformed(&self, reason: impl Into<Cow<'static, str>>) -> Malformed {
        Malformed { offset: self.begins, reason: reason.into() }
    }

    #[expect(clippy::should_implement_trait, reason = "a reader is asked for more than its events")]
    pub fn next(&mut self) -> Result<Event<'x>, Malformed> {
        if self.leaving {
            self.scope.close();
            self.leaving = false;
        }
        if self.empty {
            self.empty = false;
            self.leaving = true;
            return Ok(Event::End);
        }
        loop {
            self.begins = self.position();
            let event = self.inner.read_event().map_err(|error| self.malformed(error.to_string()))?;
            self.nodes += 1;
            if self.nodes > XML_NODES_MAX {
                return Err(self.malformed(format!("more than {XML_NODES_MAX} nodes")));
            }
            match event {
                events::Event::Start(tag) => return self.start(tag.name().0.len(), 1).map(|()| Event::Start),
                events::Event::Empty(tag) => {
                    self.start(tag.name().0.len(), 2)?;
                    self.empty = true;
                    return Ok(Event::Start);
                }
                events::Event::End(_) => {
                    self.leaving = true;
                    return Ok(Event::End);
                }
                events::Event::Text(text) => {
                    let Some(text) = self.piece(&text.into_inner())? else { continue };
                    return Ok(Event::Text(text));
                }
                events::Event::CData(text) => {
                    let text = self.unpacked(text.into_inner());
                    return self.within(text).map(Event::Text);
                }
                events::Event::GeneralRef(reference) => {
                    let text = self.referred(&reference)?;
                    return self.within(text).map(Event::Text);
                }
                events::Event::Comment(_) => {}
                events::Event::Decl(_) if self.begins == 0 => {}
                events::Event::Decl(_) => return Err(self.malformed("an XML declaration that is not first")),
                events::Event::PI(_) if self.instructions => {}
                events::Event::PI(_) => return Err(self.malformed("a processing instruction")),
                events::Event::DocType(_) => return Err(self.malformed("a DOCTYPE")),
                events::Event::Eof if self.scope.depth() > 0 => {
                    return Err(self.malformed("the document ends within an element"));
                }
                events::Event::Eof if !self.rooted => return Err(self.malformed("there is no element")),
                events::Event::Eof => return Ok(Event::Eof),
            }
        }
    }

    /// Text between tags; `None` for white space around the document's element.
    fn piece(&self, raw: &str) -> Result<Option<Cow<'x, str>>, Malformed> {
        // The same bytes, with the lifetime of the document.
        let raw = self.text.get(self.begins..self.begins + raw.len()).unwrap_or_default();
        if self.scope.depth() == 0 {
            return match raw.trim_ascii().is_empty() {
                true => Ok(None),
                false => Err(self.malformed("text outside the document's element")),
            };
        }
        if self.section_ends && raw.contains("]]>") {
            return Err(self.malformed("\"]]>\" in text"));
        }
        Ok(Some(self.unpacked(Cow::Borrowed(raw))))
    }

    fn within(&self, text: Cow<'x, str>) -> Result<Cow<'x, str>, Malformed> {
        match self.scope.depth() {
            0 => Err(self.malformed("text outside the document's element")),
            _ => Ok(text),
        }
    }

    fn referred(&self, reference: &events::BytesRef<'_>) -> Result<Cow<'x, str>, Malformed> {
        let character = reference.resolve_char_ref().map_err(|error| self.malformed(error.to_string()))?;
        match (character, reference.as_ref()) {
            (Some(character), _) if is_xml(character) => Ok(Cow::Owned(character.to_string())),
            (Some(_), _) => Err(self.malformed("a character that XML forbids")),
            (None, "amp") => Ok(Cow::Borrowed("&")),
            (None, "lt") => Ok(Cow::Borrowed("<")),
            (None, "gt") => Ok(Cow::Borrowed(">")),
            (None, "quot") => Ok(Cow::Borrowed("\"")),
            (None, "apos") => Ok(Cow::Borrowed("'")),
            (None, _) => Err(self.malformed("an entity that is not declared")),
        }
    }

    /// A start tag: its name has `name_bytes`, and `closing` bytes stand behind its attributes.
    fn start(&mut self, name_bytes: usize, closing: usize) -> Result<(), Malformed> {
        if self.scope.depth() == 0 && std::mem::replace(&mut self.rooted, true) {
            return Err(self.malformed("a second element beside the document's"));
        }
        if self.scope.depth() >= XML_DEPTH_MAX {
            return Err(self.malformed(format!("elements are nested deeper than {XML_DEPTH_MAX}")));
        }
        let tag = self.text.get(self.begins + 1..self.position() - closing).unwrap_or_default();
        let (name, rest) = tag.split_at_checked(name_bytes).unwrap_or((tag, ""));
        let (prefix, local) = self.qualified(name)?;
        self.local = local;
        self.scope.open();
        self.attributes.clear();
        if !rest.trim_ascii().is_empty() {
            self.read_attributes(tag, name_bytes)?;
        }
        match self.scope.find(prefix) {
            Some(bound) => self.bound = bound,
            None => return Err(self.malformed("an element with a prefix that is not declared")),
        }
        Ok(())
    }

    fn read_attributes(&mut self, tag: &'x str, name_bytes: usize) -> Result<(), Malformed> {
        let mut attributes = Attributes::new(tag, name_bytes);
        attributes.with_checks(false);
        for (at, attribute) in attributes.enumerate() {
            if at >= XML_ATTRIBUTES_MAX {
                return Err(
                    self.malformed(format!("an element with more than {XML_ATTRIBUTES_MAX} attributes"))
                );
            }
            let attribute = attribute.map_err(|error| self.malformed(error.to_string()))?;
            let key = attribute.key.0;
            let before = (key.as_ptr() as usize - tag.as_ptr() as usize).checked_sub(1);
            if !before.and_then(|at| tag.as_bytes().get(at)).is_some_and(u8::is_ascii_whitespace) {
                return Err(self.malformed("attributes without white space between them"));
            }
            let (prefix, local) = self.qualified(key)?;
            let value = self.value(&attribute)?;
            let bound = match (prefix, local) {
                ("", "xmlns") => self.scope.bind("", value),
                ("xmlns", prefix) => self.scope.bind(prefix, value),
                _ => {
                    self.attributes.push(Attribute { prefix, bound: Bound::default(), local, value });
                    Ok(())
                }
            };
            bound.map_err(|reason| self.malformed(reason))?;
        }
        // Declarations may stand behind what they are for.
        for at in 0..self.attributes.len() {
            let prefix = self.attributes[at].prefix;
            // An attribute without a prefix is in no namespace, whatever is in force.
            let bound = if prefix.is_empty() { Some(Bound::default()) } else { self.scope.find(prefix) };
            let Some(bound) = bound else {
                return Err(self.malformed("an attribute with a prefix that is not declared"));
            };
            self.attributes[at].bound = bound;
        }
        for (at, attribute) in self.attributes.iter().enumerate() {
            let same = |other: &Attribute<'_>| {
                other.local == attribute.local && self.scope.is_same(other.bound, attribute.bound)
            };
            if self.attributes[..at].iter().any(same) {
                return Err(self.malformed("an attribute that is given twice"));
            }
        }
        Ok(())
    }

    fn value(&self, attribute: &events::attributes::Attribute<'x>) -> Result<Cow<'x, str>, Malformed> {
        let raw = &attribute.value;
        if !raw.bytes().any(|byte| matches!(byte, b'<' | b'&' | b'\t' | b'\n' | b'\r')) {
            return Ok(raw.clone());
        }
        if raw.contains('<') {
            return Err(self.malformed("\"<\" in an attribute"));
        }
        let value = attribute.normalized_value(XmlVersion::Explicit1_0);
        let value = value.map_err(|error| self.malformed(error.to_string()))?;
        match value.chars().all(is_xml) {
            true => Ok(value),
            false => Err(self.malformed("a character that XML forbids")),
        }
    }

    /// Prefix, maybe empty, and local name.
    fn qualified(&self, name: &'x str) -> Result<(&'x str, &'x str), Malformed> {
        if name.len() > XML_NAME_BYTES_MAX {
            return Err(self.malformed(format!("a name longer than {XML_NAME_BYTES_MAX} bytes")));
        }
        match split(name) {
            Some(names) => Ok(names),
            None => Err(self.malformed("a name that is none")),
        }
    }

    /// Reads on to the end of the element that was just started.
    pub fn skip(&mut self) -> Result<(), Malformed> {
        let mut depth = 1;
        while depth > 0 {
            match self.next()? {
                Event::Start => depth += 1,
                Event::End => depth -= 1,
                Event::Text(_) | Event::Eof => {}
            }
        }
        Ok(())
    }

    /// The text of the element that was just started, read to its end; `None` if there are elements in it, of
    /// which the first has then just been started.
    pub fn content(&mut self) -> Result<Option<Cow<'x, str>>, Malformed> {
        let mut content = Cow::Borrowed("");
        loop {
            match self.next()? {
                Event::Text(text) if content.is_empty() => content = text,
                Event::Text(text) => content.to_mut().push_str(&text),
                Event::End | Event::Eof => return Ok(Some(content)),
                Event::Start => return Ok(None),
            }
        }
    }

    #[inline]
    fn unpacked(&self, text: Cow<'x, str>) -> Cow<'x, str> {
        if self.carriage_returns { with_line_feeds(text) } else { text }
    }
}

/// Line ends as XML has them (section 2.11).
#[cold]
fn with_line_feeds(text: Cow<'_, str>) -> Cow<'_, str> {
    match text.contains('\r') {
        true => Cow::Owned(text.replace("\r\n", "\n").replace('\r', "\n")),
        false => text,
    }
}

#[cfg(test)]
mod tests;
