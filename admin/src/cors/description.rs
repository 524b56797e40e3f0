//! What a `cors` looks like, for the API's description.

use busbar_model::bounds::{CORS_ITEMS_MAX, CORS_MAX_AGE_S_CEILING, NAME_CHARS_MAX, ORIGIN_BYTES_MAX};
use serde_json::{Value, json};
use utoipa::openapi::{
    Object, ObjectBuilder, RefOr, Schema, Type,
    schema::{ArrayBuilder, OneOfBuilder, SchemaType},
};

use crate::describe;

/// `busbar_model::cors::origins`; of the ways to write an IPv6 address those that are written out.
const ORIGIN: &str = concat!(
    r"^[A-Za-z][A-Za-z0-9+.-]*://(?:[A-Za-z0-9._-]+|\[::1\]|\[(?:[0-9A-Fa-f]{1,4}:){7}[0-9A-Fa-f]{1,4}\])",
    r"(?::0*(?:[0-9]{1,4}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5]))?$",
);
/// A token (RFC 9110, section 5.6.2), but not `*` alone.
const HEADER: &str = r"^(?!\*$)[!#$%&'*+.^_`|~0-9A-Za-z-]+$";

/// The members of one for origins that are named, and of one for any origin, which gets no credentials.
pub(super) fn members() -> [ObjectBuilder; 2] {
    let header = || matching(HEADER, NAME_CHARS_MAX);
    let with = |origins, credentials: Vec<Value>| {
        let credentials = ObjectBuilder::new()
            .schema_type(SchemaType::Array(vec![Type::Boolean, Type::Null]))
            .enum_values(Some(credentials));
        let headers = OneOfBuilder::new().item(list(header(), 0)).item(list(any(), 1)).item(null());
        let expose = describe::nullable(RefOr::T(list(header(), 0)));
        describe::members([
            ("origins", described(origins, "`https://HOST` or `https://HOST:PORT`, or `*` alone.")),
            ("headers", RefOr::T(headers.build().into())),
            ("expose", expose),
            ("credentials", RefOr::T(credentials.into())),
            ("max_age_s", describe::whole_or_null(0, CORS_MAX_AGE_S_CEILING.into())),
        ])
    };
    let named =
        with(list(matching(ORIGIN, ORIGIN_BYTES_MAX), 1), vec![json!(true), json!(false), Value::Null]);
    [named, with(list(any(), 1), vec![json!(false), Value::Null])]
}

fn matching(pattern: &str, most: usize) -> Object {
    ObjectBuilder::new().schema_type(Type::String).pattern(Some(pattern)).max_length(Some(most)).build()
}

fn any() -> Object {
    ObjectBuilder::new().schema_type(Type::String).enum_values(Some(["*"])).build()
}

fn null() -> Object {
    ObjectBuilder::new().schema_type(Type::Null).build()
}

fn list(items: Object, least: usize) -> Schema {
    let items = ArrayBuilder::new().items(items).min_items(Some(least)).max_items(Some(CORS_ITEMS_MAX));
    Schema::Array(items.build())
}

fn described(schema: Schema, description: &str) -> RefOr<Schema> {
    describe::described(RefOr::T(schema), description)
}
