//! Contracts: what is called and answered, and what may take a version's place.

use busbar_tests::{
    Quickstart, Request,
    deployment::{accepted, digest},
    wasm,
};
use serde_json::json;

/// From here on `versioned.label` takes one size only.
const BREAKING: u32 = 500_001;

#[tokio::test]
async fn payloads_keep_to_the_contract() {
    let bus = Quickstart::start(&["faulty", "versioned"]).await;
    assert_eq!(bus.http().get("/version/label?size=large").await.expect(200), json!({"text": "large"}));

    let problem = bus.http().get("/version/label?size=huge").await.problem(400, "invalid-input");
    assert_eq!(problem["errors"], json!([{"path": "/size", "message": r#"is not one of "small", "large""#}]));
    let problem = bus.invoke("versioned.label", &json!({"lie": 1})).await.problem(400, "invalid-input");
    let paths: Vec<_> = problem["errors"].as_array().unwrap().iter().map(|e| e["path"].clone()).collect();
    assert_eq!(paths, ["/size", "/lie"]);
    let nested = json!({"service": "versioned.label", "input": {"size": 7}});
    let nested = bus.invoke("faulty.invoke", &nested).await.expect(200);
    assert_eq!(nested["fault"]["code"], "invalid-input", "{nested}");
    // A service that asks for nothing is called with nothing, from within too.
    assert_eq!(bus.http().get("/version/tree").await.expect(200)["outer"], 1);

    let lie = bus.http().get("/version/label?size=small&lie=true").await;
    let problem = lie.problem(500, "invalid-output");
    assert_eq!(problem["errors"], json!([]), "what is wrong with a service is none of its caller's business");
    let told = |line: &serde_json::Value| line.to_string().contains("/text");
    bus.wait_log("where the output is wrong", lie.correlation_id(), told).await;

    let openapi = bus.http().get("/_busbar/openapi.json").await.expect(200);
    let label = &openapi["paths"]["/version/label"]["get"];
    assert!(label["responses"]["400"].is_object(), "{label}");
    assert_eq!(label["parameters"][0]["required"], true, "{label}");
}

#[tokio::test]
async fn a_version_that_breaks_callers_is_forced_or_not_deployed() {
    let bus = Quickstart::start(&["versioned"]).await;
    let breaking = wasm::version(BREAKING);
    let id = accepted(&bus.post_deployment("versioned.wasm", &breaking).await);
    let refused = bus.wait_state(&id, "failed").await;
    assert_eq!(refused["forced"], false);
    let reason = refused["reason"].as_str().unwrap();
    for part in [
        r#"versioned.label, input /size: "large" is not taken any more"#,
        "versioned.label (GET /version/label)",
        "busbar deploy --force",
    ] {
        assert!(reason.contains(part), "{part:?} is not in {reason}");
    }
    assert_eq!(bus.http().get("/version/label?size=large").await.expect(200)["text"], "large");

    bus.pickup("versioned.wasm", &breaking);
    let refusal = bus.wait_refused("versioned.wasm").await;
    assert!(refusal.reason.contains("The pickup folder can't force."), "{}", refusal.reason);

    let path = "/api/v1/deployments?name=versioned.wasm&force=true";
    let forced = Request::post(path).bearer(bus.token()).header("content-type", "application/wasm");
    let id = accepted(&bus.admin_client().send(&forced.body(breaking.clone())).await);
    assert_eq!(bus.wait_state(&id, "active").await["forced"], true);
    bus.wait_workers("versioned", Some(&digest(&breaking))).await;
    bus.http().get("/version/label?size=large").await.problem(400, "invalid-input");

    // Going back is not asked for its contract, and what takes more again needs no force.
    bus.act("versioned", "rollback").await;
    bus.wait_workers("versioned", Some(&digest(&wasm::version(1)))).await;
    assert_eq!(bus.http().get("/version/label?size=large").await.expect(200)["text"], "large");
    bus.deploy("versioned.wasm", &wasm::version(2)).await;
}
