//! `/api/v1/balancer`.

use serde_json::{Value, json};

use crate::fixture::{Api, now, server};

const PATH: &str = "/api/v1/balancer";

#[tokio::test]
async fn servers_are_balanced_as_people_say() {
    let api = Api::new();
    let addressed = |name: &str, address: &str| {
        // The one that was heard of last is meant.
        let heard = now().plus_ms(if name == "twice" { -5_000 } else { 0 });
        let mut server = server(name, heard, &[]);
        server.standing.address = Some(address.to_owned());
        api.odb.heartbeat(&server, 10_000).unwrap();
    };
    addressed("a", "10.0.0.1:17010");
    addressed("b", "10.0.0.2:17010");
    addressed("twice", "10.0.0.1:17010");
    addressed("wrong", "no address");
    let mut nowhere = server("nowhere", now(), &[]);
    nowhere.standing.address = None;
    api.odb.heartbeat(&nowhere, 10_000).unwrap();
    api.post("/api/v1/servers/b/drain", json!({})).await.is(200);
    assert_eq!(api.patch("/api/v1/servers/b", json!({"weight": 7})).await.is(200).json["weight"], 7);
    let seen = api.get(PATH).await.is(200);
    assert_eq!(
        seen.json["servers"],
        json!([
            {"name": "a", "address": "10.0.0.1:17010", "weight": 100, "wanted": "ready"},
            {"name": "b", "address": "10.0.0.2:17010", "weight": 7, "wanted": "drain"},
        ])
    );
    let state = api.get("/api/v1/balancer/state").await.is(200);
    let state: busbar_lb_config::State = serde_json::from_value(state.json).unwrap();
    assert_eq!(state.version(), api.odb.head().unwrap().version);
    assert_eq!(state.servers().len(), 2);
    api.patch("/api/v1/servers/b", json!({"weight": 257})).await.invalid_at("/weight", &["0 to 256"]);
    api.patch("/api/v1/servers/none", json!({"weight": 1})).await.refused(404, "not-found");
}

#[tokio::test]
async fn how_they_balance_is_said_once() {
    let api = Api::new();
    let begun = api.get(PATH).await.is(200);
    assert_eq!(
        (&begun.json["settings"]["algorithm"], &begun.json["settings"]["retries"]),
        (&json!("roundrobin"), &json!(3))
    );
    assert_eq!(begun.json["settings"]["front_end"], Value::Null, "of each host");
    let set = api.put(PATH, json!({"algorithm": "leastconn", "health": {"interval_ms": 500}})).await.is(200);
    assert_eq!(set.json["settings"]["health"]["fall"], 2, "what is not named has its default");
    assert_eq!(set.json["settings"]["algorithm"], "leastconn");
    let state = api.get("/api/v1/balancer/state").await.is(200);
    assert_eq!(state.json["settings"]["health"]["interval_ms"], 500);
    api.put(PATH, json!({"algorithm": "fair"})).await.invalid_at("/algorithm", &["roundrobin", "leastconn"]);
    api.put(PATH, json!({"retries": 99})).await.invalid_at("/retries", &["99", "10"]);
    api.put(PATH, json!({"colour": 1})).await.invalid_at("/colour", &["colour"]);
    api.put(PATH, json!({"timeouts": [1, 2]})).await.invalid_at("/timeouts", &["an object"]);
    assert_eq!(api.put(PATH, json!({"retries": 2.0})).await.is(200).json["settings"]["retries"], 2);
    api.put(PATH, json!({"algorithm": "leastconn"})).await.is(200);
    api.put(PATH, json!({"front_end": []})).await.invalid_at("/front_end", &["busbar.toml"]);
    let slower = json!({"health": {"interval_ms": 200, "fast_interval_ms": 300}});
    api.put(PATH, slower).await.refused(409, "balancer-conflict");
    assert_eq!(api.get(PATH).await.json["settings"]["algorithm"], "leastconn");
}

#[tokio::test]
async fn agents_say_how_they_do() {
    let api = Api::new();
    let report = json!({"agent": "lb-1", "at": 1, "applied": null, "wanted_version": 4,
        "standing": {"state": "waiting"}, "haproxy": null, "servers": [], "findings": [], "restarts": 0});
    let said = |agent: &str| json!({"agent": agent, "report": report});
    api.post("/api/v1/balancer/reports", said("lb-1")).await.is(204);
    let seen = api.get(PATH).await.is(200);
    assert_eq!(
        (&seen.json["agents"][0]["name"], &seen.json["agents"][0]["report"]),
        (&json!("lb-1"), &report)
    );
    api.post("/api/v1/balancer/reports", said("a b\n")).await.invalid_at("/agent", &["a b"]);
    api.post("/api/v1/balancer/reports", json!({"agent": "lb-1"})).await.invalid_at("", &["missing"]);
}
