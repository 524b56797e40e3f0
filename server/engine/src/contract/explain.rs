//! Why a payload is not what a schema asks for: places and short messages.
//!
//! That it is not is known already. The search stops at so many errors and after so many steps, whatever
//! schema and payload are, and no message repeats a value of the payload.

mod choice;
mod message;

use busbar_model::{bounds, fault::FieldError};
use serde_json::{Map, Value};

use super::schema::Schema;

/// Pairs of schema and value that are looked at.
const STEPS_MAX: usize = 100_000;
/// Schemas and values within one another.
const DEPTH_MAX: usize = 300;

/// Keywords that refer to nothing and say all there is to say.
const PLAIN: [&str; 16] = [
    "const",
    "enum",
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "multipleOf",
    "minLength",
    "maxLength",
    "pattern",
    "format",
    "minItems",
    "maxItems",
    "uniqueItems",
    "minProperties",
    "maxProperties",
];

pub(super) struct Explanation<'s> {
    schema: &'s Schema,
    errors: Vec<FieldError>,
    /// JSON Pointer to the value that is looked at.
    path: String,
    steps: usize,
    depth: usize,
}

impl<'s> Explanation<'s> {
    /// At least one error.
    pub(super) fn of(schema: &'s Schema, value: &Value) -> Vec<FieldError> {
        let mut explanation = Self { schema, errors: Vec::new(), path: String::new(), steps: 0, depth: 0 };
        explanation.look(schema.text(), value);
        if explanation.errors.is_empty() {
            explanation.error("does not match the schema".to_owned());
        }
        explanation.errors
    }

    fn error(&mut self, message: String) {
        if self.errors.len() < bounds::FIELD_ERRORS_MAX {
            let error = FieldError { path: self.path.clone(), message: message::shortened(&message) };
            if !self.errors.contains(&error) {
                self.errors.push(error);
            }
        }
    }

    fn look(&mut self, schema: &'s Value, value: &Value) {
        let full = self.errors.len() >= bounds::FIELD_ERRORS_MAX;
        if full || self.steps >= STEPS_MAX || self.depth >= DEPTH_MAX {
            return;
        }
        self.steps += 1;
        self.depth += 1;
        match schema {
            Value::Bool(false) => self.error("is not allowed".to_owned()),
            Value::Object(members) => self.keywords(members, value),
            _ => {}
        }
        self.depth -= 1;
    }

    fn keywords(&mut self, schema: &'s Map<String, Value>, value: &Value) {
        let referred = schema.get("$ref").and_then(Value::as_str).and_then(|to| self.schema.referred(to));
        if let Some(target) = referred {
            self.look(target, value);
        }
        if let Some(types) = schema.get("type")
            && !message::is_of(types, value)
        {
            // The rest would say the same in other words.
            return self.error(message::of_type(types, value));
        }
        for keyword in PLAIN {
            if let Some(argument) = schema.get(keyword)
                && self.schema.breaks(keyword, argument, value)
            {
                self.error(message::of(keyword, argument));
            }
        }
        for part in schema.get("allOf").and_then(Value::as_array).into_iter().flatten() {
            self.look(part, value);
        }
        for choice in ["anyOf", "oneOf"] {
            if let Some(options) = schema.get(choice).and_then(Value::as_array) {
                self.choose(options, value);
            }
        }
        match value {
            Value::Object(members) => self.members(schema, members),
            Value::Array(items) => self.items(schema, items),
            _ => {}
        }
    }

    fn members(&mut self, schema: &'s Map<String, Value>, members: &Map<String, Value>) {
        let required = schema.get("required").and_then(Value::as_array).into_iter().flatten();
        for name in required.filter_map(Value::as_str).filter(|name| !members.contains_key(*name)) {
            self.within(name, |this| this.error(format!("{} is required", message::shown(name))));
        }
        let properties = schema.get("properties").and_then(Value::as_object);
        let others = schema.get("additionalProperties").filter(|_| !schema.contains_key("patternProperties"));
        for (name, value) in members {
            match properties.and_then(|properties| properties.get(name)).or(others) {
                Some(Value::Bool(false)) => {
                    self.within(name, |this| this.error(format!("{} is not known", message::shown(name))));
                }
                Some(member) => self.within(name, |this| this.look(member, value)),
                None => {}
            }
        }
    }

    fn items(&mut self, schema: &'s Map<String, Value>, items: &[Value]) {
        let first = schema.get("prefixItems").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        let others = schema.get("items");
        for (at, value) in items.iter().enumerate() {
            let Some(item) = first.get(at).or(others) else { break };
            self.within(&at.to_string(), |this| match item {
                Value::Bool(false) => this.error("is one item too many".to_owned()),
                item => this.look(item, value),
            });
            if self.errors.len() >= bounds::FIELD_ERRORS_MAX || self.steps >= STEPS_MAX {
                break;
            }
        }
    }

    /// Does `work` one level down. A name that is no name but a payload of its own is left out.
    fn within(&mut self, segment: &str, work: impl FnOnce(&mut Self)) {
        let length = self.path.len();
        if segment.len() <= bounds::FIELD_MESSAGE_CHARS_MAX {
            self.path.push('/');
            self.path.push_str(&segment.replace('~', "~0").replace('/', "~1"));
        }
        work(self);
        self.path.truncate(length);
    }
}
