//! `/api/v1/deployments`.

use axum::body::Body;
use busbar_model::{Digest, bounds::PLUGIN_BYTES_MAX};
use serde_json::{Value, json};

use crate::fixture::{Api, by, now, request, server};

const PATH: &str = "/api/v1/deployments";

#[tokio::test]
async fn a_file_is_received() {
    let api = Api::new();
    let made = api.upload("?name=My%20Plugin.wasm", b"any bytes").await.is(202);
    assert_eq!(made.header("location"), made.text("href"));
    assert_eq!((made.text("plugin"), made.text("state")), ("my-plugin", "received"));
    assert_eq!((made.text("source"), made.text("actor")), ("api", "admin"));
    assert_eq!(made.text("digest"), Digest::of(b"any bytes").to_string());
    assert_eq!((&made.json["reason"], &made.json["activated_at"]), (&Value::Null, &Value::Null));
    assert_eq!(made.json["servers"], json!([]));
    assert_eq!(api.get(made.header("location")).await.is(200).json, made.json);
    assert_eq!(api.odb.artifact(&Digest::of(b"any bytes")).unwrap(), b"any bytes");
    assert_eq!(api.hints(), 1);
    api.odb.fail(&by(), made.text("id"), "it is no component").unwrap();
    let failed = api.get(made.header("location")).await.is(200);
    assert_eq!((failed.text("state"), failed.text("reason")), ("failed", "it is no component"));
    api.get("/api/v1/deployments/none").await.refused(404, "not-found");
}

#[tokio::test]
async fn a_file_is_forced_only_if_that_is_said() {
    let api = Api::new();
    for (query, forced) in [("?name=a", false), ("?name=b&force=false", false), ("?name=c&force=true", true)]
    {
        let made = api.upload(query, query.as_bytes()).await.is(202);
        assert_eq!(made.json["forced"], forced, "{query}");
        assert_eq!(api.get(made.header("location")).await.is(200).json["forced"], forced, "{query}");
    }
    let listed = api.get(PATH).await.is(200);
    let forced: Vec<&Value> = listed.json["items"].as_array().unwrap().iter().map(|d| &d["forced"]).collect();
    assert_eq!(forced, [true, false, false]);
}

#[tokio::test]
async fn what_is_live_already_makes_nothing_new() {
    let api = Api::new();
    let live = api.deploy("p", b"v1", &[]);
    let again = api.upload("?name=p", b"v1").await.is(202);
    assert_eq!((again.text("id"), again.text("state")), (live.id.as_str(), "active"));
    assert_eq!(again.header("location"), format!("{PATH}/{}", live.id));
    assert_eq!(api.get(PATH).await.json["items"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn what_is_no_upload_is_refused() {
    let api = Api::new();
    api.upload("", b"x").await.invalid_at("/name", &["required"]);
    api.upload("?name=.wasm", b"x").await.invalid_at("/name", &["not valid"]);
    api.upload("?name=a&forced=1", b"x").await.invalid_at("/forced", &["allowed is name, force"]);
    api.upload("?name=a&force=1", b"x").await.invalid_at("/force", &["\"1\"", "true or false"]);
    api.upload("?name=a", b"").await.invalid_at("", &["empty"]);
    let json = request("POST", "/api/v1/deployments?name=a").header("content-type", "application/json");
    let refused = api.send(json.body("{}".into()).unwrap()).await;
    let detail = refused.refused(415, "unsupported-media-type").text("detail").to_owned();
    assert!(detail.contains("application/json") && detail.contains("application/wasm"), "{detail}");
    let large = vec![0; usize::try_from(PLUGIN_BYTES_MAX).unwrap() + 1];
    let large = api.upload("?name=a", &large).await.refused(413, "too-large");
    assert!(large.text("detail").contains(&PLUGIN_BYTES_MAX.to_string()));
    // The same without a length in front.
    let chunk = bytes::Bytes::from(vec![0; 1024 * 1024]);
    let chunks = (0..65).map(move |_| Ok::<_, std::io::Error>(chunk.clone()));
    let body = Body::from_stream(futures_util::stream::iter(chunks));
    let streamed = request("POST", "/api/v1/deployments?name=a").body(body).unwrap();
    api.send(streamed).await.refused(413, "too-large");
    assert_eq!(api.hints(), 0);
}

#[tokio::test]
async fn each_server_and_worker_shows_what_it_runs() {
    let api = Api::new();
    let live = api.deploy("p", b"v1", &[]);
    for server in ["one", "two", "three"] {
        api.odb.prepared_on(&live.id, server, now(), 0).unwrap();
    }
    api.odb
        .heartbeat(&server("one", now(), &[("p", Digest::of(b"v1")), ("q", Digest::of(b"q"))]), 10_000)
        .unwrap();
    api.odb.heartbeat(&server("two", now().plus_ms(-20_000), &[("p", Digest::of(b"v1"))]), 10_000).unwrap();
    let seen = api.get(&format!("{PATH}/{}", live.id)).await.is(200);
    let digest = Digest::of(b"v1").to_string();
    assert_eq!(
        seen.json["servers"],
        json!([
            {"server": "here", "state": "prepared", "reason": null, "workers": []},
            {"server": "one", "state": "prepared", "reason": null,
             "workers": [{"pid": 4711, "digest": digest}, {"pid": 4712, "digest": null}]},
            {"server": "three", "state": "prepared", "reason": null, "workers": []},
            {"server": "two", "state": "prepared", "reason": null, "workers": []},
        ])
    );
    assert_eq!(api.get(PATH).await.json["items"][0], seen.json);
}

#[tokio::test]
async fn lists_are_narrowed_by_plugin_and_state() {
    let api = Api::new();
    api.deploy("p", b"v1", &[]);
    api.deploy("p", b"v2", &[]);
    api.upload("?name=q", b"q").await.is(202);
    let count = async |query: &str| {
        let reply = api.get(&format!("{PATH}?{query}")).await.is(200);
        reply.json["items"].as_array().unwrap().len()
    };
    assert_eq!((count("plugin=p").await, count("state=active").await), (2, 1));
    assert_eq!((count("plugin=q&state=received").await, count("plugin=none").await), (1, 0));
    let wrong = api.get(&format!("{PATH}?state=Active")).await;
    wrong.invalid_at("/state", &["\"Active\"", "received", "recalled"]);
}
