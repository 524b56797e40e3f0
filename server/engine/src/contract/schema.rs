//! One JSON Schema, compiled.

use std::{
    collections::HashMap,
    error::Error as _,
    sync::{Mutex, PoisonError},
};

use busbar_model::{bounds, fault::FieldError};
use jsonschema::{PatternOptions, Validator};
use serde_json::Value;

use super::explain::Explanation;

/// What one pattern may take, in bytes, and what the least one counts as.
const PATTERN_BYTES_MAX: usize = 1024 * 1024;
const PATTERN_BYTES_LEAST: usize = 4 * 1024;

pub(super) struct Schema {
    /// In a box of its own, so that what refers to parts of it by address finds them there.
    text: Box<Value>,
    /// `None`: it could not be compiled.
    validator: Option<Validator>,
    /// Single keywords that failures were explained by, by the address of their argument.
    keywords: Mutex<HashMap<usize, Option<Validator>>>,
}

impl std::fmt::Debug for Schema {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Schema").field("text", &self.text).finish_non_exhaustive()
    }
}

impl Schema {
    /// The schema, and why it can't be checked against.
    pub(super) fn of(text: &Value) -> (Self, Option<String>) {
        let text = Box::new(text.clone());
        let (validator, problem) = match weigh(&text).and_then(|()| compile(&text)) {
            Ok(validator) => (Some(validator), None),
            Err(reason) => (None, Some(reason)),
        };
        (Self { text, validator, keywords: Mutex::default() }, problem)
    }

    pub(super) fn text(&self) -> &Value {
        &self.text
    }

    /// What is wrong with the value, if anything is: at most `bounds::FIELD_ERRORS_MAX` places.
    pub(super) fn check(&self, value: &Value) -> Result<(), Vec<FieldError>> {
        if self.validator.as_ref().is_none_or(|validator| validator.is_valid(value)) {
            return Ok(());
        }
        Err(Explanation::of(self, value))
    }

    /// Whether the value breaks one keyword of the schema that refers to nothing.
    pub(super) fn breaks(&self, keyword: &str, argument: &Value, value: &Value) -> bool {
        let mut keywords = self.keywords.lock().unwrap_or_else(PoisonError::into_inner);
        let known = keywords.entry(std::ptr::from_ref(argument) as usize).or_insert_with(|| {
            compile(&Value::Object([(keyword.to_owned(), argument.clone())].into_iter().collect())).ok()
        });
        known.as_ref().is_some_and(|validator| !validator.is_valid(value))
    }

    /// The part of the schema that a reference within it names.
    pub(super) fn referred<'s>(&'s self, reference: &str) -> Option<&'s Value> {
        target(&self.text, reference)
    }
}

fn target<'s>(root: &'s Value, reference: &str) -> Option<&'s Value> {
    let pointer = percent_encoding::percent_decode_str(reference.strip_prefix('#')?).decode_utf8().ok()?;
    root.pointer(&pointer)
}

/// What the patterns of a schema take once they are compiled, in bytes: of each the least power of two that it
/// fits into.
pub(super) fn pattern_bytes(root: &Value) -> usize {
    let mut bytes = 0_usize;
    let mut known = HashMap::<String, usize>::new();
    // It never fails.
    let _ = every_schema(root, &mut |schema| {
        let one = schema.get("pattern").and_then(Value::as_str);
        let named = schema.get("patternProperties").and_then(Value::as_object);
        for pattern in
            one.into_iter().chain(named.into_iter().flat_map(|named| named.keys().map(String::as_str)))
        {
            let size = *known.entry(pattern.to_owned()).or_insert_with(|| compiled_bytes(pattern));
            bytes = bytes.saturating_add(size);
        }
        Ok(())
    });
    bytes
}

fn compiled_bytes(pattern: &str) -> usize {
    let schema = serde_json::json!({"pattern": pattern});
    let sizes = std::iter::successors(Some(PATTERN_BYTES_LEAST), |size| Some(size * 2));
    let mut sizes = sizes.take_while(|size| *size < PATTERN_BYTES_MAX);
    sizes.find(|size| compile_within(&schema, *size).is_ok()).unwrap_or(PATTERN_BYTES_MAX)
}

