//! `/api/v1/connections`.

use busbar_model::connection::Part;
use busbar_store::MasterKey;
use serde_json::{Value, json};

use crate::fixture::Api;

pub(crate) const PATH: &str = "/api/v1/connections";
pub(crate) const CERTIFICATE: &str = "-----BEGIN CERTIFICATE-----\naGVsbG8=\n-----END CERTIFICATE-----\n";
pub(crate) const KEY: &str = "-----BEGIN PRIVATE KEY-----\nc2VzYW1l\n-----END PRIVATE KEY-----\n";

fn new(name: &str) -> Value {
    json!({"name": name, "kind": "amqp", "host": "mq.example.com", "username": "ada", "password": "open sesame"})
}

fn with(name: &str, more: Value) -> Value {
    let mut body = new(name);
    let members = more.as_object().unwrap().clone();
    body.as_object_mut().unwrap().extend(members);
    body
}

pub(crate) fn opened(api: &Api, id: &str, part: Part) -> String {
    let client = MasterKey::new(&[7; 32]).open_connection(&api.odb.find_connection(id).unwrap()).unwrap();
    client.secret(part).unwrap().reveal().to_owned()
}

#[tokio::test]
async fn a_connection_is_tried() {
    let api = Api::new();
    for (name, pinged) in [
        ("broker", json!({"reached": true, "took_ms": 12, "problem": null})),
        ("away", json!({"reached": false, "took_ms": null, "problem": "nobody is there"})),
    ] {
        let made = api.post(PATH, with(name, json!({"active": false}))).await.is(201);
        let tried = api.post(&format!("{}/ping", made.text("href")), Value::Null).await.is(200);
        assert_eq!(tried.json, pinged);
    }
    api.post(&format!("{PATH}/none/ping"), Value::Null).await.is(404);
}

#[tokio::test]
async fn a_connection_has_defaults_and_hides_its_secrets() {
    let api = Api::new();
    let made = api.post(PATH, new("broker")).await.is(201);
    assert_eq!((made.header("location"), made.header("etag")), (made.text("href"), "\"1\""));
    let mut expected = json!({"name": "broker", "kind": "amqp", "active": true, "host": "mq.example.com", "port": 5672,
        "vhost": "/", "username": "ada", "tls": null, "heartbeat_s": 10, "publishers": 2, "in_flight_max": 256});
    for member in ["id", "href", "created_at", "updated_at"] {
        expected[member] = made.json[member].clone();
    }
    assert_eq!(made.json, expected);
    let (id, href) = (made.text("id"), made.text("href"));
    let tls = json!({"ca": CERTIFICATE, "client_certificate": CERTIFICATE, "client_key": KEY});
    let secured = json!({"tls": tls, "port": null, "vhost": "eu", "password": "open sesame"});
    let secured = api.patch(href, secured).await.is(200);
    assert_eq!((&secured.json["port"], secured.text("vhost")), (&json!(5671), "eu"));
    let shown = json!({"ca": CERTIFICATE, "server_name": null, "client_certificate": CERTIFICATE});
    assert_eq!(secured.json["tls"], shown);
    assert_eq!(
        (opened(&api, id, Part::Password), opened(&api, id, Part::ClientKey)),
        ("open sesame".into(), KEY.into())
    );
    let named = api.patch(href, json!({"tls": {"server_name": "mq", "ca": null}})).await.is(200);
    assert_eq!((&named.json["tls"]["server_name"], &named.json["tls"]["ca"]), (&json!("mq"), &Value::Null));
    assert_eq!(opened(&api, id, Part::ClientKey), KEY);
    let replaced = api.patch(href, json!({"password": "open barley", "vhost": null})).await.is(200);
    assert_eq!((opened(&api, id, Part::Password).as_str(), replaced.text("vhost")), ("open barley", "/"));
    let plain = json!({"tls": null, "active": false, "password": "open barley"});
    let plain = api.patch(href, plain).await.is(200);
    assert_eq!((&plain.json["tls"], &plain.json["active"]), (&Value::Null, &json!(false)));
    let audit = api.get("/api/v1/audit").await.is(200);
    assert_eq!(audit.json["items"][0]["object"]["kind"], "connection");
    for seen in [
        &made,
        &secured,
        &named,
        &replaced,
        &plain,
        &audit,
        &api.get(PATH).await.is(200),
        &api.get(href).await,
    ] {
        let text = seen.json.to_string();
        for part in ["sesame", "barley", "c2VzYW1l", "ciphertext", "nonce"] {
            assert!(!text.contains(part), "{part}: {text}");
        }
    }
    api.delete(href).await.is(204);
    api.get(href).await.refused(404, "not-found");
}

