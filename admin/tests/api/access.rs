//! Who gets in, and what every reply has.

use axum::{body::Body, http::Request};
use serde_json::json;

use crate::fixture::{Api, Reply, request};

const OPEN: [&str; 4] = ["/_busbar/live", "/_busbar/ready", "/_busbar/ping", "/api/v1/openapi.json"];

async fn bare(api: &Api, headers: &[(&str, &str)], uri: &str) -> Reply {
    let mut request = Request::builder().uri(uri);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    api.send(request.body(Body::empty()).unwrap()).await
}

#[tokio::test]
async fn nobody_gets_in_without_the_token() {
    let api = Api::new();
    let paths = ["/api/v1/channels", "/api/v1/security/x", "/api/v1/nothing", "/"];
    for uri in paths {
        for headers in [&[][..], &[("authorization", "Bearer wrong")], &[("authorization", "Basic eDp5")]] {
            let refused = bare(&api, headers, uri).await.refused(401, "unauthenticated");
            assert!(refused.header("www-authenticate").starts_with("Bearer"));
        }
    }
    for uri in OPEN {
        assert!(!bare(&api, &[], uri).await.is(200).header("x-correlation-id").is_empty());
    }
    assert_eq!(bare(&api, &[], "/_busbar/ping").await.json, json!({"status": "ok"}));
    let mut settings = crate::fixture::settings();
    settings.0.token.clear();
    assert!(busbar_admin::router(settings.0).is_err());
}

#[tokio::test]
async fn unknown_addresses_and_wrong_methods_are_told_apart() {
    let api = Api::new();
    for uri in ["/", "/api/v1/nothing", "/api/v1/channels/", "/api/v1/channels/a/b", "/api/v2/channels"] {
        api.get(uri).await.refused(404, "not-found");
    }
    for (method, uri, allow) in [
        ("PUT", "/api/v1/channels", &["GET", "POST"][..]),
        ("POST", "/api/v1/channels/x", &["GET", "PATCH", "DELETE"]),
        ("GET", "/api/v1/plugins/x/recall", &["POST"]),
        ("PUT", "/api/v1/plugins/x", &["GET", "DELETE"]),
        ("POST", "/metrics", &["GET"]),
        ("POST", "/api/v1/openapi.json", &["GET"]),
    ] {
        let refused = api.send_json(method, uri, json!({})).await.refused(405, "method-not-allowed");
        for method in allow {
            assert!(refused.header("allow").contains(method), "{uri}: {}", refused.header("allow"));
        }
    }
    for (uri, allow) in [("/api/v1/channels", "GET,HEAD,POST"), ("/api/v1/plugins/x/recall", "POST")] {
        let options = api.send(request("OPTIONS", uri).body(Body::empty()).unwrap()).await.is(204);
        assert_eq!((options.header("allow"), &options.json), (allow, &json!(null)));
    }
    let head = async |uri: &str| api.send(request("HEAD", uri).body(Body::empty()).unwrap()).await;
    head("/api/v1/channels").await.is(200);
    for uri in ["/api/v1/channels/none", "/nothing"] {
        let refused = head(uri).await.is(404);
        assert_eq!(refused.header("content-type"), "application/problem+json");
        assert!(!refused.header("x-correlation-id").is_empty());
    }
    for key in ["x".repeat(129), "%2F".to_owned(), "a%2Fb".to_owned(), "%00".to_owned(), "%C3%28".to_owned()]
    {
        for list in ["channels", "security", "plugins", "services", "deployments", "servers"] {
            let refused = api.get(&format!("/api/v1/{list}/{key}")).await.refused(404, "not-found");
            assert!(refused.text("detail").len() < 100, "{}", refused.json);
        }
    }
    api.channel("percent", "/p").await;
    api.deploy("greeter", b"1", &["greeter.greet"]);
    api.get("/api/v1/services/%67reeter%2Egreet").await.is(200);
}

#[tokio::test]
async fn bodies_that_are_no_json_are_refused() {
    let api = Api::new();
    let post = async |kind: &str, body: &str| {
        let request = request("POST", "/api/v1/channels").header("content-type", kind);
        api.send(request.body(body.to_owned().into()).unwrap()).await
    };
    let json = "application/json; charset=utf-8";
    post(json, "{\"a\":").await.invalid_at("", &["not JSON", "line 1"]);
    post(json, "[]").await.invalid_at("", &["object"]);
    post(json, "").await.invalid_at("", &["empty"]);
    post("text/plain", "{}").await.refused(415, "unsupported-media-type");
    post("application/merge-patch+json", "{}").await.invalid_at("/path", &["required"]);
    let large = format!("{{\"name\": \"{}\"}}", "x".repeat(1024 * 1024));
    post(json, &large).await.refused(413, "too-large");
}

#[tokio::test]
async fn development_mode_answers_to_this_machine_only() {
    let api = Api::with(|settings| settings.development = true);
    for host in ["localhost:8183", "127.0.0.1", "[::1]:1"] {
        bare(&api, &[("host", host)], "/_busbar/ping").await.is(200);
    }
    for headers in [&[][..], &[("host", "example.org")], &[("host", "localhost"), ("host", "example.org")]] {
        for uri in ["/_busbar/ping", "/api/v1/channels", "/metrics"] {
            bare(&api, headers, uri).await.refused(421, "misdirected");
        }
    }
    bare(&api, &[("host", "localhost")], "http://example.org/_busbar/ping").await.refused(421, "misdirected");
    let api = Api::new();
    bare(&api, &[("host", "example.org")], "/_busbar/ping").await.is(200);
}

#[tokio::test]
async fn a_callers_correlation_id_is_kept_in_development_mode_only() {
    let given = [("host", "localhost"), ("x-correlation-id", "mine.1-2_3")];
    let api = Api::with(|settings| settings.development = true);
    let kept = bare(&api, &given, "/api/v1/channels").await.refused(401, "unauthenticated");
    assert_eq!(kept.header("x-correlation-id"), "mine.1-2_3");
    let forged = [("host", "localhost"), ("x-correlation-id", "a b")];
    let made = bare(&api, &forged, "/_busbar/ping").await;
    assert_eq!(made.header("x-correlation-id").len(), 32);
    let api = Api::new();
    assert_ne!(bare(&api, &given, "/_busbar/ping").await.header("x-correlation-id"), "mine.1-2_3");
}
