//! `/api/v1/connections` of the kinds http, soap and sql.

use serde_json::{Value, json};

use crate::{
    connections::{CERTIFICATE, KEY, PATH, opened},
    fixture::{Api, Reply, WSDL},
};
use busbar_model::connection::Part;

fn with(base: Value, more: Value) -> Value {
    let Value::Object(mut members) = base else { panic!("{base}") };
    members.extend(more.as_object().unwrap().clone());
    Value::Object(members)
}

fn http(more: Value) -> Value {
    with(json!({"name": "api", "kind": "http", "base_url": "https://api.example.com/v1"}), more)
}

fn basic(more: Value) -> Value {
    let auth = json!({"kind": "basic", "username": "ada"});
    with(http(json!({"auth": auth, "password": "open sesame"})), more)
}

fn soap(more: Value) -> Value {
    let wsdl = json!({"documents": [{"location": "prices.wsdl", "text": WSDL}]});
    with(json!({"name": "partner", "kind": "soap", "wsdl": wsdl}), more)
}

fn sql(more: Value) -> Value {
    let server = json!({"name": "stock", "kind": "sql", "engine": "postgres", "host": "db", "database": "stock",
        "username": "bus", "password": "open sesame"});
    with(server, more)
}

fn no_secret(reply: &Reply) {
    let text = reply.json.to_string();
    assert!(!text.contains("sesame") && !text.contains("c2VzYW1l") && !text.contains("nonce"), "{text}");
}

#[tokio::test]
async fn http_has_defaults_and_is_changed_member_by_member() {
    let api = Api::new();
    let made = api.post(PATH, http(json!({}))).await.is(201);
    let shown = |member: &str| made.json[member].clone();
    assert_eq!(
        (shown("kind"), shown("tls"), shown("auth")),
        (json!("http"), json!(null), json!({"kind": "none"}))
    );
    assert_eq!(shown("timeouts"), json!({"connect_ms": 5000, "first_byte_ms": 30000, "total_ms": 60000}));
    assert_eq!(shown("ping"), json!({"method": "HEAD", "path": "/"}));
    assert!(made.json.get("password").is_none());
    let href = made.text("href");
    let patch =
        json!({"timeouts": {"total_ms": 5000.0}, "limits": {"per_second": 10, "burst": 3}, "breaker": null});
    let changed = api.patch(href, patch).await.is(200);
    assert_eq!(
        changed.json["timeouts"],
        json!({"connect_ms": 5000, "first_byte_ms": 30000, "total_ms": 5000})
    );
    assert_eq!((&changed.json["breaker"], &changed.json["limits"]["burst"]), (&Value::Null, &json!(3)));
    let patch = json!({"timeouts": null, "limits": {"burst": null}, "breaker": {"failures": 9}});
    let reset = api.patch(href, patch).await.is(200);
    assert_eq!(reset.json["timeouts"], shown("timeouts"));
    assert_eq!(
        (&reset.json["limits"]["burst"], &reset.json["limits"]["per_second"]),
        (&Value::Null, &json!(10))
    );
    assert_eq!(
        (&reset.json["breaker"]["failures"], &reset.json["breaker"]["percent"]),
        (&json!(9), &json!(50))
    );
    let tls = json!({"client_certificate": CERTIFICATE, "client_key": KEY});
    let secured = api.patch(href, json!({"tls": tls})).await.is(200);
    assert_eq!(opened(&api, made.text("id"), Part::ClientKey), KEY);
    no_secret(&secured);
}

