//! Which prefix means which namespace, where.

use std::borrow::Cow;

use busbar_model::bounds::XML_NAMESPACES_MAX;

use crate::namespace;

#[derive(Clone, Debug)]
struct Binding<'x> {
    prefix: &'x str,
    /// Empty: no namespace.
    uri: Cow<'x, str>,
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
        if self.bindings.len() >= XML_NAMESPACES_MAX {
            return Err("too many namespaces are declared");
        }
        self.bindings.push(Binding { prefix, uri });
        Ok(())
    }

    /// `None`: the prefix is not declared.
    pub(super) fn resolve(&self, prefix: &str) -> Option<&str> {
        match self.bindings.iter().rev().find(|binding| binding.prefix == prefix) {
            Some(binding) => Some(&binding.uri),
            None if prefix.is_empty() => Some(""),
            None if prefix == "xml" => Some(namespace::XML),
            None => None,
        }
    }

    /// What is in force, each prefix once.
    pub(super) fn in_force(&self) -> impl Iterator<Item = (&'x str, &str)> {
        let visible = |at: usize, prefix: &str| self.bindings[at + 1..].iter().all(|b| b.prefix != prefix);
        let bindings = self.bindings.iter().enumerate();
        bindings.filter(move |(at, b)| visible(*at, b.prefix)).map(|(_, b)| (b.prefix, b.uri.as_ref()))
    }
}
