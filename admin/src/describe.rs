//! What values look like, for the API's description: exactly what is accepted, so that a request which fits
//! the description is never answered 400, and one that does not always is. To be used as
//! `#[schema(schema_with = describe::name)]` on members, or for the parameters of lists.

mod schedules;

use busbar_model::{bounds, path::RESERVED_PREFIX};
use serde_json::{Value, json};
use utoipa::{
    ToSchema,
    openapi::{
        KnownFormat, ObjectBuilder, Ref, RefOr, Schema, SchemaFormat, Type,
        schema::{AdditionalProperties, ArrayBuilder, OneOfBuilder, SchemaType},
    },
};

pub(crate) use self::schedules::*;
use crate::bounds::CONTENT_TYPE_BYTES_MAX;

/// A dot-separated name (`busbar_model::Name`).
const NAME: &str = r"^[a-z0-9][a-z0-9_-]*(\.[a-z0-9][a-z0-9_-]*)*$";
/// DNS labels in lower case.
const MEMBER_NAME: &str = r"^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$";
/// A name whose last word begins with a letter.
const OPERATION_NAME: &str = r"^([a-z0-9][a-z0-9_-]*\.)*[a-z][a-z0-9_-]*$";
/// A name, a prefix of names that ends in `*`, or `*` for all.
const GRANT: &str = r"^([a-z0-9][a-z0-9_-]*(\.[a-z0-9][a-z0-9_-]*)*((\.)?\*)?|\*)$";
/// One segment of a channel's path: a literal that is UTF-8 once it is decoded, or a parameter.
const LITERAL: &str = r"(?:[^/?#{}%\u0000-\u0020\u007F-\u00A0\u1680\u2000-\u200A\u2028\u2029\u202F\u205F\u3000]|%[0-7][0-9A-Fa-f]|%(?:[Cc][2-9A-Fa-f]|[Dd][0-9A-Fa-f])%[89ABab][0-9A-Fa-f]|%[Ee][1-9A-Ca-c](?:%[89ABab][0-9A-Fa-f]){2})*";
const PARAMETER: &str = "[A-Za-z_][A-Za-z0-9_-]*";
const METHOD: &str = "^[A-Z-]+$";
const DIGEST: &str = "^sha256:[0-9a-fA-F]{64}$";
/// Without ':' and control characters.
const USERNAME: &str = r"^[^:\u0000-\u001F\u007F-\u009F]+$";
/// RFC 4648, section 4, with its padding and nothing in the bits that are left over.
const BASE64: &str = "^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/][AQgw]==|[A-Za-z0-9+/]{2}[AEIMQUYcgkosw048]=)?$";
/// Type and subtype (RFC 9110, section 8.3.1).
const MEDIA_TYPE: &str = r"^[A-Za-z0-9!#$%&'*+.^_`|~-]+/[A-Za-z0-9!#$%&'*+.^_`|~-]+( *;[ -~]*)?$";
/// At least one letter or digit that is not of the suffix.
const FILE_NAME: &str = r"^(?![^A-Za-z0-9]*\.[wW][aA][sS][mM]$)[^A-Za-z0-9]*[A-Za-z0-9][\s\S]*$";
/// The number of a change.
const CHANGE: &str = "^[0-9]{1,18}$";

fn text() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String)
}

fn finished(builder: ObjectBuilder) -> RefOr<Schema> {
    RefOr::T(builder.into())
}

pub(crate) fn name() -> RefOr<Schema> {
    finished(text().pattern(Some(NAME)).min_length(Some(1)).max_length(Some(bounds::NAME_CHARS_MAX)))
}

/// What a member of the cluster is called (`busbar_pki::Name`).
pub(crate) fn member_name() -> RefOr<Schema> {
    finished(text().pattern(Some(MEMBER_NAME)).min_length(Some(1)).max_length(Some(63)))
}

pub(crate) fn name_or_null() -> RefOr<Schema> {
    nullable(name())
}

pub(crate) fn grants() -> RefOr<Schema> {
    let most = bounds::NAME_CHARS_MAX;
    list(finished(text().pattern(Some(GRANT)).min_length(Some(1)).max_length(Some(most))))
}

/// `busbar_model::path::PathPattern`: below the root but not the bus's own, each parameter once, a tail at
/// the end only.
pub(crate) fn channel_path() -> RefOr<Schema> {
    let reserved = format!("(?!{RESERVED_PREFIX}(?:/|$))");
    let twice = format!(r"(?![\s\S]*\{{({PARAMETER})(?:\.\.\.)?\}}[\s\S]*\{{\1(?:\.\.\.)?\}})");
    let inner = format!(r"(?:/(?:{LITERAL}|\{{{PARAMETER}\}}))*");
    let last = format!(r"/(?:{LITERAL}|\{{{PARAMETER}(?:\.\.\.)?\}})");
    let pattern = format!("^{reserved}{twice}{inner}{last}$");
    finished(
        text()
            .pattern(Some(pattern))
            .max_length(Some(bounds::PATH_CHARS_MAX))
            .examples([json!("/orders/{id}")]),
    )
}

/// A path without parameters.
pub(crate) fn plain_path() -> RefOr<Schema> {
    let pattern = format!("^(?!{RESERVED_PREFIX}(?:/|$))(?:/{LITERAL})+$");
    finished(
        text()
            .pattern(Some(pattern))
            .max_length(Some(bounds::PATH_CHARS_MAX))
            .examples([json!("/soap/orders")]),
    )
}

