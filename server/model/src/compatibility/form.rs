//! A schema as a choice of simple forms.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

/// One way a value may be. All that it says applies at once.
#[derive(Clone, Debug, Default)]
pub(super) struct Form<'s> {
    /// `None`: any.
    pub(super) kind: Option<&'s str>,
    /// The only value, if there is one only.
    pub(super) value: Option<&'s Value>,
    pub(super) properties: BTreeMap<&'s str, &'s Value>,
    pub(super) required: BTreeSet<&'s str>,
    /// Other keywords that say something of values.
    pub(super) rest: BTreeMap<&'s str, &'s Value>,
}

/// Forms of one schema, and references followed to find them.
const FORMS_MAX: usize = 256;
const DEPTH_MAX: usize = 32;

/// Keywords that say nothing of values.
pub(super) fn is_annotation(keyword: &str) -> bool {
    const ANNOTATIONS: [&str; 15] = [
        "$schema",
        "$id",
        "$anchor",
        "$comment",
        "$defs",
        "definitions",
        "title",
        "description",
        "default",
        "examples",
        "deprecated",
        "readOnly",
        "writeOnly",
        "discriminator",
        "xml",
    ];
    ANNOTATIONS.contains(&keyword) || keyword.starts_with("x-") || keyword.starts_with("content")
}

/// The part of a schema that a reference within it names.
pub(super) fn target<'s>(root: &'s Value, reference: &str) -> Option<&'s Value> {
    let pointer = percent_encoding::percent_decode_str(reference.strip_prefix('#')?).decode_utf8().ok()?;
    root.pointer(&pointer)
}

/// The forms of a schema; `None` where it says more than forms can.
pub(super) fn forms<'s>(schema: &'s Value, root: &'s Value) -> Option<Vec<Form<'s>>> {
    within(schema, root, 0)
}

fn within<'s>(schema: &'s Value, root: &'s Value, depth: usize) -> Option<Vec<Form<'s>>> {
    let members = match schema {
        Value::Bool(true) => return Some(vec![Form::default()]),
        Value::Bool(false) => return Some(Vec::new()),
        Value::Object(members) if depth < DEPTH_MAX => members,
        _ => return None,
    };
    let mut forms = own(schema)?;
    for (keyword, argument) in members {
        let choices = match (keyword.as_str(), argument) {
            ("$ref", Value::String(reference)) => vec![within(target(root, reference)?, root, depth + 1)?],
            ("allOf", Value::Array(parts)) => {
                parts.iter().map(|part| within(part, root, depth + 1)).collect::<Option<Vec<_>>>()?
            }
            ("anyOf" | "oneOf", Value::Array(options)) => {
                let options = options.iter().map(|option| within(option, root, depth + 1));
                vec![options.collect::<Option<Vec<_>>>()?.concat()]
            }
            _ => continue,
        };
        for choice in choices {
            forms = both(&forms, &choice)?;
        }
    }
    Some(forms)
}

/// What a schema says without its references and choices.
fn own(schema: &Value) -> Option<Vec<Form<'_>>> {
    let mut base = Form::default();
    for (keyword, argument) in schema.as_object()? {
        match (keyword.as_str(), argument) {
            ("$ref" | "allOf" | "anyOf" | "oneOf" | "type" | "enum" | "const", _) => {}
            ("properties", Value::Object(members)) => {
                base.properties = members.iter().map(|(name, member)| (name.as_str(), member)).collect();
            }
            ("required", Value::Array(names)) => {
                base.required = names.iter().filter_map(Value::as_str).collect();
            }
            (keyword, argument) if !is_annotation(keyword) => drop(base.rest.insert(keyword, argument)),
            _ => {}
        }
    }
    let kinds: Vec<Option<&str>> = match schema.get("type") {
        Some(Value::String(kind)) => vec![Some(kind)],
        Some(Value::Array(kinds)) => kinds.iter().map(Value::as_str).collect(),
        _ => vec![None],
    };
    let values: Vec<Option<&Value>> = match (schema.get("const"), schema.get("enum")) {
        (Some(value), _) => vec![Some(value)],
        (None, Some(Value::Array(values))) => values.iter().map(Some).collect(),
        _ => vec![None],
    };
    if kinds.len().saturating_mul(values.len()) > FORMS_MAX * 8 {
        return None;
    }
    let forms = values.iter().flat_map(|value| {
        let base = &base;
        kinds.iter().filter_map(move |kind| with_value(Form { kind: *kind, ..base.clone() }, *value))
    });
    let forms: Vec<_> = forms.collect();
    (forms.len() <= FORMS_MAX).then_some(forms)
}

/// The form of the one value, if it is of the form's type.
fn with_value<'s>(form: Form<'s>, value: Option<&'s Value>) -> Option<Form<'s>> {
    match (value, form.kind) {
        (None, _) => Some(form),
        (Some(value), kind) if kind.is_none_or(|kind| is_kind(kind_of(value), kind)) => {
            Some(Form { kind: Some(kind_of(value)), value: Some(value), ..form })
        }
        _ => None,
    }
}

pub(super) fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// Whether all values of a type are of another.
pub(super) fn is_kind(kind: &str, of: &str) -> bool {
    kind == of || (kind == "integer" && of == "number")
}

/// Forms of what is in one of each.
fn both<'s>(left: &[Form<'s>], right: &[Form<'s>]) -> Option<Vec<Form<'s>>> {
    let mut forms = Vec::new();
    for one in left {
        for other in right {
            if let Some(form) = joined(one, other)? {
                forms.push(form);
            }
            if forms.len() > FORMS_MAX {
                return None;
            }
        }
    }
    Some(forms)
}

/// What is of both forms; within, `None` where nothing is.
fn joined<'s>(one: &Form<'s>, other: &Form<'s>) -> Option<Option<Form<'s>>> {
    let mut form = one.clone();
    form.kind = match (one.kind, other.kind) {
        (Some(one), Some(other)) if is_kind(one, other) => Some(one),
        (Some(one), Some(other)) if is_kind(other, one) => Some(other),
        (Some(_), Some(_)) => return Some(None),
        (one, other) => one.or(other),
    };
    form.value = match (one.value, other.value) {
        (Some(one), Some(other)) if one != other => return Some(None),
        (one, other) => one.or(other),
    };
    for (name, member) in &other.properties {
        if form.properties.insert(name, member).is_some_and(|known| known != *member) {
            return None;
        }
    }
    form.required.extend(&other.required);
    for (keyword, argument) in &other.rest {
        if form.rest.insert(keyword, argument).is_some_and(|known| known != *argument) {
            return None;
        }
    }
    Some(with_value(Form { value: None, ..form.clone() }, form.value))
}
