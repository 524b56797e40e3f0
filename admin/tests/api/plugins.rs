//! `/api/v1/plugins`.

use busbar_model::{Digest, quarantine::Death};
use serde_json::{Value, json};

use crate::fixture::{Api, by, now};

const PATH: &str = "/api/v1/plugins";

#[tokio::test]
async fn a_plugin_shows_what_is_live() {
    let api = Api::new();
    let deployment = api.deploy("greeter", b"v1", &["greeter.greet", "greeter.bye"]);
    let plugin = api.get("/api/v1/plugins/greeter").await.is(200);
    assert_eq!(plugin.header("etag"), "\"1\"");
    assert_eq!(
        (plugin.text("kind"), plugin.text("version"), plugin.text("state")),
        ("bus", "1.0.0", "active")
    );
    assert_eq!(plugin.text("digest"), Digest::of(b"v1").to_string());
    assert_eq!(plugin.json["services"], json!(["greeter.greet", "greeter.bye"]));
    assert_eq!((&plugin.json["invokes"], &plugin.json["secrets"]), (&json!(["other"]), &json!(["pay-key"])));
    assert_eq!(plugin.json["imports"], json!(["busbar:bus/log@0.1.0"]));
    assert_eq!((&plugin.json["grants"], &plugin.json["config"]), (&Value::Null, &json!({})));
    assert_eq!(plugin.json["deployment_href"], format!("/api/v1/deployments/{}", deployment.id));
    assert_eq!(plugin.json["href"], "/api/v1/plugins/greeter");
    let listed = api.get(PATH).await.is(200);
    assert_eq!(listed.json["items"], json!([plugin.json]));
    for name in ["none", "No", "%ff"] {
        api.get(&format!("{PATH}/{name}")).await.refused(404, "not-found");
    }
}

#[tokio::test]
async fn a_quarantined_plugin_says_so_and_is_released() {
    let api = Api::new();
    api.deploy("p", b"v1", &["p"]);
    let (uri, release) = ("/api/v1/plugins/p", "/api/v1/plugins/p/release");
    assert_eq!(api.get(uri).await.is(200).json["quarantine"], Value::Null);
    api.post_empty(release).await.refused(409, "not-quarantined");
    api.post_empty("/api/v1/plugins/none/release").await.refused(404, "not-found");
    for id in ["1", "2", "3"] {
        let death = Death {
            id: id.to_owned(),
            at: now(),
            server: "one".to_owned(),
            cause: "SIGILL".to_owned(),
            present: vec![Digest::of(b"v1")],
            running: None,
        };
        api.odb.record_death(&by(), &death).unwrap();
    }
    let plugin = api.get(uri).await.is(200);
    assert_eq!((plugin.text("state"), plugin.header("etag")), ("quarantined", "\"2\""));
    let quarantine = &plugin.json["quarantine"];
    assert!(quarantine["reason"].as_str().unwrap().contains("SIGILL"), "{quarantine}");
    assert!(quarantine["since"].as_str().unwrap().ends_with('Z'), "{quarantine}");
    // It is still the one that is deployed.
    assert_eq!(api.get("/api/v1/plugins?active=true").await.names(), ["p"]);
    let hints = api.hints();
    let released = api.post_empty(release).await.is(200);
    assert_eq!((released.text("state"), released.header("etag")), ("active", "\"3\""));
    assert_eq!(api.hints(), hints + 1);
    assert_eq!(
        api.get("/api/v1/audit?action=quarantine").await.is(200).json["items"][0]["object"]["name"],
        "p"
    );
}

#[tokio::test]
async fn lists_are_narrowed_by_name() {
    let api = Api::new();
    for plugin in ["a", "b"] {
        api.deploy(plugin, plugin.as_bytes(), &[]);
    }
    assert_eq!(api.get(PATH).await.names(), ["b", "a"]);
    assert_eq!(api.get("/api/v1/plugins?name=a").await.names(), ["a"]);
    assert_eq!(api.get("/api/v1/plugins?name=c").await.is(200).names(), [""; 0]);
    api.post_empty("/api/v1/plugins/a/recall").await.is(202);
    assert_eq!(api.get("/api/v1/plugins?active=true").await.names(), ["b"]);
    assert_eq!(api.get("/api/v1/plugins?active=false").await.names(), ["a"]);
    api.get("/api/v1/plugins?active=1").await.invalid_at("/active", &["\"1\"", "true or false"]);
}

#[tokio::test]
async fn grants_are_set_and_unset() {
    let api = Api::new();
    api.deploy("p", b"v1", &[]);
    let uri = "/api/v1/plugins/p/grants";
    assert_eq!(api.get(uri).await.is(200).json, Value::Null);
    let set = api.put(uri, json!({"invoke": ["a.b", "mailer.*"]})).await.is(200);
    let whole = json!({"invoke": ["a.b", "mailer.*"], "secrets": [], "connections": [], "dictionaries": []});
    assert_eq!((set.header("etag"), &set.json), ("\"2\"", &whole));
    assert_eq!(api.get("/api/v1/plugins/p").await.json["grants"], set.json);
    api.put(uri, json!({"invoke": ["ok", "a*b"]})).await.invalid_at("/invoke/1", &["\"a*b\""]);
    api.put(uri, json!({"invoke": "a"})).await.invalid_at("/invoke", &["\"a\""]);
    api.put(uri, json!({"secrets": ["ok", "a*b"]})).await.invalid_at("/secrets/1", &["\"a*b\""]);
    api.put(uri, json!({"secret": []})).await.invalid_at("/secret", &["`invoke`", "`secrets`"]);
    api.put(uri, json!([])).await.invalid_at("", &["object"]);
    api.send_if("PUT", uri, "\"1\"", json!({})).await.refused(412, "precondition-failed");
    let set = api.put(uri, json!({"secrets": ["pay-key", "mail.*"]})).await.is(200);
    assert_eq!(
        set.json,
        json!({"invoke": [], "secrets": ["pay-key", "mail.*"], "connections": [], "dictionaries": []})
    );
    api.put(uri, Value::Null).await.is(200);
    assert_eq!(api.get(uri).await.is(200).json, Value::Null);
    api.put("/api/v1/plugins/none/grants", json!({})).await.refused(404, "not-found");
    assert_eq!(api.hints(), 3);
}

