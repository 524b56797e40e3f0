//! Places in a schema, each with its JSON Pointer.

use std::{fmt::Write, rc::Rc};

use serde_json::{Map, Value};

use super::Unmappable;

/// A schema within the document. Its pointer is written out only when something is refused: places are many.
#[derive(Clone)]
pub(super) struct Place<'a> {
    pub(super) schema: &'a Value,
    way: Rc<Way<'a>>,
}

enum Way<'a> {
    /// As a reference has it.
    Pointer(String),
    Key(Rc<Way<'a>>, &'a str),
    Index(Rc<Way<'a>>, usize),
}

impl<'a> Place<'a> {
    pub(super) fn root(schema: &'a Value) -> Self {
        Self::at(schema, String::new())
    }

    /// Where `pointer` leads to.
    pub(super) fn at(schema: &'a Value, pointer: String) -> Self {
        Self { schema, way: Rc::new(Way::Pointer(pointer)) }
    }

    /// What tells this schema from all others of the document.
    pub(super) fn address(&self) -> usize {
        std::ptr::from_ref(self.schema).addr()
    }

    pub(super) fn get(&self, keyword: &str) -> Option<&'a Value> {
        self.schema.get(keyword)
    }

    pub(super) fn has(&self, keyword: &str) -> bool {
        self.get(keyword).is_some()
    }

    pub(super) fn text(&self, keyword: &str) -> Option<&'a str> {
        self.get(keyword)?.as_str()
    }

    /// The schema that is the keyword's value.
    pub(super) fn below(&self, keyword: &'a str) -> Option<Self> {
        let schema = self.get(keyword)?;
        Some(Self { schema, way: Rc::new(Way::Key(self.way.clone(), keyword)) })
    }

    /// The schemas in the keyword's array; none if it has none.
    pub(super) fn each(&self, keyword: &'a str) -> Vec<Self> {
        let Some(within) = self.below(keyword) else { return Vec::new() };
        let items = within.schema.as_array().map(Vec::as_slice).unwrap_or_default();
        let at = |(index, schema)| Self { schema, way: Rc::new(Way::Index(within.way.clone(), index)) };
        items.iter().enumerate().map(at).collect()
    }

    /// The schemas in the keyword's object, by name, in the order of declaration.
    pub(super) fn named(&self, keyword: &'a str) -> Vec<(&'a str, Self)> {
        let Some(within) = self.below(keyword) else { return Vec::new() };
        let members = within.schema.as_object().into_iter().flat_map(Map::iter);
        let at = |(name, schema): (&'a String, &'a Value)| {
            (name.as_str(), Self { schema, way: Rc::new(Way::Key(within.way.clone(), name)) })
        };
        members.map(at).collect()
    }

    pub(super) fn refuse(&self, reason: impl Into<String>) -> Unmappable {
        Unmappable { path: self.pointer(), reason: reason.into() }
    }

    /// The last name on the way here, for a type that has no better one.
    pub(super) fn last_name(&self) -> String {
        let mut way = &self.way;
        loop {
            match &**way {
                Way::Pointer(pointer) => return last_token(pointer),
                Way::Key(_, name) => return (*name).to_owned(),
                Way::Index(before, _) => way = before,
            }
        }
    }

    fn pointer(&self) -> String {
        let mut tokens = Vec::new();
        let mut way = &self.way;
        let mut pointer = loop {
            match &**way {
                Way::Pointer(pointer) => break pointer.clone(),
                Way::Key(before, name) => {
                    tokens.push(name.replace('~', "~0").replace('/', "~1"));
                    way = before;
                }
                Way::Index(before, index) => {
                    tokens.push(index.to_string());
                    way = before;
                }
            }
        };
        for token in tokens.iter().rev() {
            let _ = write!(pointer, "/{token}");
        }
        pointer
    }
}

/// The last token of a JSON Pointer (RFC 6901, section 4), unescaped.
pub(super) fn last_token(pointer: &str) -> String {
    pointer.rsplit('/').next().unwrap_or_default().replace("~1", "/").replace("~0", "~")
}

/// What the author says of it, without characters that XML forbids.
pub(super) fn documentation(place: &Place<'_>) -> Option<String> {
    let said = place.text("description").or_else(|| place.text("title"))?;
    Some(said.chars().filter(|c| crate::xml::is_xml(*c)).collect())
}
