//! The JSON Schema (2020-12) of a payload: the table of docs/soap.md the other way round.

use std::collections::{HashSet, VecDeque};

use serde_json::{Map, Value, json};

use super::{
    rules::{Rule, Way},
    types::{Bound, Extra, Facets},
};
use crate::shape::{
    Attribute, Content, Foreign, Member, Occurs, Record, Scalar, ScalarKind, Shape, TypeId, Width,
};

/// Which way a payload goes: what may be missing may be told as `null` by us, and is not by others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Direction {
    Out,
    In,
}

const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";
/// `xs:dateTime`, whose zone may be missing.
const MOMENT: &str =
    r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?(Z|[+-][0-9]{2}:[0-9]{2})?$";

/// `xs:QName`, as it is told in JSON.
const NAME: &str = r"^(\{[^{}]*\})?[^{}:\s]+$";

/// The schema of what stands in an element of this type. Objects and enumerations are referred to, in `$defs`.
pub(super) fn schema(
    shape: &Shape,
    extras: &[Extra],
    root: TypeId,
    nillable: bool,
    direction: Direction,
) -> Value {
    let mut telling = Telling { shape, extras, direction, told: HashSet::new(), waiting: VecDeque::new() };
    let mut whole = Map::new();
    whole.insert("$schema".to_owned(), json!(DIALECT));
    let content = telling.content(root);
    whole.extend(or_null(content, nillable && direction == Direction::In));
    let mut definitions = Map::new();
    while let Some(id) = telling.waiting.pop_front() {
        if let Some(name) = &shape.of(id).name {
            definitions.insert(name.clone(), Value::Object(telling.content(id)));
        }
    }
    if !definitions.is_empty() {
        whole.insert("$defs".to_owned(), Value::Object(definitions));
    }
    Value::Object(whole)
}

/// The schema of nothing: an empty object.
pub(super) fn nothing() -> Value {
    json!({"$schema": DIALECT, "type": "object", "properties": {}, "additionalProperties": false})
}

struct Telling<'s> {
    shape: &'s Shape,
    extras: &'s [Extra],
    direction: Direction,
    told: HashSet<TypeId>,
    /// Types that were referred to.
    waiting: VecDeque<TypeId>,
}

