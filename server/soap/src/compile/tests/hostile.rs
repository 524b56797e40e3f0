//! Schemas that are made to take time, memory or stack.

use std::time::{Duration, Instant};

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::shape;
use crate::shape::{Content, Shape};

/// As it may be deployed: text within the limit.
fn refused(schema: &Value) -> String {
    assert!(schema.to_string().len() <= busbar_model::bounds::SCHEMA_BYTES_MAX);
    let start = Instant::now();
    let refused = shape(schema).unwrap_err();
    assert!(start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());
    refused.reason
}

fn chain(length: usize, link: impl Fn(String) -> Value) -> Value {
    let link = |at: usize| (format!("d{at}"), link(format!("#/$defs/d{}", at + 1)));
    let mut definitions: Map<String, Value> = (0..length).map(link).collect();
    definitions.insert(format!("d{length}"), json!({"type": "object"}));
    json!({"$ref": "#/$defs/d0", "$defs": definitions})
}

#[test]
fn doubling_is_refused() {
    let twice = |keyword: &str| chain(60, |next| json!({keyword: [{"$ref": next}, {"$ref": next}]}));
    assert!(refused(&twice("allOf")).contains("too large"));
    assert!(refused(&twice("oneOf")).contains("too large"));
}

#[test]
fn long_chains_of_references_are_refused() {
    assert!(refused(&chain(3_000, |next| json!({"$ref": next}))).contains("too many references"));
    let merged = chain(2_000, |next| json!({"$ref": next, "required": []}));
    assert!(refused(&merged).contains("too many references"));
    let nullable = chain(2_000, |next| json!({"anyOf": [{"$ref": next}, {"type": "null"}]}));
    assert!(refused(&nullable).contains("too many references"));
}

/// Types with names may lead to each other as far as they like.
#[test]
fn long_chains_of_types_are_compiled() {
    let schema = chain(3_000, |next| json!({"properties": {"n": {"$ref": next}}}));
    assert_eq!(shape(&schema).unwrap().unwrap().types.len(), 3_001);
}

#[test]
fn deep_nesting_is_refused() {
    let mut schema = json!({"type": "string"});
    for _ in 0..100 {
        schema = json!({"type": "array", "items": schema});
    }
    assert!(refused(&schema).contains("move it to $defs"));
}

#[test]
fn what_multiplies_is_refused() {
    let members: Map<String, Value> =
        (0..4_000).map(|at| (format!("m{at}"), json!({"type": "string"}))).collect();
    let branches: Vec<Value> = (0..1_000)
        .map(|at| json!({"$ref": "#/$defs/B", "properties": {"k": {"const": format!("v{at}")}}, "required": ["k"]}))
        .collect();
    let schema = json!({"oneOf": branches, "$defs": {"B": {"type": "object", "properties": members}}});
    assert!(refused(&schema).contains("too large"));

    let values: Vec<String> = (0..10_000).map(|at| format!("v{at}")).collect();
    let users: Map<String, Value> =
        (0..3_000).map(|at| (format!("m{at}"), json!({"$ref": "#/$defs/E"}))).collect();
    let schema = json!({"type": "object", "properties": users, "$defs": {"E": {"enum": values}}});
    assert!(refused(&schema).contains("too large"));

    let inline: Map<String, Value> =
        (0..8_000).map(|at| (format!("m{at}"), json!({"enum": ["x"]}))).collect();
    assert!(refused(&json!({"type": "object", "properties": inline})).contains("types"));
}

/// All that refers to a type finds it, and what repeats has a name.
fn check(shape: &Shape) {
    for made in &shape.types {
        let elements: Vec<_> = match &made.content {
            Content::Scalar(_) => Vec::new(),
            Content::Record(record) => {
                for attribute in &record.attributes {
                    assert!(matches!(shape.of(attribute.value).content, Content::Scalar(_)));
                }
                record.members.iter().map(|member| &member.element).collect()
            }
            Content::Choice(variants) => variants.iter().map(|variant| &variant.element).collect(),
            Content::List(element) | Content::Sole(element) => vec![element],
        };
        assert!(elements.iter().all(|element| element.value.0 < shape.types.len()));
    }
    for at in 0..shape.types.len() {
        assert!(!stands_in_itself(shape, at, 0), "{shape:?}");
    }
    let mut names: Vec<_> = shape.types.iter().filter_map(|made| made.name.as_ref()).collect();
    let all = names.len();
    names.sort();
    names.dedup();
    assert_eq!(names.len(), all, "{shape:?}");
}

