//! Indented XML, as people read it too.

use crate::escape::{Place, escape_lossy};

pub(super) type Attributes<'a> = [(&'a str, &'a str)];

pub(super) struct Markup {
    out: String,
    open: Vec<String>,
    /// Elements around those that are open here.
    outer: usize,
}

impl Markup {
    pub(super) fn document() -> Self {
        Self { out: "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n".to_owned(), open: Vec::new(), outer: 0 }
    }

    /// Something that goes into an element later that will be opened in `self`.
    pub(super) fn inner(&self) -> Self {
        Self { out: String::new(), open: Vec::new(), outer: self.outer + self.open.len() + 1 }
    }

    pub(super) fn add(&mut self, inner: &Self) {
        self.out.push_str(&inner.out);
    }

    pub(super) fn start(&mut self, name: &str, attributes: &Attributes<'_>) {
        self.tag(name, attributes);
        self.out.push_str(">\n");
        self.open.push(name.to_owned());
    }

    pub(super) fn empty(&mut self, name: &str, attributes: &Attributes<'_>) {
        self.tag(name, attributes);
        self.out.push_str("/>\n");
    }

    pub(super) fn text(&mut self, name: &str, text: &str) {
        self.tag(name, &[]);
        self.out.push('>');
        escape_lossy(&mut self.out, text, Place::Content);
        self.end_tag(name);
    }

    pub(super) fn end(&mut self) {
        if let Some(name) = self.open.pop() {
            self.indent();
            self.end_tag(&name);
        }
    }

    pub(super) fn finish(self) -> String {
        self.out
    }

    fn tag(&mut self, name: &str, attributes: &Attributes<'_>) {
        self.indent();
        self.out.push('<');
        self.out.push_str(name);
        for (name, value) in attributes {
            self.out.push(' ');
            self.out.push_str(name);
            self.out.push_str("=\"");
            escape_lossy(&mut self.out, value, Place::Attribute);
            self.out.push('"');
        }
    }

    fn end_tag(&mut self, name: &str) {
        self.out.push_str("</");
        self.out.push_str(name);
        self.out.push_str(">\n");
    }

    fn indent(&mut self) {
        for _ in 0..self.outer + self.open.len() {
            self.out.push_str("  ");
        }
    }
}