/// A service's name whose last word can be an operation's name.
pub(crate) fn operation_name() -> RefOr<Schema> {
    finished(
        text().pattern(Some(OPERATION_NAME)).min_length(Some(1)).max_length(Some(bounds::NAME_CHARS_MAX)),
    )
}

/// SOAP channels are called with POST, whether it is named or not.
pub(crate) fn soap_methods() -> RefOr<Schema> {
    list(one_of(["POST"]))
}

pub(crate) fn methods() -> RefOr<Schema> {
    list(finished(text().pattern(Some(METHOD))))
}

pub(crate) fn methods_or_null() -> RefOr<Schema> {
    nullable(methods())
}

pub(crate) fn digest() -> RefOr<Schema> {
    finished(text().pattern(Some(DIGEST)))
}

pub(crate) fn digest_or_null() -> RefOr<Schema> {
    nullable(digest())
}

pub(crate) fn username() -> RefOr<Schema> {
    finished(text().pattern(Some(USERNAME)).min_length(Some(1)).max_length(Some(bounds::USERNAME_CHARS_MAX)))
}

pub(crate) fn password() -> RefOr<Schema> {
    let most = Some(bounds::PASSWORD_CHARS_MAX);
    finished(text().min_length(Some(1)).max_length(most).write_only(true))
}

pub(crate) fn file_name() -> RefOr<Schema> {
    finished(text().pattern(Some(FILE_NAME)).max_length(Some(bounds::NAME_CHARS_MAX)))
}

pub(crate) fn base64() -> RefOr<Schema> {
    finished(text().pattern(Some(BASE64)))
}

pub(crate) fn media_type_or_null() -> RefOr<Schema> {
    nullable(finished(text().pattern(Some(MEDIA_TYPE)).max_length(Some(CONTENT_TYPE_BYTES_MAX))))
}

pub(crate) fn change_number() -> RefOr<Schema> {
    finished(text().pattern(Some(CHANGE)))
}

pub(crate) fn time() -> RefOr<Schema> {
    finished(text().format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime))))
}

pub(crate) fn switch() -> RefOr<Schema> {
    finished(ObjectBuilder::new().schema_type(Type::Boolean))
}

/// A JSON Schema, or that there is none.
pub(crate) fn json_schema() -> RefOr<Schema> {
    let types = vec![Type::Object, Type::Boolean, Type::Null];
    finished(ObjectBuilder::new().schema_type(SchemaType::Array(types)))
}

/// One of these words.
pub(crate) fn one_of<'a>(words: impl IntoIterator<Item = &'a str>) -> RefOr<Schema> {
    finished(text().enum_values(Some(words)))
}

pub(crate) fn one_of_or_null<'a>(words: impl IntoIterator<Item = &'a str>) -> RefOr<Schema> {
    let words = words.into_iter().map(Value::from).chain([Value::Null]);
    nullable(finished(text().enum_values(Some(words))))
}

pub(crate) fn whole(least: u64, most: u64) -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(least)).maximum(Some(most))
}

pub(crate) fn whole_or_null(least: u64, most: u64) -> RefOr<Schema> {
    nullable(finished(whole(least, most)))
}

/// An object with these members and no others.
pub(crate) fn members<'a>(members: impl IntoIterator<Item = (&'a str, RefOr<Schema>)>) -> ObjectBuilder {
    let object = ObjectBuilder::new().additional_properties(Some(AdditionalProperties::FreeForm(false)));
    members.into_iter().fold(object, |object, (name, schema)| object.property(name, schema))
}

pub(crate) fn list(items: RefOr<Schema>) -> RefOr<Schema> {
    RefOr::T(Schema::Array(ArrayBuilder::new().items(items).build()))
}

/// A component, or null.
pub(crate) fn component_or_null<T: ToSchema>() -> RefOr<Schema> {
    let null = ObjectBuilder::new().schema_type(Type::Null);
    OneOfBuilder::new().item(Ref::from_schema_name(T::name())).item(null).into()
}

/// The same with what it is for.
pub(crate) fn described(schema: RefOr<Schema>, description: &str) -> RefOr<Schema> {
    match schema {
        RefOr::T(Schema::Object(mut object)) => {
            object.description = Some(description.to_owned());
            RefOr::T(Schema::Object(object))
        }
        RefOr::T(Schema::Array(mut array)) => {
            array.description = Some(description.to_owned());
            RefOr::T(Schema::Array(array))
        }
        other => other,
    }
}

/// The same, or null.
pub(crate) fn nullable(schema: RefOr<Schema>) -> RefOr<Schema> {
    let with_null = |types: &mut SchemaType| {
        *types = match std::mem::take(types) {
            SchemaType::Type(one) => SchemaType::Array(vec![one, Type::Null]),
            SchemaType::Array(mut several) => {
                several.push(Type::Null);
                SchemaType::Array(several)
            }
            SchemaType::AnyValue => SchemaType::AnyValue,
        };
    };
    match schema {
        RefOr::T(Schema::Object(mut object)) => {
            with_null(&mut object.schema_type);
            RefOr::T(Schema::Object(object))
        }
        RefOr::T(Schema::Array(mut array)) => {
            with_null(&mut array.schema_type);
            RefOr::T(Schema::Array(array))
        }
        RefOr::T(Schema::OneOf(mut choice)) => {
            choice.items.push(ObjectBuilder::new().schema_type(Type::Null).into());
            RefOr::T(Schema::OneOf(choice))
        }
        other => other,
    }
}
