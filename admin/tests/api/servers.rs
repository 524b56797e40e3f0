//! `/api/v1/servers`.

use busbar_model::Digest;
use serde_json::json;

use crate::fixture::{Api, now, server};

#[tokio::test]
async fn servers_show_what_they_reported_and_whether_they_live() {
    let api = Api::new();
    api.odb.heartbeat(&server("a", now().plus_ms(-20_000), &[]), 10_000).unwrap();
    api.odb.heartbeat(&server("b", now(), &[("p", Digest::of(b"v1"))]), 10_000).unwrap();
    let all = api.get("/api/v1/servers").await.is(200);
    assert_eq!(all.names(), ["b", "a"]);
    let (b, a) = (&all.json["items"][0], &all.json["items"][1]);
    assert_eq!((&b["live"], &a["live"]), (&json!(true), &json!(false)));
    assert_eq!((&b["engine"], &b["version"]), (&json!("engine-1"), &json!("0.1.0")));
    let worker = &b["workers"][0];
    assert_eq!(
        (&worker["slot"], &worker["pid"], &worker["state"]),
        (&json!(0), &json!(4711), &json!("ready"))
    );
    assert_eq!(worker["plugins"], json!({"p": Digest::of(b"v1").to_string()}));
    assert_eq!(worker["catalog_version"], 3);

    assert_eq!(&api.get("/api/v1/servers/id-of-b").await.is(200).json, b);
    assert_eq!(api.get("/api/v1/servers?name=a").await.names(), ["a"]);
    let page = api.get("/api/v1/servers?limit=1").await;
    assert_eq!(page.names(), ["b"]);
    let next = api.get(page.text("next")).await.is(200);
    assert_eq!((next.names(), &next.json["next"]), (vec!["a"], &json!(null)));
    api.get("/api/v1/servers/none").await.refused(404, "not-found");
}

#[tokio::test]
async fn servers_are_drained_and_take_work_again() {
    let api = Api::new();
    api.odb.heartbeat(&server("a", now(), &[]), 10_000).unwrap();
    let seen = api.get("/api/v1/servers/a").await.is(200);
    assert_eq!(
        (&seen.json["wanted"], &seen.json["condition"], &seen.json["address"]),
        (&json!("serve"), &json!("ready"), &json!("10.0.0.1:17010"))
    );
    let drained = api.post("/api/v1/servers/a/drain", json!({})).await.is(200);
    assert_eq!(drained.json["wanted"], "drain");
    assert_eq!(api.hints(), 1);
    let back = api.post("/api/v1/servers/id-of-a/resume", json!({})).await.is(200);
    assert_eq!(back.json["wanted"], "serve");
    let trail = api.get("/api/v1/audit").await.is(200);
    let done = |at: usize| {
        (trail.json["items"][at]["action"].clone(), trail.json["items"][at]["object"]["name"].clone())
    };
    assert_eq!((done(0), done(1)), ((json!("resume"), json!("a")), (json!("drain"), json!("a"))));
    api.post("/api/v1/servers/none/drain", json!({})).await.refused(404, "not-found");
}

#[tokio::test]
async fn a_server_is_forgotten_once_it_is_gone() {
    let api = Api::new();
    api.odb.heartbeat(&server("a", now(), &[]), 10_000).unwrap();
    api.odb.heartbeat(&server("b", now().plus_ms(-20_000), &[]), 10_000).unwrap();
    let refused = api.delete("/api/v1/servers/a").await.refused(409, "still-live");
    assert!(refused.text("detail").contains("drain"), "{refused:?}");
    api.delete("/api/v1/servers/b").await.is(204);
    assert_eq!(api.get("/api/v1/servers").await.names(), ["a"]);
    api.delete("/api/v1/servers/b").await.refused(404, "not-found");
}

#[tokio::test]
async fn the_cluster_tells_who_leads() {
    let api = Api::new();
    let cluster = api.get("/api/v1/cluster").await.is(200);
    assert_eq!((&cluster.json["leader"], &cluster.json["fence"]), (&json!(null), &json!(null)));
    assert_eq!(cluster.json["id"], api.odb.cluster_id().unwrap());
    api.odb.heartbeat(&server("a", now(), &[]), 10_000).unwrap();
    api.odb.heartbeat(&server("b", now().plus_ms(-20_000), &[]), 10_000).unwrap();
    let fence = api.odb.take_lease("id-of-a", None, now()).unwrap().unwrap();
    let cluster = api.get("/api/v1/cluster").await.is(200);
    let shown = ["leader", "fence", "live", "ready"].map(|key| cluster.json[key].clone());
    assert_eq!(shown, [json!("a"), json!(1), json!(1), json!(1)]);
    assert_eq!(api.get("/api/v1/servers/a").await.json["leads"], true);
    let seen = api.odb.lease().unwrap();
    api.odb.take_lease("id-of-b", seen.as_ref(), now()).unwrap().unwrap();
    assert_eq!(api.get("/api/v1/cluster").await.json["leader"], json!(null), "who has it is dead");
    assert!(api.odb.renew_lease(fence, now()).is_err());
}

#[tokio::test]
async fn servers_are_asked_how_they_are() {
    let api = Api::new();
    let asked = async |query: &str| api.get(&format!("/api/v1/cluster/status{query}")).await.is(200).json;
    let all = asked("").await;
    assert_eq!(all["broker"], "connected");
    assert_eq!(
        all["items"],
        json!([
            {"from": "a/17", "answered": true, "status": {"server": "a"}},
            {"from": "b/17", "answered": false, "status": null},
        ])
    );
    assert_eq!(asked("?server=b").await["items"][0]["status"]["server"], "b");
    assert_eq!(asked("?any=true").await["items"].as_array().unwrap().len(), 1);
    assert_eq!(asked("?server=gone").await["items"], json!([]));
    api.get("/api/v1/cluster/status?any=maybe").await.invalid_at("/any", &["true or false"]);
}
