//! SOAP channels, and the security definitions that only they ask for.

use busbar_model::security::Credential;
use serde_json::{Value, json};

use crate::fixture::Api;

const CHANNELS: &str = "/api/v1/channels";
const SECURITY: &str = "/api/v1/security";

fn token() -> Value {
    json!({"name": "erp", "kind": "ws-security", "username": "erp", "password": "open sesame"})
}

fn paths(problem: &Value) -> Vec<String> {
    let errors = problem["errors"].as_array().unwrap().iter();
    errors.map(|error| error["path"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_soap_channel_says_its_namespace_and_operation() {
    let api = Api::new();
    let body =
        json!({"protocol": "soap", "path": "/soap/orders", "service": "orders.submit", "methods": ["POST"]});
    let made = api.post(CHANNELS, body).await.is(201);
    assert_eq!((&made.json["protocol"], &made.json["methods"]), (&json!("soap"), &json!([])));
    assert_eq!(made.json["soap"], json!({"namespace": null, "operation": null}));
    let href = made.text("href");
    let changed =
        api.patch(href, json!({"soap": {"namespace": "urn:shop", "operation": "Buy"}})).await.is(200);
    assert_eq!(changed.json["soap"], json!({"namespace": "urn:shop", "operation": "Buy"}));
    let merged = api.patch(href, json!({"soap": {"operation": null}})).await.is(200);
    assert_eq!(merged.json["soap"], json!({"namespace": "urn:shop", "operation": null}));
    let back = api.patch(href, json!({"soap": null})).await.is(200);
    assert_eq!(back.json["soap"]["namespace"], Value::Null);
    let listed = api.get("/api/v1/channels?protocol=soap").await.is(200);
    assert_eq!(listed.json["items"].as_array().unwrap().len(), 1);
    assert_eq!(api.get("/api/v1/channels?protocol=rest").await.is(200).json["items"], json!([]));
}

#[tokio::test]
async fn what_no_soap_channel_has_is_refused() {
    let api = Api::new();
    let odd = json!({"protocol": "soap", "path": "/soap/{p}", "service": "files.7zip", "methods": ["GET"],
        "cors": {"origins": ["*"]}});
    let refused = api.post(CHANNELS, odd).await.refused(400, "invalid-input");
    assert_eq!(paths(&refused.json), ["/path", "/methods", "/cors", "/soap/operation"]);
    let wrong = json!({"protocol": "soap", "path": "/s", "service": "s", "soap": {"namespace": "x", "operation": "a b"}});
    api.post(CHANNELS, wrong)
        .await
        .invalid_at("/soap/namespace", &["\"x\"", "URI"])
        .invalid_at("/soap/operation", &["\"a b\"", "letters"]);
    let rest = json!({"path": "/s", "service": "s", "soap": {}});
    api.post(CHANNELS, rest).await.invalid_at("/soap", &["protocol soap"]);
    // What a channel is may stand in the way of what it is to be.
    let rest =
        api.post(CHANNELS, json!({"path": "/a/{p}", "service": "s", "methods": ["GET"]})).await.is(201);
    let refused = api.patch(rest.text("href"), json!({"protocol": "soap"})).await;
    assert_eq!(paths(&refused.refused(409, "protocol-conflict").json), ["/path", "/methods"]);
    let fitting = json!({"protocol": "soap", "path": "/a", "methods": null});
    api.patch(rest.text("href"), fitting).await.is(200);
}

#[tokio::test]
async fn operations_share_an_address() {
    let api = Api::new();
    let of = |operation: &str| json!({"protocol": "soap", "path": "/soap/orders", "service": "s", "soap": {"operation": operation}});
    api.post(CHANNELS, of("submit")).await.is(201);
    api.post(CHANNELS, of("get")).await.is(201);
    let taken = api.post(CHANNELS, of("get")).await.refused(409, "address-taken");
    assert!(taken.text("detail").contains("operation get at /soap/orders"), "{}", taken.json);
    let rest = json!({"path": "/soap/orders", "service": "s"});
    api.post(CHANNELS, rest).await.refused(409, "address-taken");
}

#[tokio::test]
async fn a_token_guards_soap_channels_only() {
    let api = Api::new();
    let made = api.post(SECURITY, token()).await.is(201);
    assert_eq!((made.text("username"), made.text("password_type")), ("erp", "digest"));
    let guarded =
        |protocol: &str| json!({"protocol": protocol, "path": "/c", "service": "s", "security": "erp"});
    let refused = api.post(CHANNELS, guarded("rest")).await.refused(409, "soap-only");
    assert_eq!(paths(&refused.json), ["/security"]);
    let channel = api.post(CHANNELS, guarded("soap")).await.is(201);
    let to_rest = api.patch(channel.text("href"), json!({"protocol": "rest"})).await;
    to_rest.refused(409, "soap-only");
    let invoker = json!({"name": "invoker", "kind": "ws-security", "username": "u", "password": "p"});
    assert_eq!(paths(&api.post(SECURITY, invoker).await.refused(409, "soap-only").json), ["/name"]);
}

#[tokio::test]
async fn a_tokens_password_is_sealed_and_never_shown() {
    let api = Api::new();
    let made = api.post(SECURITY, token()).await.is(201);
    let (id, href) = (made.text("id").to_owned(), made.text("href").to_owned());
    let sealed = || match api.odb.security(&id).unwrap().credential {
        Credential::WsSecurity { password, .. } => password,
        other => panic!("{other:?}"),
    };
    let first = sealed();
    let renamed = api.patch(&href, json!({"name": "sap", "password_type": "any"})).await.is(200);
    assert_eq!((renamed.text("password_type"), sealed()), ("any", first.clone()));
    api.patch(&href, json!({"password": "another"})).await.is(200);
    assert_ne!(sealed(), first);
    let digest = api.patch(&href, json!({"password_type": null})).await.is(200);
    assert_eq!(digest.text("password_type"), "digest");
    for uri in [href.as_str(), SECURITY, "/api/v1/audit"] {
        let seen = api.get(uri).await.is(200);
        let seen = format!("{:?}", seen.json);
        assert!(!seen.contains("sesame") && !seen.contains("ciphertext"), "{uri}: {seen}");
    }
}

#[tokio::test]
async fn a_token_has_its_own_members() {
    let api = Api::new();
    api.post(SECURITY, json!({"name": "a", "kind": "ws-security", "password_type": "clear"}))
        .await
        .invalid_at("/username", &["required"])
        .invalid_at("/password", &["required"])
        .invalid_at("/password_type", &["digest, text or any"]);
    let basic =
        json!({"name": "b", "kind": "basic", "username": "u", "password": "p", "password_type": "text"});
    api.post(SECURITY, basic).await.invalid_at("/password_type", &["the kind ws-security, not to basic"]);
    let made = api.post(SECURITY, token()).await.is(201);
    api.patch(made.text("href"), json!({"rotate": true})).await.refused(409, "wrong-kind");
    assert_eq!(api.get("/api/v1/security?kind=ws-security").await.json["items"].as_array().unwrap().len(), 1);
}
