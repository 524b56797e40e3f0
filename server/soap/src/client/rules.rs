//! What a schema of XSD demands beyond the shape, checked on JSON before it is sent.

use std::collections::HashSet;

use busbar_model::{
    bounds::{FIELD_ERRORS_MAX, FIELD_MESSAGE_CHARS_MAX},
    fault::FieldError,
};
use serde_json::{Map, Value};

use super::types::{Extra, Facets};
use crate::shape::{Content, Occurs, Shape, TypeId};

/// Of a type, about its value.
#[derive(Clone, Debug)]
pub(super) enum Rule {
    Facets(Facets),
    /// How many items the array in a member may have.
    Items {
        member: String,
        least: u32,
        most: Option<u32>,
    },
    /// At most one of several ways to fill an object.
    Choice {
        ways: Vec<Way>,
        required: bool,
    },
    /// What a member is if it is not there, or always; as XML has it.
    Given {
        member: String,
        value: String,
        is_fixed: bool,
    },
}

#[derive(Clone, Debug)]
pub(super) struct Way {
    pub(super) all: Vec<String>,
    /// What it can't be without.
    pub(super) required: Vec<String>,
}

/// Checks a value that fits the shape already. Each mistake is told with its JSON Pointer.
pub(super) fn check(shape: &Shape, extras: &[Extra], root: TypeId, value: &Value) -> Vec<FieldError> {
    let mut checking = Checking { shape, extras, path: Vec::new(), errors: Vec::new() };
    checking.value(root, value);
    checking.errors
}

/// Whether a value of JSON is the one that XSD writes like this.
fn is_value(value: &Value, fixed: &str) -> bool {
    match value {
        Value::String(text) => text == fixed,
        Value::Bool(is) => matches!((is, fixed.trim()), (true, "true" | "1") | (false, "false" | "0")),
        Value::Number(number) => fixed.trim().parse().is_ok_and(|fixed: f64| number.as_f64() == Some(fixed)),
        _ => false,
    }
}

struct Checking<'c> {
    shape: &'c Shape,
    extras: &'c [Extra],
    path: Vec<String>,
    errors: Vec<FieldError>,
}

impl Checking<'_> {
    /// Recurses with the value, whose depth the parser bounds.
    fn value(&mut self, id: TypeId, value: &Value) {
        if self.errors.len() >= FIELD_ERRORS_MAX || value.is_null() {
            return;
        }
        let (shape, extras) = (self.shape, self.extras);
        if let Some(extra) = extras.get(id.0) {
            if let Some(refused) = extra.is_abstract() {
                return self.error(&[], format!("can't be sent: {}", refused.text));
            }
            extra.rules.iter().for_each(|rule| self.rule(rule, value));
        }
        let Content::Record(record) = &shape.of(id).content else { return };
        let Value::Object(members) = value else { return };
        let attributes = record.attributes.iter().map(|own| (&own.json, own.value, Occurs::Once));
        let elements = record.members.iter().map(|own| (&own.json, own.element.value, own.occurs));
        for (name, id, occurs) in attributes.chain(elements) {
            let Some(value) = members.get(name) else { continue };
            self.path.push(name.clone());
            match (occurs, value) {
                (Occurs::Repeated, Value::Array(items)) => {
                    for (at, item) in items.iter().enumerate() {
                        self.path.push(at.to_string());
                        self.value(id, item);
                        self.path.pop();
                    }
                }
                _ => self.value(id, value),
            }
            self.path.pop();
        }
    }

    fn rule(&mut self, rule: &Rule, value: &Value) {
        match (rule, value) {
            (Rule::Facets(facets), Value::String(text)) => {
                let is_number = facets.least.is_some() || facets.greatest.is_some();
                self.told(facets.check(text, is_number));
            }
            (Rule::Facets(facets), Value::Number(number)) => {
                self.told(facets.check(&number.to_string(), true));
            }
            (Rule::Items { member, least, most }, Value::Object(members)) => {
                let Some(Value::Array(items)) = members.get(member) else { return };
                let count = u32::try_from(items.len()).unwrap_or(u32::MAX);
                if count < *least {
                    self.error(&[member], format!("has {count} items, and {least} are the least"));
                }
                if let Some(most) = most.filter(|most| count > *most) {
                    self.error(&[member], format!("has {count} items, and {most} are the most"));
                }
            }
            (Rule::Choice { ways, required }, Value::Object(members)) => {
                self.choice(ways, *required, members)
            }
            (Rule::Given { member, value: fixed, is_fixed: true }, Value::Object(members)) => {
                match members.get(member) {
                    None | Some(Value::Null) => {}
                    Some(value) if is_value(value, fixed) => {}
                    Some(_) => self.error(&[member], format!("can be {fixed:?} only")),
                }
            }
            _ => {}
        }
    }

    fn choice(&mut self, ways: &[Way], required: bool, members: &Map<String, Value>) {
        let is_there = |name: &&String| members.get(*name).is_some_and(|value| !value.is_null());
        let taken: Vec<&Way> = ways.iter().filter(|way| way.all.iter().any(|name| is_there(&name))).collect();
        match taken.as_slice() {
            [] if required => {
                let names: Vec<&str> = ways.iter().flat_map(|way| &way.all).map(String::as_str).collect();
                self.error(&[], format!("has to have one of these: {}", names.join(", ")));
            }
            [] => {}
            // What two ways share may mean either.
            [way, more @ ..] => {
                let there: HashSet<&String> = ways.iter().flat_map(|way| &way.all).filter(is_there).collect();
                let fits = |way: &&&Way| there.iter().all(|name| way.all.contains(name));
                let Some(way) = std::iter::once(way).chain(more).find(fits) else {
                    let mut names: Vec<&str> = there.iter().map(|name| name.as_str()).collect();
                    names.sort_unstable();
                    return self.error(&[], format!("can have one of these only: {}", names.join(", ")));
                };
                if let Some(missing) = way.required.iter().find(|name| !is_there(name)) {
                    self.error(&[missing], "is missing".to_owned());
                }
            }
        }
    }

    fn told(&mut self, result: Result<(), String>) {
        if let Err(message) = result {
            self.error(&[], message);
        }
    }

    fn error(&mut self, below: &[&String], message: String) {
        let segments = self.path.iter().chain(below.iter().copied());
        let path = segments.map(|segment| format!("/{}", segment.replace('~', "~0").replace('/', "~1")));
        let message = message.chars().take(FIELD_MESSAGE_CHARS_MAX).collect();
        self.errors.push(FieldError { path: path.collect(), message });
    }
}