/// Through types without a name.
fn stands_in_itself(shape: &Shape, at: usize, depth: usize) -> bool {
    let named = |id: usize| shape.types[id].name.is_some();
    let within: Vec<usize> = match &shape.types[at].content {
        Content::Scalar(_) => Vec::new(),
        Content::Record(record) => record.members.iter().map(|member| member.element.value.0).collect(),
        Content::Choice(variants) => variants.iter().map(|variant| variant.element.value.0).collect(),
        Content::List(element) | Content::Sole(element) => vec![element.value.0],
    };
    depth > 200 || within.into_iter().any(|id| !named(id) && stands_in_itself(shape, id, depth + 1))
}

fn reference() -> impl Strategy<Value = Value> {
    let targets =
        ["#", "#/$defs/A", "#/$defs/B", "#/properties/a", "#/oneOf/0", "#/$defs/A/items", "x", "#/$defs"];
    prop::sample::select(targets.to_vec()).prop_map(|to| json!(to))
}

fn strange() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i8>().prop_map(Value::from),
        prop::sample::select(vec!["a", "kind", "string", "a b", "\u{1}", ""]).prop_map(Value::from),
        Just(json!([])),
        Just(json!({})),
        Just(json!(["a", null])),
    ]
}

fn leaf() -> impl Strategy<Value = Value> {
    let types = ["string", "integer", "number", "boolean", "null", "object", "array"];
    prop_oneof![
        4 => prop::sample::select(types.to_vec()).prop_map(|kind| json!({"type": kind})),
        2 => prop::sample::select(types.to_vec()).prop_map(|kind| json!({"type": [kind, "null"]})),
        3 => reference().prop_map(|to| json!({"$ref": to})),
        2 => prop::sample::select(vec!["x", "y", "z"]).prop_map(|value| json!({"const": value})),
        1 => strange(),
    ]
}

fn schemas() -> impl Strategy<Value = Value> {
    let name = || prop::sample::select(vec!["a", "b", "kind", "c d"]);
    leaf().prop_recursive(5, 40, 4, move |inner| {
        let members = prop::collection::vec((name(), inner.clone()), 0..4);
        let members =
            members.prop_map(|all| all.into_iter().map(|(name, schema)| (name.to_owned(), schema)).collect());
        let members = members.prop_map(|all: Map<String, Value>| Value::Object(all)).boxed();
        let names = prop::collection::vec(name(), 0..3).prop_map(|names| json!(names));
        let several = prop::collection::vec(inner.clone(), 0..4).prop_map(Value::Array).boxed();
        let words = (strange(), name(), any::<bool>(), any::<bool>());
        let xml = words.prop_map(|(namespace, name, attribute, wrapped)| {
            json!({"name": name, "namespace": namespace, "attribute": attribute, "wrapped": wrapped})
        });
        let keyword = prop_oneof![
            members.clone().prop_map(|all| ("properties", all)),
            members.prop_map(|all| ("$defs", all)),
            names.prop_map(|names| ("required", names)),
            several.clone().prop_map(|all| ("oneOf", all)),
            several.clone().prop_map(|all| ("anyOf", all)),
            several.prop_map(|all| ("allOf", all)),
            inner.clone().prop_map(|items| ("items", items)),
            inner.prop_map(|open| ("additionalProperties", open)),
            reference().prop_map(|to| ("$ref", to)),
            xml.prop_map(|xml| ("xml", xml)),
            Just(("type", json!("object"))),
            Just(("type", json!("array"))),
            strange().prop_map(|value| ("enum", value)),
            strange().prop_map(|value| ("type", value)),
            strange().prop_map(|value| ("discriminator", value)),
        ];
        let keywords = prop::collection::vec(keyword, 1..4);
        keywords.prop_map(|all| {
            Value::Object(all.into_iter().map(|(word, value)| (word.to_owned(), value)).collect())
        })
    })
}

