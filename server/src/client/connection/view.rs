//! Connections as the API shows them, for people.

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::client::{channel::yes_or_no, table::Fields};

#[derive(Debug, Deserialize)]
pub(super) struct View {
    id: String,
    pub(super) name: String,
    pub(super) kind: String,
    pub(super) active: bool,
    /// Those of its kind.
    #[serde(flatten)]
    members: Map<String, Value>,
}

/// Members in the order in which they are shown, whatever the kind.
const SHOWN: [&str; 29] = [
    "engine",
    "file",
    "database",
    "vhost",
    "username",
    "auth",
    "service",
    "port",
    "version",
    "username_token",
    "mtom",
    "wsdl",
    "read_only",
    "heartbeat_s",
    "publishers",
    "in_flight_max",
    "timeouts",
    "pool",
    "retries",
    "breaker",
    "limits",
    "allow",
    "redirects",
    "bodies",
    "ping",
    "statement_ms",
    "rows_max",
    "bytes_max",
    "tls",
];

impl View {
    /// A member's text, empty where it has none.
    pub(super) fn text(&self, member: &str) -> String {
        self.members.get(member).and_then(Value::as_str).unwrap_or_default().to_owned()
    }

    /// As whom.
    pub(super) fn username(&self) -> String {
        let of = |object: &str, member: &str| self.members.get(object)?.get(member)?.as_str();
        let known = of("auth", "username").or_else(|| of("auth", "client_id")).map(str::to_owned);
        known.unwrap_or_else(|| self.text("username"))
    }

    /// Where.
    pub(super) fn address(&self) -> String {
        let base_url = self.text("base_url");
        if !base_url.is_empty() {
            return base_url;
        }
        let file = self.text("file");
        if !file.is_empty() {
            return file;
        }
        let host = self.text("host");
        let host = if host.contains(':') { format!("[{host}]") } else { host };
        let port = self.members.get("port").map(ToString::to_string).unwrap_or_default();
        let engine = self.text("engine");
        if !engine.is_empty() {
            return format!("{engine}://{host}:{port}/{}", self.text("database"));
        }
        let scheme = if self.members.get("tls").is_some_and(|tls| !tls.is_null()) { "amqps" } else { "amqp" };
        format!("{scheme}://{host}:{port}")
    }

    pub(super) fn fields(&self) -> Fields {
        let fields = Fields::default()
            .with("id", &self.id)
            .with("name", &self.name)
            .with("kind", &self.kind)
            .with("active", yes_or_no(self.active))
            .with("address", self.address());
        let known = SHOWN.into_iter().filter_map(|name| Some((name, self.members.get(name)?)));
        known.filter(|(name, value)| is_shown(name, value)).fold(fields, |fields, (name, value)| match name {
            "tls" => self.tls(fields, value),
            "wsdl" => fields.with(name, documents(value)),
            _ => fields.with(name, plain(value)),
        })
    }

    fn tls(&self, fields: Fields, tls: &Value) -> Fields {
        let given = |member: &str, without: &str| {
            if tls.get(member).is_some_and(|pem| !pem.is_null()) { "given" } else { without }.to_owned()
        };
        let named = tls.get("server_name").and_then(Value::as_str).map(str::to_owned);
        fields
            .with("ca", given("ca", "the system's"))
            .with("server_name", named.unwrap_or_else(|| self.text("host")))
            .with("client_certificate", given("client_certificate", "none"))
    }
}

/// A port that is a number is in the address.
fn is_shown(name: &str, value: &Value) -> bool {
    !(value.is_null() && name != "breaker" || name == "port" && value.is_number())
}

/// An object is its members, one a line.
fn plain(value: &Value) -> String {
    match value {
        Value::Null => "none".to_owned(),
        Value::Bool(flag) => yes_or_no(*flag).to_owned(),
        Value::String(text) => text.clone(),
        Value::Array(items) if items.is_empty() => "none".to_owned(),
        Value::Array(items) => items.iter().map(plain).collect::<Vec<_>>().join(", "),
        Value::Object(members) => {
            let line = |(name, value): (&String, &Value)| format!("{name} {}", plain(value));
            members.iter().map(line).collect::<Vec<_>>().join("\n")
        }
        Value::Number(number) => number.to_string(),
    }
}

fn documents(wsdl: &Value) -> String {
    let documents = wsdl["documents"].as_array().map(Vec::as_slice).unwrap_or_default();
    let locations = documents.iter().filter_map(|document| document["location"].as_str());
    locations.collect::<Vec<_>>().join("\n")
}
