//! REST channels: routing, input, replies, errors.

use busbar_tests::{Quickstart, Request, raw::Raw};
use bytes::Bytes;
use serde_json::{Value, json};

#[tokio::test]
async fn requests_are_answered_as_promised() {
    let bus = Quickstart::start(&["echo", "greeter", "faulty"]).await;
    own_addresses_answer(&bus).await;
    correlation_ids_are_made_kept_and_checked(&bus).await;
    echo_answers_in_the_documented_shape(&bus).await;
    unknown_paths_and_methods_are_told_apart(&bus).await;
    head_is_get_without_a_body(&bus).await;
    typed_services_answer_over_rest(&bus).await;
    bad_json_is_refused(&bus).await;
    a_reply_is_what_the_service_says(&bus).await;
    the_host_must_be_this_one(&bus).await;
}

/// (1)
async fn own_addresses_answer(bus: &Quickstart) {
    for path in ["/_busbar/ping", "/_busbar/live", "/_busbar/ready"] {
        let reply = bus.http().get(path).await;
        assert_eq!(reply.header("content-type"), Some("application/json"), "{path}");
        assert_eq!(reply.expect(200)["status"], "ok", "{path}");
    }
    assert_eq!(bus.http().get("/_busbar/ping").await.json(), json!({"status": "ok"}));
    bus.http().get("/_busbar/nothing").await.problem(404, "not-found");
}

/// (2)
async fn correlation_ids_are_made_kept_and_checked(bus: &Quickstart) {
    let first = bus.http().get("/echo").await;
    let second = bus.http().get("/echo").await;
    assert_ne!(first.correlation_id(), second.correlation_id());
    for own in ["a", "My.own_id-1", &"x".repeat(128)] {
        let reply = bus.http().send(&Request::get("/echo").header("x-correlation-id", own)).await;
        assert_eq!(reply.correlation_id(), own);
    }
    for bad in ["a b", "é", "a\"b", &"x".repeat(129)] {
        let reply = bus.http().send(&Request::get("/echo").header("x-correlation-id", bad)).await;
        assert_ne!(reply.correlation_id(), bad);
    }
    for path in ["/_busbar/ping", "/nowhere"] {
        assert!(!bus.http().get(path).await.correlation_id().is_empty(), "{path}");
    }
}

async fn echo_answers_in_the_documented_shape(bus: &Quickstart) {
    let request = Request::new("PATCH", "/echo?a=1&b=x%20y&a=2&c")
        .header("x-Mixed-Case", "one")
        .header("x-mixed-case", "two")
        .json(&json!({"n": [1, 2.5, null]}));
    let reply = bus.http().send(&request).await;
    assert_eq!(reply.header("content-type"), Some("application/json"));
    let echo = reply.expect(200);
    assert_eq!(echo["method"], "PATCH");
    assert_eq!(echo["path"], "/echo");
    assert_eq!(echo["params"], json!({}));
    assert_eq!(echo["query"], json!({"a": ["1", "2"], "b": ["x y"], "c": [""]}));
    assert_eq!(echo["headers"]["x-mixed-case"], json!(["one", "two"]));
    assert_eq!(echo["body"], json!({"n": [1, 2.5, null]}));

    let text = Request::post("/echo").header("content-type", "text/plain").body("plain");
    assert_eq!(bus.http().send(&text).await.expect(200)["body"], "plain");
    assert_eq!(bus.http().get("/echo").await.expect(200)["body"], Value::Null);
    let binary = Request::post("/echo").body(Bytes::from_static(b"\xff\xfe"));
    assert_eq!(bus.http().send(&binary).await.expect(200)["body"], Value::Null);
}

/// (4, 5)
async fn unknown_paths_and_methods_are_told_apart(bus: &Quickstart) {
    for path in ["/no-such-path-here", "/echo/no-such-path-here", "/", "/ECHO", "/echo/"] {
        let reply = bus.http().get(path).await;
        reply.problem(404, "not-found");
        assert!(!reply.text().contains("no-such-path-here"), "{reply}");
    }
    let reply = bus.http().send(&Request::new("DELETE", "/greet")).await;
    reply.problem(405, "method-not-allowed");
    assert_eq!(reply.header("allow"), Some("POST"));
    let reply = bus.http().send(&Request::post("/greet/Ada")).await;
    reply.problem(405, "method-not-allowed");
    let allow = reply.header("allow").unwrap_or_default();
    assert!(allow.split(", ").any(|method| method == "GET"), "{allow}");
    assert!(!allow.contains("POST"), "{allow}");
}

