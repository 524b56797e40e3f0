//! Connections of each kind in documents.

use serde_json::{Value, json};

use super::{read, refused, samples::PEM};
use crate::{
    Connection, Definitions, Timestamp, Timetable,
    configuration::{Document, Hidden, review},
    connection::{Client, Part},
    secret::{NONCE_BYTES, Sealed},
};

const KEY: &str = "-----BEGIN PRIVATE KEY-----\naGVsbG8=\n-----END PRIVATE KEY-----\n";

/// All members of all kinds, each with a value that is not its default.
fn full() -> Value {
    let http = json!({
        "kind": "http", "active": false, "base_url": "https://api.example.com/v1",
        "tls": {"ca": PEM, "server_name": "api", "client_certificate": PEM, "client_key": KEY},
        "auth": {"kind": "client-credentials", "token_url": "https://id.example.com/token", "client_id": "bus",
            "scope": "a $${b}", "audience": "c", "in_body": true},
        "password": "sesame",
        "timeouts": {"connect_ms": 1, "first_byte_ms": 2, "total_ms": 3},
        "pool": {"idle_max": 0, "idle_ms": 1},
        "retries": {"max": 0, "pause_ms": 1, "pause_max_ms": 2, "statuses": [503]},
        "breaker": {"failures": 1, "percent": 1, "window_ms": 100, "open_ms": 1, "open_max_ms": 2},
        "limits": {"concurrent": 1, "per_second": 2, "burst": 3, "wait_ms": 4, "waiting": 5},
        "allow": ["10.0.0.0/8"],
        "redirects": {"kind": "hosts", "max": 2, "hosts": ["b.example.com"]},
        "bodies": {"request_bytes_max": 1, "reply_bytes_max": 2, "reply_head_bytes_max": 8192, "gzip": false},
        "ping": {"method": "GET", "path": "/health"},
    });
    let mut soap = http.clone();
    soap["kind"] = "soap".into();
    soap.as_object_mut().unwrap().extend(
        json!({
            "service": "Orders", "port": "OrdersPort",
            "username_token": {"username": "ada", "password_type": "digest"}, "token_password": "hush",
            "mtom": true,
            "wsdl": {"documents": [
                {"location": "a.wsdl", "text": "<a\n  b='$${c}'/>\n"}, {"location": "a.xsd", "text": "<b/>"}]},
        })
        .as_object()
        .unwrap()
        .clone(),
    );
    let server = json!({
        "kind": "sql", "engine": "postgres", "host": "db", "port": 1, "database": "d", "username": "u",
        "password": "sesame", "tls": {"ca": PEM, "client_certificate": PEM, "client_key": KEY},
        "read_only": true, "pool": {"max": 1, "idle_ms": 2, "wait_ms": 3, "connect_ms": 4},
        "statement_ms": 5, "rows_max": 6, "bytes_max": 1024,
    });
    let bare = json!({"kind": "http", "base_url": "http://a", "breaker": null});
    let file = json!({"kind": "sql", "engine": "sqlite", "file": "/var/lib/a.db"});
    json!({"busbar": 1, "connections": {"bare": bare, "file": file, "h": http, "s": soap, "server": server}})
}

fn connections(document: &Value) -> Document {
    read(&document.to_string()).unwrap_or_else(|mistakes| panic!("{mistakes:#?}"))
}

#[test]
fn all_members_of_all_kinds_are_read_and_written() {
    let full = full();
    let document = connections(&full);
    assert_eq!(Value::Object(document.to_json()), full);
    let again = read(&document.to_yaml()).unwrap();
    assert_eq!(again, document);
}

