//! Connections of kind http in a document.

use serde_json::{Map, Value};

use super::{read_tls, refuse, write_tls};
use crate::{
    configuration::{
        hidden::Hidden,
        members::{Members, Wrong, free, shown_free, text},
        node::{Content, Node},
    },
    connection::{
        Http,
        amqp::{Identity, Tls},
        http::{self, NUMBERS, Settings},
    },
};

/// Members that are read as they are in the settings.
const PLAIN: [&str; 10] =
    ["auth", "timeouts", "pool", "retries", "breaker", "limits", "allow", "redirects", "bodies", "ping"];
/// The one that may be null: there is none.
const NULLABLE: &str = "breaker";

pub(super) fn read(members: &mut Members<'_, '_>) -> Option<Http<Option<Hidden>>> {
    let base_url = members.required("base_url", text);
    read_with(members, base_url)
}

/// The rest, also where the base URL is missing or wrong: all that is wrong is said.
pub(super) fn read_with(
    members: &mut Members<'_, '_>,
    base_url: Option<String>,
) -> Option<Http<Option<Hidden>>> {
    let password = members.optional("password", Hidden::read(http::credential));
    let tls = members.nested("tls", read_tls);
    let mut given = Map::new();
    let mut readable = true;
    for name in PLAIN {
        match members.optional(name, |node| plain(name, node)) {
            Some(Some(value)) if !value.is_null() || name == NULLABLE => {
                given.insert(name.to_owned(), value);
            }
            Some(_) => {}
            None => readable = false,
        }
    }
    given.insert("base_url".to_owned(), base_url?.into());
    let settings = match Settings::read(Value::Object(given)) {
        Ok(settings) => settings,
        Err(refused) => {
            refuse(members, refused);
            return None;
        }
    };
    let credential = credential(members, &settings, password?);
    let Tls { ca, server_name, identity } = tls?.unwrap_or_default();
    let (client_certificate, client_key) = match identity {
        Some(Identity { certificate, key }) => (Some(certificate), Some(key)),
        None => (None, None),
    };
    let tls = http::Tls { ca, server_name, client_certificate };
    readable.then_some(Http { settings: Settings { tls, ..settings }, credential: credential?, client_key })
}

/// The outer `None`: it does not go with the settings.
fn credential(
    members: &mut Members<'_, '_>,
    settings: &Settings,
    password: Option<Hidden>,
) -> Option<Option<Option<Hidden>>> {
    if !settings.auth.asks() {
        if password.is_some() {
            members.refuse("password", "does not go with auth of kind none");
            return None;
        }
        return Some(None);
    }
    if let Some(Hidden::Given(password)) = &password
        && let Err(error) = settings.auth.fits(password)
    {
        members.refuse("password", error);
        return None;
    }
    Some(Some(password))
}

/// A value of the settings; a variable may stand for a number or a switch in it.
fn plain(name: &str, node: &Node) -> Result<Value, Wrong> {
    let mut value = free(node)?;
    let Content::Map(members) = &node.content else { return Ok(value) };
    for (key, inner) in members {
        let Content::Given(text) = &inner.content else { continue };
        let pointer = format!("/{name}/{}", key.text);
        let read: Option<Value> = if NUMBERS.iter().any(|(known, ..)| *known == pointer) {
            text.parse::<u64>().ok().map(Value::from)
        } else if ["/bodies/gzip", "/auth/in_body"].contains(&pointer.as_str()) {
            text.parse::<bool>().ok().map(Value::from)
        } else {
            None
        };
        if let (Some(read), Some(place)) = (read, value.get_mut(&key.text)) {
            *place = read;
        }
    }
    Ok(value)
}

pub(super) fn write(http: &Http<Option<Hidden>>) -> Vec<(&'static str, Option<Value>)> {
    let Http { settings, credential, client_key } = http;
    let (own, default) = (settings.shown(), Settings::new(&settings.base_url).shown());
    let other = |name: &'static str| {
        let (own, default) = (own.get(name)?, default.get(name)?);
        (own != default).then(|| shown_free(&without_defaults(own, default)))
    };
    let (first, rest) = PLAIN.split_first().map_or(("", [].as_slice()), |(first, rest)| (*first, rest));
    let begin = [
        ("base_url", own.get("base_url").map(shown_free)),
        ("tls", tls(&settings.tls, client_key.as_ref()).as_ref().map(write_tls)),
        (first, other(first)),
        ("password", credential.iter().flatten().map(Hidden::write).next()),
    ];
    begin.into_iter().chain(rest.iter().map(|name| (*name, other(name)))).collect()
}

fn tls(tls: &http::Tls, key: Option<&Option<Hidden>>) -> Option<Tls<Option<Hidden>>> {
    let http::Tls { ca, server_name, client_certificate } = tls.clone();
    let identity = client_certificate
        .map(|certificate| Identity { certificate, key: key.and_then(Option::as_ref).cloned() });
    let given = ca.is_some() || server_name.is_some() || identity.is_some();
    given.then_some(Tls { ca, server_name, identity })
}

/// What has a kind is written whole; of other maps what differs.
fn without_defaults(own: &Value, default: &Value) -> Value {
    match (own, default) {
        (Value::Object(own), Value::Object(default)) if !own.contains_key("kind") => {
            own.iter().filter(|(name, value)| default.get(*name) != Some(value)).map(owned).collect()
        }
        (Value::Object(own), _) => own.iter().filter(|(_, value)| !value.is_null()).map(owned).collect(),
        _ => own.clone(),
    }
}

fn owned((name, value): (&String, &Value)) -> (String, Value) {
    (name.clone(), value.clone())
}
