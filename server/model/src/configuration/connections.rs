//! Connections in a document: passwords and keys by the names of variables.

mod amqp;
mod http;
mod soap;
mod sql;

use serde_json::{Map, Value, json};

use super::{
    document::{ConnectionEntry, Entry},
    hidden::{self, Hidden},
    members::{Members, flag, parsed, shown},
};
use crate::{
    connection::{
        self, Client, Connection, Draft, KINDS, KINDS_ALLOWED, Part, Refused,
        amqp::{Identity, Tls, certificates, host, private_key},
    },
    name::Name,
};

impl Entry for ConnectionEntry {
    const SECTION: &'static str = "connections";

    fn read(name: Name, members: &mut Members<'_, '_>) -> Option<Self> {
        let known = |text: String| match KINDS.into_iter().find(|kind| *kind == text) {
            Some(kind) => Ok(kind),
            None => Err(format!("is {text:?}; {KINDS_ALLOWED}")),
        };
        let kind = members.required("kind", parsed(known));
        let active = members.or("active", true, flag);
        let client = match kind.unwrap_or(connection::amqp::KIND) {
            connection::http::KIND => http::read(members).map(Client::Http),
            connection::soap::KIND => soap::read(members).map(Client::Soap),
            connection::sql::KIND => sql::read(members).map(Client::Sql),
            _ => amqp::read(members).map(Client::Amqp),
        };
        kind?;
        Some(Draft { name, active: active?, client: client? })
    }

    fn write(&self) -> Map<String, Value> {
        let active = (!self.active).then_some(json!(false));
        let members = [("kind", Some(json!(self.client.kind()))), ("active", active)];
        let own = match &self.client {
            Client::Amqp(amqp) => amqp::write(amqp),
            Client::Http(http) => http::write(http),
            Client::Soap(soap) => soap::write(soap),
            Client::Sql(sql) => sql::write(sql),
        };
        members.into_iter().chain(own).filter_map(present).collect()
    }
}

fn present((name, value): (&str, Option<Value>)) -> Option<(String, Value)> {
    Some((name.to_owned(), value?))
}

/// What is wrong with what was read, each at its place.
fn refuse(members: &mut Members<'_, '_>, refused: Refused) {
    for invalid in refused.0 {
        members.refuse_below(invalid.pointer().trim_start_matches('/'), invalid.text());
    }
}

fn read_tls(members: &mut Members<'_, '_>) -> Option<Tls<Option<Hidden>>> {
    let ca = members.optional("ca", parsed(certificates));
    let server_name = members.optional("server_name", parsed(host));
    let certificate = members.optional("client_certificate", parsed(certificates));
    let key = members.optional("client_key", Hidden::read(private_key));
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