#[tokio::test]
async fn a_password_goes_with_its_auth() {
    let api = Api::new();
    for (body, place) in [
        (http(json!({"auth": {"kind": "bearer"}})), "/password"),
        (http(json!({"password": "open sesame"})), "/password"),
        (basic(json!({"auth": {"kind": "bearer"}})), "/password"),
        (basic(json!({"password": ""})), "/password"),
    ] {
        let refused = api.post(PATH, body).await.invalid_at(place, &[]);
        assert!(!refused.json.to_string().contains("sesame"), "{refused:?}");
    }
    let made = api.post(PATH, basic(json!({}))).await.is(201);
    let (id, href) = (made.text("id"), made.text("href"));
    no_secret(&made);
    let auth = json!({"kind": "basic", "username": "bob"});
    let kept = api.patch(href, json!({"auth": auth})).await.is(200);
    assert_eq!((opened(&api, id, Part::Password).as_str(), &kept.json["auth"]), ("open sesame", &auth));
    let header = json!({"auth": {"kind": "api-key", "header": "X-Key"}});
    api.patch(href, header.clone()).await.refused(409, "no-password");
    api.patch(href, json!({"auth": {"kind": "bearer"}, "password": "a b"}))
        .await
        .refused(409, "unfit-password");
    let changed = api.patch(href, with(header, json!({"password": "barley"}))).await.is(200);
    assert_eq!(
        (changed.json["auth"]["kind"].clone(), opened(&api, id, Part::Password)),
        (json!("api-key"), "barley".into())
    );
    let open = api.patch(href, json!({"auth": null})).await.is(200);
    assert_eq!(open.json["auth"], json!({"kind": "none"}));
    api.patch(href, json!({"password": "x"})).await.refused(409, "unfit-password");
}

#[tokio::test]
async fn what_can_be_no_connection_of_a_kind_is_refused_by_its_place() {
    let api = Api::new();
    api.post(PATH, json!({"name": "a", "kind": "http"})).await.invalid_at("/base_url", &["required"]);
    for (body, place, words) in [
        (http(json!({"host": "a"})), "/host", &["unknown field `host`", "`base_url`"][..]),
        (http(json!({"time_outs": {}})), "/time_outs", &["did you mean `timeouts`"]),
        (http(json!({"base_url": "ftp://a"})), "/base_url", &["http://"]),
        (http(json!({"timeouts": {"total_ms": 0}})), "/timeouts/total_ms", &["is 0: 1 to 3600000"]),
        (http(json!({"timeouts": {"total": 0}})), "/timeouts/total", &["unknown field"]),
        (http(json!({"pool": []})), "/pool", &["an object is needed"]),
        (http(json!({"auth": {"kind": "digest"}})), "/auth/kind", &["digest"]),
        (
            http(json!({"auth": {"kind": "api-key", "header": "Host"}, "password": "x"})),
            "/auth/header",
            &["Host"],
        ),
        (http(json!({"allow": ["10.0.0.0/99"]})), "/allow/0", &["a network"]),
        (http(json!({"tls": {"client_key": KEY}})), "/tls/client_certificate", &["required"]),
        (
            http(json!({"redirects": {"kind": "hosts", "max": 1, "hosts": ["a/b"]}})),
            "/redirects/hosts/0",
            &["a/b"],
        ),
        (soap(json!({"wsdl": {"documents": []}})), "/wsdl/documents", &["1 to 32"]),
        (soap(json!({"wsdl": {"url": "ftp://a"}})), "/wsdl/url", &["no URL of http"]),
        (soap(json!({"wsdl": {"url": "http://a", "documents": []}})), "/wsdl/documents", &["unknown field"]),
        (soap(json!({"wsdl": null})), "/wsdl", &["null"]),
        (soap(json!({"token_password": "sesame"})), "/token_password", &["username_token"]),
        (soap(json!({"username_token": {"username": "a"}})), "/token_password", &["required"]),
        (soap(json!({"mtom": "yes"})), "/mtom", &["boolean"]),
        (sql(json!({"engine": "oracle"})), "/engine", &["allowed is postgres, mysql or sqlite"]),
        (sql(json!({"engine": "sqlite"})), "/file", &["is missing"]),
        (sql(json!({"file": "/a"})), "/file", &["postgres has none"]),
        (sql(json!({"pool": {"max": 0}})), "/pool/max", &["1 to 256"]),
        (sql(json!({"rows_max": -1})), "/rows_max", &["is -1"]),
        (sql(json!({"base_url": "http://a"})), "/base_url", &["unknown field"]),
    ] {
        let refused = api.post(PATH, body).await.invalid_at(place, words);
        assert!(!refused.json.to_string().contains("sesame"), "{refused:?}");
    }
}

