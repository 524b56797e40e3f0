//! How a connection is secured.

use utoipa::openapi::{ObjectBuilder, RefOr, Schema, Type, schema::OneOfBuilder};

use super::text::{certificates, hidden, host, key, null, or_variable};
use crate::describe::{members, nullable};

/// A key belongs to a certificate, and may be left as a variable.
pub(super) fn described() -> RefOr<Schema> {
    let of = || members([("ca", certificates()), ("server_name", host())]).schema_type(Type::Object);
    let key = or_variable(key());
    let shown = of().property("client_certificate", certificates()).required("client_certificate");
    OneOfBuilder::new().item(of()).item(shown.property("client_key", key)).into()
}

/// With a certificate and its key, or with neither.
pub(super) fn new() -> RefOr<Schema> {
    let of = |certificate, key| {
        let own = [("client_certificate", certificate), ("client_key", key)];
        members(vouching().into_iter().chain(own)).schema_type(Type::Object)
    };
    let shown = of(certificates(), hidden(key())).required("client_certificate").required("client_key");
    OneOfBuilder::new().item(shown).item(of(null(), null())).into()
}

/// A key may be replaced alone; a certificate has its key beside it.
pub(super) fn patch() -> RefOr<Schema> {
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

/// As it is shown: without its key.
pub(super) fn shown() -> RefOr<Schema> {
    let text = || nullable(ObjectBuilder::new().schema_type(Type::String).into());
    let of = [("ca", text()), ("server_name", text()), ("client_certificate", text())];
    let object = members(of).schema_type(Type::Object);
    nullable(object.required("ca").required("server_name").required("client_certificate").into())
}