#[test]
fn secrets_are_variables() {
    let sealed = || Sealed { key_id: "k".to_owned(), nonce: [0; NONCE_BYTES], ciphertext: [1].into() };
    let stored = connections(&full()).connections.into_iter().map(|draft| Connection {
        id: draft.name.to_string(),
        name: draft.name,
        active: draft.active,
        client: draft.client.map(|_, _| sealed()),
        revision: 1,
        created_at: Timestamp(1),
        updated_at: Timestamp(1),
    });
    let definitions = Definitions { connections: stored.collect(), ..Definitions::default() };
    let document = Document::of(&definitions, &Timetable::default());
    let text = document.to_yaml();
    assert!(!text.contains("sesame") && !text.contains("hush") && !text.contains("PRIVATE"), "{text}");
    let wanted = |name: &str, part| {
        let entry = document.connections.iter().find(|entry| entry.name.as_str() == name).unwrap();
        entry.client.secret(part).and_then(Option::as_ref).and_then(Hidden::wanted)
    };
    for (name, part, variable) in [
        ("h", Part::Password, "CONNECTION_PASSWORD_H"),
        ("h", Part::ClientKey, "CONNECTION_KEY_H"),
        ("s", Part::Password, "CONNECTION_PASSWORD_S"),
        ("s", Part::TokenPassword, "CONNECTION_TOKEN_PASSWORD_S"),
        ("server", Part::ClientKey, "CONNECTION_KEY_SERVER"),
    ] {
        assert_eq!(wanted(name, part), Some(variable));
    }
    assert_eq!((wanted("bare", Part::Password), wanted("file", Part::Password)), (None, None));
    assert_eq!(read(&text).unwrap(), document);
}

#[test]
fn what_a_variable_stands_for_may_be_a_number() {
    let text = "busbar: 1
connections:
  h:
    kind: http
    base_url: http://a
    timeouts: {total_ms: 7}
  s: {kind: soap, wsdl: {documents: [{location: a.wsdl, text: <a/>}]}}
";
    let document = read(text).unwrap();
    let Client::Http(http) = &document.connections[0].client else { panic!("{document:?}") };
    assert_eq!(http.settings.timeouts.total_ms, 7);
    let Client::Soap(soap) = &document.connections[1].client else { panic!("{document:?}") };
    assert_eq!(soap.http.settings.base_url, "", "the WSDL has it");
}

#[test]
fn what_is_wrong_is_said_where_it_is() {
    let text = "busbar: 1
connections:
  a: {kind: ftp}
  b:
    kind: http
    base_url: ftp://a
    host: a
    timeouts:
      total_ms: 0
  c:
    kind: http
    base_url: http://a
    password: hush
    auth: {kind: none}
  d:
    kind: http
    base_url: http://a
    auth: {kind: bearer}
    password: 'hush hush'
  e:
    kind: soap
    wsdl: {documents: []}
  f:
    kind: soap
    wsdl: {documents: [{location: a, text: a}, {location: a, text: b}]}
    token_password: hush
  g:
    kind: sql
    engine: oracle
  h:
    kind: sql
    engine: mysql
    file: /a
    host: a b
    pool: {max: 0}
";
    let told = refused(text);
    assert!(!told.iter().any(|told| told.contains("hush")), "{told:#?}");
    for (line, part) in [
        (3, "connections.a.kind: is \"ftp\"; allowed is amqp, http, soap or sql"),
        (7, "connections.b.host: is not known here"),
        (9, "connections.b.timeouts.total_ms: is 0: 1 to 3600000 are allowed"),
        (13, "connections.c.password: does not go with auth of kind none"),
        (19, "connections.d.password: can't be sent: visible characters"),
        (22, "connections.e.wsdl.documents: is 0 documents: 1 to 32 are allowed"),
        (29, "connections.g.engine: is \"oracle\"; allowed is postgres, mysql or sqlite"),
        (34, "connections.h.host: \"a b\" is not a host"),
        (35, "connections.h.pool.max: is 0"),
        (33, "connections.h.file: is given: mysql has none"),
        (30, "connections.h.database: is missing"),
    ] {
        let expected = format!("line {line}: {part}");
        assert!(told.iter().any(|told| told.starts_with(&expected)), "{expected}\n{told:#?}");
    }
}

#[test]
fn a_channel_by_no_broker_is_refused() {
    let text = "busbar: 1
connections:
  h: {kind: http, base_url: 'http://a'}
channels:
  c: {protocol: amqp, service: s, amqp: {connection: h, queue: q}}
";
    let remarks = review(&read(text).unwrap(), &["s".parse().unwrap()].into());
    let [only] = &remarks[..] else { panic!("{remarks:?}") };
    assert!(only.fatal && only.path == "/channels/c/amqp/connection", "{only:?}");
    assert_eq!(only.message, "connection \"h\" is of kind http, and channels come in by those of kind amqp");
}
