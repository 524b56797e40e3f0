//! What is refused: where, and what is to be done.

use serde_json::{Value, json};

use super::{object, shape};

/// Each with the path and a part of the reason.
fn each(cases: &[(Value, &str, &str)]) {
    for (schema, path, reason) in cases {
        match shape(schema) {
            Ok(shape) => panic!("{schema} is accepted: {shape:?}"),
            Err(refused) => {
                assert_eq!(refused.path, *path, "{schema}: {refused}");
                assert!(refused.reason.contains(reason), "{schema}: {refused}");
            }
        }
    }
}

/// Each as the member `a`, with the path from there.
fn each_member(cases: &[(Value, &str, &str)]) {
    for (schema, path, reason) in cases {
        each(&[(object(json!({"a": schema})), &format!("/properties/a{path}"), reason)]);
    }
}

fn text() -> Value {
    json!({"type": "string"})
}

#[test]
fn what_says_nothing_or_too_much() {
    each(&[
        (json!(true), "", "xs:any is not offered"),
        (json!({}), "", "xs:any is not offered"),
        (json!(false), "", "allows nothing"),
        (json!(3), "", "is no schema"),
        (json!({"type": 3}), "", "neither a string nor an array"),
    ]);
    each_member(&[
        (json!(true), "", "any value"),
        (json!({}), "", "any value"),
        (json!({"description": "Whatever."}), "", "any value"),
        (json!({"items": text()}), "", "any value"),
        (json!(false), "", "allows nothing: leave it out"),
        (json!({"type": "null"}), "", "nothing but null"),
        (json!({"type": ["string", "integer"]}), "", "several types"),
        (json!({"type": ["string", "integer", "null"]}), "", "several types"),
        (json!({"type": "text"}), "", "\"text\""),
        (json!({"enum": []}), "", "without values"),
        (json!({"enum": ["a", 1]}), "", "neither all strings nor all whole numbers"),
        (json!({"enum": [1.5]}), "", "neither all strings nor all whole numbers"),
        (json!({"enum": [true, "a"]}), "", "neither all strings nor all whole numbers"),
        (json!({"const": {"a": 1}}), "", "neither all strings nor all whole numbers"),
        (json!({"enum": ["a\u{0}"]}), "", "U+0000"),
        (json!({"const": "\u{FFFF}"}), "", "U+FFFF"),
        (json!({"enum": [300], "format": "int8"}), "", "no room"),
        (json!({"enum": [-1, 18_446_744_073_709_551_615_u64]}), "", "no room"),
    ]);
}

#[test]
fn maps() {
    each(&[(
        json!({"type": "object", "additionalProperties": text()}),
        "",
        "is a map (additionalProperties)",
    )]);
    each_member(&[
        (json!({"type": "object", "additionalProperties": true}), "", "use an array of objects"),
        (json!({"type": "object", "properties": {"x": text()}, "additionalProperties": {}}), "", "is a map"),
        (json!({"type": "object", "patternProperties": {"^x": text()}}), "", "is a map (patternProperties)"),
        (json!({"type": "object", "propertyNames": {"maxLength": 3}}), "", "is a map (propertyNames)"),
        (json!({"type": "object", "unevaluatedProperties": text()}), "", "is a map (unevaluatedProperties)"),
        (json!({"oneOf": [object(json!({"x": text()}))], "unevaluatedProperties": true}), "", "is a map"),
    ]);
    // Where it stands, not where it is referred to.
    each(&[(
        json!({"type": "object", "properties": {"a": {"$ref": "#/$defs/M"}}, "$defs": {"M": {"type": "object", "additionalProperties": true}}}),
        "/$defs/M",
        "is a map",
    )]);
}

