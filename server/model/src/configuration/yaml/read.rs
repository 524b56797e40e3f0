//! From text to tree.

use std::collections::HashSet;

use saphyr_parser::{Event, Parser, ScalarStyle, Span};

use super::scalar;
use crate::{
    bounds::{CONFIGURATION_BYTES_MAX, CONFIGURATION_DEPTH_MAX, CONFIGURATION_NODES_MAX},
    configuration::node::{Content, Key, Node},
};

/// Why a text is not such a document; everything after it is unknown.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
#[error("line {line}: {message}")]
pub struct Unreadable {
    pub line: usize,
    pub message: String,
}

/// Reads one document. An empty text is an empty map.
pub fn read(text: &str) -> Result<Node, Unreadable> {
    if u64::try_from(text.len()).unwrap_or(u64::MAX) > CONFIGURATION_BYTES_MAX {
        return Err(refused(1, format!("the document is larger than {CONFIGURATION_BYTES_MAX} bytes")));
    }
    let mut tree = Tree::default();
    for event in Parser::new_from_str(text) {
        let (event, span) = event.map_err(|error| refused(error.marker().line(), error.info()))?;
        tree.take(event, span)?;
    }
    Ok(tree.root.unwrap_or(Node { line: Some(1), content: Content::Map(Vec::new()) }))
}

fn refused(line: usize, message: impl Into<String>) -> Unreadable {
    Unreadable { line: line.max(1), message: message.into() }
}

/// A list or map whose end has not come yet.
struct Open {
    line: usize,
    /// Of a map.
    key: Option<Key>,
    names: HashSet<String>,
    content: Content,
}

#[derive(Default)]
struct Tree {
    root: Option<Node>,
    open: Vec<Open>,
    nodes: usize,
    documents: usize,
}

impl Tree {
    fn take(&mut self, event: Event<'_>, span: Span) -> Result<(), Unreadable> {
        let line = span.start.line();
        match event {
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => Ok(()),
            Event::DocumentStart(_) => {
                self.documents += 1;
                if self.documents > 1 {
                    return Err(refused(line, "a second document begins; a file holds one"));
                }
                Ok(())
            }
            Event::Alias(_) => Err(refused(line, "aliases (*name) are not taken; write it out")),
            Event::Scalar(text, style, anchor, tag) => {
                Self::refuse_extras(line, anchor, tag.is_some())?;
                let content = match style {
                    ScalarStyle::Plain => None,
                    _ => Some(Content::Text(text.to_string())),
                };
                self.scalar(line, &text, content)
            }
            Event::SequenceStart(anchor, tag) => {
                Self::refuse_extras(line, anchor, tag.is_some())?;
                self.begin(line, Content::List(Vec::new()))
            }
            Event::MappingStart(anchor, tag) => {
                Self::refuse_extras(line, anchor, tag.is_some())?;
                self.begin(line, Content::Map(Vec::new()))
            }
            Event::SequenceEnd | Event::MappingEnd => match self.open.pop() {
                Some(open) => self.put(Node { line: Some(open.line), content: open.content }),
                None => Err(refused(line, "something ends that did not begin")),
            },
        }
    }

    fn refuse_extras(line: usize, anchor: usize, tag: bool) -> Result<(), Unreadable> {
        if anchor != 0 {
            return Err(refused(line, "anchors (&name) are not taken; write it out"));
        }
        if tag {
            return Err(refused(line, "tags (!name) are not taken"));
        }
        Ok(())
    }

    /// `content`: what it is where quotes say so.
    fn scalar(&mut self, line: usize, text: &str, content: Option<Content>) -> Result<(), Unreadable> {
        if let Some(Open { key: key @ None, names, content: Content::Map(_), .. }) = self.open.last_mut() {
            if !names.insert(text.to_owned()) {
                return Err(refused(line, format!("{text:?} stands twice")));
            }
            *key = Some(Key { text: text.to_owned(), line: Some(line) });
            return Ok(());
        }
        let content = match content {
            Some(content) => content,
            None => scalar::plain(text).map_err(|message| refused(line, message))?,
        };
        self.put(Node { line: Some(line), content })
    }

