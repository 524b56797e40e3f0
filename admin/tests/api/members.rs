//! Members of the cluster: tokens, joining, the authority.

use std::sync::Arc;

use axum::{body::Body, http::Request};
use busbar_model::Timestamp;
use busbar_pki::{Certificate, Csr, Identity, JoinToken, KeyPair, Role, Trust};
use busbar_registrar::Registrar;
use busbar_store::{By, MasterKey};
use serde_json::{Value, json};

use crate::fixture::{Api, Reply};

const TOKENS: &str = "/api/v1/cluster/join-tokens";
const JOIN: &str = "/api/v1/cluster/join";
const AUTHORITY: &str = "/api/v1/cluster/authority";

fn founded() -> Api {
    let api = Api::new();
    let now = Timestamp(std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap().as_micros().try_into().unwrap());
    let by = By { actor: "test".to_owned(), correlation_id: None, now };
    let registrar = Registrar::new(api.odb.clone(), Arc::new(MasterKey::new(&[7; 32])));
    registrar.found(&by, &"prod".parse().unwrap()).unwrap();
    api
}

/// Without the admin's token, as machines come that join.
async fn join(api: &Api, body: &Value) -> Reply {
    let request = Request::post(JOIN).header("content-type", "application/json");
    api.send(request.body(Body::from(body.to_string())).unwrap()).await
}

async fn token(api: &Api, wish: Value) -> JoinToken {
    let made = api.send_json("POST", TOKENS, wish).await.is(201);
    JoinToken::parse(made.text("token")).unwrap()
}

fn asks(token: &JoinToken, key: &KeyPair, name: &str) -> Value {
    json!({"id": token.id, "secret": token.secret.to_text().as_str(), "name": name, "hosts": ["bus.example.org"],
        "request": Csr::new(key).unwrap().to_pem()})
}

#[tokio::test]
async fn without_an_authority_nobody_joins() {
    let api = Api::new();
    let key = KeyPair::generate().unwrap();
    api.send_json("POST", TOKENS, json!({})).await.refused(409, "no-authority");
    api.get(AUTHORITY).await.refused(409, "no-authority");
    api.send_json("POST", &format!("{AUTHORITY}/roll"), json!({})).await.refused(409, "no-authority");
    let body = json!({"id": "1", "secret": "x", "name": "one", "hosts": [], "request": Csr::new(&key).unwrap().to_pem()});
    join(&api, &body).await.refused(409, "no-authority");
    assert_eq!(api.get("/api/v1/cluster/members").await.is(200).json["items"], json!([]));
}

#[tokio::test]
async fn a_token_makes_a_member_once() {
    let api = founded();
    let (key, other) = (KeyPair::generate().unwrap(), KeyPair::generate().unwrap());
    let server = token(&api, json!({"name": "bus-1"})).await;
    assert_eq!(server.urls, ["https://admin.example.org:8183"]);
    join(&api, &asks(&server, &key, "bus-2")).await.refused(403, "join-token-refused");
    let joined = join(&api, &asks(&server, &key, "bus-1")).await.is(201);
    let settings = &joined.json["settings"];
    assert_eq!((joined.text("role"), &settings["odb_url"]), ("server", &json!("postgres://bus@db/busbar")));
    assert_eq!(settings["master_key"], "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=");
    let certificate = Certificate::from_pem(joined.text("certificate")).unwrap();
    let trust = Trust::from_pem(joined.text("trust")).unwrap();
    assert!(trust.issuer_of(&certificate).is_some_and(|anchor| server.pins.contains(&anchor.fingerprint())));
    let identity = Identity::of(certificate.der()).unwrap();
    assert_eq!((identity.role, identity.name.as_str()), (Role::Server, "bus-1"));
    // Its answer may have been lost; another machine is refused.
    join(&api, &asks(&server, &key, "bus-1")).await.is(201);
    join(&api, &asks(&server, &other, "bus-1")).await.refused(403, "join-token-refused");
    let members = api.get("/api/v1/cluster/members").await.is(200);
    assert_eq!(members.names(), ["bus-1"]);

    let balancer = token(&api, json!({"role": "balancer", "life_s": 60})).await;
    let joined = join(&api, &asks(&balancer, &other, "lb-1")).await.is(201);
    assert_eq!((joined.text("role"), &joined.json["settings"]), ("balancer", &json!(null)));
    api.delete("/api/v1/cluster/members/balancer/lb-1").await.is(204);
    api.delete("/api/v1/cluster/members/balancer/lb-1").await.refused(404, "not-found");
    api.delete("/api/v1/cluster/members/king/lb-1").await.refused(404, "not-found");
}

