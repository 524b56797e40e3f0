//! Which prefix means which namespace, where.

use std::borrow::Cow;

use busbar_model::bounds::{XML_NAMESPACE_BYTES_MAX, XML_NAMESPACES_MAX};

use crate::namespace;

#[derive(Clone, Debug)]
struct Binding<'x> {
    prefix: &'x str,
    /// Empty: no namespace.
    uri: Cow<'x, str>,
    /// The first binding in force with this URI: by it namespaces are compared at no cost.
    first: usize,
}

/// Where the namespace of a prefix is found while the element is open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Bound {
    #[default]
    None,
    Xml,
    At(usize),
}

/// A stack of bindings, the nearest last.
#[derive(Clone, Debug, Default)]
pub(super) struct Scope<'x> {
    bindings: Vec<Binding<'x>>,
    /// How many bindings there were outside each open element.
    outside: Vec<u32>,
}

impl<'x> Scope<'x> {
    pub(super) fn open(&mut self) {
        self.outside.push(u32::try_from(self.bindings.len()).unwrap_or(u32::MAX));
    }

    pub(super) fn close(&mut self) {
        if let Some(count) = self.outside.pop() {
            self.bindings.truncate(count as usize);
        }
    }

    /// How many elements are open.
    pub(super) fn depth(&self) -> usize {
        self.outside.len()
    }

    pub(super) fn bind(&mut self, prefix: &'x str, uri: Cow<'x, str>) -> Result<(), &'static str> {
        match prefix {
            "xmlns" => return Err("the prefix xmlns can't be declared"),
            "xml" if uri == namespace::XML => return Ok(()),
            "xml" => return Err("the prefix xml means something else"),
            "" => {}
            _ if uri.is_empty() => return Err("a prefix is declared for no namespace"),
            _ => {}
        }
        let outside = self.outside.last().map_or(0, |count| *count as usize);
        if self.bindings[outside..].iter().any(|binding| binding.prefix == prefix) {
            return Err("a prefix is declared twice");
        }
        if self.bindings.len() >= XML_NAMESPACES_MAX {
            return Err("too many namespaces are declared");
        }
        if uri.len() > XML_NAMESPACE_BYTES_MAX {
            return Err("a namespace is too long");
        }
        let same = self.bindings.iter().position(|binding| binding.uri == uri);
        self.bindings.push(Binding { prefix, uri, first: same.unwrap_or(self.bindings.len()) });
        Ok(())
    }

    /// `None`: the prefix is not declared.
    pub(super) fn resolve(&self, prefix: &str) -> Option<&str> {
        self.find(prefix).map(|bound| self.uri(bound))
    }

    /// `None`: the prefix is not declared.
    pub(super) fn find(&self, prefix: &str) -> Option<Bound> {
        match self.bindings.iter().rposition(|binding| binding.prefix == prefix) {
            Some(at) => Some(Bound::At(at)),
            None if prefix.is_empty() => Some(Bound::None),
            None if prefix == "xml" => Some(Bound::Xml),
            None => None,
        }
    }

    /// Whether two namespaces are the same.
    pub(super) fn is_same(&self, a: Bound, b: Bound) -> bool {
        let first = |bound| match bound {
            Bound::At(at) => Bound::At(self.bindings.get(at).map_or(at, |binding| binding.first)),
            other => other,
        };
        first(a) == first(b)
    }

    /// Empty for none.
    pub(super) fn uri(&self, bound: Bound) -> &str {
        match bound {
            Bound::None => "",
            Bound::Xml => namespace::XML,
            Bound::At(at) => self.bindings.get(at).map_or("", |binding| &binding.uri),
        }
    }

    /// What is in force of the outside of the innermost element, each prefix once.
    pub(super) fn inherited(&self) -> impl Iterator<Item = (&'x str, &str)> {
        let count = self.outside.last().map_or(0, |count| *count as usize);
        let visible = |at: usize, prefix: &str| self.bindings[at + 1..].iter().all(|b| b.prefix != prefix);
        let bindings = self.bindings.iter().enumerate().take(count);
        bindings.filter(move |(at, b)| visible(*at, b.prefix)).map(|(_, b)| (b.prefix, b.uri.as_ref()))
    }
}