    fn begin(&mut self, line: usize, content: Content) -> Result<(), Unreadable> {
        if let Some(Open { key: None, content: Content::Map(_), .. }) = self.open.last() {
            return Err(refused(line, "a list or a map is no name"));
        }
        if self.open.len() >= CONFIGURATION_DEPTH_MAX {
            return Err(refused(line, format!("nests deeper than {CONFIGURATION_DEPTH_MAX}")));
        }
        self.open.push(Open { line, key: None, names: HashSet::new(), content });
        Ok(())
    }

    fn put(&mut self, node: Node) -> Result<(), Unreadable> {
        self.nodes += 1;
        if self.nodes > CONFIGURATION_NODES_MAX {
            let message = format!("the document has more than {CONFIGURATION_NODES_MAX} parts");
            return Err(refused(node.line.unwrap_or(1), message));
        }
        match self.open.last_mut() {
            None => self.root = Some(node),
            Some(Open { content: Content::List(items), .. }) => items.push(node),
            Some(Open { content: Content::Map(members), key, .. }) => {
                members.extend(key.take().map(|key| (key, node)));
            }
            Some(_) => {}
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::read;
    use crate::bounds::{CONFIGURATION_BYTES_MAX, CONFIGURATION_DEPTH_MAX, CONFIGURATION_NODES_MAX};

    #[test]
    fn reads_blocks_flows_and_quotes() {
        let text = "a: 1\nb:\n  - x # said\n  - 'no'\n  - {c: \"\\u00e4\", d: [~, true]}\ne: |\n  two\n  lines\nf:\n";
        let expected =
            json!({"a": 1, "b": ["x", "no", {"c": "ä", "d": [null, true]}], "e": "two\nlines\n", "f": null});
        let node = read(text).unwrap();
        assert_eq!(node.to_json(), expected);
        assert_eq!(node.line_of("/b/2/d/1"), Some(5));
        assert_eq!(read("").unwrap().to_json(), json!({}));
        assert_eq!(read("1: a\ntrue: b\n").unwrap().to_json(), json!({"1": "a", "true": "b"}));
    }

    #[test]
    fn refuses_with_the_line_what_would_surprise() {
        for (text, line, words) in [
            ("a: 1\nb: 2\na: 3\n", 3, "\"a\" stands twice"),
            ("a: &x 1\n", 1, "anchors"),
            ("\na: *x\n", 2, ""),
            ("a: !!str 1\n", 1, "tags"),
            ("a: 1\n---\nb: 2\n", 2, "second document"),
            ("? [a]\n: 1\n", 1, "no name"),
            ("a: 1\nb: .inf\n", 2, "not a number that JSON has"),
            ("a: 'x\nb: 1\n", 1, ""),
            ("a: [1, 2\nb: 1\n", 2, ""),
            ("a: 1\n\tb: 2\n", 2, ""),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.message.contains(words), "{text:?}: {error}");
            assert!((1..=line + 1).contains(&error.line), "{text:?}: {error}");
        }
    }

    #[test]
    fn what_would_fill_the_memory_is_refused() {
        // Without what was read instead: it would be printed whole.
        let told = |text: &str| read(text).err().map(|refused| refused.message).unwrap_or_default();
        assert!(told(&"[".repeat(CONFIGURATION_DEPTH_MAX + 1)).contains("nests deeper"));
        let wide = |parts: usize| format!("[{}]", "1,".repeat(parts));
        assert_eq!(told(&wide(CONFIGURATION_NODES_MAX - 1)), "");
        assert!(told(&wide(CONFIGURATION_NODES_MAX)).contains("parts"));
        let bytes = usize::try_from(CONFIGURATION_BYTES_MAX).unwrap();
        assert_eq!(told(&" ".repeat(bytes)), "");
        assert!(told(&" ".repeat(bytes + 1)).contains("larger"));
    }

    #[test]
    fn no_bytes_end_the_process() {
        // A small generator (Numerical Recipes) over the characters that mean something in YAML.
        let alphabet: Vec<char> = "ab1 \n\t-:?[]{},#&*!|>'\"%@`\\~.\u{feff}\u{85}ä".chars().collect();
        let mut state = 1_u64;
        for _ in 0..20_000 {
            let mut text = String::new();
            for _ in 0..24 {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                let at = usize::try_from(state >> 33).unwrap() % alphabet.len();
                text.push(alphabet[at]);
            }
            let _ = read(&text);
        }
    }
}
