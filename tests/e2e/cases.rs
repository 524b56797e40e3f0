//! `busbar test`.

use std::fs;

use busbar_tests::{Folder, artifact};
use serde_json::Value;

/// The cases that the example ships.
fn shipped() -> String {
    artifact::repository().join("plugins/orders").to_str().unwrap().to_owned()
}

#[tokio::test]
async fn the_cases_of_the_example_pass() {
    let folder = Folder::default();
    let plugin = artifact::service_file("orders");
    let finished = folder.run(&["test", &shipped(), "--plugin", plugin.to_str().unwrap()]).await;
    finished.expect(0);
    assert!(finished.stdout.ends_with("7 cases passed\n"), "{finished:?}");
    // With the real prices, where a case gives no answer.
    let prices = artifact::service_file("prices");
    let plugins = ["--plugin", plugin.to_str().unwrap(), "--plugin", prices.to_str().unwrap()];
    let report = folder.run(&[&["test", &shipped(), "--json"], &plugins[..]].concat()).await.json();
    assert_eq!((&report["passed"], &report["failed"]), (&Value::from(7), &Value::from(0)));
}

#[tokio::test]
async fn a_case_that_fails_says_what_differs() {
    let folder = Folder::default();
    let (plugin, cases) = (folder.root().join("shop"), folder.root().join("shop/cases"));
    fs::create_dir_all(&cases).unwrap();
    fs::copy(artifact::service_file("orders"), plugin.join("orders.wasm")).unwrap();
    let good = fs::read_to_string(format!("{}/cases/submit.json", shipped())).unwrap();
    let file = cases.join("submit.json");
    // The total, and an answer that the case owes.
    fs::write(&file, good.replace("2150", "2151").replace(r#"{"input": {"sku": "mug"}"#, r#"{"input": {}"#))
        .unwrap();
    let shop = plugin.to_str().unwrap();
    let finished = folder.run(&["test", shop, "--only", "priced"]).await;
    finished.expect(1);
    for text in ["FAILED an order is priced", r#"prices.lookup: the case gives no answer to {"sku":"mug"}"#] {
        assert!(finished.stdout.contains(text), "{text}: {finished:?}");
    }
    assert!(finished.stderr.contains("1 of 1 case failed"), "{finished:?}");
    fs::write(&file, good.replace("2150", "2151")).unwrap();
    let finished = folder.run(&["test", shop]).await;
    finished.expect(1);
    assert!(finished.stdout.contains("output/total_cents: expected 2151, found 2150"), "{finished:?}");
    assert!(finished.stderr.contains("1 of 4 cases failed"), "{finished:?}");
    fs::write(&file, good.replace("\"expect\"", "\"expcet\"")).unwrap();
    let finished = folder.run(&["test", shop]).await;
    finished.expect(2);
    assert!(finished.stderr.contains("submit.json:18:16: unknown field `expcet`"), "{finished:?}");
}

#[tokio::test]
async fn systems_of_others_answer_as_the_case_says() {
    let folder = Folder::default();
    let cases = folder.root().join("reach/cases");
    fs::create_dir_all(&cases).unwrap();
    let file = cases.join("reach.json");
    fs::write(&file, REACHING).unwrap();
    let (reach, plugin) = (folder.root().join("reach"), artifact::service_file("reacher"));
    let arguments = ["test", reach.to_str().unwrap(), "--plugin", plugin.to_str().unwrap()];
    let finished = folder.run(&arguments).await;
    finished.expect(0);
    // An answer too few, one too many, and one to something else.
    for (right, wrong, text) in [
        (
            r#""path": "/items/tea*","#,
            r#""path": "/items/mug","#,
            "gives no answer to GET /items/tea?unit=kg",
        ),
        (
            r#""method": "GET","#,
            r#""method": "PUT","#,
            "connections/prices/http: nobody asked for GET /items/tea*",
        ),
        (r#"{"text": "tea"}"#, r#"{"text": "mug"}"#, r#""select n from items" with ["mug"]"#),
        (r#""end": "commit""#, r#""end": "drop""#, "connections/stock/sql: nobody asked for commit"),
    ] {
        let wrong = REACHING.replacen(right, wrong, 1);
        assert_ne!(wrong, REACHING, "{right}");
        fs::write(&file, wrong).unwrap();
        let finished = folder.run(&arguments).await;
        finished.expect(1);
        assert!(finished.stdout.contains(text), "{text}: {finished:?}");
    }
}

const REACHING: &str = r#"{
    "name": "others are reached",
    "service": "reacher.run",
    "input": {"steps": [
        {"do": "http", "connection": "prices", "method": "GET", "path": "/items/tea?unit=kg"},
        {"do": "http", "connection": "prices", "method": "POST", "path": "/orders", "body": "{\"sku\":\"tea\"}"},
        {"do": "http", "connection": "prices", "method": "GET", "path": "/away"},
        {"do": "http", "connection": "stock", "method": "GET", "path": "/"},
        {"do": "http", "connection": "none", "method": "GET", "path": "/"},
        {"do": "soap", "connection": "partner", "operation": "confirm", "input": {"order": 7}},
        {"do": "soap", "connection": "partner", "operation": "confirm", "input": {"order": 8}},
        {"do": "query", "connection": "stock", "statement": "select n from items", "parameters": [{"text": "tea"}]},
        {"do": "cursor", "statement": {"connection": "stock", "statement": "select n from items"}, "batch": 1},
        {"do": "transaction", "connection": "stock", "end": "commit",
         "steps": [{"connection": "stock", "statement": "update items set n = 3"}]},
        {"do": "translate", "dictionary": "countries", "key": "DE", "from": "erp", "to": "shop", "on": "2026-11-30"},
        {"do": "translate", "dictionary": "none", "key": "DE", "from": "erp", "to": "shop"}
    ]},
    "given": {
        "connections": {
            "prices": {"http": [
                {"method": "GET", "path": "/items/tea*", "reply": {"json": {"cents": 450}, "headers": {"x-age": "3"}}},
                {"method": "POST", "body": {"sku": "tea"}, "reply": {"status": 404}},
                {"path": "/away", "fault": {"code": "circuit-open", "status": 503}}
            ]},
            "partner": {"soap": [
                {"operation": "confirm", "input": {"order": 7}, "output": {"number": 3}},
                {"operation": "confirm", "partner_fault": {"code": "Server", "message": "out of order",
                 "described": ["Reason", {"why": 7}]}}
            ]},
            "stock": {"sql": [
                {"statement": "select  n from items", "parameters": ["tea"], "rows": [{"n": 4, "price": "1.50"}],
                 "types": {"price": "decimal"}},
                {"statement": "select n from items", "parameters": [], "rows": [{"n": 1}, {"n": 2}]},
                {"statement": "begin"},
                {"statement": "update items set n = 3", "affected": 2},
                {"statement": "commit"}
            ]}
        },
        "dictionaries": {"countries": {"systems": ["erp", "shop"], "entries": [
            {"codes": {"erp": "DE", "shop": "old"}, "valid_until": "2026-11-29"},
            {"codes": {"erp": "DE", "shop": "germany"}}
        ]}}
    },
    "expect": {"output": {"told": [
        {"status": 200, "headers": {"x-age": "3"}, "streamed": "$any", "bytes": 13, "body": "{\"cents\":450}"},
        {"status": 404, "headers": {}, "streamed": "$any", "bytes": 0, "body": ""},
        {"fault": "circuit-open", "message": "$any"},
        {"fault": "connection-unfit", "message": "$any"},
        {"fault": "connection-unknown", "message": "$any"},
        {"number": 3},
        {"partner": {"code": "Server", "message": "out of order", "detail": null,
         "described": ["Reason", {"why": 7}]}},
        {"columns": ["n", "price"], "rows": [[{"integer": 4}, {"decimal": "1.50"}]]},
        {"columns": ["n"], "count": 2},
        [2],
        "germany",
        {"fault": "dictionary-unknown", "message": "$any"}
    ]}}
}"#;
