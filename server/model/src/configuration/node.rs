//! A document as a tree that knows its lines.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{self, MapAccess, SeqAccess},
};
use serde_json::{Map, Number, Value};

use super::variables::{Unfit, escaped, filled, reference};

/// A value and where it begins.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// Counted from 1; `None` where the document has no lines that matter to its author, as JSON.
    pub line: Option<usize>,
    pub content: Content,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Content {
    Null,
    Flag(bool),
    Number(Number),
    /// As it was written: with the variables that it names, and escapes.
    Text(String),
    /// What a variable stands for, all of it: a text, or what can be read from one.
    Given(String),
    List(Vec<Node>),
    /// In the order of the document; no name stands twice.
    Map(Vec<(Key, Node)>),
}

/// A member's name and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Key {
    pub text: String,
    pub line: Option<usize>,
}

impl Node {
    /// What it is called when something else should stand there.
    pub fn kind(&self) -> &'static str {
        match &self.content {
            Content::Null => "empty",
            Content::Flag(_) => "true or false",
            Content::Number(_) => "a number",
            Content::Text(_) | Content::Given(_) => "a text",
            Content::List(_) => "a list",
            Content::Map(_) => "a map",
        }
    }

    /// The line of the nearest part of the document to a JSON Pointer (RFC 6901).
    pub fn line_of(&self, pointer: &str) -> Option<usize> {
        let (mut node, mut line) = (self, self.line);
        for segment in pointer.split('/').skip(1) {
            let segment = segment.replace("~1", "/").replace("~0", "~");
            let next = match &node.content {
                Content::Map(members) => {
                    members.iter().find(|(key, _)| key.text == segment).map(|(key, node)| (key.line, node))
                }
                Content::List(items) => {
                    segment.parse().ok().and_then(|at: usize| items.get(at)).map(|node| (node.line, node))
                }
                _ => None,
            };
            let Some((at, found)) = next else { break };
            (node, line) = (found, at.or(line));
        }
        line
    }

    /// The same without lines.
    pub fn to_json(&self) -> Value {
        match &self.content {
            Content::Null => Value::Null,
            Content::Flag(flag) => Value::Bool(*flag),
            Content::Number(number) => Value::Number(number.clone()),
            Content::Text(text) => Value::String(text.clone()),
            Content::Given(text) => Value::String(escaped(text)),
            Content::List(items) => items.iter().map(Self::to_json).collect(),
            Content::Map(members) => {
                let member = |(key, node): &(Key, Self)| (key.text.clone(), node.to_json());
                Value::Object(members.iter().map(member).collect::<Map<_, _>>())
            }
        }
    }

    /// Puts in the variables whose value is known; the others stay. Gives what could not be done.
    pub fn fill(&mut self, value: &mut impl FnMut(&str) -> Option<String>) -> Vec<(Option<usize>, Unfit)> {
        let mut unfit = Vec::new();
        self.fill_noting(value, &mut unfit);
        unfit
    }

    fn fill_noting(
        &mut self,
        value: &mut impl FnMut(&str) -> Option<String>,
        unfit: &mut Vec<(Option<usize>, Unfit)>,
    ) {
        match &mut self.content {
            Content::Text(text) => match (reference(text).and_then(&mut *value), filled(text, &mut *value)) {
                (Some(whole), _) => self.content = Content::Given(whole),
                (None, Ok(filled)) => *text = filled,
                (None, Err(reason)) => unfit.push((self.line, reason)),
            },
            Content::List(items) => items.iter_mut().for_each(|node| node.fill_noting(value, unfit)),
            Content::Map(members) => {
                members.iter_mut().for_each(|(_, node)| node.fill_noting(value, unfit));
            }
            Content::Null | Content::Flag(_) | Content::Number(_) | Content::Given(_) => {}
        }
    }
}

/// A segment of a JSON Pointer.
pub(super) fn segment(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

/// From JSON; unlike a JSON value it refuses a name that stands twice.
impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let content = deserializer.deserialize_any(Visitor)?;
        Ok(Self { line: None, content })
    }
}

struct Visitor;

impl<'de> de::Visitor<'de> for Visitor {
    type Value = Content;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Content, E> {
        Ok(Content::Null)
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Content, E> {
        Ok(Content::Flag(flag))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Content, E> {
        Ok(Content::Number(number.into()))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Content, E> {
        Ok(Content::Number(number.into()))
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<Content, E> {
        let number = Number::from_f64(number).ok_or_else(|| E::custom("a number is not finite"))?;
        Ok(Content::Number(number))
    }

    fn visit_str<E>(self, text: &str) -> Result<Content, E> {
        Ok(Content::Text(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut given: A) -> Result<Content, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = given.next_element()? {
            items.push(item);
        }
        Ok(Content::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut given: A) -> Result<Content, A::Error> {
        let (mut members, mut names) = (Vec::new(), std::collections::HashSet::new());
        while let Some((text, node)) = given.next_entry::<String, Node>()? {
            if !names.insert(text.clone()) {
                return Err(de::Error::custom(format!("member {text:?} stands twice")));
            }
            members.push((Key { text, line: None }, node));
        }
        Ok(Content::Map(members))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::Node;
    use crate::configuration::yaml;

    #[test]
    fn a_pointer_finds_the_line_of_what_is_nearest() {
        let node = yaml::read("a:\n  b/c:\n    - x\n    - y\n  d: 1\n").unwrap();
        for (pointer, line) in
            [("", 1), ("/a", 1), ("/a/b~1c", 2), ("/a/b~1c/1", 4), ("/a/d/e", 5), ("/a/none", 1)]
        {
            assert_eq!(node.line_of(pointer), Some(line), "{pointer}");
        }
    }

    #[test]
    fn json_is_read_as_it_is_but_for_doubles() {
        let value = json!({"a": [1, -2, 1.5, "x", null, true], "b": {}});
        let node: Node = serde_json::from_value(value.clone()).unwrap();
        assert_eq!((node.to_json(), node.line), (value, None));
        let error = serde_json::from_str::<Node>(r#"{"a": 1, "a": 2}"#).unwrap_err();
        assert!(error.to_string().contains("\"a\" stands twice"), "{error}");
    }
}
