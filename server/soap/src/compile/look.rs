//! What a place of the schema is, through references, `null` and annotations.

use std::{cell::Cell, collections::HashSet, rc::Rc};

use busbar_model::bounds::{SCHEMA_REFERENCE_BYTES_MAX, SHAPE_DEPTH_MAX, SHAPE_STEPS_MAX};
use serde_json::Value;

use super::{
    Unmappable,
    object::is_map,
    place::{Place, documentation, last_token},
    scalar::{self, Listed},
    xml::Xml,
};
use crate::shape::{Scalar, ScalarKind};

/// Keywords beside which `$ref` and `allOf` are no mere stand-ins for another schema.
const MEMBERS: [&str; 2] = ["properties", "required"];
/// Keywords without which a schema says nothing about the image in XML.
const BEARING: [&str; 12] = [
    "$ref",
    "type",
    "properties",
    "required",
    "items",
    "prefixItems",
    "enum",
    "const",
    "oneOf",
    "anyOf",
    "allOf",
    "additionalProperties",
];
const CIRCULAR: &str = "refers only to itself, or through too many references";

pub(super) struct Document<'a> {
    root: &'a Value,
    steps: Cell<usize>,
}

/// A schema as one of its uses sees it.
pub(super) struct Look<'a> {
    /// Where what it is stands, which tells it from other types.
    pub(super) core: Place<'a>,
    /// What the last reference on the way called it.
    pub(super) name: Option<String>,
    pub(super) nullable: bool,
    /// The first on the way.
    pub(super) xml: Xml,
    /// What is said of this use: before any reference.
    pub(super) documentation: Option<String>,
    pub(super) kind: Kind<'a>,
}

