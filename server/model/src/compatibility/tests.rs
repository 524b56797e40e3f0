//! Contracts, old and new.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{Side, breaks, compare::Comparison};
use crate::{
    plugin::{Description, Kind},
    service::ServiceDescription,
};

fn description(services: &[(&str, Option<Value>, Option<Value>)]) -> Description {
    let services = services.iter().map(|(name, input, output)| ServiceDescription {
        name: name.parse().unwrap(),
        summary: None,
        input_schema: input.clone(),
        output_schema: output.clone(),
        channels: Vec::new(),
        calls_per_instance: None,
    });
    Description {
        kind: Kind::Bus,
        name: "shop".parse().unwrap(),
        version: "1.0.0".to_owned(),
        services: services.collect(),
        invokes: Vec::new(),
        secrets: Vec::new(),
        imports: Vec::new(),
    }
}

fn told(old: &Description, new: &Description) -> Vec<String> {
    breaks(old, new).iter().map(ToString::to_string).collect()
}

/// As `path: message`.
fn input(old: &Value, new: &Value) -> Vec<String> {
    gaps(Side::Input, new, old)
}

fn output(old: &Value, new: &Value) -> Vec<String> {
    gaps(Side::Output, old, new)
}

fn gaps(side: Side, wide: &Value, narrow: &Value) -> Vec<String> {
    let gaps = Comparison::new(side, wide, narrow).run();
    gaps.into_iter().map(|gap| format!("{}: {}", gap.path, gap.message)).collect()
}

fn object(properties: Value, required: &[&str]) -> Value {
    json!({"type": "object", "properties": properties, "required": required})
}

#[test]
fn a_service_that_is_gone_is_missed_and_a_new_one_is_not() {
    let old = description(&[("a", None, None), ("b", None, None)]);
    let new = description(&[("b", None, None), ("c", None, None)]);
    assert_eq!(told(&old, &new), ["a is not offered any more"]);
}

#[test]
fn raw_and_typed_are_not_the_same() {
    let schema = Some(json!({"type": "object"}));
    let raw = description(&[("a", None, None)]);
    let typed = description(&[("a", schema.clone(), schema)]);
    assert_eq!(
        told(&raw, &typed),
        ["a, input: is one JSON value with a schema now; it was the body as it came"]
    );
    assert_eq!(
        told(&typed, &raw),
        ["a, input: is the body as it came now; it had a schema", "a, output: has no schema any more"]
    );
}