#[tokio::test]
async fn a_url_is_taken_apart() {
    let api = Api::new();
    let by_url = |name: &str, url: &str| json!({"name": name, "kind": "amqp", "url": url});
    let made = api.post(PATH, by_url("a", "amqps://ada:p%40ss@mq.example.com/orders")).await.is(201);
    let shown = |member: &str| made.json[member].clone();
    assert_eq!(
        (shown("host"), shown("port"), shown("vhost")),
        (json!("mq.example.com"), json!(5671), json!("orders"))
    );
    let tls = json!({"ca": null, "server_name": null, "client_certificate": null});
    assert_eq!((shown("username"), shown("tls")), (json!("ada"), tls));
    assert_eq!(opened(&api, made.text("id"), Part::Password), "p@ss");
    assert!(!made.json.to_string().contains("p@ss"));
    let both = with("b", json!({"url": "amqp://u:hush@mq"}));
    let refused = api.post(PATH, both).await.invalid_at("/host", &["does not go with url"]);
    refused.invalid_at("/password", &["does not go with url"]);
    let tls = json!({"name": "b", "kind": "amqp", "url": "amqp://u:hush@mq", "tls": {}});
    api.post(PATH, tls).await.invalid_at("/tls", &["amqps"]);
    for url in ["amqp://mq", "amqp://u@mq", "http://u:hush@mq", "amqp://u:hush@mq/a?b=c", "hush"] {
        let refused = api.post(PATH, by_url("b", url)).await.invalid_at("/url", &[]);
        assert!(!refused.json.to_string().contains("hush"), "{refused:?}");
    }
    api.patch(made.text("href"), json!({"url": "amqp://u:p@mq"}))
        .await
        .invalid_at("/url", &["new connections only"]);
}

#[tokio::test]
async fn what_can_be_no_connection_is_refused_and_no_secret_repeated() {
    let api = Api::new();
    let nothing = api.post(PATH, json!({})).await.invalid_at("/name", &["required"]);
    let nothing = nothing
        .invalid_at("/kind", &["allowed is amqp, http, soap or sql"])
        .invalid_at("/host", &["required"]);
    nothing.invalid_at("/username", &["required"]).invalid_at("/password", &["required"]);
    for (member, value, words) in [
        ("kind", json!("ftp"), &["\"ftp\"", "allowed is amqp, http, soap or sql"][..]),
        ("host", json!("mq:5672"), &["\"mq:5672\" is not a host"]),
        ("port", json!(65_536), &["65536", "1 to 65535"]),
        ("vhost", json!(""), &["1 to 255"]),
        ("username", json!("a\nb"), &["is not a username"]),
        ("password", json!(""), &["0 characters"]),
        ("password", json!(123_454_321), &["is not a text"]),
        ("heartbeat_s", json!(0), &["1 to 600"]),
        ("publishers", json!(17), &["1 to 16"]),
        ("in_flight_max", json!(0), &["1 to 10000"]),
        ("prefetch", json!(1), &["unknown field"]),
    ] {
        let refused = api.post(PATH, with("a", json!({member: value}))).await;
        let refused = refused.invalid_at(&format!("/{member}"), words);
        assert!(!refused.json.to_string().contains("123454321"), "{refused:?}");
    }
    for (tls, place) in [
        (json!({"ca": "x"}), "/tls/ca"),
        (json!({"server_name": ""}), "/tls/server_name"),
        (json!({"client_certificate": CERTIFICATE}), "/tls/client_key"),
        (json!({"client_key": KEY}), "/tls/client_certificate"),
        (json!({"client_certificate": CERTIFICATE, "client_key": CERTIFICATE}), "/tls/client_key"),
    ] {
        api.post(PATH, with("a", json!({"tls": tls}))).await.invalid_at(place, &[]);
    }
    let made = api.post(PATH, new("a")).await.is(201);
    let href = made.text("href");
    api.patch(href, json!({"kind": "amqp"})).await.invalid_at("/kind", &["new connections only"]);
    api.patch(href, json!({"password": null})).await.invalid_at("/password", &["null"]);
    api.patch(href, json!({"tls": {"client_key": KEY}})).await.refused(409, "no-certificate");
}

#[tokio::test]
async fn names_tags_filters_and_grants() {
    let api = Api::new();
    let one = api.post(PATH, new("one")).await.is(201);
    let two = api.post(PATH, with("two", json!({"active": false}))).await.is(201);
    api.post(PATH, new("one")).await.refused(409, "name-taken");
    api.patch(two.text("href"), json!({"name": "one"})).await.refused(409, "name-taken");
    api.patch(one.text("href"), json!({"publishers": 3})).await.is(200);
    for (method, body) in [("PATCH", json!({"publishers": 4})), ("DELETE", Value::Null)] {
        let stale = api.send_if(method, one.text("href"), "\"1\"", body).await;
        assert_eq!(stale.refused(412, "precondition-failed").header("etag"), "\"2\"");
    }
    for (filter, names) in
        [("", &["two", "one"][..]), ("?active=true", &["one"]), ("?name=two", &["two"]), ("?kind=ftp", &[])]
    {
        assert_eq!(api.get(&format!("{PATH}{filter}")).await.names(), names, "{filter}");
    }
    api.deploy("orders", b"v1", &[]);
    let grants = "/api/v1/plugins/orders/grants";
    api.put(grants, json!({"connections": ["a*b"]})).await.invalid_at("/connections/0", &["\"a*b\""]);
    let set = api.put(grants, json!({"connections": ["one"]})).await.is(200);
    assert_eq!(set.json, json!({"invoke": [], "secrets": [], "connections": ["one"], "dictionaries": []}));
    let used = api.delete(one.text("href")).await.refused(409, "in-use");
    assert!(used.text("detail").contains("the grants of plugin \"orders\""), "{used:?}");
    api.put(grants, json!({})).await.is(200);
    api.delete(one.text("href")).await.is(204);
}