pub(super) enum Kind<'a> {
    Null,
    Scalar(Scalar),
    /// `core` is to be gathered (`object`).
    Record,
    /// An array of this.
    List(Place<'a>),
    /// None of them is [`Kind::Null`].
    Choice(Rc<[Look<'a>]>),
}

/// What was found on the way to the core.
#[derive(Default)]
struct Way {
    name: Option<String>,
    nullable: bool,
    xml: Option<Xml>,
    documentation: Option<String>,
}

impl Way {
    fn pass(&mut self, place: &Place<'_>) -> Result<(), Unmappable> {
        if self.xml.is_none() {
            self.xml = Xml::of(place)?;
        }
        if self.name.is_none() && self.documentation.is_none() {
            self.documentation = documentation(place);
        }
        Ok(())
    }

    fn end<'a>(self, core: &Place<'a>, nullable: bool, kind: Kind<'a>) -> Look<'a> {
        Look {
            core: core.clone(),
            name: self.name,
            nullable: self.nullable || nullable,
            xml: self.xml.unwrap_or_default(),
            documentation: self.documentation,
            kind,
        }
    }
}

impl<'a> Document<'a> {
    pub(super) fn new(root: &'a Value) -> Self {
        Self { root, steps: Cell::new(0) }
    }

    /// Counts what is done for `place`.
    pub(super) fn spend(&self, place: &Place<'_>, steps: usize) -> Result<(), Unmappable> {
        self.steps.set(self.steps.get().saturating_add(steps));
        if self.steps.get() > SHAPE_STEPS_MAX {
            return Err(place.refuse("is where the schema turned out too large for SOAP"));
        }
        Ok(())
    }

    pub(super) fn look(&self, place: &Place<'a>) -> Result<Look<'a>, Unmappable> {
        self.look_within(place, 0)
    }

    /// `depth`: looks that wait for this one.
    pub(super) fn look_within(&self, place: &Place<'a>, depth: usize) -> Result<Look<'a>, Unmappable> {
        if depth > SHAPE_DEPTH_MAX {
            return Err(place.refuse(CIRCULAR));
        }
        let start = place;
        let (mut place, mut way) = (start.clone(), Way::default());
        for _ in 0..SHAPE_DEPTH_MAX {
            self.spend(&place, 1)?;
            check_schema(&place)?;
            way.pass(&place)?;
            if let Some(Listed { scalar, nullable }) = scalar::of_values(&place)? {
                let kind = scalar.map_or(Kind::Null, Kind::Scalar);
                if let Kind::Scalar(scalar) = &kind {
                    self.spend(&place, scalar.values.len())?;
                }
                return Ok(way.end(&place, nullable, kind));
            }
            let choice = ["oneOf", "anyOf"].into_iter().find(|keyword| place.has(keyword));
            let mut parts = self.parts(&place)?;
            match (choice, parts.len()) {
                (None, 0) => {
                    let (kind, nullable) = typed(&place)?;
                    return Ok(way.end(&place, nullable, kind));
                }
                (None, 1) if !MEMBERS.iter().any(|keyword| place.has(keyword)) => {
                    is_map(&place)?;
                    if let Some((part, name)) = parts.pop() {
                        way.name = name.or(way.name);
                        place = part;
                    }
                }
                (None, _) => {
                    let nullable = self.merged_nullable(&place, &parts, depth)?;
                    return Ok(way.end(&place, nullable, Kind::Record));
                }
                (Some(keyword), _) => {
                    let beside = ["anyOf", "properties", "$ref", "allOf"].into_iter();
                    if let Some(other) = beside.filter(|other| *other != keyword).find(|k| place.has(k)) {
                        let reason = format!("has both {keyword} and {other}: put one of them into a member");
                        return Err(place.refuse(reason));
                    }
                    is_map(&place)?;
                    return self.branches(&place, keyword, way, depth);
                }
            }
        }
        Err(start.refuse(CIRCULAR))
    }

    /// What `$ref` and `allOf` bring in, those by reference with their name.
    pub(super) fn parts(&self, place: &Place<'a>) -> Result<Vec<(Place<'a>, Option<String>)>, Unmappable> {
        let mut parts = Vec::new();
        if place.has("$ref") {
            let (target, name) = self.target(place)?;
            parts.push((target, Some(name)));
        }
        for part in place.each("allOf") {
            self.spend(&part, 1)?;
            if BEARING.iter().any(|keyword| part.has(keyword)) || part.schema == &Value::Bool(false) {
                parts.push((part, None));
            }
        }
        Ok(parts)
    }

    /// Where `$ref` leads to, and the last name of the way.
    fn target(&self, place: &Place<'a>) -> Result<(Place<'a>, String), Unmappable> {
        let reference = place.text("$ref").ok_or_else(|| place.refuse("has a $ref that is no string"))?;
        if reference.len() > SCHEMA_REFERENCE_BYTES_MAX {
            return Err(place.refuse(format!("has a $ref of more than {SCHEMA_REFERENCE_BYTES_MAX} bytes")));
        }
        let pointer = reference.strip_prefix('#').filter(|to| to.is_empty() || to.starts_with('/'));
        let pointer = pointer.and_then(unescaped).ok_or_else(|| {
            place
                .refuse(format!("refers to {reference:?}, which is no JSON Pointer into this document (#/…)"))
        })?;
        let schema = self.root.pointer(&pointer);
        let schema =
            schema.ok_or_else(|| place.refuse(format!("refers to {reference:?}, which is not there")))?;
        let name = match last_token(&pointer) {
            _ if pointer.is_empty() => {
                schema.get("title").and_then(Value::as_str).unwrap_or("Payload").to_owned()
            }
            name => name,
        };
        Ok((Place::at(schema, pointer), name))
    }

    /// Whether `null` is allowed by all that is merged.
    fn merged_nullable(
        &self,
        place: &Place<'a>,
        parts: &[(Place<'a>, Option<String>)],
        depth: usize,
    ) -> Result<bool, Unmappable> {
        if place.has("type") && !typed(place)?.1 {
            return Ok(false);
        }
        for (part, _) in parts {
            // One that says nothing but what is required looks like no schema of anything, and allows null.
            if !only_requires(part) && !self.look_within(part, depth + 1)?.nullable {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// `oneOf` and `anyOf`: something or null, an enum with documented values, or a choice.
    fn branches(
        &self,
        place: &Place<'a>,
        keyword: &'a str,
        mut way: Way,
        depth: usize,
    ) -> Result<Look<'a>, Unmappable> {
        let branches = place.each(keyword);
        if keyword == "anyOf" && !(branches.len() == 2 && branches.iter().any(is_null)) {
            return Err(place.refuse(
                "is an anyOf of more than one thing and null: use a oneOf whose branches have a tag",
            ));
        }
        let mut others = Vec::new();
        for branch in &branches {
            let look = self.look_within(branch, depth + 1)?;
            way.nullable |= look.nullable || matches!(look.kind, Kind::Null);
            if !matches!(look.kind, Kind::Null) {
                others.push(look);
            }
        }
        if branches.is_empty() {
            return Err(place.refuse(format!("has a {keyword} without branches")));
        }
        if branches.len() > 1 && others.len() < 2 {
            let Some(look) = others.pop() else { return Ok(way.end(place, true, Kind::Null)) };
            let said = look.documentation.filter(|_| way.name.is_none());
            return Ok(Look {
                nullable: way.nullable,
                name: look.name.or(way.name),
                xml: way.xml.unwrap_or(look.xml),
                documentation: way.documentation.or(said),
                ..look
            });
        }
        let kind = enumeration(&others).map_or_else(|| Kind::Choice(others.into()), Kind::Scalar);
        Ok(way.end(place, false, kind))
    }
}

/// One scalar with the values of all branches, where each is texts or each is whole numbers.
fn enumeration(branches: &[Look<'_>]) -> Option<Scalar> {
    let mut all: Option<Scalar> = None;
    let mut seen = HashSet::new();
    for branch in branches {
        let Kind::Scalar(scalar) = &branch.kind else { return None };
        let all = all.get_or_insert_with(|| Scalar { kind: scalar.kind, values: Vec::new() });
        let listed = matches!(scalar.kind, ScalarKind::Text | ScalarKind::Integer(_));
        if !listed || scalar.values.is_empty() || scalar.kind != all.kind {
            return None;
        }
        all.values.extend(scalar.values.iter().filter(|value| seen.insert(*value)).cloned());
    }
    all
}

fn check_schema(place: &Place<'_>) -> Result<(), Unmappable> {
    match place.schema {
        Value::Object(members) if !members.is_empty() => Ok(()),
        Value::Object(_) | Value::Bool(true) => Err(any_value(place)),
        Value::Bool(false) => Err(place.refuse("allows nothing: leave it out")),
        _ => Err(place.refuse("is no schema: an object is expected")),
    }
}

fn any_value(place: &Place<'_>) -> Unmappable {
    place.refuse("allows any value, and xs:any is not offered: give it a type")
}

/// A schema that says `null` and nothing else.
fn is_null(place: &Place<'_>) -> bool {
    let only_null = |value: &Value| value.as_array().is_some_and(|all| all.iter().eq([&Value::Null]));
    place.text("type") == Some("null")
        || place.get("const") == Some(&Value::Null)
        || place.get("enum").is_some_and(only_null)
}

/// A part that adds to what is required of the others.
pub(super) fn only_requires(place: &Place<'_>) -> bool {
    place.has("required") && !BEARING.iter().any(|keyword| *keyword != "required" && place.has(keyword))
}

/// By the keyword `type`, and whether that allows null too.
fn typed<'a>(place: &Place<'a>) -> Result<(Kind<'a>, bool), Unmappable> {
    let (kind, nullable) = type_of(place)?;
    let kind = match kind {
        "null" => Kind::Null,
        "object" => Kind::Record,
        "array" => Kind::List(items(place)?),
        scalar => match scalar::of_type(place, scalar) {
            Some(scalar) => Kind::Scalar(scalar),
            None => {
                return Err(place.refuse(format!("has the type {scalar:?}, which JSON Schema does not know")));
            }
        },
    };
    Ok((kind, nullable))
}

fn type_of<'a>(place: &Place<'a>) -> Result<(&'a str, bool), Unmappable> {
    match place.get("type") {
        Some(Value::String(kind)) => Ok((kind, false)),
        Some(Value::Array(kinds)) => match kinds.as_slice() {
            [Value::String(kind)] => Ok((kind, false)),
            [Value::String(kind), Value::String(null)] | [Value::String(null), Value::String(kind)]
                if null == "null" =>
            {
                Ok((kind, true))
            }
            _ => Err(place.refuse("has several types: give it one, and null at most")),
        },
        Some(_) => Err(place.refuse("has a type that is neither a string nor an array")),
        None if place.has("properties") => Ok(("object", false)),
        None => Err(any_value(place)),
    }
}

fn items<'a>(place: &Place<'a>) -> Result<Place<'a>, Unmappable> {
    match place.below("items") {
        Some(items) if !place.has("prefixItems") && !items.schema.is_array() => Ok(items),
        None if !place.has("prefixItems") => Err(place.refuse("is an array of any values: give it items")),
        _ => Err(place.refuse("is a tuple: use an object with named members")),
    }
}

/// Without the percent-encoding that a URI fragment may have (RFC 6901, section 6).
fn unescaped(fragment: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(fragment.len());
    let mut rest = fragment.bytes();
    while let Some(byte) = rest.next() {
        let digit = |byte: Option<u8>| char::from(byte?).to_digit(16);
        let byte = match byte {
            b'%' => u8::try_from(digit(rest.next())? * 16 + digit(rest.next())?).ok()?,
            byte => byte,
        };
        bytes.push(byte);
    }
    String::from_utf8(bytes).ok()
}
