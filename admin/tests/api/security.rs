//! `/api/v1/security`.

use busbar_model::{Digest, security::Credential};
use serde_json::json;

use crate::fixture::Api;

const PATH: &str = "/api/v1/security";

#[tokio::test]
async fn a_password_goes_in_and_never_out() {
    let api = Api::new();
    let body = json!({"name": "partner", "kind": "basic", "username": "bob", "password": "open sesame"});
    let made = api.post(PATH, body).await.is(201);
    assert_eq!(made.header("location"), made.text("href"));
    assert_eq!((made.text("kind"), made.text("username")), ("basic", "bob"));
    let id = made.text("id").to_owned();
    let hash = || match api.odb.security(&id).unwrap().credential {
        Credential::Basic { password_hash, .. } => password_hash,
        other => panic!("{other:?}"),
    };
    assert_eq!(hash(), "$hash$11");
    let href = made.text("href");
    let renamed = api.patch(href, json!({"name": "friend", "username": "eve"})).await.is(200);
    assert_eq!((renamed.text("name"), renamed.text("username")), ("friend", "eve"));
    assert_eq!(hash(), "$hash$11");
    api.patch(href, json!({"password": "x"})).await.is(200);
    assert_eq!(hash(), "$hash$1");
    for uri in [href, PATH, "/api/v1/audit"] {
        let seen = api.get(uri).await.is(200).json.to_string();
        assert!(!seen.contains("$hash") && !seen.contains("sesame"), "{uri}: {seen}");
    }
}

#[tokio::test]
async fn a_key_is_shown_once() {
    let api = Api::new();
    let made = api.post(PATH, json!({"name": "invoker", "kind": "api-key"})).await.is(201);
    let key = made.text("key").to_owned();
    let id = made.text("id").to_owned();
    let stored = || match api.odb.security(&id).unwrap().credential {
        Credential::ApiKey { key_sha256, .. } => key_sha256,
        other => panic!("{other:?}"),
    };
    assert_eq!(stored(), Digest::of(key.as_bytes()).hex());
    assert!(key.starts_with(&format!("{}.", made.text("key_id"))));
    assert_eq!(made.header("cache-control"), "no-store");
    let href = made.text("href");

    let rotated = api.patch(href, json!({"rotate": true})).await.is(200);
    let new_key = rotated.text("key").to_owned();
    assert_ne!(new_key, key);
    assert_eq!(stored(), Digest::of(new_key.as_bytes()).hex());
    let renamed = api.patch(href, json!({"name": "other"})).await.is(200);
    assert!(renamed.json.get("key").is_none());
    assert_eq!(stored(), Digest::of(new_key.as_bytes()).hex());
    for uri in [href, PATH, "/api/v1/audit"] {
        let seen = api.get(uri).await.is(200).json.to_string();
        let secrets = [key.as_str(), &new_key, &stored()].map(|secret| seen.contains(secret));
        assert_eq!(secrets, [false; 3], "{uri}: {seen}");
    }
}

#[tokio::test]
async fn what_does_not_fit_the_kind_is_refused() {
    let api = Api::new();
    api.post(PATH, json!({}))
        .await
        .invalid_at("/name", &["required"])
        .invalid_at("/kind", &["basic", "api-key", "ws-security", "client-certificate"]);
    api.post(PATH, json!({"name": "a", "kind": "jwt"})).await.invalid_at("/kind", &["`jwt`", "`api-key`"]);
    api.post(PATH, json!({"name": "a", "kind": "basic", "username": "a:b"}))
        .await
        .invalid_at("/username", &["\"a:b\"", "without ':'"])
        .invalid_at("/password", &["required"]);
    api.post(PATH, json!({"name": "a", "kind": "api-key", "key": "mine"})).await.invalid_at("/key", &[]);
    let with_user = json!({"name": "a", "kind": "api-key", "username": "u"});
    api.post(PATH, with_user).await.invalid_at("/username", &["basic"]);
    let empty = json!({"name": "a", "kind": "basic", "username": "u", "password": ""});
    api.post(PATH, empty).await.invalid_at("/password", &["0 characters", "1 to 1024"]);

    let key = api.post(PATH, json!({"name": "k", "kind": "api-key"})).await.is(201);
    let wrong = api.patch(key.text("href"), json!({"password": "x"})).await.refused(409, "wrong-kind");
    assert_eq!(wrong.json["errors"][0]["path"], "/password");
    assert!(wrong.text("detail").contains("the kinds basic and ws-security, not to api-key"));
    let basic = json!({"name": "b", "kind": "basic", "username": "u", "password": "p"});
    let basic = api.post(PATH, basic).await.is(201);
    api.patch(basic.text("href"), json!({"rotate": true})).await.refused(409, "wrong-kind");
    api.patch(basic.text("href"), json!({"kind": "api-key"})).await.invalid_at("/kind", &["`rotate`"]);
    api.patch(basic.text("href"), json!({"username": null})).await.invalid_at("/username", &["null"]);
}