#[tokio::test]
async fn a_change_is_one_of_the_connections_kind() {
    let api = Api::new();
    let made = api.post(PATH, sql(json!({}))).await.is(201);
    let href = made.text("href");
    assert_eq!((&made.json["port"], &made.json["pool"]["max"]), (&json!(5432), &json!(8)));
    no_secret(&made);
    api.patch(href, json!({"vhost": "a"})).await.refused(409, "another-kind");
    let twice = json!({"documents": [{"location": "a", "text": WSDL}, {"location": "a", "text": WSDL}]});
    api.patch(href, json!({"wsdl": twice})).await.refused(409, "another-kind");
    api.patch(href, json!({"colour": "red"})).await.invalid_at("/colour", &["unknown field"]);
    api.patch(href, json!({"engine": "mysql"})).await.invalid_at("/engine", &["new connections only"]);
    api.patch(href, json!({"file": "/a"})).await.refused(409, "unfit-engine");
    let changed = json!({"pool": {"max": 2}, "read_only": true, "port": 1, "password": "barley"});
    let changed = api.patch(href, changed).await.is(200);
    assert_eq!((&changed.json["pool"]["max"], &changed.json["port"]), (&json!(2), &json!(1)));
    let reset = api.patch(href, json!({"pool": null, "port": null, "password": "barley"})).await.is(200);
    assert_eq!((&reset.json["pool"]["max"], &reset.json["port"]), (&json!(8), &json!(5432)));
    assert_eq!(opened(&api, made.text("id"), Part::Password), "barley");
    let file = json!({"name": "notes", "kind": "sql", "engine": "sqlite", "file": "/var/lib/notes.db"});
    let file = api.post(PATH, file).await.is(201);
    assert_eq!(
        (&file.json["host"], &file.json["port"], file.text("file")),
        (&Value::Null, &Value::Null, "/var/lib/notes.db")
    );
    assert_eq!(api.get(&format!("{PATH}?kind=sql")).await.names(), ["notes", "stock"]);
    assert_eq!(
        api.get(&format!("{}/operations", file.text("href"))).await.is(200).json,
        json!({"items": []})
    );
}

#[tokio::test]
async fn a_wsdl_tells_the_address_and_the_operations() {
    let api = Api::new();
    let made = api.post(PATH, soap(json!({}))).await.is(201);
    let shown = |member: &str| made.json[member].clone();
    assert_eq!(
        (shown("base_url"), shown("version")),
        (json!("https://prices.example.com/soap"), json!("1.1"))
    );
    assert_eq!(shown("wsdl")["documents"][0]["text"], WSDL);
    let operations = api.get(&format!("{}/operations", made.text("href"))).await.is(200).json;
    let only = &operations["items"][0];
    assert_eq!(
        (&only["name"], &only["action"], &only["style"], &only["documentation"], &only["problem"]),
        (
            &json!("getPrice"),
            &json!("urn:example:prices#getPrice"),
            &json!("document"),
            &json!("What an article costs."),
            &Value::Null
        )
    );
    assert_eq!(only["input_schema"]["properties"]["sku"]["type"], "string");
    let href = made.text("href");
    let moved = api.patch(href, json!({"base_url": "http://localhost:1/x"})).await.is(200);
    assert_eq!(moved.text("base_url"), "http://localhost:1/x");
    let back = api.patch(href, json!({"base_url": null})).await.is(200);
    assert_eq!(back.text("base_url"), "https://prices.example.com/soap");
    api.patch(href, json!({"service": "Other"})).await.refused(409, "unusable-wsdl");
    api.patch(href, json!({"port": "PricePort", "service": "PriceService"})).await.is(200);
    api.patch(href, json!({"username_token": {"username": "a"}})).await.refused(409, "no-password");
    api.patch(href, json!({"token_password": "sesame"})).await.refused(409, "no-username-token");
    let token =
        json!({"username_token": {"username": "a", "password_type": "digest"}, "token_password": "sesame"});
    let secured = api.patch(href, token).await.is(200);
    no_secret(&secured);
    assert_eq!(opened(&api, made.text("id"), Part::TokenPassword), "sesame");
    api.patch(href, json!({"username_token": null})).await.is(200);
}

#[tokio::test]
async fn a_wsdl_that_can_not_be_used_is_refused() {
    let api = Api::new();
    let broken = json!({"documents": [{"location": "a.wsdl", "text": "<definitions/>"}]});
    let refused = api.post(PATH, soap(json!({"wsdl": broken}))).await.refused(409, "unusable-wsdl");
    assert_eq!(refused.json["errors"][0]["path"], "/wsdl");
    assert!(refused.text("detail").contains("a.wsdl, line 1"), "{refused:?}");
    let twice = json!({"documents": [{"location": "a", "text": WSDL}, {"location": "a", "text": WSDL}]});
    let refused = api.post(PATH, soap(json!({"wsdl": twice}))).await.refused(409, "unusable-wsdl");
    assert_eq!(refused.json["errors"][0]["path"], "/wsdl/documents/1/location");
    let made = api.post(PATH, soap(json!({}))).await.is(201);
    let broken = json!({"documents": [{"location": "a.wsdl", "text": "<a>"}]});
    api.patch(made.text("href"), json!({"wsdl": broken})).await.refused(409, "unusable-wsdl");
}

