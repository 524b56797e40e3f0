//! The words of a refusal. They name what the schema asks for, not what came.

use busbar_model::bounds;
use serde_json::Value;

/// Whether the value is of one of the types that a `type` names.
pub(super) fn is_of(types: &Value, value: &Value) -> bool {
    let is = |name: &str| match (name, value) {
        ("null", Value::Null)
        | ("boolean", Value::Bool(_))
        | ("number", Value::Number(_))
        | ("string", Value::String(_))
        | ("array", Value::Array(_))
        | ("object", Value::Object(_)) => true,
        // 1.0 is an integer (JSON Schema validation, section 6.1.1).
        ("integer", Value::Number(number)) => {
            !number.is_f64() || number.as_f64().is_some_and(|number| number.fract() == 0.0)
        }
        _ => false,
    };
    names(types).into_iter().any(is)
}

fn names(types: &Value) -> Vec<&str> {
    match types {
        Value::String(name) => vec![name],
        Value::Array(names) => names.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

pub(super) fn of_type(types: &Value, value: &Value) -> String {
    format!("is {}, not {}", with_article(kind(value)), either(&names(types)))
}

/// None of the options is of the value's type.
pub(super) fn of_types(options: &[&Value], value: &Value) -> String {
    let mut all = Vec::new();
    for name in options.iter().filter_map(|option| option.get("type")).flat_map(names) {
        if !all.contains(&name) {
            all.push(name);
        }
    }
    format!("is {}, not {}", with_article(kind(value)), either(&all))
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

fn with_article(name: &str) -> String {
    match name {
        "null" => name.to_owned(),
        "integer" | "array" | "object" => format!("an {name}"),
        _ => format!("a {name}"),
    }
}

fn either(names: &[&str]) -> String {
    names.iter().map(|name| with_article(name)).collect::<Vec<_>>().join(" or ")
}

pub(super) fn one_of(values: &[&Value]) -> String {
    let values: Vec<String> = values.iter().map(ToString::to_string).collect();
    format!("is not one of {}", values.join(", "))
}

/// The value does not keep to a keyword with this argument.
pub(super) fn of(keyword: &str, argument: &Value) -> String {
    match (keyword, argument) {
        ("enum", Value::Array(values)) => one_of(&values.iter().collect::<Vec<_>>()),
        ("const", _) => format!("is not {argument}"),
        ("minimum", _) => format!("is less than {argument}"),
        ("maximum", _) => format!("is more than {argument}"),
        ("exclusiveMinimum", _) => format!("is not more than {argument}"),
        ("exclusiveMaximum", _) => format!("is not less than {argument}"),
        ("multipleOf", _) => format!("is not a multiple of {argument}"),
        ("minLength", _) => format!("is shorter than {argument} characters"),
        ("maxLength", _) => format!("is longer than {argument} characters"),
        ("pattern", Value::String(pattern)) => format!("does not match the pattern {pattern}"),
        ("format", Value::String(format)) => format!("is not in the format {format}"),
        ("minItems", _) => format!("has fewer than {argument} items"),
        ("maxItems", _) => format!("has more than {argument} items"),
        ("uniqueItems", _) => "has the same item twice".to_owned(),
        ("minProperties", _) => format!("has fewer than {argument} members"),
        ("maxProperties", _) => format!("has more than {argument} members"),
        _ => format!("does not keep to {keyword}"),
    }
}

/// A member's name in a message, which may be the sender's own and of any length.
pub(super) fn shown(name: &str) -> String {
    const CHARS_MAX: usize = 60;
    match name.char_indices().nth(CHARS_MAX) {
        Some((end, _)) => format!("{:?}…", &name[..end]),
        None => format!("{name:?}"),
    }
}

pub(super) fn shortened(message: &str) -> String {
    match message.char_indices().nth(bounds::FIELD_MESSAGE_CHARS_MAX) {
        Some((end, _)) => format!("{}…", &message[..end]),
        None => message.to_owned(),
    }
}
