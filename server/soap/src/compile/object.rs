//! What an object has: its own members, and those that `$ref` and `allOf` bring in.

use std::collections::{BTreeSet, HashMap};

use busbar_model::bounds::SHAPE_DEPTH_MAX;
use serde_json::Value;

use super::{
    Unmappable,
    look::{Document, Kind, only_requires},
    place::Place,
};

/// Gathered from all parts, what is referred to first.
#[derive(Default)]
pub(super) struct Object<'a> {
    /// JSON names and schemas, in the order of declaration.
    pub(super) members: Vec<(&'a str, Place<'a>)>,
    pub(super) required: BTreeSet<&'a str>,
    /// Addresses of the members' schemas.
    known: HashMap<&'a str, usize>,
}

impl<'a> Document<'a> {
    /// The object at `place`, which a look has found to be a record.
    pub(super) fn object(&self, place: &Place<'a>) -> Result<Object<'a>, Unmappable> {
        let mut object = Object::default();
        self.gather(place, &mut object, 0)?;
        match object.required.iter().find(|name| !object.known.contains_key(*name)) {
            Some(name) => Err(place.refuse(format!("requires {name:?}, which is none of its properties"))),
            None => Ok(object),
        }
    }

    fn gather(&self, place: &Place<'a>, object: &mut Object<'a>, depth: usize) -> Result<(), Unmappable> {
        if depth > SHAPE_DEPTH_MAX {
            return Err(place.refuse("is merged from itself, or from too many parts within parts"));
        }
        self.spend(place, 1)?;
        is_map(place)?;
        for (part, _) in self.parts(place)? {
            if only_requires(&part) {
                self.require(&part, object)?;
                continue;
            }
            let look = self.look_within(&part, depth)?;
            match look.kind {
                Kind::Record => self.gather(&look.core, object, depth + 1)?,
                Kind::Choice(_) => {
                    return Err(
                        part.refuse("is a choice, which can't be merged with members: make it a member")
                    );
                }
                _ => return Err(part.refuse("is no object, so it can't be merged with one")),
            }
        }
        for (name, member) in place.named("properties") {
            self.spend(&member, 1)?;
            match object.known.insert(name, member.address()) {
                None => object.members.push((name, member)),
                // The same base by two ways.
                Some(before) if before == member.address() => {}
                Some(_) => {
                    return Err(member.refuse("is declared by another part of the object too: rename one"));
                }
            }
        }
        self.require(place, object)
    }

    fn require(&self, place: &Place<'a>, object: &mut Object<'a>) -> Result<(), Unmappable> {
        let names = place.get("required").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        self.spend(place, names.len())?;
        object.required.extend(names.iter().filter_map(Value::as_str));
        Ok(())
    }
}

/// Refuses objects whose members have no names of their own.
pub(super) fn is_map(place: &Place<'_>) -> Result<(), Unmappable> {
    let open = |keyword: &str| match place.get(keyword) {
        None | Some(Value::Bool(false)) => false,
        Some(Value::Object(patterns)) if keyword == "patternProperties" => !patterns.is_empty(),
        Some(_) => true,
    };
    let keywords = ["additionalProperties", "patternProperties", "propertyNames", "unevaluatedProperties"];
    match keywords.into_iter().find(|keyword| open(keyword)) {
        None => Ok(()),
        Some(keyword) => {
            Err(place.refuse(format!("is a map ({keyword}): use an array of objects with key and value")))
        }
    }
}
