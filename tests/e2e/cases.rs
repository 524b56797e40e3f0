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