#[test]
fn arrays() {
    let nullable = json!({"type": ["string", "null"]});
    each(&[(json!({"type": ["array", "null"], "items": text()}), "", "make it a member of an object")]);
    each_member(&[
        (json!({"type": "array"}), "", "give it items"),
        (json!({"type": "array", "prefixItems": [text()]}), "", "is a tuple"),
        (json!({"type": "array", "prefixItems": [text()], "items": false}), "", "is a tuple"),
        (json!({"type": "array", "items": [text()]}), "", "is a tuple"),
        (json!({"type": "array", "items": true}), "/items", "any value"),
        (json!({"type": "array", "items": {"type": "null"}}), "/items", "nothing but null"),
        (json!({"type": "array", "items": {"type": "array"}}), "/items", "give it items"),
        (json!({"type": ["array", "null"], "items": nullable}), "", "set xml.wrapped"),
        (
            json!({"type": "array", "items": {"type": "string", "xml": {"attribute": true}}}),
            "/items",
            "only members of objects",
        ),
        (
            json!({"type": "array", "items": text(), "xml": {"attribute": true}}),
            "",
            "only a string, number or boolean",
        ),
    ]);
}

#[test]
fn references() {
    each_member(&[
        (json!({"$ref": "https://example.org/a"}), "", "no JSON Pointer into this document"),
        (json!({"$ref": "#anchor"}), "", "no JSON Pointer into this document"),
        (json!({"$ref": "#/%zz"}), "", "no JSON Pointer into this document"),
        (json!({"$ref": "#/$defs/Nothing"}), "", "which is not there"),
        (json!({"$ref": 3}), "", "no string"),
        (json!({"$ref": format!("#/{}", "x".repeat(2000))}), "", "more than 1024 bytes"),
    ]);
    each(&[
        (json!({"$ref": "#"}), "", "only to itself"),
        (
            json!({"$ref": "#/$defs/A", "$defs": {"A": {"$ref": "#/$defs/B"}, "B": {"$ref": "#/$defs/A"}}}),
            "",
            "only to itself",
        ),
        (json!({"oneOf": [{"$ref": "#"}, {"type": "null"}]}), "/oneOf/0", "only to itself"),
        (json!({"allOf": [{"$ref": "#"}], "properties": {"a": text()}}), "/allOf/0", "itself"),
    ]);
}

#[test]
fn names() {
    each(&[
        (json!({"properties": {"a b": text()}}), "/properties/a b", "set xml.name"),
        (json!({"properties": {"a/b": text()}}), "/properties/a~1b", "set xml.name"),
        (json!({"properties": {"a:b": text()}}), "/properties/a:b", "set xml.name"),
        (json!({"properties": {"": text()}}), "/properties/", "set xml.name"),
        (json!({"properties": {"1": text()}}), "/properties/1", "set xml.name"),
        (
            json!({"properties": {"é".repeat(257): text()}}),
            &format!("/properties/{}", "é".repeat(257)),
            "more than 256",
        ),
        (
            json!({"properties": {"a": text(), "b": {"type": "string", "xml": {"name": "a"}}}}),
            "/properties/b",
            "second element \"a\"",
        ),
        (
            json!({"properties": {"a": {"type": "string", "xml": {"attribute": true}}, "b": {"type": "string", "xml": {"name": "a", "attribute": true}}}}),
            "/properties/b",
            "second attribute \"a\"",
        ),
        (json!({"required": ["b"], "properties": {"a": text()}}), "", "requires \"b\""),
    ]);
}

#[test]
fn the_xml_keyword() {
    let xml = |xml: Value| json!({"type": "string", "xml": xml});
    each_member(&[
        (xml(json!(true)), "", "no object"),
        (xml(json!({"name": 1})), "", "xml.name that is no string"),
        (xml(json!({"wrapped": "yes"})), "", "xml.wrapped that is neither"),
        (xml(json!({"name": "a b"})), "", "no element can be"),
        (xml(json!({"namespace": ""})), "", "empty or has white space"),
        (xml(json!({"namespace": "urn:a b"})), "", "empty or has white space"),
        (xml(json!({"namespace": "x".repeat(1025)})), "", "more than 1024"),
        (xml(json!({"namespace": crate::namespace::XSI, "attribute": true})), "", "XML's own"),
        (xml(json!({"name": "xmlns", "attribute": true})), "", "reserved among attributes"),
        (xml(json!({"name": "XmlId", "attribute": true})), "", "reserved among attributes"),
        (json!({"type": ["string", "null"], "xml": {"attribute": true}}), "", "may be null"),
        (json!({"type": "object", "xml": {"attribute": true}}), "", "only a string, number or boolean"),
    ]);
}

