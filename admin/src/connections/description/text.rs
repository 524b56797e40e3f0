//! Texts of connections: hosts, users, passwords, PEM.

use busbar_model::bounds::{PASSWORD_CHARS_MAX, PEM_BYTES_MAX, USERNAME_CHARS_MAX};
use serde_json::json;
use utoipa::openapi::{KnownFormat, ObjectBuilder, RefOr, Schema, SchemaFormat, Type, schema::OneOfBuilder};

/// `busbar_model::connection::amqp::host`, its length apart.
pub(super) const LABEL: &str = "[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?";
pub(super) const USERNAME: &str = r"^[^\u0000-\u001F\u007F-\u009F]+$";
pub(super) const PASSWORD: &str = r"^[^\u0000]+$";
pub(super) const VARIABLE: &str = r"^\$\{[A-Za-z_][A-Za-z0-9_]*\}$";
pub(super) const PRINTABLE: &str = "^[ -~]+$";
/// What needs no percent-encoding in a URL (RFC 3986, section 2.3).
pub(super) const PLAIN: &str = "[A-Za-z0-9._~-]+";
pub(super) const PORT: &str =
    "[1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5]";
pub(super) const BASE64_LINES: &str = r"(?:(?:[A-Za-z0-9+/]{4})+\r?\n)*(?:[A-Za-z0-9+/]{4}|[A-Za-z0-9+/][AQgw]==|[A-Za-z0-9+/]{2}[AEIMQUYcgkosw048]=)\r?\n";

pub(super) fn text() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String)
}

pub(super) fn null() -> RefOr<Schema> {
    ObjectBuilder::new().schema_type(Type::Null).into()
}

pub(super) fn host() -> RefOr<Schema> {
    let named = text().pattern(Some(format!(r"^(?=.{{1,253}}$){LABEL}(?:\.{LABEL})*\.?$")));
    let numbered = text().format(Some(SchemaFormat::KnownFormat(KnownFormat::Ipv6)));
    let numbered = numbered.pattern(Some("^[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*$"));
    OneOfBuilder::new().item(named.examples([json!("mq.example.com")])).item(numbered).into()
}

pub(super) fn username() -> RefOr<Schema> {
    text().pattern(Some(USERNAME)).max_length(Some(USERNAME_CHARS_MAX)).into()
}

pub(super) fn password() -> ObjectBuilder {
    text().pattern(Some(PASSWORD)).max_length(Some(PASSWORD_CHARS_MAX))
}

/// What no reply shows. A document does: as the name of a variable.
pub(super) fn hidden(secret: ObjectBuilder) -> RefOr<Schema> {
    secret.write_only(true).into()
}

pub(super) fn certificates() -> RefOr<Schema> {
    let block = format!(r"-----BEGIN CERTIFICATE-----\r?\n{BASE64_LINES}-----END CERTIFICATE-----");
    text().pattern(Some(format!(r"^{block}(?:\r?\n{block})*\r?\n?$"))).max_length(Some(PEM_BYTES_MAX)).into()
}

pub(super) fn key() -> ObjectBuilder {
    let of = |label: &str| format!(r"-----BEGIN {label}-----\r?\n{BASE64_LINES}-----END {label}-----");
    let any = ["PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY"].map(of).join("|");
    text().pattern(Some(format!(r"^(?:{any})\r?\n?$"))).max_length(Some(PEM_BYTES_MAX))
}

/// What a variable of a document may stand for.
pub(super) fn or_variable(secret: ObjectBuilder) -> RefOr<Schema> {
    let variable = text()
        .pattern(Some(VARIABLE))
        .max_length(Some("${}".len() + busbar_model::bounds::NAME_CHARS_MAX))
        .examples([json!("${CLIENT_KEY}")]);
    OneOfBuilder::new().item(secret).item(variable).into()
}
