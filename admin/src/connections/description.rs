//! What a connection looks like, for the API's description: new, changed, and in a document.

use std::borrow::Cow;

use busbar_model::{
    bounds::{
        AMQP_HEARTBEAT_S_CEILING, AMQP_IN_FLIGHT_CEILING, AMQP_NAME_CHARS_MAX, AMQP_PUBLISHERS_CEILING,
        NAME_CHARS_MAX, PASSWORD_CHARS_MAX, PEM_BYTES_MAX, USERNAME_CHARS_MAX,
    },
    connection::amqp,
};
use serde_json::json;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{KnownFormat, ObjectBuilder, RefOr, Schema, SchemaFormat, Type, schema::OneOfBuilder},
};

use crate::describe::{self, members, nullable, whole, whole_or_null};

/// `busbar_model::connection::amqp::host`, its length apart.
const LABEL: &str = "[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?";
const USERNAME: &str = r"^[^\u0000-\u001F\u007F-\u009F]+$";
const PASSWORD: &str = r"^[^\u0000]+$";
const VARIABLE: &str = r"^\$\{[A-Za-z_][A-Za-z0-9_]*\}$";
const PRINTABLE: &str = "^[ -~]+$";
/// What needs no percent-encoding in a URL (RFC 3986, section 2.3).
const PLAIN: &str = "[A-Za-z0-9._~-]+";
const PORT: &str = "[1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5]";
const BASE64_LINES: &str = r"(?:(?:[A-Za-z0-9+/]{4})+\r?\n)*(?:[A-Za-z0-9+/]{4}|[A-Za-z0-9+/][AQgw]==|[A-Za-z0-9+/]{2}[AEIMQUYcgkosw048]=)\r?\n";

/// A new connection: where it leads to and as whom, by members or by a URL that is taken apart.
pub(crate) struct New;

/// What is to be changed. Null puts a member that has a default back to it.
pub(crate) struct Patch;

impl PartialSchema for New {
    fn schema() -> RefOr<Schema> {
        let common = || {
            common(nullable(tls_new()))
                .property("kind", describe::one_of([amqp::KIND]))
                .required("name")
                .required("kind")
        };
        let by_members = common()
            .property("url", null())
            .property("host", host())
            .property("port", whole_or_null(1, u64::from(u16::MAX)))
            .property("vhost", nullable(vhost()))
            .property("username", username())
            .property("password", hidden(password()))
            .required("host")
            .required("username")
            .required("password");
        let plain = common().property("url", url("amqp")).property("tls", null()).required("url");
        let secured = common().property("url", url("amqps")).required("url");
        OneOfBuilder::new().item(by_members).item(plain).item(secured).into()
    }
}

impl ToSchema for New {
    fn name() -> Cow<'static, str> {
        "NewConnection".into()
    }
}

impl PartialSchema for Patch {
    fn schema() -> RefOr<Schema> {
        common(nullable(tls_patch()))
            .property("host", host())
            .property("port", whole_or_null(1, u64::from(u16::MAX)))
            .property("vhost", nullable(vhost()))
            .property("username", username())
            .property("password", hidden(password()))
            .into()
    }
}

impl ToSchema for Patch {
    fn name() -> Cow<'static, str> {
        "ConnectionPatch".into()
    }
}

/// A connection in a document. A secret that is left out stays as it is.
pub(crate) fn described() -> RefOr<Schema> {
    let number = |most: u16| RefOr::from(whole(1, most.into()));
    let flag = ObjectBuilder::new().schema_type(Type::Boolean).into();
    let entry = members([
        ("kind", describe::one_of([amqp::KIND])),
        ("active", flag),
        ("host", host()),
        ("port", number(u16::MAX)),
        ("vhost", vhost()),
        ("username", username()),
        ("password", password().into()),
        ("tls", nullable(tls_described())),
        ("heartbeat_s", number(AMQP_HEARTBEAT_S_CEILING)),
        ("publishers", number(AMQP_PUBLISHERS_CEILING)),
        ("in_flight_max", number(AMQP_IN_FLIGHT_CEILING)),
    ]);
    entry.required("kind").required("host").required("username").into()
}

fn common(tls: RefOr<Schema>) -> ObjectBuilder {
    members([
        ("name", describe::name()),
        ("active", nullable(describe::switch())),
        ("tls", tls),
        ("heartbeat_s", whole_or_null(1, AMQP_HEARTBEAT_S_CEILING.into())),
        ("publishers", whole_or_null(1, AMQP_PUBLISHERS_CEILING.into())),
        ("in_flight_max", whole_or_null(1, AMQP_IN_FLIGHT_CEILING.into())),
    ])
    .schema_type(Type::Object)
}