#[tokio::test]
async fn one_in_use_stays_and_names_its_users() {
    let api = Api::new();
    let made = api.post(PATH, json!({"name": "partner", "kind": "api-key"})).await.is(201);
    let body = json!({"name": "orders", "path": "/o", "service": "s", "security": "partner"});
    let channel = api.post("/api/v1/channels", body).await.is(201);
    let used = api.delete(made.text("href")).await.refused(409, "in-use");
    assert!(used.text("detail").contains("orders"));
    assert_eq!(used.json["errors"], json!([{"path": "", "message": "channel \"orders\" uses it"}]));
    // Its new name is the channel's too.
    api.patch(made.text("href"), json!({"name": "friend"})).await.is(200);
    assert_eq!(api.get(channel.text("href")).await.json["security"], "friend");
    api.delete(channel.text("href")).await.is(204);
    api.delete(made.text("href")).await.is(204);
    api.get(made.text("href")).await.refused(404, "not-found");
}

#[tokio::test]
async fn taken_names_and_stale_tags_are_refused() {
    let api = Api::new();
    let one = api.post(PATH, json!({"name": "one", "kind": "api-key"})).await.is(201);
    api.post(PATH, json!({"name": "one", "kind": "api-key"})).await.refused(409, "name-taken");
    let two = api.post(PATH, json!({"name": "two", "kind": "api-key"})).await.is(201);
    api.patch(two.text("href"), json!({"name": "one"})).await.refused(409, "name-taken");
    api.patch(one.text("href"), json!({"rotate": true})).await.is(200);
    let stale = api.send_if("PATCH", one.text("href"), "\"1\"", json!({"rotate": true})).await;
    assert_eq!(stale.refused(412, "precondition-failed").header("etag"), "\"2\"");
    api.send_if("DELETE", one.text("href"), "\"1\"", json!(null)).await.refused(412, "precondition-failed");
}

#[tokio::test]
async fn certificates_have_one_form_and_are_shown() {
    let api = Api::new();
    let (upper, lower) = ("AB".repeat(32), "ab".repeat(32));
    let subjects = json!(["/O=B\u{e4}cker/CN=ada", "/CN=ada", "/CN=ada"]);
    let body = json!({"name": "fleet", "kind": "client-certificate", "subjects": subjects, "sha256": [upper, lower]});
    let made = api.post(PATH, body).await.is(201);
    assert_eq!(made.json["subjects"], json!(["/CN=ada", "/O=B\u{e4}cker/CN=ada"]));
    assert_eq!((made.text("kind"), &made.json["sha256"]), ("client-certificate", &json!([lower])));
    let href = made.text("href");
    let changed = api.patch(href, json!({"subjects": null, "name": "vans"})).await.is(200);
    assert_eq!((&changed.json["subjects"], &changed.json["sha256"]), (&json!([]), &json!([lower])));
    let nobody = api.patch(href, json!({"sha256": []})).await.refused(409, "no-certificate");
    assert_eq!(nobody.json["errors"][0]["path"], "/subjects");
    let other = api.patch(href, json!({"subjects": ["/CN=b"], "sha256": []})).await.is(200);
    assert_eq!((&other.json["subjects"], &other.json["sha256"]), (&json!(["/CN=b"]), &json!([])));
    let listed = api.get("/api/v1/security?kind=client-certificate").await.is(200);
    assert_eq!(listed.json["items"][0]["name"], "vans");
    assert!(api.get("/api/v1/audit").await.is(200).json.to_string().contains("/CN=b"));
}

#[tokio::test]
async fn what_is_no_certificate_is_refused() {
    let api = Api::new();
    let of = |members: serde_json::Value| {
        let mut body = json!({"name": "fleet", "kind": "client-certificate"});
        body.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
        api.post(PATH, body)
    };
    for none in [json!({}), json!({"subjects": [], "sha256": null})] {
        of(none).await.invalid_at("/subjects", &["lets nobody in without an entry here or in sha256"]);
    }
    of(json!({"subjects": ["/CN=ada", "ada"], "sha256": ["0a"]}))
        .await
        .invalid_at("/subjects/1", &["as HAProxy writes it", "/O=shop/CN=ada"])
        .invalid_at("/sha256/0", &["64 hexadecimal digits"]);
    of(json!({"subjects": vec!["/CN=a"; 65]})).await.invalid_at("/subjects", &["more than 64 items"]);
    of(json!({"subjects": ["/CN=a"], "username": "u", "password_type": null}))
        .await
        .invalid_at("/username", &["the kinds basic and ws-security, not to client-certificate"])
        .invalid_at("/password_type", &["the kind ws-security"]);
    let basic = json!({"name": "b", "kind": "basic", "username": "u", "password": "p", "sha256": []});
    api.post(PATH, basic).await.invalid_at("/sha256", &["the kind client-certificate, not to basic"]);

    let made = of(json!({"subjects": ["/CN=ada"]})).await.is(201);
    api.patch(made.text("href"), json!({"password": "x"})).await.refused(409, "wrong-kind");
    api.patch(made.text("href"), json!({"sha256": ["x"]})).await.invalid_at("/sha256/0", &["SHA-256"]);
    let key = api.post(PATH, json!({"name": "k", "kind": "api-key"})).await.is(201);
    let wrong =
        api.patch(key.text("href"), json!({"subjects": ["/CN=ada"]})).await.refused(409, "wrong-kind");
    assert_eq!(wrong.json["errors"][0]["path"], "/subjects");
}
