//! Settings of connections of kind http, but for what is secret and for TLS.

use busbar_model::{
    bounds::{
        HTTP_ALLOWED_MAX, HTTP_HOSTS_MAX, HTTP_STATUSES_MAX, HTTP_TARGET_BYTES_MAX, HTTP_TEXT_CHARS_MAX,
    },
    connection::http::{NUMBERS, STATUSES},
};
use serde_json::json;
use utoipa::openapi::{
    RefOr, Schema, Type,
    schema::{ArrayBuilder, OneOfBuilder},
};

use crate::{
    connections::description::{
        Style,
        text::{PORT, text},
    },
    describe::{self, members, nullable, whole},
};

/// Not all digits at the end, which is an IPv4 address; not in the form that other alphabets are written in.
const LABEL: &str = "(?![Xx][Nn]--)[A-Za-z](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?";
/// Of a path, what needs no percent-encoding (RFC 3986, section 2.3), and no way to the folder above.
const SEGMENT: &str = "[A-Za-z0-9_~-][A-Za-z0-9._~-]*";
const OCTET: &str = "(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])";
const GROUP: &str = "[0-9A-Fa-f]{1,4}";

/// What two servers with four workers have eight of.
const OF_EACH_WORKER: [(&str, &str); 3] = [
    ("pool", "Of each worker of each server."),
    ("breaker", "Each worker of each server has one of its own. Null: none."),
    ("limits", "Of each worker of each server: per_second 10 is 80 in all with 2 servers of 4 workers."),
];

pub(super) fn settings(style: Style) -> Vec<(&'static str, RefOr<Schema>)> {
    let statuses = ArrayBuilder::new()
        .items(whole(*STATUSES.start(), *STATUSES.end()))
        .max_items(Some(HTTP_STATUSES_MAX))
        .build();
    let statuses = ("statuses", style.of(RefOr::T(Schema::Array(statuses))));
    let gzip = ("gzip", style.of(describe::switch()));
    let method = ("method", style.of(describe::one_of(["HEAD", "GET"])));
    let ping = vec![method, ("path", style.of(path()))];
    vec![
        ("timeouts", style.nested(object(style, "timeouts", Vec::new()))),
        ("pool", style.nested(object(style, "pool", Vec::new()))),
        ("retries", style.nested(object(style, "retries", vec![statuses]))),
        ("breaker", nullable(object(style, "breaker", Vec::new()))),
        ("limits", style.nested(object(style, "limits", Vec::new()))),
        ("allow", style.nested(allow())),
        ("redirects", style.nested(redirects())),
        ("bodies", style.nested(object(style, "bodies", vec![gzip]))),
        ("ping", style.nested(object(style, "ping", ping))),
    ]
}

/// The numbers of one member of the settings, with what it has beside them.
fn object(style: Style, name: &str, more: Vec<(&'static str, RefOr<Schema>)>) -> RefOr<Schema> {
    let prefix = format!("/{name}/");
    let numbers = NUMBERS.iter().filter_map(|(pointer, least, most)| {
        let inner = pointer.strip_prefix(&prefix)?;
        let number = RefOr::from(whole(*least, *most));
        // Without a limit.
        let number =
            if ["per_second", "burst"].contains(&inner) { nullable(number) } else { style.of(number) };
        Some((inner, number))
    });
    let all: Vec<_> = numbers.chain(more).collect();
    let names: Vec<&str> = all.iter().map(|(name, _)| *name).collect();
    let own = OF_EACH_WORKER.into_iter().find(|(known, _)| *known == name);
    let object = members(all).schema_type(Type::Object).description(own.map(|(_, text)| text));
    style.object(object, &names)
}

pub(in crate::connections::description) fn base_url() -> RefOr<Schema> {
    let place = format!(r"(?:{LABEL}\.){{0,3}}{LABEL}(?::(?:{PORT}))?");
    let pattern = format!("^https?://{place}(?:/{SEGMENT})*/?$");
    let most = Some(HTTP_TARGET_BYTES_MAX / 2);
    text().pattern(Some(pattern)).max_length(most).examples([json!("https://api.example.com/v1")]).into()
}

fn path() -> RefOr<Schema> {
    let pattern = format!("^(?:/(?:{SEGMENT})?)+$");
    text().pattern(Some(pattern)).max_length(Some(HTTP_TEXT_CHARS_MAX)).examples([json!("/health")]).into()
}

/// Addresses and networks.
fn allow() -> RefOr<Schema> {
    let four = format!(r"{OCTET}(?:\.{OCTET}){{3}}(?:/(?:3[0-2]|[12]?[0-9]))?");
    let length = "(?:/(?:12[0-8]|1[01][0-9]|[1-9]?[0-9]))?";
    let six = format!(
        "(?:{GROUP}(?::{GROUP}){{7}}|{GROUP}(?::{GROUP}){{0,5}}::|::(?:{GROUP}(?::{GROUP}){{0,5}})?)"
    );
    let network =
        text().pattern(Some(format!("^(?:{four}|{six}{length})$"))).examples([json!("10.1.0.0/16")]);
    RefOr::T(Schema::Array(ArrayBuilder::new().items(network).max_items(Some(HTTP_ALLOWED_MAX)).build()))
}

fn redirects() -> RefOr<Schema> {
    let max = || {
        let (_, least, most) =
            NUMBERS.into_iter().find(|(at, ..)| *at == "/redirects/max").unwrap_or_default();
        RefOr::<Schema>::from(whole(least, most))
    };
    let host = text().pattern(Some(format!(r"^(?:{LABEL}\.){{0,3}}{LABEL}$")));
    let hosts = ArrayBuilder::new().items(host).max_items(Some(HTTP_HOSTS_MAX)).build();
    let of = |kind: &str, own: Vec<(&'static str, RefOr<Schema>)>| {
        let kind = [("kind", describe::one_of([kind]))];
        let names: Vec<&str> = own.iter().map(|(name, _)| *name).collect();
        let object = members(kind.into_iter().chain(own)).schema_type(Type::Object).required("kind");
        names.into_iter().fold(object, |object, name| object.required(name))
    };
    OneOfBuilder::new()
        .item(of("none", Vec::new()))
        .item(of("same-origin", vec![("max", max())]))
        .item(of("hosts", vec![("max", max()), ("hosts", RefOr::T(Schema::Array(hosts)))]))
        .into()
}