#[test]
fn a_break_is_told_with_service_side_and_path() {
    let (narrow, wide) =
        (object(json!({"size": {"enum": ["S"]}}), &[]), object(json!({"size": {"enum": ["S", "M"]}}), &[]));
    let old = description(&[("a", Some(wide.clone()), Some(narrow.clone()))]);
    let new = description(&[("a", Some(narrow), Some(wide))]);
    assert_eq!(
        told(&old, &new),
        [r#"a, input /size: "M" is not taken any more"#, r#"a, output /size: may be "M" now"#]
    );
}

#[test]
fn inputs_may_take_more() {
    let old = object(
        json!({"id": {"type": "integer", "format": "int32", "minimum": 1}, "name": {"type": "string", "maxLength": 5}}),
        &["id", "name"],
    );
    for new in [
        object(
            json!({"id": {"type": "integer", "format": "int64"}, "name": {"type": "string", "maxLength": 9}}),
            &["id"],
        ),
        object(
            json!({"id": {"type": "number"}, "name": {"type": ["string", "null"]}, "more": {"type": "integer"}}),
            &[],
        ),
        object(json!({"id": {"anyOf": [{"type": "string"}, {"type": "integer"}]}, "name": true}), &[]),
        object(json!({"id": {"type": "integer"}}), &[]),
        json!({"type": ["object", "null"]}),
        json!({"title": "Anything"}),
    ] {
        assert_eq!(input(&old, &new), [""; 0], "{new}");
    }
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table of cases")]
fn inputs_may_not_take_less() {
    let cases = [
        (
            object(json!({"a": {"type": "string"}}), &[]),
            object(json!({"a": {"type": "string"}}), &["a"]),
            "/a: is required now",
        ),
        (object(json!({}), &[]), object(json!({"b": {"type": "string"}}), &["b"]), "/b: is required now"),
        (json!({"type": ["string", "null"]}), json!({"type": "string"}), ": null is not taken any more"),
        (json!({"type": "number"}), json!({"type": "integer"}), ": a number is not taken any more"),
        (json!({}), json!({"type": "object"}), ": just any value is not taken any more"),
        (json!({"type": "string"}), json!({"enum": ["x", "y"]}), r#": must be one of "x", "y" now"#),
        (json!({"enum": ["x", "y"]}), json!({"const": "x"}), r#": "y" is not taken any more"#),
        (
            json!({"type": "integer", "minimum": 1}),
            json!({"type": "integer", "minimum": 2}),
            ": must not be less than 2 now",
        ),
        (
            json!({"type": "number", "maximum": 1}),
            json!({"type": "number", "exclusiveMaximum": 1}),
            ": must be less than 1 now",
        ),
        (
            json!({"type": "integer", "format": "int64"}),
            json!({"type": "integer", "format": "uint64"}),
            ": must not be less than 0 now",
        ),
        (
            json!({"type": "integer", "multipleOf": 2}),
            json!({"type": "integer", "multipleOf": 4}),
            ": must be a multiple of 4 now",
        ),
        (
            json!({"type": "string"}),
            json!({"type": "string", "minLength": 1}),
            ": must have at least 1 characters now",
        ),
        (
            json!({"type": "array", "maxItems": 9}),
            json!({"type": "array", "maxItems": 3}),
            ": must have at most 3 items now",
        ),
        (
            json!({"type": "array"}),
            json!({"type": "array", "uniqueItems": true}),
            ": must not have the same item twice now",
        ),
        (
            json!({"type": "string", "pattern": "a"}),
            json!({"type": "string", "pattern": "b"}),
            ": must match the pattern b now",
        ),
        (
            json!({"type": "string"}),
            json!({"type": "string", "format": "uuid"}),
            ": must be in the format uuid now",
        ),
        (
            json!({"type": "object"}),
            json!({"type": "object", "additionalProperties": false}),
            ": must not have other members than the named ones now",
        ),
        (
            json!({"type": "object", "properties": {"a": true}, "additionalProperties": false}),
            json!({"type": "object", "additionalProperties": false}),
            "/a: is not taken any more",
        ),
        (
            json!({"additionalProperties": {"type": "integer"}, "type": "object"}),
            json!({"additionalProperties": {"type": "string"}, "type": "object"}),
            "/*: an integer is not taken any more",
        ),
        (
            json!({"type": "array", "items": {"type": "integer"}}),
            json!({"type": "array", "items": {"type": "string"}}),
            "/*: an integer is not taken any more",
        ),
        (
            json!({"type": "array"}),
            json!({"type": "array", "items": {"type": "string"}}),
            "/*: just any value is not taken any more",
        ),
        (
            json!({"not": {"const": 1}}),
            json!({"not": {"const": 2}}),
            ": is changed in a way that can't be compared",
        ),
        (
            json!({"type": "object"}),
            json!({"type": "object", "if": {"required": ["a"]}, "then": {"required": ["b"]}}),
            ": is changed in a way that can't be compared",
        ),
        (
            json!({"const": "abc"}),
            json!({"type": "string", "maxLength": 2}),
            ": must have at most 2 characters now",
        ),
    ];
    for (old, new, message) in cases {
        assert_eq!(input(&old, &new), [message], "{old} → {new}");
    }
}

#[test]
fn outputs_may_say_more() {
    let old = object(
        json!({"id": {"type": "number"}, "note": {"type": ["string", "null"]}, "size": {"enum": ["S", "M"]}}),
        &["id"],
    );
    for new in [
        object(
            json!({"id": {"type": "integer"}, "note": {"type": "string"}, "size": {"const": "S"}, "new": true}),
            &["id", "note", "new"],
        ),
        object(
            json!({"id": {"type": "integer", "minimum": 0}, "note": {"type": "null"}, "size": {"enum": ["M"]}}),
            &["id"],
        ),
    ] {
        assert_eq!(output(&old, &new), [""; 0], "{new}");
    }
}

#[test]
fn outputs_may_not_be_less_than_was_expected() {
    let one = |schema: Value, required: &[&str]| object(json!({"a": schema}), required);
    let cases = [
        (one(json!({}), &["a"]), object(json!({}), &[]), "/a: is not given any more"),
        (one(json!({}), &[]), object(json!({}), &[]), "/a: is not given any more"),
        (one(json!({}), &["a"]), one(json!({}), &[]), "/a: is not always given any more"),
        (json!({"type": "string"}), json!({"type": ["string", "null"]}), ": may be null now"),
        (json!({"type": "integer"}), json!({"type": "number"}), ": may be a number now"),
        (json!({"type": "string"}), json!({}), ": may be just any value now"),
        (json!({"enum": ["S"]}), json!({"enum": ["S", "M"]}), r#": may be "M" now"#),
        (json!({"enum": ["S"]}), json!({"type": "string"}), r#": may be another value than "S" now"#),
        (
            json!({"type": "string", "maxLength": 3}),
            json!({"type": "string"}),
            ": may have more than 3 characters now",
        ),
        (json!({"type": "integer", "minimum": 0}), json!({"type": "integer"}), ": may be less than 0 now"),
        (
            json!({"type": "string", "format": "date"}),
            json!({"type": "string"}),
            ": may not be in the format date any more",
        ),
        (
            json!({"type": "object", "additionalProperties": false}),
            json!({"type": "object", "properties": {"b": true}, "additionalProperties": false}),
            "/b: is new, and other members than the named ones were not to be expected",
        ),
        (
            json!({"type": "object", "additionalProperties": false}),
            json!({"type": "object"}),
            ": may have other members than the named ones now",
        ),
    ];
    for (old, new, message) in cases {
        assert_eq!(output(&old, &new), [message], "{old} → {new}");
    }
}

#[test]
fn references_are_followed_wherever_they_lead() {
    let tree = |kind: &str| {
        json!({"$ref": "#/$defs/Node", "$defs": {
            "Node": object(json!({"value": {"type": kind}, "children": {"type": "array", "items": {"$ref": "#/$defs/Node"}}}), &["value"]),
        }})
    };
    let inlined = object(
        json!({"value": {"type": "string"}, "children": {"type": "array", "items": {"$ref": "#"}}}),
        &["value"],
    );
    assert_eq!(input(&tree("string"), &inlined), [""; 0]);
    assert_eq!(output(&inlined, &tree("string")), [""; 0]);
    assert_eq!(
        input(&tree("string"), &tree("integer")),
        ["/children/*/value: a string is not taken any more", "/value: a string is not taken any more"]
    );
    let optional = |inner: Value| {
        object(json!({"p": {"anyOf": [{"$ref": "#/$defs/P"}, {"type": "null"}]}}), &[])
            .as_object()
            .map(|members| {
                let mut members = members.clone();
                members.insert("$defs".to_owned(), json!({"P": inner}));
                Value::Object(members)
            })
            .unwrap()
    };
    let (before, after) = (optional(object(json!({}), &[])), optional(object(json!({"q": true}), &["q"])));
    assert_eq!(input(&before, &after), ["/p/q: is required now"]);
    let lost = json!({"$ref": "#/$defs/Nothing"});
    assert_eq!(input(&lost, &lost), [""; 0]);
    assert_eq!(
        input(&lost, &json!({"$ref": "#/$defs/Other"})),
        [": is changed in a way that can't be compared"]
    );
}

#[test]
fn variants_are_told_apart_by_their_tags() {
    let variant = |tag: &str, extra: Value, required: &[&str]| {
        let mut variant = object(json!({"kind": {"const": tag}}), required);
        variant["properties"]["x"] = extra;
        variant
    };
    let before = json!({"oneOf": [variant("a", json!({"type": "string"}), &["kind"]), variant("b", json!({"type": "string"}), &["kind"])]});
    let after = json!({"oneOf": [variant("b", json!({"type": "string"}), &["kind", "x"]), variant("a", json!({"type": "string"}), &["kind"])]});
    assert_eq!(input(&before, &after), ["/x: is required now"]);
    let one_less = json!({"oneOf": [variant("a", json!({"type": "string"}), &["kind"])]});
    assert_eq!(input(&before, &one_less), [": an object is not taken any more"]);
    assert_eq!(output(&one_less, &before), [": may be an object now"]);
    assert_eq!(input(&one_less, &before), [""; 0]);
}

#[test]
fn documentation_is_no_part_of_the_contract() {
    let before =
        json!({"type": "string", "description": "a", "examples": ["x"], "not": {"const": "q", "title": "t"}});
    let after = json!({"type": "string", "title": "b", "default": "y", "not": {"const": "q"}});
    assert_eq!(input(&before, &after), [""; 0]);
    assert_eq!(output(&before, &after), [""; 0]);
}

#[test]
fn huge_and_deep_contracts_end() {
    let chain = |length: usize, last: &str| {
        let mut definitions = serde_json::Map::new();
        for at in 0..length {
            definitions.insert(
                format!("d{at}"),
                object(json!({"n": {"$ref": format!("#/$defs/d{}", at + 1)}}), &[]),
            );
        }
        definitions.insert(format!("d{length}"), json!({"type": last}));
        json!({"$ref": "#/$defs/d0", "$defs": definitions})
    };
    let found = input(&chain(3_000, "string"), &chain(3_000, "integer"));
    assert_eq!(found.len(), 1);
    assert!(found[0].ends_with("is too large to be compared"), "{}", found[0].len());
    let wide: Vec<Value> =
        (0..1_000).map(|n| json!({"type": "object", "required": [format!("m{n}")]})).collect();
    assert_eq!(
        input(&json!({"anyOf": wide}), &json!({"anyOf": wide[1..]})),
        [": is changed in a way that can't be compared"]
    );
}

/// Schemas of all shapes, with references to `#/$defs/A` and to the whole.
fn schema() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(json!(true)),
        Just(json!(false)),
        Just(json!({})),
        Just(json!({"$ref": "#/$defs/A"})),
        Just(json!({"$ref": "#"})),
        Just(json!({"type": ["string", "null"], "format": "date"})),
        Just(json!({"enum": [1, "a", null, {"b": []}]})),
        Just(json!({"const": 1.5})),
        (0..5_u8, 0..5_u8).prop_map(|(low, high)| json!({"type": "integer", "minimum": low, "exclusiveMaximum": high, "multipleOf": 0.1})),
        (0..3_u8).prop_map(|least| json!({"type": "string", "minLength": least, "pattern": "^a"})),
    ];
    leaf.prop_recursive(4, 40, 4, |inner| {
        let members = prop::collection::btree_map("[a-c]", inner.clone(), 0..4);
        let closed = prop_oneof![Just(None), inner.clone().prop_map(Some)];
        let required = prop::collection::btree_set("[a-d]", 0..3);
        let object = (members, required, closed).prop_map(|(members, required, others)| {
            let mut schema = json!({"type": "object", "properties": members, "required": required});
            if let Some(others) = others {
                schema["additionalProperties"] = others;
            }
            schema
        });
        let several = prop::collection::vec(inner.clone(), 1..4);
        let keyword = prop::sample::select(vec!["anyOf", "oneOf", "allOf", "prefixItems"]);
        let choice = (keyword, several).prop_map(|(keyword, options)| json!({keyword: options}));
        let argument = prop::sample::select(vec!["items", "not", "if", "contains", "propertyNames"]);
        let single =
            (argument, inner).prop_map(|(keyword, argument)| json!({keyword: argument, "uniqueItems": true}));
        prop_oneof![object, choice, single]
    })
}

fn root() -> impl Strategy<Value = Value> {
    (schema(), schema()).prop_map(|(schema, definition)| match schema {
        Value::Object(mut members) => {
            members.insert("$defs".to_owned(), json!({"A": definition}));
            Value::Object(members)
        }
        other => other,
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_stays_the_same_breaks_nothing(schema in root()) {
        prop_assert_eq!(input(&schema, &schema.clone()), [""; 0]);
        prop_assert_eq!(output(&schema, &schema.clone()), [""; 0]);
        let description = description(&[("a", Some(schema.clone()), Some(schema))]);
        prop_assert_eq!(breaks(&description, &description.clone()), []);
    }

    #[test]
    fn a_comparison_ends_whatever_is_compared(old in root(), new in root()) {
        input(&old, &new);
        output(&old, &new);
    }

    #[test]
    fn an_input_that_must_be_nothing_more_may_be_anything(schema in root()) {
        prop_assert_eq!(input(&schema, &json!(true)), [""; 0]);
    }
}
