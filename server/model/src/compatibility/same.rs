//! Whether two schemas say the same, word by word but for what says nothing of values.

use serde_json::{Map, Value};

use super::form::{is_annotation, target};

/// Two schemas that are compared.
#[derive(Clone, Copy)]
pub(super) struct Pair<'s> {
    pub(super) wide: &'s Value,
    pub(super) narrow: &'s Value,
}

/// Schemas within one another.
const DEPTH_MAX: usize = 300;

pub(super) struct Sameness<'s> {
    roots: Pair<'s>,
    /// Pairs of references' targets that are taken to be the same until shown otherwise.
    assumed: Vec<(usize, usize)>,
    depth: usize,
}

impl<'s> Sameness<'s> {
    pub(super) fn new(roots: Pair<'s>) -> Self {
        Self { roots, assumed: Vec::new(), depth: 0 }
    }

    pub(super) fn schemas(&mut self, pair: Pair<'s>) -> bool {
        if self.depth >= DEPTH_MAX {
            return false;
        }
        self.depth += 1;
        let same = self.keywords(pair);
        self.depth -= 1;
        same
    }

    fn keywords(&mut self, pair: Pair<'s>) -> bool {
        match (pair.wide, pair.narrow) {
            (Value::Object(wide), Value::Object(narrow)) => {
                let telling = |(keyword, _): &(&String, &Value)| !is_annotation(keyword);
                wide.iter().filter(telling).count() == narrow.iter().filter(telling).count()
                    && wide.iter().filter(telling).all(|(keyword, wide)| {
                        narrow
                            .get(keyword)
                            .is_some_and(|narrow| self.arguments(keyword, Pair { wide, narrow }))
                    })
            }
            (wide, narrow) => wide == narrow,
        }
    }

    /// Arguments of one keyword.
    pub(super) fn arguments(&mut self, keyword: &str, pair: Pair<'s>) -> bool {
        match (keyword, pair.wide, pair.narrow) {
            ("$ref", Value::String(wide), Value::String(narrow)) => self.references(wide, narrow),
            (
                "properties" | "patternProperties" | "dependentSchemas",
                Value::Object(wide),
                Value::Object(narrow),
            ) => self.maps(wide, narrow),
            ("allOf" | "anyOf" | "oneOf" | "prefixItems", Value::Array(wide), Value::Array(narrow)) => {
                wide.len() == narrow.len()
                    && wide.iter().zip(narrow).all(|(wide, narrow)| self.schemas(Pair { wide, narrow }))
            }
            ("enum" | "const" | "required", wide, narrow) => wide == narrow,
            (_, Value::Object(_), Value::Object(_)) => self.schemas(pair),
            (_, wide, narrow) => wide == narrow,
        }
    }

    fn maps(&mut self, wide: &'s Map<String, Value>, narrow: &'s Map<String, Value>) -> bool {
        wide.len() == narrow.len()
            && wide.iter().all(|(name, wide)| {
                narrow.get(name).is_some_and(|narrow| self.schemas(Pair { wide, narrow }))
            })
    }

    fn references(&mut self, wide: &str, narrow: &str) -> bool {
        match (target(self.roots.wide, wide), target(self.roots.narrow, narrow)) {
            (Some(wide), Some(narrow)) => {
                let pair = (std::ptr::from_ref(wide) as usize, std::ptr::from_ref(narrow) as usize);
                if self.assumed.contains(&pair) {
                    return true;
                }
                self.assumed.push(pair);
                self.schemas(Pair { wide, narrow })
            }
            (None, None) => wide == narrow,
            _ => false,
        }
    }
}
