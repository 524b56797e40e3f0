//! Plain `wasi:http` components call others through the connections of the bus, which they know nothing of.

use busbar_tests::{Peer, Quickstart};
use serde_json::json;

async fn fetch(bus: &Quickstart, target: &str) -> String {
    bus.http().get(&format!("/hostile-http/fetch?{target}")).await.expect_status(200).text().to_owned()
}

#[tokio::test]
async fn a_plain_component_reaches_what_a_granted_connection_leads_to() {
    let (bus, peer) = tokio::join!(Quickstart::start(&["hostile-http"]), Peer::start());
    let authority = peer.address().to_string();
    let at = |path: &str| format!("http|{authority}|{path}");
    assert_eq!(fetch(&bus, &at("!v1!a")).await, "error ErrorCode::HttpRequestDenied");
    let body = json!({"name": "api", "kind": "http", "base_url": format!("{}/v1", peer.url()), "allow": ["127.0.0.1"],
        "auth": {"kind": "bearer"}, "password": "t0ken"});
    bus.admin("POST", "/connections", Some(&body)).await.expect(201);
    bus.settle().await;
    let told = fetch(&bus, &at("!v1!a?b=c")).await;
    assert!(told.starts_with("200 GET /v1/a?b=c HTTP/1.1\r\n"), "{told}");
    assert!(
        told.to_ascii_lowercase().contains("authorization: bearer t0ken"),
        "the connection's own: {told}"
    );
    let large = fetch(&bus, &at("!v1!..!large")).await;
    assert!(large.starts_with("error"), "{large}");
    for elsewhere in
        [at("!v10!a"), at("!"), format!("https|{authority}|!v1!a"), "http|127.0.0.1:1|!v1!a".to_owned()]
    {
        assert_eq!(fetch(&bus, &elsewhere).await, "error ErrorCode::HttpRequestDenied", "{elsewhere}");
    }
    bus.admin("PUT", "/plugins/hostile-http/grants", Some(&json!({"connections": ["other"]})))
        .await
        .expect(200);
    bus.settle().await;
    assert_eq!(fetch(&bus, &at("!v1!a")).await, "error ErrorCode::HttpRequestDenied");
    assert_eq!(peer.count("/v1"), 1);
}
