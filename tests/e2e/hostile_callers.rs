//! What no decent client would send: each gets a refusal of the right kind where one is possible, and harms nobody.

use std::time::Duration;

use busbar_tests::{Quickstart, Reply, Request, process::pss_bytes, raw::Raw};
use bytes::Bytes;
use serde_json::json;

/// What a worker may take beside what it idles with, while it is sent all this.
const GROWTH_BYTES_MAX: u64 = 200 * 1024 * 1024;

#[tokio::test]
async fn what_is_no_request_is_refused() {
    let bus = Quickstart::start(&["echo", "greeter"]).await;
    let workers = bus.workers().await;
    let before = memory(&workers);
    for (name, bytes, statuses) in heads() {
        let mut raw = Raw::connect(bus.http().authority()).await;
        raw.write_while_taken(&bytes).await;
        let reply = raw.read_to_end().await;
        assert!(!reply.is_empty(), "{name} is not answered");
        let status = status(&reply);
        assert!(statuses.contains(&status), "{name}: {status}, not one of {statuses:?}: {reply:.400}");
        if status >= 400 {
            let told =
                ["application/problem+json", "x-correlation-id: ", "\"status\":", "\"correlation_id\":"];
            assert!(told.iter().all(|part| reply.contains(part)), "{name}: {reply:.400}");
        }
        // The admin API refuses the same, if in fewer words.
        let mut raw = Raw::connect(bus.admin_client().authority()).await;
        raw.write_while_taken(&bytes).await;
        let reply = raw.read_to_end().await;
        assert!(reply.is_empty() || self::status(&reply) < 500, "{name} to the admin API: {reply:.400}");
    }
    more_than_one_way_to_end_a_body(&bus).await;
    bus.http().get("/echo").await.expect_status(200);
    assert_eq!(bus.workers().await, workers, "no worker was lost");
    assert!(memory(&workers) < before + GROWTH_BYTES_MAX, "{before} bytes became {}", memory(&workers));
}