/// Patterns are matched in linear time, and nothing is fetched from anywhere.
fn compile(text: &Value) -> Result<Validator, String> {
    compile_within(text, PATTERN_BYTES_MAX)
}

fn compile_within(text: &Value, pattern_bytes: usize) -> Result<Validator, String> {
    let patterns = PatternOptions::regex().size_limit(pattern_bytes).dfa_size_limit(pattern_bytes);
    let options = jsonschema::options().should_validate_formats(true).with_pattern_options(patterns);
    options.offline().build(text).map_err(|error| {
        let place = error.instance_path().to_string();
        let place = if place.is_empty() { String::new() } else { format!("{place}: ") };
        match error.kind() {
            jsonschema::error::ValidationErrorKind::Referencing(cause) => {
                let source = cause.source().map(|source| format!(" ({source})")).unwrap_or_default();
                format!(
                    "{place}a reference leads nowhere: {cause}{source}; only references within the schema \
                     are followed, such as \"#/$defs/Name\""
                )
            }
            _ => format!("{place}{error}"),
        }
    })
}

/// Keywords whose schemas apply to the same value as the schema that they stand in.
const IN_PLACE: [&str; 9] =
    ["allOf", "anyOf", "oneOf", "not", "if", "then", "else", "dependentSchemas", "$ref"];

/// How far references to references are followed.
const CHAIN_MAX: usize = 256;

/// Refuses schemas that look at one value more often than is reasonable, since choices of choices of choices
/// multiply, and those of very many patterns.
fn weigh(root: &Value) -> Result<(), String> {
    let (mut weights, mut patterns) = (HashMap::new(), 0);
    every_schema(root, &mut |schema| {
        patterns += usize::from(schema.get("pattern").is_some_and(Value::is_string));
        patterns += schema.get("patternProperties").and_then(Value::as_object).map_or(0, |named| named.len());
        if patterns > bounds::SCHEMA_PATTERNS_MAX {
            return Err(format!("it has more than {} patterns", bounds::SCHEMA_PATTERNS_MAX));
        }
        if weight(root, schema, &mut weights, 0) > bounds::SCHEMA_LOOKS_MAX {
            return Err(format!(
                "its choices would look at one value more than {} times",
                bounds::SCHEMA_LOOKS_MAX
            ));
        }
        Ok(())
    })
}

/// Every object that may be a schema.
fn every_schema(value: &Value, visit: &mut impl FnMut(&Value) -> Result<(), String>) -> Result<(), String> {
    match value {
        Value::Object(members) => {
            visit(value)?;
            members.values().try_for_each(|member| every_schema(member, visit))
        }
        Value::Array(items) => items.iter().try_for_each(|item| every_schema(item, visit)),
        _ => Ok(()),
    }
}

/// How many schemas look at one value. A circle counts once: it is not followed twice.
fn weight(root: &Value, schema: &Value, weights: &mut HashMap<usize, u64>, depth: usize) -> u64 {
    let Some(members) = schema.as_object() else { return 1 };
    if depth > CHAIN_MAX {
        return u64::MAX;
    }
    let key = std::ptr::from_ref(schema) as usize;
    if let Some(known) = weights.get(&key) {
        return *known;
    }
    weights.insert(key, 1);
    let mut sum = 1_u64;
    for (keyword, argument) in members.iter().filter(|(keyword, _)| IN_PLACE.contains(&keyword.as_str())) {
        let parts: Vec<&Value> = match (keyword.as_str(), argument) {
            ("$ref", Value::String(reference)) => target(root, reference).into_iter().collect(),
            ("dependentSchemas", Value::Object(schemas)) => schemas.values().collect(),
            (_, Value::Array(schemas)) => schemas.iter().collect(),
            (_, schema) => vec![schema],
        };
        sum = parts
            .into_iter()
            .fold(sum, |sum, part| sum.saturating_add(weight(root, part, weights, depth + 1)));
    }
    weights.insert(key, sum);
    sum
}
