//! Payloads against schemas.

use std::time::{Duration, Instant};

use busbar_model::{fault::FieldError, service::ServiceDescription};
use bytes::Bytes;
use serde_json::{Value, json};

use super::Contract;

fn service(input: Option<Value>, output: Option<Value>) -> ServiceDescription {
    ServiceDescription {
        name: "orders.place".parse().unwrap(),
        summary: None,
        input_schema: input,
        output_schema: output,
        channels: Vec::new(),
        calls_per_instance: None,
    }
}

fn contract(input: Value) -> Contract {
    let (contract, unusable) = Contract::of(&service(Some(input), None));
    assert_eq!(unusable, []);
    contract
}

fn errors(schema: &Value, input: &Value) -> Vec<(String, String)> {
    let refused = contract(schema.clone()).taken(input.to_string().into()).unwrap_err();
    refused.into_iter().map(|FieldError { path, message }| (path, message)).collect()
}

fn unusable(schema: Value) -> String {
    let (_, unusable) = Contract::of(&service(None, Some(schema)));
    assert_eq!(unusable.len(), 1);
    unusable[0].to_string()
}

/// As the SDK makes it of types.
fn order() -> Value {
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "properties": {
            "id": {"type": "integer", "format": "int64"},
            "customer": {"type": "string", "minLength": 2, "maxLength": 8},
            "size": {"type": "string", "enum": ["S", "M"]},
            "note": {"type": ["string", "null"]},
            "due": {"type": "string", "format": "date-time"},
            "code": {"type": "string", "pattern": "^[A-Z]+$"},
            "amount": {"type": "number", "exclusiveMinimum": 0, "maximum": 10},
            "lines": {"type": "array", "items": {"$ref": "#/$defs/Line"}, "maxItems": 3},
            "parent": {"anyOf": [{"$ref": "#"}, {"type": "null"}]},
            "colour": {"oneOf": [{"const": "red", "description": "warm"}, {"const": "blue"}]},
            "payment": {"oneOf": [
                {"type": "object", "properties": {"kind": {"const": "card"}, "number": {"type": "string"}},
                 "required": ["kind", "number"]},
                {"type": "object", "properties": {"kind": {"const": "cash"}}, "required": ["kind"]},
            ]},
        },
        "required": ["id"],
        "additionalProperties": false,
        "$defs": {"Line": {"type": "object", "properties": {"a/b": {"type": "integer"}}, "required": ["a/b"]}},
    })
}

#[test]
fn what_fits_is_taken_as_it_came() {
    let input = Bytes::from_static(
        br#" {"id": 1.0, "note": null, "lines": [{"a/b": 2, "more": 1}], "size": "M",
        "payment": {"kind": "cash"}, "parent": {"id": 2, "parent": null}, "due": "2026-11-21T10:00:00Z"} "#,
    );
    let taken = contract(order()).taken(input.clone()).unwrap();
    assert_eq!(taken.as_ptr(), input.as_ptr());
}

