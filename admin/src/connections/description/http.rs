//! Connections of kind http.

mod auths;
mod settings;

use busbar_model::{bounds::HTTP_CREDENTIAL_CHARS_MAX, connection::http::KIND};
use utoipa::openapi::{ObjectBuilder, RefOr, Schema, schema::OneOfBuilder};

pub(super) use self::settings::base_url;
use self::settings::settings;
use super::{
    Members, Style,
    text::{PASSWORD, hidden, text},
    tls,
};
use crate::describe::nullable;

/// Visible characters of ASCII (RFC 6750, section 2.1, and more).
const TOKEN: &str = "^[!-~]+$";
/// What a header can hold.
const KEY: &str = "^[ -~]+$";

pub(super) fn new() -> Vec<Members> {
    with_auth(KIND).into_iter().map(|members| members.required("base_url", base_url())).collect()
}

/// One for each kind of auth, since its secret goes with it.
pub(super) fn with_auth(kind: &'static str) -> Vec<Members> {
    let of = |auth: RefOr<Schema>| common(kind).with("auth", auth);
    let mut all = vec![of(nullable(auths::none().into()))];
    let secured = [
        (auths::basic(), PASSWORD),
        (auths::api_key(), KEY),
        (auths::bearer(), TOKEN),
        (auths::client_credentials(Style::Given), PASSWORD),
    ];
    let secured = secured.into_iter().map(|(auth, pattern)| {
        common(kind).required("auth", auth.into()).required("password", hidden(credential(pattern)))
    });
    all.extend(secured);
    all
}

fn common(kind: &'static str) -> Members {
    plain(Members::of(kind), Style::Given).with("tls", nullable(tls::new()))
}

pub(super) fn patch(kind: &'static str) -> Members {
    plain(Members::of(kind), Style::Given)
        .with("base_url", base_url())
        .with("tls", nullable(tls::patch()))
        .with("auth", nullable(auth(Style::Given)))
        .with("password", hidden(credential(PASSWORD)))
}

pub(super) fn described(kind: &'static str) -> Vec<Members> {
    let of = || plain(Members::of(kind), Style::Written).with("tls", nullable(tls::described()));
    let none = of().with("auth", nullable(auths::none().into()));
    let secured = [
        (auths::basic(), PASSWORD),
        (auths::api_key(), KEY),
        (auths::bearer(), TOKEN),
        (auths::client_credentials(Style::Written), PASSWORD),
    ];
    let secured = secured.into_iter().map(|(auth, pattern)| {
        of().required("auth", auth.into()).with("password", credential(pattern).into())
    });
    std::iter::once(none).chain(secured).collect()
}

pub(super) fn shown(kind: &'static str) -> Members {
    let shown = Members::of(kind)
        .required("base_url", text().into())
        .required("tls", tls::shown())
        .required("auth", auth(Style::Shown));
    settings(Style::Shown).into_iter().fold(shown, |shown, (name, schema)| shown.required(name, schema))
}

fn plain(members: Members, style: Style) -> Members {
    settings(style).into_iter().fold(members, |members, (name, schema)| members.with(name, schema))
}

fn credential(pattern: &str) -> ObjectBuilder {
    text().pattern(Some(pattern)).max_length(Some(HTTP_CREDENTIAL_CHARS_MAX))
}

fn auth(style: Style) -> RefOr<Schema> {
    let all =
        [auths::none(), auths::basic(), auths::api_key(), auths::bearer(), auths::client_credentials(style)];
    all.into_iter().fold(OneOfBuilder::new(), OneOfBuilder::item).into()
}