/// Objects of valid names, and references that lead somewhere.
fn rooted() -> impl Strategy<Value = Value> {
    (schemas(), schemas(), schemas(), schemas()).prop_map(|(a, b, first, second)| {
        json!({"type": "object", "properties": {"a": a, "b": b}, "$defs": {"A": first, "B": second}})
    })
}

/// What has an image.
pub(crate) fn mappable() -> impl Strategy<Value = Value> {
    let leaf = prop::sample::select(vec![
        json!({"type": "string"}),
        json!({"type": ["integer", "null"], "format": "int32"}),
        json!({"enum": ["x", "y", null]}),
        json!({"type": "boolean"}),
        json!({"type": "number"}),
        json!({"type": "number", "format": "decimal"}),
        json!({"type": "integer", "format": "uint64"}),
        json!({"type": "string", "format": "decimal"}),
        json!({"type": "string", "format": "date"}),
        json!({"type": ["string", "null"], "format": "date-time"}),
        json!({"type": "string", "format": "byte"}),
        json!({"$ref": "#/$defs/A"}),
        json!({"anyOf": [{"$ref": "#/$defs/B"}, {"type": "null"}]}),
        json!({"$ref": "#"}),
    ]);
    let inner = leaf.prop_recursive(5, 40, 4, |inner| {
        let choice = (inner.clone(), inner.clone()).prop_map(|(first, second)| {
            let tagged = json!({"properties": {"k": {"const": "t"}, "v": second}, "required": ["k"]});
            json!({"oneOf": [{"properties": {"first": first}, "required": ["first"]}, tagged, {"const": "unit"}]})
        });
        prop_oneof![
            2 => record(inner.clone()),
            1 => (inner, any::<bool>()).prop_map(|(items, wrapped)| json!({"type": "array", "items": items, "xml": {"wrapped": wrapped}})),
            1 => choice,
        ]
    });
    let inner = inner.boxed();
    (record(inner.clone()), record(inner.clone()), record(inner)).prop_map(|(mut root, first, second)| {
        root["$defs"] = json!({"A": first, "B": second});
        root
    })
}

fn record(member: impl Strategy<Value = Value>) -> impl Strategy<Value = Value> {
    prop::collection::vec((member, any::<bool>(), 0..5), 0..4).prop_map(|members| {
        let name = |at: usize| format!("m{at}");
        let members: Vec<_> = members.into_iter().map(decorated).collect();
        let required: Vec<_> =
            members.iter().enumerate().filter(|(_, m)| m.1).map(|(at, _)| name(at)).collect();
        let properties: Map<_, _> = members.into_iter().enumerate().map(|(at, m)| (name(at), m.0)).collect();
        json!({"type": "object", "properties": properties, "required": required})
    })
}

/// Some members are attributes, some of another namespace.
fn decorated((mut member, required, decoration): (Value, bool, i32)) -> (Value, bool) {
    let is_scalar = member["type"].as_str().is_some_and(|kind| !["object", "array"].contains(&kind));
    let plain = member.get("xml").is_none() && member.get("$ref").is_none();
    match decoration {
        0 if is_scalar => member["xml"] = json!({"attribute": true}),
        1 if plain => member["xml"] = json!({"namespace": "urn:other"}),
        _ => {}
    }
    (member, required)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, ..ProptestConfig::default() })]

    #[test]
    fn nothing_panics(schema in prop_oneof![schemas(), rooted()]) {
        if let Ok(Some(shape)) = shape(&schema) {
            check(&shape);
        }
    }

    #[test]
    fn what_has_an_image_is_compiled(schema in mappable()) {
        match shape(&schema) {
            Ok(Some(shape)) => check(&shape),
            other => panic!("{schema}: {other:?}"),
        }
    }
}
