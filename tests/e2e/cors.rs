//! Pages of other origins.

use busbar_tests::{Quickstart, Request};
use serde_json::json;

const APP: &str = "https://app.example";

fn preflight(origin: &str) -> Request {
    Request::new("OPTIONS", "/shop")
        .header("origin", origin)
        .header("access-control-request-method", "POST")
        .header("access-control-request-headers", "content-type,x-api-key")
}

#[tokio::test]
async fn a_page_of_an_allowed_origin_calls_a_guarded_channel() {
    let bus = Quickstart::start(&["faulty"]).await;
    let (_, key) = bus.create_key("partner").await;
    let made = ["channel", "create", "--name", "shop", "--path", "/shop", "--service", "faulty.custom"];
    let guarded = ["--security", "partner", "--method", "POST", "--cors-origin", APP];
    let headers = ["--cors-header", "content-type,x-api-key", "--cors-expose", "x-own", "--json"];
    let made = bus.cli(&[&made[..], &guarded, &headers].concat()).await;
    assert_eq!(made.expect(0).json()["cors"]["origins"], json!([APP]));
    bus.settle().await;

    let allowed = bus.http().send(&preflight(APP)).await;
    assert_eq!((allowed.status, allowed.body.len()), (204, 0));
    assert_eq!(allowed.header("access-control-allow-origin"), Some(APP));
    assert_eq!(allowed.header("access-control-allow-methods"), Some("POST"));
    assert_eq!(allowed.header("access-control-allow-headers"), Some("content-type, x-api-key"));
    assert_eq!(allowed.header("access-control-max-age"), Some("600"));
    assert!(allowed.header("vary").is_some_and(|vary| vary.contains("origin")), "{allowed}");
    let refused = bus.http().send(&preflight("https://evil.example")).await;
    assert_eq!((refused.status, refused.header("access-control-allow-origin")), (204, None));

    // The service would let everyone in; the bus's word counts.
    let custom =
        json!({"status": 200, "headers": {"access-control-allow-origin": "*", "x-own": "1"}, "body": "{}"});
    let post = Request::post("/shop").json(&custom);
    let from = |origin: &str| post.clone().header("origin", origin).header("x-api-key", &key);
    let reply = bus.http().send(&from(APP)).await;
    reply.expect_status(200);
    let origins: Vec<_> = reply.headers.get_all("access-control-allow-origin").iter().collect();
    assert_eq!(origins, [APP]);
    assert_eq!(reply.header("access-control-expose-headers"), Some("x-correlation-id, x-own"));
    let reply = bus.http().send(&from("https://evil.example")).await;
    assert_eq!((reply.status, reply.header("access-control-allow-origin")), (200, None));

    let fault = bus.http().send(&post.clone().header("origin", APP)).await;
    fault.problem(401, "unauthenticated");
    assert_eq!(fault.header("access-control-allow-origin"), Some(APP));
}
