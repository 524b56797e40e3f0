//! The types that XML Schema itself has (part 2, section 3).

use super::facets::Facets;
use crate::shape::{Foreign, ScalarKind, Width};

/// What a type of XSD is; `None` for names that it does not have, and for `NOTATION`, which names something in a DOCTYPE.
pub(super) fn builtin(local: &str) -> Option<(ScalarKind, Facets)> {
    let plain = |kind| Some((kind, Facets::default()));
    let least = |least: &str| Some((ScalarKind::Foreign(Foreign::Whole), Facets::at_least(least)));
    let most = |most: &str| Some((ScalarKind::Foreign(Foreign::Whole), Facets::at_most(most)));
    match local {
        "string" | "normalizedString" | "anySimpleType" | "anyAtomicType" => plain(ScalarKind::Text),
        "boolean" => plain(ScalarKind::Boolean),
        "decimal" => plain(ScalarKind::Decimal),
        "float" | "double" => plain(ScalarKind::Double),
        "byte" => plain(ScalarKind::Integer(Width::I8)),
        "short" => plain(ScalarKind::Integer(Width::I16)),
        "int" => plain(ScalarKind::Integer(Width::I32)),
        "long" => plain(ScalarKind::Integer(Width::I64)),
        "unsignedByte" => plain(ScalarKind::Integer(Width::U8)),
        "unsignedShort" => plain(ScalarKind::Integer(Width::U16)),
        "unsignedInt" => plain(ScalarKind::Integer(Width::U32)),
        "unsignedLong" => plain(ScalarKind::Integer(Width::U64)),
        "integer" => plain(ScalarKind::Foreign(Foreign::Whole)),
        "nonNegativeInteger" => least("0"),
        "positiveInteger" => least("1"),
        "nonPositiveInteger" => most("0"),
        "negativeInteger" => most("-1"),
        "date" => plain(ScalarKind::Date),
        "dateTime" => plain(ScalarKind::Foreign(Foreign::Moment)),
        "dateTimeStamp" => plain(ScalarKind::DateTime),
        "base64Binary" => plain(ScalarKind::Binary),
        "QName" => plain(ScalarKind::Foreign(Foreign::Name)),
        "anyType" => plain(ScalarKind::Foreign(Foreign::Markup)),
        "token" | "language" | "Name" | "NCName" | "NMTOKEN" | "NMTOKENS" | "ID" | "IDREF" | "IDREFS"
        | "ENTITY" | "ENTITIES" | "anyURI" | "duration" | "dayTimeDuration" | "yearMonthDuration"
        | "gYearMonth" | "gYear" | "gMonthDay" | "gDay" | "gMonth" => {
            plain(ScalarKind::Foreign(Foreign::Token))
        }
        "time" => Some((ScalarKind::Foreign(Foreign::Token), Facets::of_pattern(TIME))),
        "hexBinary" => Some((ScalarKind::Foreign(Foreign::Token), Facets::of_pattern(HEX))),
        _ => None,
    }
}

/// JSON Schema's patterns, which are checked by hand: see [`Facets::check`].
pub(super) const TIME: &str =
    r"^([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]+)?(Z|[+-][0-9][0-9]:[0-9][0-9])?$";
pub(super) const HEX: &str = "^([0-9A-Fa-f][0-9A-Fa-f])*$";
