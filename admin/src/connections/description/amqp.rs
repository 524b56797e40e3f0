//! Connections of kind amqp.

use busbar_model::{
    bounds::{
        AMQP_HEARTBEAT_S_CEILING, AMQP_IN_FLIGHT_CEILING, AMQP_NAME_CHARS_MAX, AMQP_PUBLISHERS_CEILING,
    },
    connection::amqp::KIND,
};
use serde_json::json;
use utoipa::openapi::{RefOr, Schema};

use super::{
    Members,
    text::{PLAIN, PORT, PRINTABLE, hidden, host, null, password, text, username},
    tls,
};
use crate::describe::{nullable, whole, whole_or_null};

/// By members, or by a URL that is taken apart: in the clear, or with TLS.
pub(super) fn new() -> Vec<Members> {
    let by_members = common(nullable(tls::new()))
        .with("url", null())
        .required("host", host())
        .with("port", whole_or_null(1, u64::from(u16::MAX)))
        .with("vhost", nullable(vhost()))
        .required("username", username())
        .required("password", hidden(password()));
    let plain = common(null()).required("url", url("amqp"));
    let secured = common(nullable(tls::new())).required("url", url("amqps"));
    vec![by_members, plain, secured]
}

pub(super) fn patch() -> Members {
    common(nullable(tls::patch()))
        .with("host", host())
        .with("port", whole_or_null(1, u64::from(u16::MAX)))
        .with("vhost", nullable(vhost()))
        .with("username", username())
        .with("password", hidden(password()))
}

pub(super) fn described() -> Members {
    let number = |most: u16| RefOr::from(whole(1, most.into()));
    Members::of(KIND)
        .required("host", host())
        .with("port", number(u16::MAX))
        .with("vhost", vhost())
        .required("username", username())
        .with("password", password().into())
        .with("tls", nullable(tls::described()))
        .with("heartbeat_s", number(AMQP_HEARTBEAT_S_CEILING))
        .with("publishers", number(AMQP_PUBLISHERS_CEILING))
        .with("in_flight_max", number(AMQP_IN_FLIGHT_CEILING))
}

pub(super) fn shown() -> Members {
    let number = |most: u16| RefOr::from(whole(1, most.into()));
    let plain = || RefOr::<Schema>::from(text());
    Members::of(KIND)
        .required("host", plain())
        .required("port", number(u16::MAX))
        .required("vhost", plain())
        .required("username", plain())
        .required("tls", tls::shown())
        .required("heartbeat_s", number(AMQP_HEARTBEAT_S_CEILING))
        .required("publishers", number(AMQP_PUBLISHERS_CEILING))
        .required("in_flight_max", number(AMQP_IN_FLIGHT_CEILING))
}

fn common(tls: RefOr<Schema>) -> Members {
    Members::of(KIND)
        .with("tls", tls)
        .with("heartbeat_s", whole_or_null(1, AMQP_HEARTBEAT_S_CEILING.into()))
        .with("publishers", whole_or_null(1, AMQP_PUBLISHERS_CEILING.into()))
        .with("in_flight_max", whole_or_null(1, AMQP_IN_FLIGHT_CEILING.into()))
}

fn vhost() -> RefOr<Schema> {
    text().pattern(Some(PRINTABLE)).max_length(Some(AMQP_NAME_CHARS_MAX)).into()
}

fn url(scheme: &str) -> RefOr<Schema> {
    let label = "[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?";
    let place = format!(r"(?:{label}\.){{0,3}}{label}(?::(?:{PORT}))?");
    let user = format!("{PLAIN}:{PLAIN}");
    let pattern = format!("^{scheme}://{user}@{place}(?:/(?:{PLAIN})?)?$");
    let url = text().pattern(Some(pattern)).max_length(Some(AMQP_NAME_CHARS_MAX)).write_only(true);
    url.examples([json!(format!("{scheme}://user:password@mq.example.com/orders"))]).into()
}