impl Telling<'_> {
    fn rules(&self, id: TypeId) -> &[Rule] {
        self.extras.get(id.0).map_or(&[], |extra| &extra.rules)
    }

    fn content(&mut self, id: TypeId) -> Map<String, Value> {
        let shape = self.shape;
        let declared = shape.of(id);
        let mut told = match &declared.content {
            Content::Record(record) => self.record(id, record),
            Content::Scalar(scalar) => scalar_schema(scalar),
            Content::Choice(_) | Content::List(_) | Content::Sole(_) => Map::new(),
        };
        if let Some(documentation) = &declared.documentation {
            told.insert("description".to_owned(), json!(documentation));
        }
        for rule in self.rules(id) {
            if let Rule::Facets(facets) = rule {
                add_facets(&mut told, facets);
            }
        }
        told
    }

    /// The same where it is used: objects, and what has values, by reference.
    fn reference(&mut self, id: TypeId) -> Map<String, Value> {
        let is_large = match &self.shape.of(id).content {
            Content::Scalar(scalar) => !scalar.values.is_empty(),
            _ => true,
        };
        match self.shape.of(id).name.as_ref().filter(|_| is_large) {
            Some(name) => {
                if self.told.insert(id) {
                    self.waiting.push_back(id);
                }
                let pointer = name.replace('~', "~0").replace('/', "~1");
                Map::from_iter([("$ref".to_owned(), json!(format!("#/$defs/{pointer}")))])
            }
            None => self.content(id),
        }
    }

    fn record(&mut self, id: TypeId, record: &Record) -> Map<String, Value> {
        let mut properties = Map::new();
        let mut required = Vec::new();
        for own in &record.attributes {
            properties.insert(own.json.clone(), Value::Object(self.attribute(own)));
            if own.required {
                required.push(json!(own.json));
            }
        }
        for own in &record.members {
            properties.insert(own.json.clone(), Value::Object(self.member(own)));
            if own.required {
                required.push(json!(own.json));
            }
        }
        let mut choices = Vec::new();
        for rule in self.rules(id) {
            match rule {
                Rule::Items { member, least, most } => {
                    let Some(Value::Object(array)) = properties.get_mut(member) else { continue };
                    if *least > 0 {
                        array.insert("minItems".to_owned(), json!(least));
                    }
                    if let Some(most) = most {
                        array.insert("maxItems".to_owned(), json!(most));
                    }
                }
                Rule::Given { member, value, is_fixed } => {
                    let Some(Value::Object(told)) = properties.get_mut(member) else { continue };
                    // A member that may be `null` says so by several types.
                    let value = given(told, value);
                    told.insert(if *is_fixed { "const" } else { "default" }.to_owned(), value);
                }
                Rule::Choice { ways, required } => choices.push(choice(ways, *required)),
                Rule::Facets(_) => {}
            }
        }
        let mut told = Map::new();
        told.insert("type".to_owned(), json!("object"));
        told.insert("properties".to_owned(), Value::Object(properties));
        if !required.is_empty() {
            told.insert("required".to_owned(), Value::Array(required));
        }
        told.insert("additionalProperties".to_owned(), json!(false));
        if !choices.is_empty() {
            told.insert("allOf".to_owned(), Value::Array(choices));
        }
        told
    }

    fn attribute(&mut self, own: &Attribute) -> Map<String, Value> {
        let told = self.reference(own.value);
        let told = described(told, own.documentation.as_deref());
        or_null(told, own.nullable && self.direction == Direction::Out)
    }

    fn member(&mut self, own: &Member) -> Map<String, Value> {
        let value = self.reference(own.element.value);
        // Others may say `null` where the element is nillable; we may where it is left out for it too.
        let omittable = own.nullable && self.direction == Direction::Out;
        let told = match own.occurs {
            Occurs::Repeated => {
                let items = or_null(value, own.element.nillable);
                Map::from_iter([
                    ("type".to_owned(), json!("array")),
                    ("items".to_owned(), Value::Object(items)),
                ])
            }
            Occurs::Once | Occurs::Content => value,
        };
        let told = described(told, own.element.documentation.as_deref());
        or_null(told, omittable || (own.occurs == Occurs::Once && own.element.nillable))
    }
}

/// Beside a reference, too: JSON Schema allows it since 2019-09.
fn described(mut told: Map<String, Value>, documentation: Option<&str>) -> Map<String, Value> {
    if let Some(documentation) = documentation {
        told.insert("description".to_owned(), json!(documentation));
    }
    told
}

fn or_null(mut told: Map<String, Value>, nullable: bool) -> Map<String, Value> {
    if !nullable {
        return told;
    }
    match told.get("type") {
        Some(Value::String(kind)) if !told.contains_key("enum") => {
            let kinds = json!([kind, "null"]);
            told.insert("type".to_owned(), kinds);
            told
        }
        _ => {
            let description = told.remove("description");
            let mut either = Map::new();
            either.extend(description.map(|description| ("description".to_owned(), description)));
            either.insert("anyOf".to_owned(), json!([told, {"type": "null"}]));
            either
        }
    }
}

