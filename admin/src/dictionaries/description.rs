//! What dictionaries look like, for the API's description.

use std::borrow::Cow;

use busbar_model::bounds::{
    DICTIONARY_CODE_CHARS_MAX, DICTIONARY_ENTRIES_MAX, DICTIONARY_SYSTEM_CHARS_MAX, DICTIONARY_SYSTEMS_MAX,
    DICTIONARY_SYSTEMS_MIN,
};
use serde_json::json;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        ObjectBuilder, RefOr, Schema, Type,
        schema::{AdditionalProperties, ArrayBuilder},
    },
};

use super::given::Patch;
use crate::describe::{self, members, nullable};

/// What stands beside systems in tables is none.
const SYSTEM: &str = "^(?!valid_(?:from|until)$)[a-z][a-z0-9_-]*$";
/// On one line.
const CODE: &str = r"^[^\u0000-\u001F\u007F-\u009F]+$";

fn text() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String)
}

pub(super) fn system() -> RefOr<Schema> {
    let text = text().pattern(Some(SYSTEM)).max_length(Some(DICTIONARY_SYSTEM_CHARS_MAX));
    text.examples([json!("erp")]).into()
}

fn code() -> RefOr<Schema> {
    text().pattern(Some(CODE)).max_length(Some(DICTIONARY_CODE_CHARS_MAX)).examples([json!("DE")]).into()
}

pub(super) fn systems() -> RefOr<Schema> {
    let list = ArrayBuilder::new().items(system()).unique_items(true);
    list.min_items(Some(DICTIONARY_SYSTEMS_MIN)).max_items(Some(DICTIONARY_SYSTEMS_MAX)).into()
}

fn by_system(item: RefOr<Schema>) -> ObjectBuilder {
    let RefOr::T(name) = system() else { return ObjectBuilder::new() };
    let object = ObjectBuilder::new().schema_type(Type::Object).property_names(Some(name));
    object.additional_properties(Some(AdditionalProperties::RefOr(item)))
}

pub(super) fn defaults() -> RefOr<Schema> {
    by_system(code()).into()
}

/// Codes by their systems; at least two.
pub(super) fn codes() -> RefOr<Schema> {
    let codes = by_system(code()).min_properties(Some(DICTIONARY_SYSTEMS_MIN));
    codes.examples([json!({"erp": "DE", "shop": "germany"})]).into()
}

fn entries() -> RefOr<Schema> {
    let entry = members([
        ("codes", codes()),
        ("valid_from", nullable(describe::date())),
        ("valid_until", nullable(describe::date())),
    ]);
    let entry = entry.schema_type(Type::Object).required("codes");
    ArrayBuilder::new().items(entry).max_items(Some(DICTIONARY_ENTRIES_MAX)).into()
}

/// A dictionary in a document: its entries are flat.
pub(crate) fn described() -> RefOr<Schema> {
    let RefOr::T(Schema::Object(mut entry)) =
        by_system(code()).min_properties(Some(DICTIONARY_SYSTEMS_MIN)).into()
    else {
        return defaults();
    };
    // The names of days are allowed beside those of systems.
    entry.property_names = Some(Box::new(text().pattern(Some("^[a-z][a-z0-9_-]*$")).into()));
    for day in ["valid_from", "valid_until"] {
        entry.properties.insert(day.to_owned(), describe::date());
    }
    let entries = ArrayBuilder::new().items(entry).max_items(Some(DICTIONARY_ENTRIES_MAX));
    let dictionary = members([
        ("summary", text().into()),
        ("systems", systems()),
        ("defaults", defaults()),
        ("entries", entries.into()),
    ]);
    dictionary.required("systems").into()
}

fn given() -> ObjectBuilder {
    let summary = nullable(text().into());
    members([
        ("name", describe::name()),
        ("summary", describe::described(summary, "What it is for. Null: nothing is said.")),
        ("systems", systems()),
        (
            "defaults",
            describe::described(
                nullable(by_system(nullable(code())).into()),
                "What a translation into a system gives where nothing matches. Null takes a system's away, or all.",
            ),
        ),
        ("entries", describe::described(nullable(entries()), "Replaced whole. Null: none.")),
    ])
    .schema_type(Type::Object)
}

/// A new dictionary. Codes and defaults are of its systems.
pub(crate) struct New;

impl PartialSchema for New {
    fn schema() -> RefOr<Schema> {
        given().required("name").required("systems").into()
    }
}

impl ToSchema for New {
    fn name() -> Cow<'static, str> {
        "NewDictionary".into()
    }
}

impl PartialSchema for Patch {
    fn schema() -> RefOr<Schema> {
        given().into()
    }
}

impl ToSchema for Patch {
    fn name() -> Cow<'static, str> {
        "DictionaryPatch".into()
    }
}

/// The entries of a dictionary as CSV (RFC 4180), in UTF-8.
pub(crate) struct Csv;

impl PartialSchema for Csv {
    fn schema() -> RefOr<Schema> {
        let column = format!("[a-z][a-z0-9_-]{{0,{}}}", DICTIONARY_SYSTEM_CHARS_MAX - 1);
        let column = format!("(?:{column}|\"{column}\")");
        let header = format!("(?:{column}(?:,{column})+|{column}(?:;{column})+)");
        let pattern = format!(r"^\uFEFF?{header}(?:\r?\n[\s\S]*)?$");
        let example = "erp,shop,valid_from,valid_until\r\nDE,germany,,2026-12-31\r\n";
        text().pattern(Some(pattern)).examples([json!(example)]).into()
    }
}

impl ToSchema for Csv {
    fn name() -> Cow<'static, str> {
        "DictionaryCsv".into()
    }
}
