//! Whether a new version of a plugin keeps what the old one promised to its callers.
//!
//! What was taken must still be taken, and what is given must still be what was to be expected. Where that
//! can't be told, a difference counts as a break.

mod compare;
mod form;
mod limits;
mod members;
mod same;

use std::fmt;

use serde_json::Value;

use self::compare::Comparison;
use crate::{name::Name, plugin::Description, service::ServiceDescription};

/// Which part of a service's contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Side {
    /// That it is there at all.
    Service,
    Input,
    Output,
}

impl Side {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Service => "service",
            Self::Input => "input",
            Self::Output => "output",
        }
    }
}

/// A place where callers of the old version would be let down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Break {
    pub service: Name,
    pub side: Side,
    /// JSON Pointer to the value, with `*` for any item and any member that is not named.
    pub path: String,
    pub message: String,
}

impl fmt::Display for Break {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { service, side, path, message } = self;
        match (side, path.as_str()) {
            (Side::Service, _) => write!(f, "{service} {message}"),
            (_, "") => write!(f, "{service}, {}: {message}", side.as_str()),
            _ => write!(f, "{service}, {} {path}: {message}", side.as_str()),
        }
    }
}

/// What callers of `old` would miss in `new`.
pub fn breaks(old: &Description, new: &Description) -> Vec<Break> {
    let of_service =
        |before: &ServiceDescription| match new.services.iter().find(|after| after.name == before.name) {
            Some(after) => [input(before, after), output(before, after)].concat(),
            None => vec![whole(before, Side::Service, "is not offered any more")],
        };
    old.services.iter().flat_map(of_service).collect()
}

fn whole(service: &ServiceDescription, side: Side, message: &str) -> Break {
    Break { service: service.name.clone(), side, path: String::new(), message: message.to_owned() }
}

fn input(old: &ServiceDescription, new: &ServiceDescription) -> Vec<Break> {
    match (&old.input_schema, &new.input_schema) {
        (Some(before), Some(after)) => compared(old, Side::Input, after, before),
        (None, Some(_)) => {
            vec![whole(old, Side::Input, "is one JSON value with a schema now; it was the body as it came")]
        }
        (Some(_), None) => vec![whole(old, Side::Input, "is the body as it came now; it had a schema")],
        (None, None) => Vec::new(),
    }
}

/// An output that nothing was said of can't be less than was said.
fn output(old: &ServiceDescription, new: &ServiceDescription) -> Vec<Break> {
    match (&old.output_schema, &new.output_schema) {
        (Some(before), Some(after)) => compared(old, Side::Output, before, after),
        (Some(_), None) => vec![whole(old, Side::Output, "has no schema any more")],
        (None, _) => Vec::new(),
    }
}

/// Where `narrow` allows values that `wide` does not.
fn compared(service: &ServiceDescription, side: Side, wide: &Value, narrow: &Value) -> Vec<Break> {
    if wide == narrow {
        return Vec::new();
    }
    let gaps = Comparison::new(side, wide, narrow).run().into_iter();
    let breaks =
        gaps.map(|gap| Break { service: service.name.clone(), side, path: gap.path, message: gap.message });
    breaks.collect()
}

#[cfg(test)]
mod tests;