async fn head_is_get_without_a_body(bus: &Quickstart) {
    let mut raw = Raw::connect(bus.http().authority()).await;
    let (head, then) = (
        "HEAD /greet/Ada HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "GET /_busbar/ping HTTP/1.1\r\nHost: localhost\r\n\r\n",
    );
    raw.write(head).await;
    let first = raw.read_until("\r\n\r\n").await;
    assert!(first.starts_with("HTTP/1.1 200 "), "{first}");
    assert!(first.to_ascii_lowercase().contains("content-type: application/json"), "{first}");
    // Had the first reply a body, it would stand before the second one.
    raw.write(then).await;
    let (second, body) = raw.read_reply().await;
    assert!(second.starts_with("HTTP/1.1 200 "), "{second}");
    assert_eq!(body, r#"{"status":"ok"}"#);
}

async fn typed_services_answer_over_rest(bus: &Quickstart) {
    assert_eq!(bus.http().get("/greet/Ada").await.expect(200), json!({"greeting": "Hello, Ada!"}));
    assert_eq!(
        bus.http().get("/greet/Ada?language=de").await.expect(200),
        json!({"greeting": "Hallo, Ada!"})
    );
    let post = Request::post("/greet").json(&json!({"name": "Ada", "language": "fr"}));
    assert_eq!(bus.http().send(&post).await.expect(200), json!({"greeting": "Bonjour, Ada!"}));
    // The content type is not asked for: a typed service takes JSON only.
    let post = Request::post("/greet").body(r#"{"name":"Bob"}"#);
    assert_eq!(bus.http().send(&post).await.expect(200), json!({"greeting": "Hello, Bob!"}));
    let problem = bus.http().get("/greet/Ada?language=xx").await.problem(400, "language-unknown");
    assert_eq!(problem["errors"][0]["path"], "/language");
}

/// (9)
async fn bad_json_is_refused(bus: &Quickstart) {
    for bad in ["{", "{\"name\": }", "not json", "\"text\"", "[1]", "\u{0}"] {
        let reply = bus
            .http()
            .send(&Request::post("/greet").header("content-type", "application/json").body(bad))
            .await;
        let problem = reply.problem(400, "invalid-input");
        assert!(!problem["errors"].as_array().unwrap().is_empty(), "{bad}: {problem}");
        assert!(
            problem["errors"][0]["path"].is_string() && problem["errors"][0]["message"].is_string(),
            "{problem}"
        );
    }
    let missing = bus.http().send(&Request::post("/greet").json(&json!({}))).await;
    let problem = missing.problem(400, "invalid-input");
    assert!(problem["errors"][0]["message"].as_str().unwrap().contains("name"), "{problem}");
    let wrong = bus.http().send(&Request::post("/greet").json(&json!({"name": 7}))).await;
    assert_eq!(wrong.problem(400, "invalid-input")["errors"][0]["path"], "/name");
}

/// (11)
async fn a_reply_is_what_the_service_says(bus: &Quickstart) {
    let custom = json!({
        "status": 201,
        "headers": {"x-own": "yes", "location": "/orders/7", "content-length": "3", "connection": "close"},
        "body": "<made/>",
        "content_type": "application/xml",
    });
    let reply = bus.invoke("faulty.custom", &custom).await;
    assert_eq!((reply.status, reply.text()), (201, "<made/>"));
    assert_eq!(reply.header("content-type"), Some("application/xml"));
    assert_eq!((reply.header("x-own"), reply.header("location")), (Some("yes"), Some("/orders/7")));
    assert_eq!(reply.header("content-length"), Some("7"));
    let reply = bus.invoke("faulty.custom", &json!({"status": 204})).await;
    assert_eq!((reply.status, reply.body.len()), (204, 0));
    let reply = bus.invoke("faulty.custom", &json!({"status": 418, "body": "tea"})).await;
    assert_eq!((reply.status, reply.text()), (418, "tea"));
    for odd in [100, 199, 600, 999, 0] {
        let reply = bus.invoke("faulty.custom", &json!({"status": odd, "body": "x"})).await;
        reply.problem(500, "failed");
    }
}

async fn the_host_must_be_this_one(bus: &Quickstart) {
    for (client, path) in
        [(bus.http(), "/echo"), (bus.http(), "/_busbar/ping"), (bus.admin_client(), "/api/v1/channels")]
    {
        for good in
            ["localhost", "localhost:1", "127.0.0.1:99", "127.0.0.1", "[::1]", "[::1]:8080", "LOCALHOST"]
        {
            let reply = client.send(&Request::get(path).bearer(bus.token()).header("host", good)).await;
            assert_eq!(reply.status, 200, "{path} with Host {good}: {reply}");
        }
        for bad in ["example.com", "localhost.example.com", "127.0.0.1.example.com:80", "10.0.0.1", "[::2]"] {
            let reply = client.send(&Request::get(path).bearer(bus.token()).header("host", bad)).await;
            reply.problem(421, "misdirected");
        }
    }
}

/// (13) Body, then query, then path: the later wins; texts take the schema's types.
#[tokio::test]
async fn path_query_and_body_become_one_input() {
    let bus = Quickstart::start(&["faulty"]).await;
    let body =
        json!({"id": 1, "ratio": 0.5, "active": false, "numbers": [9], "note": "body", "colour": "red"});
    let post = Request::post("/types/3?id=2&note=query&active=true").json(&body);
    let merged = bus.http().send(&post).await.expect(200);
    assert_eq!(merged["id"], 3, "the path beats the query");
    assert_eq!(
        (&merged["note"], &merged["active"]),
        (&json!("query"), &json!(true)),
        "the query beats the body"
    );
    assert_eq!(
        (&merged["ratio"], &merged["numbers"]),
        (&json!(0.5), &json!([9])),
        "the body holds where nothing else is"
    );

    let all = "/types/-7?ratio=2.5e1&active=true&numbers=1&numbers=-2&note=12&colour=blue";
    let expected =
        json!({"id": -7, "ratio": 25.0, "active": true, "numbers": [1, -2], "note": "12", "colour": "blue"});
    assert_eq!(bus.http().get(all).await.expect(200), expected);
    let decoded = "/types/1?ratio=1&active=true&numbers=1&note=a%2Bb+c%26d&colour=blue&unknown=x";
    assert_eq!(bus.http().get(decoded).await.expect(200)["note"], "a+b c&d", "unknown members are not taken");

    for (path, member) in [
        ("/types/x?ratio=1&active=true&numbers=1&colour=red", "/id"),
        ("/types/1.5?ratio=1&active=true&numbers=1&colour=red", "/id"),
        ("/types/1?ratio=much&active=true&numbers=1&colour=red", "/ratio"),
        ("/types/1?ratio=1&active=yes&numbers=1&colour=red", "/active"),
        ("/types/1?ratio=1&active=true&numbers=1&numbers=x&colour=red", "/numbers"),
    ] {
        let problem = bus.http().get(path).await.problem(400, "invalid-input");
        assert_eq!(problem["errors"][0]["path"], member, "{path}: {problem}");
    }
    let odd = bus.http().get("/types/1?ratio=1&active=true&numbers=1&colour=purple").await;
    odd.problem(400, "invalid-input");
    let array = bus.http().send(&Request::post("/types/1").json(&json!([1]))).await;
    array.problem(400, "invalid-input");
}

#[tokio::test]
async fn paths_are_matched_by_segments() {
    let bus = Quickstart::start(&["echo"]).await;
    // (7) A literal beats a parameter, a parameter beats a tail.
    bus.create_channel("by-tail", "/order/{rest...}", "echo", json!({})).await;
    bus.create_channel("by-id", "/order/{id}", "echo", json!({})).await;
    bus.create_channel("by-name", "/order/new", "echo", json!({})).await;
    bus.create_channel("deep", "/order/{id}/line/{line}", "echo", json!({"methods": ["GET"]})).await;
    bus.create_channel("deep-post", "/order/{id}/line/{line}", "echo", json!({"methods": ["POST", "PUT"]}))
        .await;
    bus.settle().await;
    let params = async |path: &str| bus.http().get(path).await.expect(200)["params"].clone();
    assert_eq!(params("/order/new").await, json!({}));
    assert_eq!(params("/order/newer").await, json!({"id": "newer"}));
    assert_eq!(params("/order/new/x").await, json!({"rest": "new/x"}));
    assert_eq!(params("/order/a/b/c").await, json!({"rest": "a/b/c"}));
    assert_eq!(params("/order/1/line/2").await, json!({"id": "1", "line": "2"}));
    // (5) Channels may share a path by their methods.
    assert_eq!(bus.http().send(&Request::post("/order/1/line/2")).await.expect(200)["method"], "POST");

    // (8) Split first, then decoded once.
    assert_eq!(params("/order/a%2Fb").await, json!({"id": "a/b"}));
    assert_eq!(params("/order/a%252Fb").await, json!({"id": "a%2Fb"}));
    assert_eq!(params("/order/%C3%BC+x").await, json!({"id": "ü+x"}));
    assert_eq!(params("/order/%6Eew").await, json!({}), "an encoded literal is that literal");
    assert_eq!(params("/order/a%2Fb/line/c%2Fd%20").await, json!({"id": "a/b", "line": "c/d "}));
    let raw = bus.http().get("/order/a%2Fb?x=1").await.expect(200);
    assert_eq!(raw["path"], "/order/a%2Fb", "the path that a service sees stays raw");

    // (6) An inactive channel is not there.
    let channel = bus.channel_at("/order/new").await;
    bus.patch_channel(&channel["id"], &json!({"active": false})).await;
    bus.settle().await;
    assert_eq!(params("/order/new").await, json!({"id": "new"}), "what is behind it shows");
    let only = bus.create_channel("only", "/only", "echo", json!({"active": false})).await;
    bus.settle().await;
    bus.http().get("/only").await.problem(404, "not-found");
    bus.patch_channel(&only["id"], &json!({"active": true})).await;
    bus.settle().await;
    bus.http().get("/only").await.expect_status(200);
}

/// (12)
#[tokio::test]
async fn a_body_over_the_limit_does_not_reach_the_service() {
    let bus = Quickstart::start(&["echo", "faulty"]).await;
    let limit = json!({"body_bytes_max": 100, "methods": ["POST"]});
    bus.create_channel("small-log", "/small/log", "faulty.log", limit.clone()).await;
    bus.create_channel("small-echo", "/small/echo", "echo", limit).await;
    bus.settle().await;
    let body = |length: usize| {
        let json = r#"{"lines": 1, "text": "it ran"}"#;
        Bytes::from(format!("{json}{}", " ".repeat(length - json.len())))
    };
    let good = bus.http().send(&Request::post("/small/log").body(body(100))).await;
    good.expect_status(200);
    let ran = |line: &Value| line.to_string().contains("it ran");
    bus.wait_log("that the service ran", good.correlation_id(), ran).await;
    for path in ["/small/log", "/small/echo"] {
        let announced = bus.http().send(&Request::post(path).body(body(101))).await;
        announced.problem(413, "too-large");
        let pieces = (0..3).map(|_| body(50));
        let chunked = bus.http().send(&Request::post(path).chunks(pieces)).await;
        chunked.problem(413, "too-large");
        for refused in [announced, chunked] {
            let lines = bus.log_lines();
            let its = |line: &&Value| busbar_tests::logs::mentions(line, refused.correlation_id());
            assert!(!lines.iter().filter(its).any(ran), "{path} ran");
        }
    }
    a_client_that_waits_is_refused_before_it_sends(&bus).await;
    a_refused_body_is_read_to_its_end(&bus).await;
    the_connection_is_used_again(&bus).await;
}

/// What comes after the refusal is the rest of a body, and not a head that is too large.
async fn a_refused_body_is_read_to_its_end(bus: &Quickstart) {
    let mut raw = Raw::connect(bus.http().authority()).await;
    let head = "POST /small/echo HTTP/1.1\r\nHost: localhost\r\n";
    let chunk = |length: usize| format!("{length:x}\r\n{}\r\n", "x".repeat(length));
    raw.write(format!("{head}Transfer-Encoding: chunked\r\n\r\n{}", chunk(150))).await;
    let (refusal, _) = raw.read_reply().await;
    assert!(refusal.starts_with("HTTP/1.1 413 "), "{refusal}");
    for _ in 0..20 {
        raw.write(chunk(100_000)).await;
    }
    raw.write(format!("0\r\n\r\n{head}Content-Length: 3\r\n\r\nabc")).await;
    let (reply, body) = raw.read_reply().await;
    assert!(reply.starts_with("HTTP/1.1 200 ") && body.contains("abc"), "{reply}{body}");
}

async fn a_client_that_waits_is_refused_before_it_sends(bus: &Quickstart) {
    let mut raw = Raw::connect(bus.http().authority()).await;
    let head = "POST /small/echo HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length:";
    raw.write(format!("{head} 1000000\r\n\r\n")).await;
    let (refusal, _) = raw.read_reply().await;
    assert!(refusal.starts_with("HTTP/1.1 413 "), "{refusal}");
    let mut raw = Raw::connect(bus.http().authority()).await;
    raw.write(format!("{head} 4\r\n\r\n")).await;
    let go_on = raw.read_until("\r\n\r\n").await;
    assert!(go_on.starts_with("HTTP/1.1 100 "), "{go_on}");
    raw.write("body").await;
    let (reply, body) = raw.read_reply().await;
    assert!(reply.starts_with("HTTP/1.1 200 ") && body.contains(r#""body":"body""#), "{reply}{body}");
}

async fn the_connection_is_used_again(bus: &Quickstart) {
    let mut raw = Raw::connect(bus.http().authority()).await;
    let one = "POST /small/echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\n";
    raw.write(format!("{one}abc{one}def")).await;
    for expected in ["abc", "def"] {
        let (reply, body) = raw.read_reply().await;
        assert!(reply.starts_with("HTTP/1.1 200 ") && body.contains(expected), "{reply}{body}");
    }
    raw.write("GET /small/echo HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").await;
    assert!(raw.read_to_end().await.starts_with("HTTP/1.1 405 "));
    for bad in [
        "NONSENSE\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n",
        "GET /echo HTTP/1.1\r\n\r\n",
    ] {
        let mut raw = Raw::connect(bus.http().authority()).await;
        raw.write(bad).await;
        let reply = raw.read_until("\r\n").await;
        assert!(reply.starts_with("HTTP/1.1 4"), "{bad:?}: {reply}");
    }
}