/// Bytes that are sent, and what may be answered to them.
#[expect(clippy::too_many_lines, reason = "a table")]
fn heads() -> Vec<(&'static str, Vec<u8>, &'static [u16])> {
    let get = |rest: &str| format!("GET /echo HTTP/1.1\r\n{rest}\r\n").into_bytes();
    let local = |rest: &str| get(&format!("Host: localhost\r\nConnection: close\r\n{rest}"));
    let post = |rest: &str| {
        format!("POST /echo HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{rest}").into_bytes()
    };
    vec![
        ("TLS", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03abcdefgh\r\n\r\n".to_vec(), &[400]),
        ("HTTP/2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0".to_vec(), &[400]),
        ("nonsense", b"\0\x01\x02\x03\r\n\r\n".to_vec(), &[400]),
        ("a bad method", b"G\x07T / HTTP/1.1\r\nHost: localhost\r\n\r\n".to_vec(), &[400]),
        ("a later version", b"GET / HTTP/3.0\r\nHost: localhost\r\n\r\n".to_vec(), &[400]),
        ("no version", b"GET /\r\n\r\n".to_vec(), &[400]),
        (
            "a control character in the path",
            b"GET /\x01 HTTP/1.1\r\nHost: localhost\r\n\r\n".to_vec(),
            &[400],
        ),
        (
            "bad UTF-8 in the path",
            b"GET /\xff\xfe HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".to_vec(),
            &[400, 404],
        ),
        (
            "bad UTF-8, encoded",
            b"GET /%ff%fe HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".to_vec(),
            &[400, 404],
        ),
        (
            "bad UTF-8 in the query",
            b"GET /greet/Ada?language=%ff HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".to_vec(),
            &[400],
        ),
        ("bad UTF-8 in a header", local("X-Odd: \u{e9}\r\n"), &[200]),
        ("no colon", local("nonsense\r\n"), &[400]),
        ("a space before the colon", local("X-Odd : 1\r\n"), &[400]),
        ("a folded header", local("X-Odd: 1\r\n  2\r\n"), &[400]),
        ("a zero byte in a header", local("X-Odd: a\0b\r\n"), &[400]),
        ("no Host", get("Connection: close\r\n"), &[400]),
        ("two Hosts", get("Host: localhost\r\nHost: localhost\r\nConnection: close\r\n"), &[400]),
        (
            "another Host in the address",
            b"GET http://example.com/echo HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".to_vec(),
            &[421],
        ),
        (
            "CONNECT",
            b"CONNECT localhost:443 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".to_vec(),
            &[405],
        ),
        ("OPTIONS *", b"OPTIONS * HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".to_vec(), &[404]),
        ("an upgrade", local("Upgrade: websocket\r\n"), &[200]),
        ("HTTP/1.0", b"GET /echo HTTP/1.0\r\nHost: localhost\r\n\r\n".to_vec(), &[200]),
        ("a flood of headers", local(&"X-Odd: 1\r\n".repeat(10_000)), &[431]),
        ("one giant header", local(&format!("X-Odd: {}\r\n", "x".repeat(8 * 1024 * 1024))), &[431]),
        (
            "a giant address",
            format!("GET /{} HTTP/1.1\r\nHost: localhost\r\n\r\n", "x".repeat(1024 * 1024)).into_bytes(),
            &[414],
        ),
        (
            "50,000 bytes of parameters",
            format!(
                "GET /echo?{} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
                "a=1&".repeat(12_500)
            )
            .into_bytes(),
            &[200],
        ),
        (
            "20,000 segments",
            format!("GET {} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", "/a".repeat(20_000))
                .into_bytes(),
            &[404],
        ),
        ("two lengths", post("Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd"), &[400]),
        ("a length below zero", post("Content-Length: -1\r\n\r\n"), &[400]),
        ("a length that is no number", post("Content-Length: 1e3\r\n\r\n"), &[400]),
        ("a length beyond 64 bits", post("Content-Length: 99999999999999999999\r\n\r\n"), &[400]),
        ("another coding", post("Transfer-Encoding: gzip\r\n\r\n"), &[400]),
        ("chunked twice over", post("Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n"), &[400]),
        (
            "chunked in HTTP/1.0",
            b"POST /echo HTTP/1.0\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n".to_vec(),
            &[400],
        ),
    ]
}

fn status(reply: &str) -> u16 {
    let code = reply.strip_prefix("HTTP/1.1 ").or_else(|| reply.strip_prefix("HTTP/1.0 "));
    code.and_then(|rest| rest.get(..3)?.parse().ok()).unwrap_or_else(|| panic!("{reply:?} is no reply"))
}

/// Whoever reads the length where we read the chunks would see a request that we don't: it is never answered.
async fn more_than_one_way_to_end_a_body(bus: &Quickstart) {
    for headers in
        ["Content-Length: 4\r\nTransfer-Encoding: chunked", "Transfer-Encoding: chunked\r\nContent-Length: 4"]
    {
        let mut raw = Raw::connect(bus.http().authority()).await;
        raw.write(format!(
            "POST /echo HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n\r\n0\r\n\r\n\
             GET /_busbar/ping HTTP/1.1\r\nHost: localhost\r\n\r\n"
        ))
        .await;
        let replies = raw.read_to_end().await;
        assert_eq!(replies.matches("HTTP/1.1 ").count(), 1, "{replies}");
    }
}

/// The most that any of them takes, in bytes.
fn memory(workers: &[u32]) -> u64 {
    workers.iter().map(|worker| pss_bytes(*worker)).max().unwrap_or_default()
}

#[tokio::test]
async fn bodies_that_lie_are_refused() {
    let bus = Quickstart::start(&["echo", "greeter"]).await;
    let workers = bus.workers().await;
    let before = memory(&workers);
    for path in ["/echo", "/greet"] {
        chunks_that_lie(&bus, path).await;
        a_gigabyte(&bus, path).await;
        assert!(memory(&workers) < before + GROWTH_BYTES_MAX, "{before} bytes became {}", memory(&workers));
    }
    for (name, body) in json_bodies() {
        let reply = bus.http().send(&Request::post("/greet").body(body)).await;
        assert_eq!(reply.problem(400, "invalid-input")["errors"][0]["path"], "", "{name}");
    }
    assert_eq!(bus.workers().await, workers, "no worker was lost");
    bus.http().get("/greet/Ada").await.expect_status(200);
}

fn json_bodies() -> Vec<(&'static str, Bytes)> {
    let nested = |open: &str, close: &str| format!("{}{}", open.repeat(10_000), close.repeat(10_000)).into();
    vec![
        ("arrays, 10,000 deep", nested("[", "]")),
        ("objects, 10,000 deep", nested("{\"a\":", "}")),
        ("bad UTF-8", Bytes::from_static(b"{\"name\": \"\xff\xfe\"}")),
        ("half a surrogate", Bytes::from_static(br#"{"name": "\ud800"}"#)),
        ("cut", Bytes::from_static(b"{\"name\": \"Ada\"")),
        ("a giant number", Bytes::from(format!("{{\"name\": {}}}", "9".repeat(100_000)))),
    ]
}

async fn chunks_that_lie(bus: &Quickstart, path: &str) {
    let head = format!("POST {path} HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n");
    let trailers = format!("0\r\n{}\r\n", "X-Odd: 1\r\n".repeat(10_000));
    let extensions = format!("1;{}\r\na\r\n", "x".repeat(1024 * 1024));
    for (name, body) in [
        ("no size", "zz\r\nabc\r\n0\r\n\r\n"),
        ("a size beyond 64 bits", "fffffffffffffffffff\r\nabc"),
        ("a size below zero", "-1\r\nabc\r\n0\r\n\r\n"),
        ("no end of the chunk", "3\r\nabcdef\r\n0\r\n\r\n"),
        ("a flood of extensions", extensions.as_str()),
        ("a flood of trailers", trailers.as_str()),
        ("trailers that are none", "0\r\nno colon\r\n\r\n"),
    ] {
        let mut raw = Raw::connect(bus.http().authority()).await;
        raw.write(&head).await;
        raw.write_while_taken(body).await;
        let (head, body) = raw.read_reply().await;
        assert_eq!(status(&head), 400, "{name} to {path}: {head}{body}");
        assert!(head.contains("application/problem+json"), "{name} to {path}: {head}");
    }
    let mut raw = Raw::connect(bus.http().authority()).await;
    raw.write(format!("{head}5\r\nab")).await;
    raw.finish().await;
    let reply = raw.read_to_end().await;
    assert!(reply.is_empty() || status(&reply) == 400, "cut, to {path}: {reply}");
}

async fn a_gigabyte(bus: &Quickstart, path: &str) {
    let mut raw = Raw::connect(bus.http().authority()).await;
    raw.write(format!("POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1073741824\r\n\r\n")).await;
    let (head, body) = raw.read_reply().await;
    assert_eq!(status(&head), 413, "announced, to {path}: {head}{body}");

    let mut raw = Raw::connect(bus.http().authority()).await;
    raw.write(format!("POST {path} HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n")).await;
    let piece = [b"100000\r\n".to_vec(), vec![b' '; 0x10_0000], b"\r\n".to_vec()].concat();
    for _ in 0..1024 {
        if !raw.write_if_taken(&piece).await {
            break;
        }
    }
    let reply = raw.read_to_end().await;
    assert!(reply.is_empty() || status(&reply) == 413, "in chunks, to {path}: {reply}");
    // One that stops where it is refused sees why.
    let pieces = (0..17).map(|_| Bytes::from(vec![b' '; 0x10_0000]));
    let reply: Reply = bus.http().send(&Request::post(path).chunks(pieces)).await;
    reply.problem(413, "too-large");
}

#[tokio::test]
async fn many_requests_at_once_are_answered_in_order() {
    let bus = Quickstart::start(&["echo"]).await;
    let mut raw = Raw::connect(bus.http().authority()).await;
    let requests: String = (0..1_000)
        .map(|number| format!("GET /echo?number={number} HTTP/1.1\r\nHost: localhost\r\n\r\n"))
        .chain(["no request\r\n\r\n".to_owned()])
        .collect();
    // Its replies fit into the buffers of the system while all of it is being written.
    raw.write(requests).await;
    for number in 0..1_000 {
        let (head, body) = raw.read_reply().await;
        assert_eq!(status(&head), 200, "{number}: {head}");
        let echo: serde_json::Value = serde_json::from_str(&body).unwrap();
        assert_eq!(echo["query"], json!({"number": [number.to_string()]}));
    }
    assert_eq!(status(&raw.read_reply().await.0), 400);
}

#[tokio::test]
async fn who_waits_to_be_asked_is_asked_once() {
    let bus = Quickstart::start(&["echo"]).await;
    let head = "POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n";
    let mut raw = Raw::connect(bus.http().authority()).await;
    raw.write(format!("{head}Expect: 100-continue\r\n\r\n")).await;
    assert_eq!(status(&raw.read_until("\r\n\r\n").await), 100);
    raw.write("42").await;
    let (reply, body) = raw.read_reply().await;
    assert_eq!(status(&reply), 200, "{reply}");
    assert_eq!(serde_json::from_str::<serde_json::Value>(&body).unwrap()["body"], "42");
    // Any other expectation is none.
    let mut raw = Raw::connect(bus.http().authority()).await;
    raw.write(format!("{head}Expect: a miracle\r\n\r\n42")).await;
    assert_eq!(status(&raw.read_reply().await.0), 200);
}

/// (1, 2) A head and a body that don't come, and a request that doesn't.
#[tokio::test]
async fn who_takes_too_long_is_told_so() {
    let environment = [
        ("BUSBAR_HTTP_HEADER_TIMEOUT_MS", "700"),
        ("BUSBAR_HTTP_BODY_IDLE_TIMEOUT_MS", "700"),
        ("BUSBAR_HTTP_IDLE_TIMEOUT_MS", "1500"),
    ];
    let environment = environment.map(|(name, value)| (name, value.to_owned())).to_vec();
    let options = busbar_tests::Options {
        services: vec!["echo", "greeter"],
        environment,
        ..busbar_tests::Options::default()
    };
    let bus = Quickstart::start_with(options).await;
    for (name, bytes) in [
        ("a head", "GET /echo HTTP/1.1\r\nHost: loc"),
        ("a typed body", "POST /greet HTTP/1.1\r\nHost: localhost\r\nContent-Length: 20\r\n\r\n{\"na"),
        (
            "a typed body in chunks",
            "POST /greet HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n4\r\n{\"na\r\n",
        ),
        ("a raw body", "POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 20\r\n\r\n{\"na"),
    ] {
        let started = std::time::Instant::now();
        let mut raw = Raw::connect(bus.http().authority()).await;
        raw.write(bytes).await;
        let reply = raw.read_to_end().await;
        assert_eq!(status(&reply), 408, "{name}: {reply}");
        assert!(
            reply.contains("\"request-timeout\"") && reply.contains("x-correlation-id"),
            "{name}: {reply}"
        );
        let took = started.elapsed();
        assert!(took >= Duration::from_millis(350) && took < Duration::from_secs(6), "{name}: {took:?}");
    }
    // Nothing was asked, so nothing is answered.
    let mut silent = Raw::connect(bus.http().authority()).await;
    assert_eq!(silent.read_to_end().await, "");
    let mut idle = Raw::connect(bus.http().authority()).await;
    let ping = "GET /_busbar/ping HTTP/1.1\r\nHost: localhost\r\n\r\n";
    for _ in 0..2 {
        idle.write(ping).await;
        assert_eq!(status(&idle.read_reply().await.0), 200);
        // Longer than a head may take, and still within what an idle connection has.
        tokio::time::sleep(Duration::from_millis(1_000)).await;
    }
    assert_eq!(idle.read_to_end().await, "");
}
