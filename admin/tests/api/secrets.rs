//! `/api/v1/secrets`.

use std::sync::Arc;

use busbar_store::MasterKey;
use serde_json::{Value, json};

use crate::fixture::Api;

const PATH: &str = "/api/v1/secrets";

fn new(name: &str, value: &str) -> Value {
    json!({"name": name, "value": value})
}

/// What plugins would read.
fn opened(api: &Api, id: &str) -> String {
    let secret = api.odb.secret(id).unwrap();
    MasterKey::new(&[7; 32]).open_secret(&secret).unwrap().reveal().to_owned()
}

#[tokio::test]
async fn a_value_goes_in_and_never_out() {
    let api = Api::new();
    let mut body = new("pay-key", "open sesame");
    body["description"] = json!("for the shop");
    let made = api.post(PATH, body).await.is(201);
    assert_eq!((made.header("location"), made.header("etag")), (made.text("href"), "\"1\""));
    let members: Vec<&str> = made.json.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(members, ["id", "name", "description", "created_at", "updated_at", "href"]);
    let (id, href) = (made.text("id"), made.text("href"));
    assert_eq!(opened(&api, id), "open sesame");
    assert_eq!(api.get(href).await.is(200).json, made.json);

    let renamed = api.patch(href, json!({"name": "pay", "description": null})).await.is(200);
    assert_eq!((renamed.text("name"), &renamed.json["description"]), ("pay", &Value::Null));
    assert_eq!(opened(&api, id), "open sesame");
    let replaced = api.patch(href, json!({"value": "open barley"})).await.is(200);
    assert_eq!((replaced.header("etag"), opened(&api, id).as_str()), ("\"3\"", "open barley"));
    let audit = api.get("/api/v1/audit").await.is(200);
    assert_eq!(audit.json["items"][0]["object"]["kind"], "secret");
    assert_eq!(audit.json["items"][0]["after"]["value"], "replaced");
    for seen in [&made, &renamed, &replaced, &audit, &api.get(PATH).await.is(200), &api.get(href).await] {
        let text = seen.json.to_string();
        for part in ["sesame", "barley", "ciphertext", "nonce", "key_id"] {
            assert!(!text.contains(part), "{part}: {text}");
        }
    }
    api.delete(href).await.is(204);
    api.get(href).await.refused(404, "not-found");
    assert_eq!(api.hints(), 4);
}

#[tokio::test]
async fn what_can_be_no_secret_is_refused_and_not_repeated() {
    let api = Api::new();
    api.post(PATH, json!({})).await.invalid_at("/name", &["required"]).invalid_at("/value", &["required"]);
    let most = "x".repeat(64 * 1024);
    api.post(PATH, new("largest", &most)).await.is(201);
    api.post(PATH, new("larger", &(most + "x"))).await.invalid_at("/value", &["65537 bytes", "1 to 65536"]);
    api.post(PATH, new("empty", "")).await.invalid_at("/value", &["0 bytes"]);
    api.post(PATH, new("No", "x")).await.invalid_at("/name", &["\"No\""]);
    for value in [json!(123_454_321), json!(["123454321"]), json!({"a": "123454321"})] {
        let refused = api.post(PATH, json!({"name": "a", "value": value})).await;
        let refused = refused.invalid_at("/value", &["is not a text"]);
        assert!(!refused.json.to_string().contains("123454321"), "{refused:?}");
    }
    let long = json!({"name": "a", "value": "x", "description": "x".repeat(1025)});
    api.post(PATH, long).await.invalid_at("/description", &["1025 bytes", "1024"]);
    let made = api.post(PATH, new("a", "x")).await.is(201);
    api.patch(made.text("href"), json!({"value": null})).await.invalid_at("/value", &["null"]);
    api.patch(made.text("href"), json!({"valeu": "x"})).await.invalid_at("/valeu", &["`value`"]);
    let odd = json!({"name": "a", "value": "x", "kind": "text"});
    api.post(PATH, odd).await.invalid_at("/kind", &["`description`"]);
}

#[tokio::test]
async fn a_granted_secret_stays_and_names_its_users() {
    let api = Api::new();
    api.deploy("orders", b"v1", &[]);
    let made = api.post(PATH, new("pay-key", "open sesame")).await.is(201);
    let grants = "/api/v1/plugins/orders/grants";
    api.put(grants, json!({"secrets": ["pay-key"]})).await.is(200);
    let used = api.delete(made.text("href")).await.refused(409, "in-use");
    assert!(used.text("detail").contains("orders"));
    api.patch(made.text("href"), json!({"name": "pay"})).await.refused(409, "in-use");
    api.patch(made.text("href"), json!({"value": "open barley"})).await.is(200);
    api.put(grants, json!({})).await.is(200);
    api.delete(made.text("href")).await.is(204);
}

#[tokio::test]
async fn taken_names_stale_tags_and_other_keys_are_refused() {
    let api = Api::new();
    let one = api.post(PATH, new("one", "1")).await.is(201);
    api.post(PATH, new("one", "2")).await.refused(409, "name-taken");
    let two = api.post(PATH, new("two", "2")).await.is(201);
    api.patch(two.text("href"), json!({"name": "one"})).await.refused(409, "name-taken");
    api.patch(one.text("href"), json!({"value": "3"})).await.is(200);
    for (method, body) in [("PATCH", json!({"value": "4"})), ("DELETE", Value::Null)] {
        let stale = api.send_if(method, one.text("href"), "\"1\"", body).await;
        assert_eq!(stale.refused(412, "precondition-failed").header("etag"), "\"2\"");
    }
    assert_eq!(api.get(PATH).await.names(), ["two", "one"]);
    assert_eq!(api.get(&format!("{PATH}?name=one")).await.names(), ["one"]);

    let odb = api.odb.clone();
    let elsewhere = Api::with(|settings| {
        settings.odb = odb;
        settings.master_key = Arc::new(MasterKey::new(&[8; 32]));
    });
    elsewhere.post(PATH, new("three", "3")).await.refused(409, "another-master-key");
    elsewhere.patch(one.text("href"), json!({"value": "5"})).await.refused(409, "another-master-key");
}
