//! What a connection shows of itself: all but its secrets, the members of its kind beside each other.

use serde_json::{Map, Value, json};

use super::{Amqp, Client, Soap, Sql, amqp::Tls, http};

impl<S> Client<S> {
    /// The kind and its members.
    pub fn shown(&self) -> Map<String, Value> {
        let members = match self {
            Self::Amqp(amqp) => shown_amqp(amqp),
            Self::Http(http) => return with_kind(self.kind(), http.settings.shown()),
            Self::Soap(soap) => return with_kind(self.kind(), shown_soap(soap)),
            Self::Sql(sql) => shown_sql(sql),
        };
        match members {
            Value::Object(members) => with_kind(self.kind(), members),
            _ => Map::new(),
        }
    }
}

fn with_kind(kind: &str, members: Map<String, Value>) -> Map<String, Value> {
    [("kind".to_owned(), kind.into())].into_iter().chain(members).collect()
}

fn shown_amqp<S>(amqp: &Amqp<S>) -> Value {
    json!({
        "host": amqp.host,
        "port": amqp.port,
        "vhost": amqp.vhost,
        "username": amqp.username,
        "tls": amqp.tls.as_ref().map(shown_tls),
        "heartbeat_s": amqp.heartbeat_s,
        "publishers": amqp.publishers,
        "in_flight_max": amqp.in_flight_max,
    })
}

fn shown_tls<S>(tls: &Tls<S>) -> Value {
    json!({"ca": tls.ca, "server_name": tls.server_name, "client_certificate": tls.certificate()})
}

impl http::Settings {
    /// `tls` is null where it says nothing: it is the base URL that asks for TLS.
    pub fn shown(&self) -> Map<String, Value> {
        let mut shown = match json!(self) {
            Value::Object(members) => members,
            _ => Map::new(),
        };
        if self.tls == http::Tls::default() {
            shown.insert("tls".to_owned(), Value::Null);
        }
        shown
    }
}

fn shown_soap<S>(soap: &Soap<S>) -> Map<String, Value> {
    let mut shown = soap.http.settings.shown();
    let own = [
        ("wsdl", json!(soap.wsdl)),
        ("service", json!(soap.service)),
        ("port", json!(soap.port)),
        ("version", json!(soap.version)),
        ("username_token", json!(soap.username_token)),
        ("mtom", json!(soap.mtom)),
    ];
    shown.extend(own.map(|(name, value)| (name.to_owned(), value)));
    shown
}

fn shown_sql<S>(sql: &Sql<S>) -> Value {
    json!({
        "engine": sql.engine,
        "host": sql.host,
        "port": sql.port,
        "database": sql.database,
        "username": sql.username,
        "tls": sql.tls.as_ref().map(shown_tls),
        "file": sql.file,
        "read_only": sql.read_only,
        "pool": sql.pool,
        "statement_ms": sql.statement_ms,
        "rows_max": sql.rows_max,
        "bytes_max": sql.bytes_max,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::connection::{
        Client, Http, Soap, Sql,
        http::{Auth, Settings, Tls},
        soap::{Document, Documents},
        sql::Engine,
    };

    fn http() -> Http<&'static str> {
        let auth = Auth::Basic { username: "ada".to_owned() };
        let tls = Tls { client_certificate: Some("PEM".to_owned()), ..Tls::default() };
        Http::new(Settings { auth, tls, ..Settings::new("https://a.example") }, |_| "hush")
    }

    #[test]
    fn all_is_shown_but_secrets() {
        let document = Document { location: "a.wsdl".to_owned(), text: "<a/>".to_owned() };
        let soap = Soap {
            token_password: Some("hush"),
            ..Soap::new(http(), Documents { documents: vec![document] })
        };
        let [host, database, username] = ["db", "d", "u"].map(str::to_owned);
        let sql = Sql::server(Engine::Postgres, host, database, username, "hush");
        for (client, members) in
            [(Client::Http(http()), 13), (Client::Soap(soap), 19), (Client::Sql(sql), 13)]
        {
            let shown = client.shown();
            assert_eq!((shown.len(), &shown["kind"]), (members, &json!(client.kind())));
            assert!(!json!(shown).to_string().contains("hush"), "{shown:?}");
        }
        let plain = Client::Http(Http::new(Settings::new("http://a"), |_| "hush"));
        assert_eq!(plain.shown()["tls"], json!(null));
        assert_eq!(Client::Http(http()).shown()["tls"]["client_certificate"], "PEM");
    }
}