#[tokio::test]
async fn a_wsdl_is_fetched_with_the_credentials_of_the_connection() {
    let api = Api::new();
    let by = |url: &str| json!({"wsdl": {"url": url}});
    let auth = json!({"auth": {"kind": "basic", "username": "ada"}, "password": "first"});
    let away =
        api.post(PATH, soap(by("http://away.example.com/a?wsdl"))).await.refused(409, "wsdl-not-fetched");
    assert!(away.text("detail").contains("nobody is there"), "{away:?}");
    let made = api.post(PATH, soap(with(by("https://a.example.com/a?wsdl"), auth))).await.is(201);
    let document = |reply: &Reply| reply.json["wsdl"]["documents"][0].clone();
    assert_eq!(document(&made)["location"], "https://a.example.com/a?wsdl");
    assert!(document(&made)["text"].as_str().unwrap().contains("as first"));
    let again = api.patch(made.text("href"), by("https://b.example.com/b?wsdl")).await.is(200);
    assert!(document(&again)["text"].as_str().unwrap().contains("as first"));
    for away in [json!({"base_url": null}), json!({"base_url": "https://b.example.com"})] {
        let away = with(by("https://b.example.com/b?wsdl"), away);
        let refused = api.patch(made.text("href"), away.clone()).await.refused(409, "secret-required");
        assert_eq!(refused.json["errors"][0]["path"], "/password");
        let given = api.patch(made.text("href"), with(away, json!({"password": "first"}))).await.is(200);
        assert!(document(&given)["text"].as_str().unwrap().contains("as first"));
        let back = json!({"base_url": made.text("base_url"), "password": "first"});
        api.patch(made.text("href"), back).await.is(200);
    }
    let other =
        api.patch(made.text("href"), with(by("https://b.example.com/b?wsdl"), json!({"password": "second"})));
    assert!(document(&other.await.is(200))["text"].as_str().unwrap().contains("as second"));
    let http = api.post(PATH, http(json!({}))).await.is(201);
    api.patch(http.text("href"), by("https://b.example.com/b?wsdl")).await.refused(409, "another-kind");
}

#[tokio::test]
async fn a_secret_is_given_again_for_another_system() {
    let api = Api::new();
    let basic = json!({"auth": {"kind": "basic", "username": "ada"}, "password": "sesame"});
    let token = json!({"auth": {"kind": "client-credentials", "token_url": "https://id.example.com/a",
        "client_id": "bus"}, "password": "sesame"});
    let other = json!({"auth": {"kind": "client-credentials", "token_url": "https://evil.example.com/a",
        "client_id": "bus"}});
    let broker = json!({"name": "mq", "kind": "amqp", "host": "mq", "username": "ada", "password": "sesame",
        "tls": {}});
    for (number, (new, change)) in [
        (http(basic.clone()), json!({"base_url": "https://evil.example.com/v1"})),
        (http(basic.clone()), json!({"base_url": "http://api.example.com/v1"})),
        (http(token), other),
        (soap(basic), json!({"base_url": "https://evil.example.com"})),
        (sql(json!({"password": "sesame"})), json!({"host": "evil"})),
        (sql(json!({"password": "sesame", "tls": {}})), json!({"tls": null})),
        (broker.clone(), json!({"host": "evil"})),
        (broker.clone(), json!({"port": 1})),
        (broker, json!({"tls": null})),
    ]
    .into_iter()
    .enumerate()
    {
        let made = api.post(PATH, with(new, json!({"name": format!("c{number}")}))).await.is(201);
        let refused = api.patch(made.text("href"), change.clone()).await.refused(409, "secret-required");
        assert_eq!(refused.json["errors"][0]["path"], "/password", "{change}");
        no_secret(&refused);
        api.patch(made.text("href"), with(change, json!({"password": "sesame"}))).await.is(200);
    }
}
