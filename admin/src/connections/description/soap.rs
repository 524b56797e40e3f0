//! Connections of kind soap.

use busbar_model::{
    bounds::{
        CONNECTION_WSDL_DOCUMENTS_MAX, CONNECTION_WSDL_LOCATION_CHARS_MAX, CONNECTION_WSDL_NAME_CHARS_MAX,
    },
    connection::soap::KIND,
};
use serde_json::json;
use utoipa::openapi::{
    RefOr, Schema, Type,
    schema::{ArrayBuilder, OneOfBuilder},
};

use super::{
    Members, Style, http,
    text::{PORT, hidden, password, text, username},
};
use crate::describe::{self, members, nullable};

const NAME: &str = r"^[^\u0000-\u001F\u007F-\u009F]+$";

/// With each kind of auth, and with a UsernameToken or without.
pub(super) fn new() -> Vec<Members> {
    let of = |base: &Members| {
        own(base.clone(), Style::Given).with("base_url", nullable(http::base_url())).required("wsdl", wsdl())
    };
    let all = http::with_auth(KIND);
    let token = || [("username_token", token(Style::Given)), ("token_password", hidden(password()))];
    let with =
        all.iter().map(|base| token().into_iter().fold(of(base), |base, (name, it)| base.required(name, it)));
    let without = all.iter().map(|base| of(base).with("username_token", super::text::null()));
    with.chain(without).collect()
}

pub(super) fn patch() -> Members {
    own(http::patch(KIND), Style::Given)
        .with("base_url", nullable(http::base_url()))
        .with("wsdl", wsdl())
        .with("username_token", nullable(token(Style::Given)))
        .with("token_password", hidden(password()))
}

pub(super) fn described() -> Vec<Members> {
    let of = |base: &Members| {
        own(base.clone(), Style::Written).with("base_url", http::base_url()).required("wsdl", documents())
    };
    let all = http::described(KIND);
    let with = all.iter().map(|base| {
        of(base).required("username_token", token(Style::Written)).with("token_password", password().into())
    });
    with.chain(all.iter().map(of)).collect()
}

pub(super) fn shown() -> Members {
    let maybe = || nullable(text().into());
    http::shown(KIND)
        .required("wsdl", documents())
        .required("service", maybe())
        .required("port", maybe())
        .required("version", describe::one_of_or_null(["1.1", "1.2"]))
        .required("username_token", nullable(token(Style::Shown)))
        .required("mtom", describe::switch())
}

fn own(base: Members, style: Style) -> Members {
    base.with("service", style.of(name()))
        .with("port", style.of(name()))
        .with("mtom", style.of(describe::switch()))
}

fn name() -> RefOr<Schema> {
    text().pattern(Some(NAME)).max_length(Some(CONNECTION_WSDL_NAME_CHARS_MAX)).into()
}

fn token(style: Style) -> RefOr<Schema> {
    let kinds = ("password_type", describe::one_of(["text", "digest"]));
    let object = members([("username", username()), kinds]).schema_type(Type::Object).required("username");
    match style {
        Style::Shown => object.required("password_type").into(),
        Style::Given | Style::Written => object.into(),
    }
}

/// As texts, or by the URL that the admin process fetches them from.
fn wsdl() -> RefOr<Schema> {
    let place = r"(?:[A-Za-z][A-Za-z0-9]{0,30}\.){1,3}[A-Za-z]{2,10}";
    let pattern = format!(r"^https?://{place}(?::(?:{PORT}))?/[A-Za-z0-9._~/-]*(?:\?[A-Za-z0-9._~=&-]*)?$");
    let url = text()
        .pattern(Some(pattern))
        .max_length(Some(CONNECTION_WSDL_LOCATION_CHARS_MAX))
        .examples([json!("https://partner.example.com/orders?wsdl")]);
    let by_url = members([("url", url.into())]).schema_type(Type::Object).required("url");
    OneOfBuilder::new().item(documents()).item(by_url).into()
}

/// The first one is the root; each has a location of its own.
fn documents() -> RefOr<Schema> {
    let location = text().min_length(Some(1)).max_length(Some(CONNECTION_WSDL_LOCATION_CHARS_MAX));
    let document =
        members([("location", location.into()), ("text", text().into())]).schema_type(Type::Object);
    let document = document.required("location").required("text");
    let list = ArrayBuilder::new()
        .items(document)
        .min_items(Some(1))
        .max_items(Some(CONNECTION_WSDL_DOCUMENTS_MAX))
        .build();
    members([("documents", RefOr::T(Schema::Array(list)))])
        .schema_type(Type::Object)
        .required("documents")
        .into()
}
