//! Plain `wasi:http` components, built with nothing of the bus.

use busbar_tests::{Quickstart, Request, artifact, deployment::digest};
use bytes::Bytes;

#[tokio::test]
async fn a_plain_component_runs_unmodified() {
    let bus = Quickstart::start(&["wasi-http"]).await;
    for path in ["/wasi-http", "/wasi-http/a/b%2Fc?x=1&y=%20", "/wasi-http?only=query"] {
        let reply = bus.http().get(path).await;
        assert_eq!(reply.expect_status(200).text(), format!("GET {path}\n"), "it sees the full path");
        assert_eq!(reply.header("content-type"), Some("text/plain; charset=utf-8"));
        assert!(!reply.correlation_id().is_empty());
    }
    for method in ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "PURGE"] {
        let reply = bus.http().send(&Request::new(method, "/wasi-http/m").body("with a body")).await;
        assert_eq!(reply.expect_status(200).text(), format!("{method} /wasi-http/m\nwith a body"));
    }
    let pieces: Vec<Bytes> = (0..64_u8).map(|piece| Bytes::from(vec![piece; 50_000])).collect();
    let body = pieces.concat();
    let reply = bus.http().send(&Request::post("/wasi-http").chunks(pieces)).await;
    let expected = [b"POST /wasi-http\n", body.as_slice()].concat();
    assert_eq!(digest(&reply.body), digest(&expected), "{} bytes", reply.body.len());

    // The file's stem names it.
    bus.deploy("My Proxy.v2.wasm".replace(' ', "%20").as_str(), &artifact::service("wasi-http")).await;
    bus.settle().await;
    assert_eq!(bus.http().get("/my-proxy-v2/x").await.expect_status(200).text(), "GET /my-proxy-v2/x\n");
    let service = bus.read("/services/wasi-http").await;
    assert_eq!(service["plugin"], "wasi-http", "{service}");
}
