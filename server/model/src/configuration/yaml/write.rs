//! From values to text: the same values give the same bytes.

use std::fmt::Write as _;

use serde_json::{Map, Value};

use super::scalar;

const INDENT: usize = 2;

/// A map as a block. Texts are quoted wherever some reader of YAML might take them for something else.
pub fn write(members: &Map<String, Value>) -> String {
    let mut text = String::new();
    map(&mut text, members, 0);
    text
}

fn map(text: &mut String, members: &Map<String, Value>, indent: usize) {
    for (at, (name, value)) in members.iter().enumerate() {
        // The first member of a map in a list stands behind the dash.
        if at > 0 || !text.ends_with("- ") {
            pad(text, indent);
        }
        quoted(text, name);
        text.push(':');
        child(text, value, indent);
    }
}

fn list(text: &mut String, items: &[Value], indent: usize) {
    for item in items {
        pad(text, indent);
        text.push_str("- ");
        match item {
            Value::Object(members) if !members.is_empty() => map(text, members, indent + INDENT),
            Value::Array(inner) if !inner.is_empty() => {
                text.truncate(text.len() - 1);
                text.push('\n');
                list(text, inner, indent + INDENT);
            }
            leaf => {
                scalar(text, leaf);
                text.push('\n');
            }
        }
    }
}

/// What stands behind a name.
fn child(text: &mut String, value: &Value, indent: usize) {
    match value {
        Value::Object(members) if !members.is_empty() => {
            text.push('\n');
            map(text, members, indent + INDENT);
        }
        Value::Array(items) if !items.is_empty() => {
            text.push('\n');
            list(text, items, indent + INDENT);
        }
        leaf => {
            text.push(' ');
            scalar(text, leaf);
            text.push('\n');
        }
    }
}

fn scalar(text: &mut String, value: &Value) {
    match value {
        Value::String(inner) => quoted(text, inner),
        Value::Object(_) => text.push_str("{}"),
        Value::Array(_) => text.push_str("[]"),
        // Writing to a String does not fail.
        other => drop(write!(text, "{other}")),
    }
}

fn quoted(text: &mut String, inner: &str) {
    if scalar::is_safe_plain(inner) {
        return text.push_str(inner);
    }
    text.push('"');
    for c in inner.chars() {
        match c {
            '"' => text.push_str("\\\""),
            '\\' => text.push_str("\\\\"),
            '\n' => text.push_str("\\n"),
            '\t' => text.push_str("\\t"),
            '\r' => text.push_str("\\r"),
            c if c.is_control()
                || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}') =>
            {
                let _ = write!(text, "\\u{:04x}", u32::from(c));
            }
            c => text.push(c),
        }
    }
    text.push('"');
}

fn pad(text: &mut String, indent: usize) {
    text.extend(std::iter::repeat_n(' ', indent));
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::write;
    use crate::configuration::yaml::read;

    fn written(value: &Value) -> String {
        write(value.as_object().unwrap())
    }

    #[test]
    fn reads_well() {
        let value = json!({"busbar": 1, "channels": {"orders": {"path": "/o/{id}", "methods": ["GET", "POST"]}},
            "list": [{"a": 1, "b": {"c": []}}, [1, [2]], {}], "7zip": "no"});
        let expected = "busbar: 1\nchannels:\n  orders:\n    path: /o/{id}\n    methods:\n      - GET\n      - POST\n\
                        list:\n  - a: 1\n    b:\n      c: []\n  -\n    - 1\n    -\n      - 2\n  - {}\n\"7zip\": \"no\"\n";
        assert_eq!(written(&value), expected);
    }

    #[test]
    fn what_is_written_is_read_again() {
        let odd = "\u{0}\u{7}\u{1b}\u{7f}\u{85}\u{2028}\u{feff}\u{1f600} \"\\\n\r\t: # - ";
        let value = json!({
            "": odd, odd: "", "~": "null", "a": ["yes", "on", "1e3", "0x1", "01", " a", "a ", "- b", "&a", "*a", "!a",
            "%a", "@a", "`a", "|", ">", "?", ":", "a: b", "a #b", "[", "]", "{", "}", ",", "'", "<<", "=", "2026-11-21"],
            "n": [0, -1, 1.5, -0.0, 1e300, 5e-324, u64::MAX, i64::MIN, true, null],
            "deep": {"a": {"b": [[{"c": {"d": [[], {}, [{}]]}}]]}},
        });
        let text = written(&value);
        assert_eq!(read(&text).unwrap_or_else(|error| panic!("{error}\n{text}")).to_json(), value);
        assert_eq!(written(&read(&text).unwrap().to_json()), text);
    }
}
