//! Strings, numbers and booleans: by `type` and `format`, or by their values.

use serde_json::{Number, Value};

use super::{Unmappable, place::Place};
use crate::{
    shape::{Scalar, ScalarKind, Width},
    xml::is_xml,
};

/// A schema that lists its values.
pub(super) struct Listed {
    /// `None` where `null` is all there is.
    pub(super) scalar: Option<Scalar>,
    pub(super) nullable: bool,
}

/// The scalar of a `type`, if that is one.
pub(super) fn of_type(place: &Place<'_>, kind: &str) -> Option<Scalar> {
    let format = place.text("format");
    let kind = match (kind, format) {
        ("string", Some("decimal")) => ScalarKind::Decimal,
        ("string", Some("date")) => ScalarKind::Date,
        ("string", Some("date-time")) => ScalarKind::DateTime,
        ("string", Some("byte")) => ScalarKind::Binary,
        ("string", _) if place.text("contentEncoding") == Some("base64") => ScalarKind::Binary,
        ("string", _) => ScalarKind::Text,
        ("boolean", _) => ScalarKind::Boolean,
        ("number", Some("decimal")) => ScalarKind::DecimalNumber,
        ("number", _) => ScalarKind::Double,
        // Wider than any integer of XSD with a fixed width, and to be kept to the last digit.
        ("integer", Some("int128" | "uint128")) => ScalarKind::DecimalNumber,
        ("integer", format) => ScalarKind::Integer(format.and_then(width).unwrap_or(Width::I64)),
        _ => return None,
    };
    Some(Scalar { kind, values: Vec::new() })
}

fn width(format: &str) -> Option<Width> {
    Some(match format {
        "int8" => Width::I8,
        "int16" => Width::I16,
        "int32" => Width::I32,
        "int64" | "int" => Width::I64,
        "uint8" => Width::U8,
        "uint16" => Width::U16,
        "uint32" => Width::U32,
        "uint64" | "uint" => Width::U64,
        _ => return None,
    })
}

/// The scalar of an `enum` or `const`; `Ok(None)` where there is neither.
pub(super) fn of_values(place: &Place<'_>) -> Result<Option<Listed>, Unmappable> {
    let values = match (place.get("const"), place.get("enum")) {
        (Some(value), _) => std::slice::from_ref(value),
        (None, Some(Value::Array(values))) if !values.is_empty() => values,
        (None, Some(_)) => return Err(place.refuse("has an enum without values, so it allows nothing")),
        (None, None) => return Ok(None),
    };
    let nullable = values.iter().any(Value::is_null);
    let mut values = values.iter().filter(|value| !value.is_null()).peekable();
    let scalar = match values.peek().copied() {
        None => None,
        Some(Value::String(_)) => Some(texts(place, values)?),
        Some(Value::Number(_)) => Some(integers(place, values)?),
        Some(Value::Bool(_)) if values.all(Value::is_boolean) => {
            // XSD can't restrict a boolean to one value.
            Some(Scalar { kind: ScalarKind::Boolean, values: Vec::new() })
        }
        Some(_) => return Err(mixed(place)),
    };
    Ok(Some(Listed { scalar, nullable }))
}

fn mixed(place: &Place<'_>) -> Unmappable {
    place.refuse("lists values that are neither all strings nor all whole numbers")
}

fn texts<'a>(place: &Place<'_>, values: impl Iterator<Item = &'a Value>) -> Result<Scalar, Unmappable> {
    let mut texts = Vec::new();
    for value in values {
        let text = value.as_str().ok_or_else(|| mixed(place))?;
        if let Some(bad) = text.chars().find(|c| !is_xml(*c)) {
            let code = u32::from(bad);
            return Err(place.refuse(format!("lists a text with U+{code:04X}, which XML can't have")));
        }
        texts.push(text.to_owned());
    }
    Ok(Scalar { kind: ScalarKind::Text, values: texts })
}

/// Of the width that `format` says; without one, of the width that holds them all.
fn integers<'a>(place: &Place<'_>, values: impl Iterator<Item = &'a Value>) -> Result<Scalar, Unmappable> {
    let mut numbers = Vec::new();
    for value in values {
        let number = value.as_number().and_then(Number::as_i128);
        numbers.push(number.ok_or_else(|| mixed(place))?);
    }
    let fits = |width: Width| {
        let (least, most) = width.range();
        numbers.iter().all(|number| (least..=most).contains(number))
    };
    let said = place.text("format").and_then(width);
    let width = match said {
        Some(width) => Some(width).filter(|width| fits(*width)),
        None => [Width::I64, Width::U64].into_iter().find(|width| fits(*width)),
    };
    let width = width.ok_or_else(|| place.refuse("lists a number that its format has no room for"))?;
    let values = numbers.iter().map(i128::to_string).collect();
    Ok(Scalar { kind: ScalarKind::Integer(width), values })
}