/// A key belongs to a certificate, and may be left as a variable.
fn tls_described() -> RefOr<Schema> {
    let of = || members([("ca", certificates()), ("server_name", host())]).schema_type(Type::Object);
    let variable = text()
        .pattern(Some(VARIABLE))
        .max_length(Some("${}".len() + NAME_CHARS_MAX))
        .examples([json!("${CLIENT_KEY}")]);
    let key = OneOfBuilder::new().item(key()).item(variable);
    let shown = of().property("client_certificate", certificates()).required("client_certificate");
    OneOfBuilder::new().item(of()).item(shown.property("client_key", key)).into()
}

/// With a certificate and its key, or with neither.
fn tls_new() -> RefOr<Schema> {
    let of = |certificate, key| {
        let own = [("client_certificate", certificate), ("client_key", key)];
        members(vouching().into_iter().chain(own)).schema_type(Type::Object)
    };
    let shown = of(certificates(), hidden(key())).required("client_certificate").required("client_key");
    OneOfBuilder::new().item(shown).item(of(null(), null())).into()
}

/// A key may be replaced alone; a certificate has its key beside it.
fn tls_patch() -> RefOr<Schema> {
    let of = |own: Vec<(&'static str, RefOr<Schema>)>| {
        members(vouching().into_iter().chain(own)).schema_type(Type::Object)
    };
    let shown = of(vec![("client_certificate", certificates()), ("client_key", hidden(key()))]);
    let shown = shown.required("client_certificate").required("client_key");
    let replaced = of(vec![("client_key", hidden(key()))]).required("client_key");
    let none = of(vec![("client_certificate", null()), ("client_key", null())]);
    OneOfBuilder::new().item(shown).item(replaced).item(none).into()
}

fn vouching() -> [(&'static str, RefOr<Schema>); 2] {
    [("ca", nullable(certificates())), ("server_name", nullable(host()))]
}

fn text() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String)
}

fn null() -> RefOr<Schema> {
    ObjectBuilder::new().schema_type(Type::Null).into()
}

fn host() -> RefOr<Schema> {
    let named = text().pattern(Some(format!(r"^(?=.{{1,253}}$){LABEL}(?:\.{LABEL})*\.?$")));
    let numbered = text().format(Some(SchemaFormat::KnownFormat(KnownFormat::Ipv6)));
    let numbered = numbered.pattern(Some("^[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*$"));
    OneOfBuilder::new().item(named.examples([json!("mq.example.com")])).item(numbered).into()
}

fn vhost() -> RefOr<Schema> {
    text().pattern(Some(PRINTABLE)).max_length(Some(AMQP_NAME_CHARS_MAX)).into()
}

fn username() -> RefOr<Schema> {
    text().pattern(Some(USERNAME)).max_length(Some(USERNAME_CHARS_MAX)).into()
}

fn password() -> ObjectBuilder {
    text().pattern(Some(PASSWORD)).max_length(Some(PASSWORD_CHARS_MAX))
}

/// What no reply shows. A document does: as the name of a variable.
fn hidden(secret: ObjectBuilder) -> RefOr<Schema> {
    secret.write_only(true).into()
}

fn certificates() -> RefOr<Schema> {
    let block = format!(r"-----BEGIN CERTIFICATE-----\r?\n{BASE64_LINES}-----END CERTIFICATE-----");
    text().pattern(Some(format!(r"^{block}(?:\r?\n{block})*\r?\n?$"))).max_length(Some(PEM_BYTES_MAX)).into()
}

fn key() -> ObjectBuilder {
    let of = |label: &str| format!(r"-----BEGIN {label}-----\r?\n{BASE64_LINES}-----END {label}-----");
    let any = ["PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY"].map(of).join("|");
    text().pattern(Some(format!(r"^(?:{any})\r?\n?$"))).max_length(Some(PEM_BYTES_MAX))
}

fn url(scheme: &str) -> RefOr<Schema> {
    let label = "[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?";
    let place = format!(r"(?:{label}\.){{0,3}}{label}(?::(?:{PORT}))?");
    let user = format!("{PLAIN}:{PLAIN}");
    let pattern = format!("^{scheme}://{user}@{place}(?:/(?:{PLAIN})?)?$");
    let url = text().pattern(Some(pattern)).max_length(Some(AMQP_NAME_CHARS_MAX)).write_only(true);
    url.examples([json!(format!("{scheme}://user:password@mq.example.com/orders"))]).into()
}
