//! Connections in a document: passwords and keys by the names of variables.

use serde_json::{Map, Value, json};

use super::{
    document::{ConnectionEntry, Entry},
    hidden::{self, Hidden},
    members::{Members, flag, parsed, shown, whole},
};
use crate::{
    bounds::{AMQP_HEARTBEAT_S_CEILING, AMQP_IN_FLIGHT_CEILING, AMQP_PUBLISHERS_CEILING},
    connection::{
        Amqp, Client, Connection, Draft, Part,
        amqp::{self, Identity, Tls},
    },
    name::Name,
};

type Settings = Amqp<Option<Hidden>>;

impl Entry for ConnectionEntry {
    const SECTION: &'static str = "connections";

    fn read(name: Name, members: &mut Members<'_, '_>) -> Option<Self> {
        let known = |text: String| match text.as_str() == amqp::KIND {
            true => Ok(()),
            false => Err(format!("is {text:?}; allowed is amqp")),
        };
        let kind = members.required("kind", parsed(known));
        let active = members.or("active", true, flag);
        let amqp = read_amqp(members);
        kind?;
        Some(Draft { name, active: active?, client: Client::Amqp(amqp?) })
    }

    fn write(&self) -> Map<String, Value> {
        let active = (!self.active).then_some(json!(false));
        let members = [("kind", Some(json!(self.client.kind()))), ("active", active)];
        let Client::Amqp(amqp) = &self.client else {
            return members.into_iter().filter_map(present).collect();
        };
        members.into_iter().chain(write_amqp(amqp)).filter_map(present).collect()
    }
}

fn present((name, value): (&str, Option<Value>)) -> Option<(String, Value)> {
    Some((name.to_owned(), value?))
}

fn read_amqp(members: &mut Members<'_, '_>) -> Option<Settings> {
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

fn read_tls(members: &mut Members<'_, '_>) -> Option<Tls<Option<Hidden>>> {
    let ca = members.optional("ca", parsed(amqp::certificates));
    let server_name = members.optional("server_name", parsed(amqp::host));
    let certificate = members.optional("client_certificate", parsed(amqp::certificates));
    let key = members.optional("client_key", Hidden::read(amqp::private_key));
    let identity = match (certificate?, key?) {
        (Some(certificate), key) => Some(Identity { certificate, key }),
        (None, None) => None,
        (None, Some(_)) => {
            members.refuse("client_certificate", "is required where there is a client_key");
            return None;
        }
    };
    Some(Tls { ca: ca?, server_name: server_name?, identity })
}

fn write_amqp(amqp: &Settings) -> [(&'static str, Option<Value>); 9] {
    let default = Amqp::new(String::new(), String::new(), (), amqp.tls.is_some());
    let other = |value: u16, default: u16| (value != default).then(|| json!(value));
    [
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

fn write_tls(tls: &Tls<Option<Hidden>>) -> Value {
    let key = tls.identity.as_ref().and_then(|identity| identity.key.as_ref());
    let members = [
        ("ca", tls.ca.as_deref().map(shown)),
        ("server_name", tls.server_name.as_deref().map(shown)),
        ("client_certificate", tls.certificate().map(shown)),
        ("client_key", key.map(Hidden::write)),
    ];
    members.into_iter().filter_map(present).collect()
}

/// The connections that a document shows: secrets named, not shown.
pub(super) fn entries(connections: &[Connection]) -> Vec<ConnectionEntry> {
    let names = || connections.iter().map(|connection| &connection.name);
    let passwords = hidden::named("CONNECTION_PASSWORD_", names());
    let keys = hidden::named("CONNECTION_KEY_", names());
    let tokens = hidden::named("CONNECTION_TOKEN_PASSWORD_", names());
    let entry = |connection: &Connection| {
        let name = connection.name.clone();
        let wanted = |part: Part| {
            let variables = match part {
                Part::Password => &passwords,
                Part::ClientKey => &keys,
                Part::TokenPassword => &tokens,
            };
            variables.get(&name).map(|variable| Hidden::Wanted { variable: variable.clone() })
        };
        let client = connection.client.clone().map(|part, _| wanted(part));
        Draft { name: name.clone(), active: connection.active, client }
    };
    connections.iter().map(entry).collect()
}