fn scalar_schema(scalar: &Scalar) -> Map<String, Value> {
    let (kind, more) = match scalar.kind {
        ScalarKind::Text | ScalarKind::Foreign(Foreign::Token) => ("string", None),
        ScalarKind::Boolean => ("boolean", None),
        ScalarKind::Integer(width) => ("integer", Some(("format", format_of(width)))),
        ScalarKind::Foreign(Foreign::Whole) => ("integer", None),
        ScalarKind::Double => ("number", None),
        ScalarKind::Decimal => ("string", Some(("format", "decimal"))),
        ScalarKind::DecimalNumber => ("number", Some(("format", "decimal"))),
        ScalarKind::Date => ("string", Some(("format", "date"))),
        ScalarKind::DateTime => ("string", Some(("format", "date-time"))),
        ScalarKind::Foreign(Foreign::Moment) => ("string", Some(("pattern", MOMENT))),
        ScalarKind::Foreign(Foreign::Name) => ("string", Some(("pattern", NAME))),
        ScalarKind::Binary => ("string", Some(("format", "byte"))),
        ScalarKind::Foreign(Foreign::Markup) => ("string", Some(("contentMediaType", "application/xml"))),
    };
    let mut told = Map::new();
    told.insert("type".to_owned(), json!(kind));
    told.extend(more.map(|(keyword, value)| (keyword.to_owned(), json!(value))));
    if !scalar.values.is_empty() {
        let values = scalar.values.iter().map(|value| parsed(kind, value));
        told.insert("enum".to_owned(), values.collect());
    }
    told
}

fn format_of(width: Width) -> &'static str {
    match width {
        Width::I8 => "int8",
        Width::I16 => "int16",
        Width::I32 => "int32",
        Width::I64 => "int64",
        Width::U8 => "uint8",
        Width::U16 => "uint16",
        Width::U32 => "uint32",
        Width::U64 => "uint64",
    }
}

/// A value as XSD writes it, for a type of JSON.
fn parsed(kind: &str, value: &str) -> Value {
    let plain = match (kind, value.trim()) {
        ("string", _) => None,
        ("boolean", "1") => Some(json!(true)),
        ("boolean", "0") => Some(json!(false)),
        (_, value) => serde_json::from_str(value).ok(),
    };
    plain.unwrap_or_else(|| json!(value))
}

fn given(told: &Map<String, Value>, value: &str) -> Value {
    let kind = match told.get("type") {
        Some(Value::String(kind)) => kind.as_str(),
        Some(Value::Array(kinds)) => kinds.first().and_then(Value::as_str).unwrap_or("string"),
        _ => "string",
    };
    parsed(kind, value)
}

fn add_facets(told: &mut Map<String, Value>, facets: &Facets) {
    let lengths = [("minLength", facets.length_min), ("maxLength", facets.length_max)];
    for (keyword, length) in lengths {
        told.extend(length.map(|length| (keyword.to_owned(), json!(length))));
    }
    told.extend(facets.pattern.map(|pattern| ("pattern".to_owned(), json!(pattern))));
    // Of decimals, which are texts, JSON Schema can't tell them.
    if told.get("type") == Some(&json!("string")) {
        return;
    }
    let bound = |bound: &Option<Bound>, closed: &str, open: &str| {
        let bound = bound.as_ref()?;
        let number: Value = serde_json::from_str(&bound.value).ok().filter(Value::is_number)?;
        Some((if bound.is_exclusive { open } else { closed }.to_owned(), number))
    };
    told.extend(bound(&facets.least, "minimum", "exclusiveMinimum"));
    told.extend(bound(&facets.greatest, "maximum", "exclusiveMaximum"));
}

/// One of several ways; a member that is `null` is not there.
fn choice(ways: &[Way], required: bool) -> Value {
    let is_there =
        |name: &String| json!({"required": [name], "properties": {name: {"not": {"type": "null"}}}});
    let mut told: Vec<Value> = Vec::new();
    for way in ways {
        let all: Vec<Value> = way.required.iter().map(is_there).collect();
        told.push(match way.required.is_empty() {
            false => json!({"allOf": all}),
            true => json!({"anyOf": way.all.iter().map(is_there).collect::<Vec<_>>()}),
        });
    }
    if !required {
        let any: Vec<Value> = ways.iter().flat_map(|way| &way.all).map(is_there).collect();
        told.push(json!({"not": {"anyOf": any}}));
    }
    // Ways may share members, and then a value may be of both.
    let is_shared = {
        let mut names = HashSet::new();
        ways.iter().flat_map(|way| &way.all).any(|name| !names.insert(name))
    };
    match is_shared {
        true => json!({"anyOf": told}),
        false => json!({"oneOf": told}),
    }
}