#[tokio::test]
async fn who_has_no_token_is_told_nothing() {
    let api = founded();
    let key = KeyPair::generate().unwrap();
    let known = token(&api, json!({})).await;
    let mut body = asks(&known, &key, "bus-1");
    body["secret"] = json!("x".repeat(43));
    let wrong = join(&api, &body).await.refused(403, "join-token-refused");
    body["id"] = json!("0190");
    let unknown = join(&api, &body).await.refused(403, "join-token-refused");
    assert_eq!(wrong.text("detail"), unknown.text("detail"));
    for (member, bad) in [("request", json!("x")), ("hosts", json!(["a b"]))] {
        let mut body = asks(&known, &key, "bus-1");
        body[member] = bad;
        join(&api, &body).await.refused(409, "unfit").says_at(&format!("/{member}"), &[]);
    }
    let mut body = asks(&known, &key, "bus-1");
    body["name"] = json!("Bus 1");
    join(&api, &body).await.invalid_at("/name", &["a-z"]);
    for (wish, path) in [
        (json!({"role": "king"}), "/role"),
        (json!({"life_s": 59}), "/life_s"),
        (json!({"life_s": 604_801}), "/life_s"),
        (json!({"name": "A"}), "/name"),
    ] {
        api.send_json("POST", TOKENS, wish).await.invalid_at(path, &[]);
    }
    api.send_json("POST", "/api/v1/cluster/membership", json!({})).await.refused(403, "no-certificate");
}

#[tokio::test]
async fn a_token_is_not_kept_for_repeats() {
    let api = founded();
    let ask = async || {
        let request = crate::fixture::request("POST", TOKENS).header("idempotency-key", "k");
        api.send(request.body(Body::from("{}")).unwrap()).await.is(201)
    };
    assert!(ask().await.text("token").starts_with("busbar-join.1."));
    assert_eq!(ask().await.text("token"), "");
}

#[tokio::test]
async fn an_authority_is_rolled_and_turned_back() {
    let api = founded();
    let settled = api.get(AUTHORITY).await.is(200);
    assert_eq!((settled.text("cluster"), settled.text("step")), ("prod", "settled"));
    let known = token(&api, json!({})).await;
    join(&api, &asks(&known, &KeyPair::generate().unwrap(), "bus-1")).await.is(201);
    let begun = api.send_json("POST", &format!("{AUTHORITY}/roll"), json!({})).await.is(200);
    assert_eq!((begun.text("step"), begun.json["trusted"].as_array().unwrap().len()), ("introducing", 2));
    assert_eq!(begun.json["waits_for"]["members"], json!(["server bus-1"]));
    api.send_json("POST", &format!("{AUTHORITY}/roll"), json!({})).await.refused(409, "roll-not-possible");
    // Who joins meanwhile trusts both.
    let meanwhile = token(&api, json!({})).await;
    assert_eq!(meanwhile.pins.len(), 2);
    let back = api.send_json("POST", &format!("{AUTHORITY}/turn-back"), json!({})).await.is(200);
    assert_eq!((back.text("step"), back.text("issuer")), ("reissuing", settled.text("issuer")));
}
