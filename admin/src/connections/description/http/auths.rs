//! What a call shows of itself.

use busbar_model::{
    bounds::HTTP_TEXT_CHARS_MAX,
    connection::http::headers::{HOP_BY_HOP, MADE_HERE},
};
use serde_json::json;
use utoipa::openapi::{ObjectBuilder, RefOr, Schema, Type};

use super::base_url;
use crate::{
    connections::description::{Style, text::text},
    describe::{self, members, nullable},
};

const USERNAME: &str = r"^[^:\u0000-\u001F\u007F-\u009F]*$";
const TEXT: &str = r"^[^\u0000-\u001F\u007F-\u009F]+$";
const FIELD_NAME: &str = "[!#$%&'*+.^_`|~0-9A-Za-z-]+";

fn of(kind: &str, own: Vec<(&'static str, RefOr<Schema>)>) -> ObjectBuilder {
    let kind = [("kind", describe::one_of([kind]))];
    members(kind.into_iter().chain(own)).schema_type(Type::Object).required("kind")
}

fn line(pattern: &str) -> ObjectBuilder {
    text().pattern(Some(pattern)).max_length(Some(HTTP_TEXT_CHARS_MAX))
}

pub(super) fn none() -> ObjectBuilder {
    of("none", Vec::new())
}

pub(super) fn basic() -> ObjectBuilder {
    of("basic", vec![("username", line(USERNAME).into())]).required("username")
}

/// A header that HTTP itself has no use for.
pub(super) fn api_key() -> ObjectBuilder {
    let any_case = |name: &str| -> String {
        let letter = |char: char| match char.is_ascii_alphabetic() {
            true => format!("[{}{char}]", char.to_ascii_uppercase()),
            false => char.to_string(),
        };
        name.chars().map(letter).collect()
    };
    let taken = HOP_BY_HOP.into_iter().chain(MADE_HERE).map(|name| any_case(name.as_str()));
    let taken = taken.collect::<Vec<_>>().join("|");
    let header = line(&format!("^(?!(?:{taken})$){FIELD_NAME}$")).examples([json!("X-API-Key")]);
    of("api-key", vec![("header", header.into())]).required("header")
}

pub(super) fn bearer() -> ObjectBuilder {
    of("bearer", Vec::new())
}

pub(super) fn client_credentials(style: Style) -> ObjectBuilder {
    let own = vec![
        ("token_url", base_url()),
        ("client_id", line(TEXT).into()),
        ("scope", nullable(line(TEXT).into())),
        ("audience", nullable(line(TEXT).into())),
        ("in_body", describe::switch()),
    ];
    let of = of("client-credentials", own).required("token_url").required("client_id");
    match style {
        Style::Shown => of.required("scope").required("audience").required("in_body"),
        Style::Given | Style::Written => of,
    }
}
