//! Reading the members of an entry: everything that is wrong is collected, each with its place.

use serde::de::DeserializeOwned;
use serde_json::{Number, Value};

use super::{
    node::{Content, Key, Node, segment},
    variables::{self, Unfit},
};

/// Something in a document that can't be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// JSON Pointer (RFC 6901).
    pub path: String,
    pub line: Option<usize>,
    pub message: String,
    /// The variable that is wanted, where that is all that is wrong.
    pub variable: Option<String>,
}

impl std::fmt::Display for Mistake {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let Some(line) = self.line {
            write!(f, "line {line}: ")?;
        }
        let place = self.path.trim_start_matches('/').replace('/', ".");
        let colon = if place.is_empty() { "" } else { ": " };
        write!(f, "{place}{colon}{}", self.message)
    }
}

/// What is wrong with one value.
#[derive(Debug)]
pub(super) struct Wrong {
    /// Below the value.
    path: String,
    message: String,
    variable: Option<String>,
}

impl<E: std::fmt::Display> From<E> for Wrong {
    fn from(error: E) -> Self {
        Self { path: String::new(), message: error.to_string(), variable: None }
    }
}

impl Wrong {
    pub(super) fn at(path: impl Into<String>, message: impl std::fmt::Display) -> Self {
        Self { path: path.into(), message: message.to_string(), variable: None }
    }

    pub(super) fn below(mut self, name: &str) -> Self {
        self.path = format!("/{}{}", segment(name), self.path);
        self
    }

    fn missing(unfit: Unfit) -> Self {
        match unfit {
            Unfit::Missing(ref name) => {
                Self { path: String::new(), message: unfit.to_string(), variable: Some(name.clone()) }
            }
            other => other.into(),
        }
    }
}

/// The members of a map.
pub(super) struct Members<'n, 'f> {
    given: &'n [(Key, Node)],
    path: String,
    line: Option<usize>,
    known: Vec<&'static str>,
    mistakes: &'f mut Vec<Mistake>,
}

impl<'n, 'f> Members<'n, 'f> {
    /// `line` is where it is named. Nothing where a map should stand is a map without members.
    pub(super) fn of(
        node: &'n Node,
        line: Option<usize>,
        path: String,
        mistakes: &'f mut Vec<Mistake>,
    ) -> Option<Self> {
        let given: &[_] = match &node.content {
            Content::Map(given) => given,
            Content::Null => &[],
            _ => {
                let message = format!("is {}, but must be a map", node.kind());
                mistakes.push(Mistake { path, line: node.line, message, variable: None });
                return None;
            }
        };
        Some(Self { given, path, line, known: Vec::new(), mistakes })
    }