#[test]
fn choices() {
    let one = |name: &str| object(json!({name: text()}));
    each_member(&[
        (json!({"anyOf": [text(), {"type": "integer"}]}), "", "use a oneOf"),
        (json!({"anyOf": [text(), {"type": "integer"}, {"type": "null"}]}), "", "use a oneOf"),
        (json!({"anyOf": [text()]}), "", "use a oneOf"),
        (json!({"oneOf": []}), "", "without branches"),
        (json!({"oneOf": [text(), {"type": "integer"}]}), "/oneOf/0", "without a tag"),
        (json!({"oneOf": [one("a"), {"type": "array", "items": text()}]}), "/oneOf/1", "without a tag"),
        (
            json!({"oneOf": [one("a"), {"type": "object", "properties": {"b": text()}}]}),
            "/oneOf/1",
            "without a tag",
        ),
        (
            json!({"oneOf": [one("a"), object(json!({"b": text(), "c": text()}))]}),
            "/oneOf/1",
            "without a tag",
        ),
        (json!({"oneOf": [one("a"), one("a")]}), "/oneOf/1", "second element \"a\""),
        (json!({"oneOf": [one("a"), {"enum": ["b", "a"]}]}), "/oneOf/1", "second element \"a\""),
        (
            json!({"oneOf": [one("a"), object(json!({"a": {"type": "string", "xml": {"name": "b"}}}))]}),
            "/oneOf/1",
            "second branch with a member \"a\"",
        ),
        (json!({"oneOf": [one("a"), {"oneOf": [one("b"), one("c")]}]}), "/oneOf/1", "choice within a choice"),
        (json!({"oneOf": [one("a"), {"enum": ["1"]}]}), "/oneOf/1", "set xml.name"),
        (json!({"oneOf": [object(json!({"k": {"const": "a b"}}))]}), "/oneOf/0", "set xml.name"),
        (
            json!({"oneOf": [object(json!({"k": {"const": "x"}, "n": text()})), object(json!({"l": {"const": "y"}, "n": text()}))]}),
            "",
            "no tag tells apart",
        ),
        (
            json!({"oneOf": [object(json!({"k": {"const": "x"}, "n": text()})), one("k")]}),
            "/oneOf/1",
            "without the tag \"k\"",
        ),
        (
            json!({"oneOf": [object(json!({"k": text(), "n": text()}))], "discriminator": {"propertyName": "k"}}),
            "/oneOf/0",
            "without the tag \"k\"",
        ),
        (
            json!({"oneOf": [object(json!({"a": {"type": "null"}}))]}),
            "/oneOf/0/properties/a",
            "nothing but null",
        ),
        (json!({"oneOf": [one("a")], "properties": {"b": text()}}), "", "both oneOf and properties"),
        (json!({"oneOf": [one("a")], "anyOf": [one("a")]}), "", "both oneOf and anyOf"),
        (json!({"$ref": "#", "oneOf": [one("a")]}), "", "both oneOf and $ref"),
    ]);
}

#[test]
fn merged_parts() {
    each_member(&[
        (
            json!({"allOf": [{"properties": {"x": text()}}, {"properties": {"x": text()}}]}),
            "/allOf/1/properties/x",
            "rename one",
        ),
        (json!({"allOf": [{"properties": {"x": text()}}, text()]}), "/allOf/1", "no object"),
        (json!({"allOf": [text(), text()]}), "/allOf/0", "no object"),
        (json!({"allOf": [false, {"type": "object"}]}), "/allOf/0", "allows nothing"),
        (
            json!({"allOf": [{"oneOf": [object(json!({"a": text()}))]}], "properties": {"x": text()}}),
            "/allOf/0",
            "make it a member",
        ),
    ]);
}
