//! Connections of kind amqp in a document.

use serde_json::{Value, json};

use super::{read_tls, write_tls};
use crate::{
    bounds::{AMQP_HEARTBEAT_S_CEILING, AMQP_IN_FLIGHT_CEILING, AMQP_PUBLISHERS_CEILING},
    configuration::{
        hidden::Hidden,
        members::{Members, parsed, shown, whole},
    },
    connection::{Amqp, amqp},
};

type Settings = Amqp<Option<Hidden>>;

pub(super) fn read(members: &mut Members<'_, '_>) -> Option<Settings> {
    let host = members.required("host", parsed(amqp::host));
    let port = members.optional("port", whole(1, u64::from(u16::MAX)));
    let vhost = members.or("vhost", amqp::VHOST.to_owned(), parsed(amqp::vhost));
    let username = members.required("username", parsed(amqp::username));
    let password = members.optional("password", Hidden::read(amqp::password));
    let tls = members.nested("tls", read_tls);
    let mut small = |name, most: u16| members.optional(name, whole(1, most.into()));
    let heartbeat_s = small("heartbeat_s", AMQP_HEARTBEAT_S_CEILING);
    let publishers = small("publishers", AMQP_PUBLISHERS_CEILING);
    let in_flight_max = small("in_flight_max", AMQP_IN_FLIGHT_CEILING);
    let tls = tls?;
    let default = Amqp::new(host?, username?, password?, tls.is_some());
    // None is larger than its default's type.
    let or =
        |given: Option<u64>, default| given.and_then(|given| u16::try_from(given).ok()).unwrap_or(default);
    Some(Amqp {
        port: or(port?, default.port),
        vhost: vhost?,
        tls,
        heartbeat_s: or(heartbeat_s?, default.heartbeat_s),
        publishers: or(publishers?, default.publishers),
        in_flight_max: or(in_flight_max?, default.in_flight_max),
        ..default
    })
}

pub(super) fn write(amqp: &Settings) -> Vec<(&'static str, Option<Value>)> {
    let default = Amqp::new(String::new(), String::new(), (), amqp.tls.is_some());
    let other = |value: u16, default: u16| (value != default).then(|| json!(value));
    vec![
        ("host", Some(shown(&amqp.host))),
        ("port", other(amqp.port, default.port)),
        ("vhost", (amqp.vhost != default.vhost).then(|| shown(&amqp.vhost))),
        ("username", Some(shown(&amqp.username))),
        ("password", amqp.password.as_ref().map(Hidden::write)),
        ("tls", amqp.tls.as_ref().map(write_tls)),
        ("heartbeat_s", other(amqp.heartbeat_s, default.heartbeat_s)),
        ("publishers", other(amqp.publishers, default.publishers)),
        ("in_flight_max", other(amqp.in_flight_max, default.in_flight_max)),
    ]
}
