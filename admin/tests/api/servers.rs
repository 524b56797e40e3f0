//! `/api/v1/servers`.

use busbar_model::Digest;
use serde_json::json;

use crate::fixture::{Api, now, server};

#[tokio::test]
async fn servers_show_what_they_reported_and_whether_they_live() {
    let api = Api::new();
    api.odb.heartbeat(&server("a", now().plus_ms(-20_000), &[])).unwrap();
    api.odb.heartbeat(&server("b", now(), &[("p", Digest::of(b"v1"))])).unwrap();
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
