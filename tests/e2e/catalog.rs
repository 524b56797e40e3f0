//! Changes of definitions reach every worker without a restart, and the channels describe themselves.

use busbar_tests::{Quickstart, Request, poll};
use serde_json::json;

/// (32)
#[tokio::test]
async fn a_change_is_seen_by_every_worker() {
    let bus = Quickstart::start_with(busbar_tests::Options {
        services: vec!["echo", "greeter"],
        workers: 3,
        ..busbar_tests::Options::default()
    })
    .await;
    let workers = bus.workers().await;
    let get = Request::get("/changing");
    let seen = async |what: &str, status: u16| {
        bus.wait_everywhere(what, poll::CHANGE_BOUND, &get, |reply| reply.status == status).await;
    };
    let channel = bus.create_channel("changing", "/changing", "echo", json!({})).await;
    seen("a new channel", 200).await;
    bus.patch_channel(&channel["id"], &json!({"methods": ["POST"]})).await;
    seen("other methods", 405).await;
    bus.patch_channel(&channel["id"], &json!({"methods": [], "active": false})).await;
    seen("an inactive channel", 404).await;
    bus.patch_channel(&channel["id"], &json!({"active": true, "service": "not.there"})).await;
    seen("a service that is not there", 503).await;
    let (_, key) = bus.create_key("partner").await;
    bus.patch_channel(&channel["id"], &json!({"service": "echo", "security": "partner"})).await;
    seen("a closed channel", 401).await;
    bus.http().send(&get.clone().key(&key)).await.expect_status(200);
    bus.patch_channel(&channel["id"], &json!({"security": null})).await;
    seen("an open channel", 200).await;
    bus.patch_channel(&channel["id"], &json!({"path": "/changed"})).await;
    seen("another path", 404).await;
    let id = channel["id"].as_str().unwrap();
    bus.admin("DELETE", &format!("/channels/{id}"), None).await.expect_status(204);
    let changed = Request::get("/changed");
    bus.wait_everywhere("a deleted channel", poll::CHANGE_BOUND, &changed, |reply| reply.status == 404).await;
    assert_eq!(bus.workers().await, workers, "no worker was replaced");
    the_channels_are_described(&bus).await;
}

async fn the_channels_are_described(bus: &Quickstart) {
    bus.create_basic("people", "ada", "long-enough-1").await;
    let members = json!({"security": "people", "methods": ["POST"]});
    bus.create_channel("described", "/described/{name}", "greeter.greet", members).await;
    bus.create_channel("hidden", "/hidden", "echo", json!({"active": false})).await;
    bus.settle().await;
    let document = bus.http().get("/_busbar/openapi.json").await.expect(200);
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"), "{document}");
    let paths = document["paths"].as_object().unwrap();
    for path in ["/echo", "/greet", "/greet/{name}", "/described/{name}"] {
        assert!(paths.contains_key(path), "{path} is not described");
    }
    assert!(!paths.contains_key("/hidden"));
    let post = &paths["/greet"]["post"];
    assert!(post["requestBody"].is_object(), "{post}");
    let described = &paths["/described/{name}"];
    assert!(described.get("get").is_none(), "{described}");
    assert_eq!(described["post"]["parameters"][0]["name"], "name", "{described}");
    assert!(described["post"]["security"].is_array(), "{described}");
    assert!(document["components"]["securitySchemes"].is_object(), "{document}");
    every_reference_leads_somewhere(&document, &document);
}

fn every_reference_leads_somewhere(value: &serde_json::Value, document: &serde_json::Value) {
    match value {
        serde_json::Value::Object(members) => {
            if let Some(reference) = members.get("$ref").and_then(|text| text.as_str()) {
                let target = reference.strip_prefix('#').and_then(|pointer| document.pointer(pointer));
                assert!(target.is_some(), "{reference} leads nowhere");
            }
            members.values().for_each(|member| every_reference_leads_somewhere(member, document));
        }
        serde_json::Value::Array(items) => {
            items.iter().for_each(|item| every_reference_leads_somewhere(item, document))
        }
        _ => {}
    }
}