#[test]
fn each_thing_that_is_wrong_is_named_with_its_place() {
    let cases = [
        (json!({}), "/id", r#""id" is required"#),
        (json!([1]), "", "is an array, not an object"),
        (json!({"id": "7"}), "/id", "is a string, not an integer"),
        (json!({"id": 1.5}), "/id", "is a number, not an integer"),
        (json!({"id": 1, "customer": "x"}), "/customer", "is shorter than 2 characters"),
        (json!({"id": 1, "customer": "123456789"}), "/customer", "is longer than 8 characters"),
        (json!({"id": 1, "size": "XXL"}), "/size", r#"is not one of "S", "M""#),
        (json!({"id": 1, "note": 3}), "/note", "is a number, not a string or null"),
        (json!({"id": 1, "due": "yesterday"}), "/due", "is not in the format date-time"),
        (json!({"id": 1, "code": "abc"}), "/code", "does not match the pattern ^[A-Z]+$"),
        (json!({"id": 1, "amount": 0}), "/amount", "is not more than 0"),
        (json!({"id": 1, "amount": 11}), "/amount", "is more than 10"),
        (json!({"id": 1, "lines": [{"a/b": 1}, {}]}), "/lines/1/a~1b", r#""a/b" is required"#),
        (
            json!({"id": 1, "lines": [{"a/b": 1}, {"a/b": "x"}]}),
            "/lines/1/a~1b",
            "is a string, not an integer",
        ),
        (
            json!({"id": 1, "lines": [{"a/b": 1}, {"a/b": 1}, {"a/b": 1}, {"a/b": 1}]}),
            "/lines",
            "has more than 3 items",
        ),
        (json!({"id": 1, "parent": {"id": "x"}}), "/parent/id", "is a string, not an integer"),
        (json!({"id": 1, "parent": 4}), "/parent", "is a number, not an object or null"),
        (json!({"id": 1, "colour": "green"}), "/colour", r#"is not one of "red", "blue""#),
        (json!({"id": 1, "payment": {"kind": "card"}}), "/payment/number", r#""number" is required"#),
        (
            json!({"id": 1, "payment": {"kind": "card", "number": 5}}),
            "/payment/number",
            "is a number, not a string",
        ),
        (
            json!({"id": 1, "payment": {"kind": "bond"}}),
            "/payment",
            "matches none of the forms that are allowed here",
        ),
        (json!({"id": 1, "extra": 1}), "/extra", r#""extra" is not known"#),
    ];
    for (input, path, message) in cases {
        assert_eq!(errors(&order(), &input), [(path.to_owned(), message.to_owned())], "{input}");
    }
    let several = errors(&order(), &json!({"customer": 1, "size": 2}));
    let paths: Vec<&str> = several.iter().map(|(path, _)| path.as_str()).collect();
    assert_eq!(paths, ["/id", "/customer", "/size"]);
}

#[test]
fn what_is_no_json_says_so() {
    let refused = contract(order()).taken(Bytes::from_static(b"{")).unwrap_err();
    assert!(refused[0].message.starts_with("input is not valid JSON: "), "{refused:?}");
}

#[test]
fn what_is_merged_is_checked_as_a_whole() {
    let contract = contract(order());
    let pair = |name: &str, text: &str| vec![(name.to_owned(), text.to_owned())];
    let merged = contract.merged(Bytes::from_static(b"{\"size\":\"S\"}"), &[], &pair("id", "7")).unwrap();
    assert_eq!(merged, r#"{"size":"S","id":7}"#);
    let refused = contract.merged(Bytes::new(), &pair("size", "XXL"), &pair("id", "7")).unwrap_err();
    assert_eq!(refused[0].path, "/size");
}

#[test]
fn a_refusal_is_short_whatever_came() {
    let many = errors(&order(), &json!({"id": 1, "lines": vec![json!(1); 5_000]}));
    assert_eq!(many.len(), busbar_model::bounds::FIELD_ERRORS_MAX);
    let long = "x".repeat(100_000);
    let mut input = json!({"id": 1, "size": long});
    input[&long] = json!(1);
    let text = format!("{:?}", errors(&order(), &input));
    assert!(text.len() < 600, "{}", text.len());
    let listed: Vec<String> = (0..500).map(|n| format!("value-{n}")).collect();
    let of_many = errors(&json!({"enum": listed}), &json!("other"));
    assert!(of_many[0].1.len() < 300, "{of_many:?}");
}

#[test]
fn keywords_that_are_not_explained_are_checked_all_the_same() {
    for (schema, input) in [
        (json!({"not": {"type": "string"}}), json!("x")),
        (json!({"contains": {"const": 1}}), json!([2])),
        (json!({"if": {"required": ["a"]}, "then": {"required": ["b"]}}), json!({"a": 1})),
        (json!({"oneOf": [{"type": "integer"}, {"type": "number"}]}), json!(1)),
        (json!({"patternProperties": {"^x": {"type": "string"}}}), json!({"xy": 1})),
    ] {
        assert_eq!(errors(&schema, &input), [(String::new(), "does not match the schema".to_owned())]);
    }
}

#[test]
fn a_schema_that_can_not_be_used_is_told_with_the_reason() {
    let wrong_type = unusable(json!({"type": "strin"}));
    assert!(
        wrong_type.starts_with("the output schema of service \"orders.place\" can't be used: "),
        "{wrong_type}"
    );
    assert!(unusable(json!({"properties": {"a": {"minLength": "x"}}})).contains("/properties/a/minLength"));
    for remote in ["https://example.com/x.json", "file:///etc/passwd", "#/$defs/Nothing"] {
        let reason = unusable(json!({"properties": {"a": {"$ref": remote}}}));
        assert!(reason.contains("a reference leads nowhere") && reason.contains("#/$defs/Name"), "{reason}");
    }
    let look_around = unusable(json!({"pattern": "(?=a)b"}));
    assert!(look_around.contains("(?=a)b"), "{look_around}");
}

#[test]
fn choices_that_multiply_are_refused() {
    let mut definitions = serde_json::Map::new();
    for at in 0..40 {
        let next = json!({"$ref": format!("#/$defs/d{}", at + 1)});
        definitions.insert(format!("d{at}"), json!({"anyOf": [next, next]}));
    }
    definitions.insert("d40".to_owned(), json!({"type": "string"}));
    let started = Instant::now();
    let reason = unusable(json!({"$ref": "#/$defs/d0", "$defs": definitions}));
    assert!(reason.contains("more than 10000 times"), "{reason}");
    assert!(started.elapsed() < Duration::from_secs(1));
}

#[test]
fn very_many_patterns_are_refused() {
    let patterns: Vec<Value> = (0..201).map(|n| json!({"pattern": format!("^{n}$")})).collect();
    let reason = unusable(json!({"prefixItems": patterns}));
    assert!(reason.contains("more than 200 patterns"), "{reason}");
}

#[test]
fn circles_end() {
    let circle =
        json!({"$ref": "#/$defs/A", "$defs": {"A": {"anyOf": [{"$ref": "#/$defs/A"}, {"type": "null"}]}}});
    let _ = contract(circle).taken(Bytes::from_static(b"1"));
    let tree = json!({"anyOf": [
        {"type": "object", "properties": {"l": {"$ref": "#"}, "r": {"$ref": "#"}}, "required": ["l"]},
        {"type": "object", "properties": {"l": {"$ref": "#"}, "r": {"$ref": "#"}}, "required": ["r"]},
        {"type": "integer"},
    ]});
    let deep = (0..60).fold(json!("leaf"), |inner, _| json!({"l": inner, "r": 1}));
    let started = Instant::now();
    assert!(!errors(&tree, &deep).is_empty());
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
}

#[test]
fn an_output_is_checked_and_an_undeclared_one_is_not() {
    let (contract, _) = Contract::of(&service(None, Some(json!({"type": "object", "required": ["id"]}))));
    assert!(contract.given(br#"{"id": 1}"#).is_ok());
    assert_eq!(contract.given(b"{}").unwrap_err()[0].path, "/id");
    assert!(contract.given(b"{").is_err());
    assert!(!contract.is_typed() && contract.taken(Bytes::from_static(b"{")).is_ok());
    assert!(Contract::default().given(b"{").is_ok());
}

#[test]
fn a_contract_is_known_by_its_schemas() {
    let (contract, _) = Contract::of(&service(Some(order()), None));
    assert!(contract.is_of(&service(Some(order()), None)));
    assert!(!contract.is_of(&service(Some(order()), Some(json!(true)))));
    assert!(!contract.is_of(&service(None, None)));
}

#[test]
fn long_chains_of_definitions_are_no_trouble() {
    let mut definitions = serde_json::Map::new();
    for at in 0..4_000 {
        let next = json!({"$ref": format!("#/$defs/d{}", at + 1)});
        definitions.insert(format!("d{at}"), json!({"properties": {"n": next}}));
    }
    definitions.insert("d4000".to_owned(), json!({"type": "string"}));
    let chain = json!({"$ref": "#/$defs/d0", "$defs": definitions});
    let deep = (0..100).fold(json!(1), |inner, _| json!({"n": inner}));
    assert!(contract(chain).taken(deep.to_string().into()).is_ok());
}