#[tokio::test]
async fn config_is_an_object_of_bounded_size() {
    let api = Api::new();
    api.deploy("p", b"v1", &[]);
    let uri = "/api/v1/plugins/p/config";
    assert_eq!(api.get(uri).await.is(200).json, json!({}));
    let set = api.put(uri, json!({"greeting": "hi", "n": [1, null]})).await.is(200);
    assert_eq!(set.json, json!({"greeting": "hi", "n": [1, null]}));
    assert_eq!(api.get(uri).await.json, set.json);
    api.put(uri, json!(["x"])).await.invalid_at("", &["object"]);
    let large = api.put(uri, json!({"x": "y".repeat(64 * 1024)})).await.refused(413, "too-large");
    assert!(large.text("detail").contains("65536"));
    api.send_if("PUT", uri, "\"1\"", json!({})).await.refused(412, "precondition-failed");
}

#[tokio::test]
async fn going_back_is_a_deployment() {
    let api = Api::new();
    api.deploy("p", b"v1", &["p"]);
    api.post_empty("/api/v1/plugins/p/rollback").await.refused(409, "nothing-to-roll-back-to");
    api.deploy("p", b"v2", &["p"]);
    api.deploy("p", b"v3", &["p"]);
    let back = api.post_empty("/api/v1/plugins/p/rollback").await.is(202);
    assert_eq!(back.header("location"), back.text("href"));
    assert_eq!((back.text("state"), back.text("source")), ("validated", "rollback"));
    assert_eq!(back.text("digest"), Digest::of(b"v2").to_string());
    assert_eq!(api.get(back.header("location")).await.is(200).json, back.json);

    let uri = "/api/v1/plugins/p/rollback";
    let named = api.post(uri, json!({"digest": Digest::of(b"v1").to_string()})).await.is(202);
    assert_eq!(named.text("digest"), Digest::of(b"v1").to_string());
    api.post(uri, json!({"digest": "v1"})).await.invalid_at("/digest", &["\"v1\"", "sha256:"]);
    api.post(uri, json!({"to": "v1"})).await.invalid_at("/to", &["digest"]);
    let unknown = json!({"digest": Digest::of(b"v9").to_string()});
    api.post(uri, unknown).await.refused(409, "nothing-to-roll-back-to");
    api.post_empty("/api/v1/plugins/none/rollback").await.refused(404, "not-found");
    api.post_empty("/api/v1/plugins/No/rollback").await.refused(404, "not-found");
}

#[tokio::test]
async fn a_recalled_plugin_keeps_its_services() {
    let api = Api::new();
    let deployment = api.deploy("p", b"v1", &["p.a"]);
    let recalled = api.post_empty("/api/v1/plugins/p/recall").await.is(202);
    assert_eq!((recalled.text("id"), recalled.text("state")), (deployment.id.as_str(), "recalled"));
    assert_eq!(recalled.header("location"), format!("/api/v1/deployments/{}", deployment.id));
    let plugin = api.get("/api/v1/plugins/p").await.is(200);
    assert_eq!((plugin.text("state"), &plugin.json["digest"]), ("recalled", &Value::Null));
    assert_eq!(plugin.json["services"], json!(["p.a"]));
    assert_eq!((plugin.text("kind"), plugin.text("version")), ("bus", "1.0.0"));
    assert_eq!(plugin.json["imports"], json!(["busbar:bus/log@0.1.0"]));
    let service = api.get("/api/v1/services/p.a").await.is(200);
    assert_eq!((service.text("state"), service.text("summary")), ("recalled", "Does things."));
    assert_eq!(service.json["input_schema"], json!({"type": "object"}));
    assert_eq!(service.json["limits"]["calls_per_instance"], 7);
    api.post_empty("/api/v1/plugins/p/recall").await.refused(409, "not-active");
    assert!(recalled.text("created_at") < now().to_string().as_str());
}

#[tokio::test]
async fn a_plugin_is_deleted_once_nobody_uses_it() {
    let api = Api::new();
    api.deploy("p", b"v1", &["some-service"]);
    let channel = api.channel("c", "/c").await;
    let uri = "/api/v1/plugins/p";
    let used = api.delete(uri).await.refused(409, "in-use");
    for user in ["its active version 1.0.0", "channel \"c\""] {
        assert!(used.text("detail").contains(user), "{}", used.json);
        let message = json!({"path": "", "message": format!("{user} uses it")});
        assert!(used.json["errors"].as_array().unwrap().contains(&message), "{}", used.json);
    }
    api.post_empty("/api/v1/plugins/p/recall").await.is(202);
    api.delete(uri).await.refused(409, "in-use");
    api.delete(channel.text("href")).await.is(204);
    api.send_if("DELETE", uri, "\"1\"", json!(null)).await.refused(412, "precondition-failed");
    api.delete(uri).await.is(204);
    api.get(uri).await.refused(404, "not-found");
    api.get("/api/v1/services/some-service").await.refused(404, "not-found");
    api.delete(uri).await.refused(404, "not-found");
}