    pub(super) fn node(&mut self, name: &'static str) -> Option<&'n Node> {
        self.known.push(name);
        self.given.iter().find(|(key, _)| key.text == name).map(|(_, node)| node)
    }

    /// The same for what is below a member: `pointer` is a JSON Pointer without its first '/'.
    pub(super) fn refuse_below(&mut self, pointer: &str, message: impl Into<String>) {
        let (name, below) = pointer.split_at(pointer.find('/').unwrap_or(pointer.len()));
        let member = self.given.iter().find(|(key, _)| key.text == name);
        let line = member.map_or(self.line, |(key, node)| match below {
            "" => key.line,
            below => Node::line_of(node, below).or(key.line),
        });
        let path = format!("{}/{pointer}", self.path);
        self.mistakes.push(Mistake { path, line, message: message.into(), variable: None });
    }

    pub(super) fn refuse(&mut self, name: &str, message: impl Into<String>) {
        let line = self.given.iter().find(|(key, _)| key.text == name).map_or(self.line, |(key, _)| key.line);
        let path = format!("{}/{}", self.path, segment(name));
        self.mistakes.push(Mistake { path, line, message: message.into(), variable: None });
    }

    /// The outer `None`: it is there and wrong.
    pub(super) fn optional<T>(
        &mut self,
        name: &'static str,
        read: impl FnOnce(&Node) -> Result<T, Wrong>,
    ) -> Option<Option<T>> {
        let Some(node) = self.node(name) else { return Some(None) };
        match read(node) {
            Ok(value) => Some(Some(value)),
            Err(wrong) => {
                let line = Node::line_of(node, &wrong.path);
                let path = format!("{}/{}{}", self.path, segment(name), wrong.path);
                self.mistakes.push(Mistake { path, line, message: wrong.message, variable: wrong.variable });
                None
            }
        }
    }

    /// A map inside; null is as if it were left out. The outer `None`: something in it is wrong.
    pub(super) fn nested<T>(
        &mut self,
        name: &'static str,
        read: impl FnOnce(&mut Members<'n, '_>) -> Option<T>,
    ) -> Option<Option<T>> {
        let node = self.node(name).filter(|node| !matches!(node.content, Content::Null));
        let Some(node) = node else { return Some(None) };
        let path = format!("{}/{}", self.path, segment(name));
        let mut below = Members::of(node, node.line, path, self.mistakes)?;
        let value = read(&mut below);
        below.finish();
        value.map(Some)
    }

    /// `default` where it is absent; `None` where it is wrong.
    pub(super) fn or<T>(
        &mut self,
        name: &'static str,
        default: T,
        read: impl FnOnce(&Node) -> Result<T, Wrong>,
    ) -> Option<T> {
        Some(self.optional(name, read)?.unwrap_or(default))
    }

    /// `None` where it is absent or wrong, which is said.
    pub(super) fn required<T>(
        &mut self,
        name: &'static str,
        read: impl FnOnce(&Node) -> Result<T, Wrong>,
    ) -> Option<T> {
        let value = self.optional(name, read)?;
        if value.is_none() {
            self.refuse(name, "is required");
        }
        value
    }

    /// Refuses what nobody asked for.
    pub(super) fn finish(mut self) {
        let unknown = self.given.iter().filter(|(key, _)| !self.known.contains(&key.text.as_str()));
        for (key, _) in unknown.collect::<Vec<_>>() {
            let allowed = self.known.join(", ");
            self.refuse(&key.text, format!("is not known here; known is {allowed}"));
        }
    }
}

pub(super) fn text(node: &Node) -> Result<String, Wrong> {
    match &node.content {
        Content::Text(text) => variables::literal(text).map_err(Wrong::missing),
        Content::Given(text) => Ok(text.clone()),
        Content::Number(number) => {
            Err(format!("is the number {number}, but must be a text; put it in quotes").into())
        }
        _ => Err(format!("is {}, but must be a text", node.kind()).into()),
    }
}

/// A text that is read further.
pub(super) fn parsed<T, E: std::fmt::Display>(
    parse: impl FnOnce(String) -> Result<T, E>,
) -> impl FnOnce(&Node) -> Result<T, Wrong> {
    move |node| parse(text(node)?).map_err(Wrong::from)
}

/// A whole number, also where a variable stands for it.
pub(super) fn whole(least: u64, most: u64) -> impl FnOnce(&Node) -> Result<u64, Wrong> {
    move |node| {
        let (shown, value) = match &node.content {
            Content::Number(number) => (number.to_string(), integral(number).as_u64()),
            Content::Given(text) => (format!("{text:?}"), text.parse().ok()),
            Content::Text(text) => match variables::literal(text) {
                Err(unfit @ Unfit::Missing(_)) => return Err(Wrong::missing(unfit)),
                _ => return Err("is a text, but must be a whole number".into()),
            },
            _ => return Err(format!("is {}, but must be a whole number", node.kind()).into()),
        };
        let fits = value.filter(|value| (least..=most).contains(value));
        fits.ok_or_else(|| format!("is {shown}; allowed is {least} to {most}").into())
    }
}

/// `7.0` is as whole as `7` (JSON Schema).
pub(super) fn integral(number: &Number) -> Number {
    // All whole numbers below this are exact as floats.
    const EXACT_MAX: f64 = 9_007_199_254_740_992.0;
    match number.as_f64() {
        Some(float) if number.is_f64() && float.fract() == 0.0 && (0.0..=EXACT_MAX).contains(&float) => {
            format!("{float:.0}").parse().unwrap_or_else(|_| number.clone())
        }
        _ => number.clone(),
    }
}

/// True or false, also where a variable stands for it.
pub(super) fn flag(node: &Node) -> Result<bool, Wrong> {
    match &node.content {
        Content::Flag(flag) => Ok(*flag),
        Content::Given(text) => {
            text.parse().map_err(|_| format!("is {text:?}, but must be true or false").into())
        }
        Content::Text(text) => match variables::literal(text) {
            Err(unfit @ Unfit::Missing(_)) => Err(Wrong::missing(unfit)),
            _ => Err("is a text, but must be true or false".into()),
        },
        _ => Err(format!("is {}, but must be true or false", node.kind()).into()),
    }
}

pub(super) fn texts(node: &Node) -> Result<Vec<String>, Wrong> {
    let Content::List(items) = &node.content else {
        return Err(format!("is {}, but must be a list of texts", node.kind()).into());
    };
    let item = |(at, item): (usize, &Node)| text(item).map_err(|wrong| wrong.below(&at.to_string()));
    items.iter().enumerate().map(item).collect()
}

/// Any value, with the variables in its texts.
pub(super) fn free(node: &Node) -> Result<Value, Wrong> {
    match &node.content {
        Content::Text(_) | Content::Given(_) => text(node).map(Value::String),
        Content::List(items) => {
            let item = |(at, item): (usize, &Node)| free(item).map_err(|wrong| wrong.below(&at.to_string()));
            items.iter().enumerate().map(item).collect::<Result<Vec<_>, _>>().map(Value::Array)
        }
        Content::Map(members) => {
            let member = |(key, node): &(Key, Node)| {
                free(node).map(|value| (key.text.clone(), value)).map_err(|wrong| wrong.below(&key.text))
            };
            members.iter().map(member).collect::<Result<_, _>>().map(Value::Object)
        }
        _ => Ok(node.to_json()),
    }
}

/// A map that the model knows how to read. In it null is as if it were left out.
pub(super) fn typed<T: DeserializeOwned>(node: &Node) -> Result<T, Wrong> {
    let Content::Map(_) = node.content else {
        return Err(format!("is {}, but must be a map", node.kind()).into());
    };
    let mut value = free(node)?;
    if let Value::Object(members) = &mut value {
        members.retain(|_, member| !member.is_null());
        for member in members.values_mut() {
            if let Value::Number(number) = member {
                *number = integral(number);
            }
        }
    }
    serde_json::from_value(value).map_err(Wrong::from)
}

/// A text as it stands in a document.
pub(super) fn shown(text: &str) -> Value {
    Value::String(variables::escaped(text))
}

/// Any value as it stands in a document.
pub(super) fn shown_free(value: &Value) -> Value {
    match value {
        Value::String(text) => shown(text),
        Value::Array(items) => items.iter().map(shown_free).collect(),
        Value::Object(members) => {
            Value::Object(members.iter().map(|(name, value)| (name.clone(), shown_free(value))).collect())
        }
        other => other.clone(),
    }
}
