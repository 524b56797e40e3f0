//! `/api/v1/openapi.json`.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::fixture::Api;

const OPERATIONS: &[(&str, &[&str])] = &[
    ("channels", &["get", "post"]),
    ("channels/{id}", &["get", "patch", "delete"]),
    ("channels/{id}/pause", &["post"]),
    ("channels/{id}/resume", &["post"]),
    ("connections", &["get", "post"]),
    ("connections/{id}", &["get", "patch", "delete"]),
    ("connections/{id}/operations", &["get"]),
    ("security", &["get", "post"]),
    ("security/{id}", &["get", "patch", "delete"]),
    ("secrets", &["get", "post"]),
    ("secrets/{id}", &["get", "patch", "delete"]),
    ("plugins", &["get"]),
    ("plugins/{name}", &["get", "delete"]),
    ("plugins/{name}/grants", &["get", "put"]),
    ("plugins/{name}/config", &["get", "put"]),
    ("plugins/{name}/rollback", &["post"]),
    ("plugins/{name}/recall", &["post"]),
    ("services", &["get"]),
    ("services/{name}", &["get", "patch", "delete"]),
    ("deployments", &["get", "post"]),
    ("deployments/{id}", &["get"]),
    ("deliveries", &["get"]),
    ("deliveries/counts", &["get"]),
    ("deliveries/{id}", &["get"]),
    ("deliveries/{id}/payload", &["get"]),
    ("deliveries/{id}/retry", &["post"]),
    ("deliveries/{id}/discard", &["post"]),
    ("jobs", &["get", "post"]),
    ("jobs/{id}", &["get", "patch", "delete"]),
    ("jobs/{id}/pause", &["post"]),
    ("jobs/{id}/resume", &["post"]),
    ("jobs/{id}/run", &["post"]),
    ("jobs/{id}/next", &["get"]),
    ("jobs/{id}/runs", &["get"]),
    ("calendars", &["get", "post"]),
    ("calendars/{id}", &["get", "patch", "delete"]),
    ("dictionaries", &["get", "post"]),
    ("dictionaries/{id}", &["get", "patch", "delete"]),
    ("dictionaries/{id}/entries", &["get"]),
    ("dictionaries/{id}/csv", &["get", "put"]),
    ("dictionaries/{id}/translate", &["get"]),
    ("servers", &["get"]),
    ("servers/{id}", &["get", "patch", "delete"]),
    ("servers/{id}/drain", &["post"]),
    ("servers/{id}/resume", &["post"]),
    ("cluster", &["get"]),
    ("cluster/status", &["get"]),
    ("balancer", &["get", "put"]),
    ("balancer/state", &["get"]),
    ("balancer/reports", &["post"]),
    ("export", &["get"]),
    ("apply", &["post"]),
    ("audit", &["get"]),
];

fn references<'v>(value: &'v Value, found: &mut Vec<&'v str>) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                match member {
                    Value::String(target) if name == "$ref" => found.push(target),
                    other => references(other, found),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| references(item, found)),
        _ => {}
    }
}

#[tokio::test]
async fn describes_every_operation_with_its_failures() {
    let document = Api::new().get("/api/v1/openapi.json").await.is(200).json;
    assert_eq!(document["openapi"], "3.1.0");
    assert_eq!(
        (&document["info"]["title"], &document["info"]["version"]),
        (&"Busbar admin API".into(), &"1.2.3".into())
    );
    for (path, methods) in OPERATIONS {
        for method in *methods {
            let operation = &document["paths"][format!("/api/v1/{path}")][method];
            let responses = operation["responses"].as_object().unwrap_or_else(|| panic!("{method} {path}"));
            assert!(responses.keys().any(|status| status.starts_with('2')), "{method} {path}");
            let mut failures = vec!["401", "500", "503"];
            failures.extend(path.contains('{').then_some("404"));
            let changes = *method != "get";
            failures.extend(changes.then_some(["400", "409", "422"]).into_iter().flatten());
            let said = operation["description"].as_str().unwrap_or_default();
            assert_eq!(said.contains("`Idempotency-Key`"), changes, "{method} {path}: {said:?}");
            assert_eq!(
                said.contains("`If-Match`"),
                responses.contains_key("412"),
                "{method} {path}: {said:?}"
            );
            failures.extend((operation["requestBody"].is_object()).then_some("415"));
            for failure in failures {
                assert!(responses.contains_key(failure), "{method} {path} {failure}");
            }
        }
    }
    let operations =
        document["paths"].as_object().unwrap().values().flat_map(|item| item.as_object().unwrap());
    let ids: Vec<&str> =
        operations.map(|(_, operation)| operation["operationId"].as_str().unwrap()).collect();
    let unique: BTreeSet<&str> = ids.iter().copied().collect();
    assert_eq!(unique.len(), ids.len(), "{ids:?}");
    let headers = document["components"]["parameters"].as_object().unwrap();
    assert_eq!(headers.keys().collect::<Vec<_>>(), ["Idempotency-Key", "If-Match"]);
    let patch = &document["paths"]["/api/v1/channels/{id}"]["patch"]["responses"];
    assert!(patch["412"].is_object() && patch["409"].is_object());
}

#[tokio::test]
async fn every_reference_leads_somewhere() {
    let document = Api::new().get("/api/v1/openapi.json").await.is(200).json;
    let mut found = Vec::new();
    references(&document, &mut found);
    assert!(found.len() > 50);
    for target in found {
        let pointer = target.strip_prefix('#').unwrap();
        assert!(document.pointer(pointer).is_some(), "{target}");
    }
    let schemas = &document["components"]["schemas"];
    let required = |kind: &str| schemas["NewChannel"].pointer(kind).unwrap()["required"].clone();
    assert_eq!(required("/oneOf/0"), json!(["path", "service"]));
    assert_eq!(required("/oneOf/1"), json!(["path", "service", "protocol", "soap"]));
    assert_eq!(schemas["ChannelPatch"].get("required"), None);
    let required = |kind: &str| schemas["NewSecurity"].pointer(kind).unwrap()["required"].clone();
    assert_eq!(required("/oneOf/0"), json!(["name", "kind", "username", "password"]));
    assert_eq!(required("/oneOf/1"), json!(["name", "kind"]));
    assert_eq!(schemas["NewSecret"]["required"], json!(["name", "value"]));
    assert_eq!(schemas["SecretPatch"].get("required"), None);
    assert!(schemas["Secret"]["properties"].get("value").is_none());
    let channel = schemas["Channel"]["required"].as_array().unwrap();
    assert_eq!(channel.len(), schemas["Channel"]["properties"].as_object().unwrap().len());
}
