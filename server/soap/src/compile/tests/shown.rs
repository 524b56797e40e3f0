//! What is accepted, rule by rule.

use serde_json::{Value, json};

use super::{compiled, object, shown};

fn each(cases: &[(Value, &str)]) {
    for (schema, expected) in cases {
        assert_eq!(shown(schema), *expected, "{schema}");
    }
}

/// The one member `a`, without what stands around it.
fn member(schema: &Value) -> String {
    let shown = shown(&object(json!({"a": schema})));
    let first = shown.lines().next().unwrap();
    first.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')).unwrap().to_owned()
}

fn each_member(cases: &[(Value, &str)]) {
    for (schema, expected) in cases {
        assert_eq!(member(schema), *expected, "{schema}");
    }
}

#[test]
fn scalars_go_by_type_and_format() {
    let cases = [
        ("string", "", "string"),
        ("string", "uuid", "string"),
        ("string", "decimal", "decimal"),
        ("string", "date", "date"),
        ("string", "date-time", "dateTime"),
        ("string", "byte", "base64Binary"),
        ("boolean", "", "boolean"),
        ("number", "", "double"),
        ("number", "float", "double"),
        ("number", "double", "double"),
        ("number", "decimal", "decimalNumber"),
        ("integer", "", "long"),
        ("integer", "int8", "byte"),
        ("integer", "int16", "short"),
        ("integer", "int32", "int"),
        ("integer", "int64", "long"),
        ("integer", "int", "long"),
        ("integer", "uint8", "unsignedByte"),
        ("integer", "uint16", "unsignedShort"),
        ("integer", "uint32", "unsignedInt"),
        ("integer", "uint64", "unsignedLong"),
        ("integer", "uint", "unsignedLong"),
        ("integer", "int128", "decimalNumber"),
        ("integer", "strange", "long"),
    ];
    for (kind, format, expected) in cases {
        let schema = match format {
            "" => json!({"type": kind}),
            format => json!({"type": kind, "format": format}),
        };
        assert_eq!(member(&schema), format!("a:a {expected}"), "{schema}");
    }
    let encoded = json!({"type": "string", "contentEncoding": "base64"});
    assert_eq!(member(&encoded), "a:a base64Binary");
}

#[test]
fn values_make_enumerations() {
    each_member(&[
        (json!({"enum": ["x", "y"]}), "a:a string(x,y)"),
        (json!({"type": "string", "enum": ["x", "y", null]}), "a:a string(x,y)|nil|null"),
        (json!({"const": "x"}), "a:a string(x)"),
        (json!({"enum": [1, -2]}), "a:a long(1,-2)"),
        (json!({"const": 5, "format": "int8"}), "a:a byte(5)"),
        (json!({"const": 18_446_744_073_709_551_615_u64}), "a:a unsignedLong(18446744073709551615)"),
        (json!({"const": true}), "a:a boolean"),
        (json!({"oneOf": [{"const": "x"}, {"enum": ["y", "z"]}]}), "a:a string(x,y,z)"),
        (
            json!({"type": "string", "oneOf": [{"const": "x"}, {"type": "null"}, {"const": "y"}]}),
            "a:a string(x,y)|nil|null",
        ),
        (json!({"oneOf": [{"const": 1}, {"const": 2}]}), "a:a long(1,2)"),
    ]);
}

#[test]
fn null_makes_nillable() {
    each_member(&[
        (json!({"type": ["string", "null"]}), "a:a string|nil|null"),
        (json!({"type": ["null", "integer"]}), "a:a long|nil|null"),
        (json!({"anyOf": [{"type": "string"}, {"type": "null"}]}), "a:a string|nil|null"),
        (json!({"oneOf": [{"type": "null"}, {"type": "string"}]}), "a:a string|nil|null"),
        (json!({"anyOf": [{"type": "string"}, {"const": null}]}), "a:a string|nil|null"),
        (json!({"type": ["object", "null"]}), "a:a {}|nil|null"),
    ]);
    let optional = json!({"type": "object", "properties": {"a": {"type": ["string", "null"]}}});
    assert_eq!(shown(&optional), "{a:a string|nil?|null}");
}

#[test]
fn arrays_repeat_unless_they_are_wrapped() {
    let text = json!({"type": "string"});
    each_member(&[
        (json!({"type": "array", "items": text}), "a:a string*"),
        (json!({"type": "array", "items": {"type": "string", "xml": {"name": "one"}}}), "a:one string*"),
        (json!({"type": "array", "xml": {"name": "ignored"}, "items": text}), "a:a string*"),
        (json!({"type": "array", "xml": {"namespace": "urn:x"}, "items": text}), "a:a@urn:x string*"),
        (json!({"type": "array", "items": {"type": ["string", "null"]}}), "a:a string|nil*"),
        (json!({"type": ["array", "null"], "items": text}), "a:a string*|null"),
        (json!({"type": "array", "xml": {"wrapped": true}, "items": text}), "a:a [a string]"),
        (
            json!({"type": ["array", "null"], "xml": {"wrapped": true, "name": "all"}, "items": {"type": ["string", "null"], "xml": {"name": "one"}}}),
            "a:all [one string|nil]|nil|null",
        ),
        (json!({"type": "array", "items": {"type": "array", "items": text}}), "a:a [item string]*"),
        (
            json!({"type": "array", "items": {"type": "array", "items": {"type": "array", "items": {"type": "string", "xml": {"name": "cell"}}}}}),
            "a:a [item [cell string]]*",
        ),
    ]);
    // The same array, in an element of its own and without.
    assert_eq!(
        shown(&json!({
            "type": "object",
            "properties": {
                "a": {"$ref": "#/$defs/Texts"},
                "b": {"$ref": "#/$defs/Texts", "xml": {"wrapped": true}},
                "c": {"type": "array", "items": {"$ref": "#/$defs/Texts"}},
            },
            "$defs": {"Texts": {"type": "array", "items": text}},
        })),
        "{a:a string?*, b:b Texts?, c:c Texts2?*}\nTexts = [b string]\nTexts2 = [item string]"
    );
}

#[test]
fn roots_are_objects_or_stand_in_an_element() {
    let text = json!({"type": "string"});
    each(&[
        (json!({"type": "object"}), "{}"),
        (json!({"type": ["object", "null"]}), "{}|null"),
        (json!({"type": "null"}), "nothing"),
        (json!({"const": null}), "nothing"),
        (json!({"$ref": "#/$defs/N", "$defs": {"N": {"type": "null"}}}), "nothing"),
        (text.clone(), "sole(value string)"),
        (json!({"type": ["string", "null"]}), "sole(value string|nil)"),
        (json!({"type": "array", "items": text}), "[item string]"),
        (json!({"type": "array", "items": {"type": "string", "xml": {"name": "one"}}}), "[one string]"),
        (
            json!({"anyOf": [{"$ref": "#/$defs/P"}, {"type": "null"}], "$defs": {"P": object(json!({"x": text}))}}),
            "P|null\nP = {x:x string}",
        ),
        (
            json!({"oneOf": [object(json!({"x": text})), object(json!({"y": text}))]}),
            "<x:x string / y:y string>",
        ),
    ]);
}

#[test]
fn objects_keep_the_order_and_what_is_required() {
    let schema = json!({
        "type": "object",
        "additionalProperties": false,
        "required": ["zeta"],
        "properties": {"zeta": {"type": "string"}, "alpha": {"type": "integer"}},
        "if": {"required": ["alpha"]}, "then": {"minProperties": 2}, "not": {"maxProperties": 0},
    });
    assert_eq!(shown(&schema), "{zeta:zeta string, alpha:alpha long?}");
    assert_eq!(shown(&json!({"properties": {"a": {"type": "boolean"}}})), "{a:a boolean?}");
}

#[test]
fn the_xml_keyword_names_and_places() {
    let text = |xml: Value| json!({"type": "string", "xml": xml});
    each_member(&[
        (text(json!({"name": "b"})), "a:b string"),
        (text(json!({"name": "b", "namespace": "urn:x", "prefix": "x"})), "a:b@urn:x string"),
        (text(json!({"attribute": true})), "@a:a string"),
        (text(json!({"attribute": true, "name": "b", "namespace": "urn:x"})), "@a:b@urn:x string"),
    ]);
    let schema = json!({
        "type": "object",
        "properties": {
            "own": {"$ref": "#/$defs/Code", "xml": {"name": "mine"}},
            "referred": {"$ref": "#/$defs/Code"},
            "optional": {"type": ["string", "null"], "xml": {"attribute": true}},
            "in both": {"type": "string", "xml": {"name": "optional"}},
        },
        "$defs": {"Code": {"type": "string", "xml": {"name": "code"}}},
    });
    assert_eq!(
        shown(&schema),
        "{@optional:optional? string|null, own:mine Code?, referred:code Code?, in both:optional string?}\nCode = string"
    );
}

#[test]
fn references_name_types() {
    each(&[
        (
            json!({"title": "A node", "type": "object", "properties": {"next": {"anyOf": [{"$ref": "#"}, {"type": "null"}]}}}),
            "A_node\nA_node = {next:next A_node|nil?|null}",
        ),
        (
            json!({"type": "object", "properties": {"all": {"type": "array", "items": {"$ref": "#"}}}}),
            "Payload\nPayload = {all:all Payload?*}",
        ),
        (
            json!({"$ref": "#/definitions/a%20b~1c", "definitions": {"a b/c": {"type": "object"}}}),
            "a_b_c\na_b_c = {}",
        ),
        (
            json!({
                "type": "object",
                "properties": {"a": {"$ref": "#/$defs/X"}, "b": {"$ref": "#/definitions/X"}, "c": {"$ref": "#/$defs/1"}, "d": {"$ref": "#/properties/e"}, "e": {"enum": ["x"]}},
                "$defs": {"X": {"type": "string"}, "1": {"type": "object"}},
                "definitions": {"X": {"type": "object"}},
            }),
            "{a:a X?, b:b X2?, c:c _1?, d:d e?, e:e e?}\nX = string\nX2 = {}\n_1 = {}\ne = string(x)",
        ),
        // By way of another: one type, not two.
        (
            json!({
                "type": "object",
                "properties": {"a": {"$ref": "#/$defs/A"}, "b": {"$ref": "#/$defs/B"}},
                "$defs": {"A": {"$ref": "#/$defs/B", "title": "the same"}, "B": {"type": "object"}},
            }),
            "{a:a B?, b:b B?}\nB = {}",
        ),
        // A list of itself, and an object whose merged member is of its own kind: XSD needs names for both.
        (
            json!({"$ref": "#/$defs/L", "$defs": {"L": {"type": "array", "items": {"$ref": "#/$defs/L"}}}}),
            "L\nL = [item L]",
        ),
        (
            json!({
                "type": "object",
                "properties": {"p": {"$ref": "#/$defs/P", "required": ["more"]}},
                "$defs": {"P": {"type": "object", "properties": {"more": {"$ref": "#/$defs/P", "required": ["more"]}}}},
            }),
            "{p:p {more:more more}?}\nmore = {more:more more}",
        ),
    ]);
}

#[test]
fn all_of_merges() {
    let base = object(json!({"id": {"type": "string"}}));
    let with = |schema: Value| {
        let mut schema = schema;
        schema["$defs"] = json!({
            "Base": base,
            "Left": {"allOf": [{"$ref": "#/$defs/Base"}, {"properties": {"l": {"type": "string"}}}]},
            "Right": {"$ref": "#/$defs/Base", "properties": {"r": {"type": "string"}}},
            "Maybe": {"type": ["object", "null"], "properties": {"m": {"type": "string"}}},
        });
        schema
    };
    each(&[
        (
            with(json!({"allOf": [{"$ref": "#/$defs/Base"}], "description": "x"})),
            "Base\nBase = {id:id string}",
        ),
        (
            with(json!({"type": "object", "allOf": [{"$ref": "#/$defs/Base"}, {"minProperties": 1}]})),
            "Base\nBase = {id:id string}",
        ),
        (
            with(
                json!({"allOf": [{"$ref": "#/$defs/Left"}, {"$ref": "#/$defs/Right"}, {"required": ["l"]}]}),
            ),
            "{id:id string, l:l string, r:r string?}",
        ),
        (with(json!({"allOf": [{"$ref": "#/$defs/Maybe"}, {"required": ["m"]}]})), "{m:m string}|null"),
        (
            with(json!({"type": "object", "allOf": [{"$ref": "#/$defs/Maybe"}, {"required": ["m"]}]})),
            "{m:m string}",
        ),
    ]);
    assert_eq!(member(&json!({"allOf": [{"type": "string"}, {"maxLength": 3}]})), "a:a string");
}

#[test]
fn one_of_is_a_choice_of_elements() {
    let text = json!({"type": "string"});
    each(&[
        // By the member's name.
        (
            json!({"oneOf": [
                {"type": "object", "properties": {"a": text}, "required": ["a"]},
                {"type": "object", "properties": {"b": {"type": ["integer", "null"], "xml": {"name": "n"}}}, "required": ["b"]},
                {"type": "object", "properties": {"c": {"type": "array", "items": text}}, "required": ["c"]},
                {"type": "string", "enum": ["U", "V"]},
                {"type": "null"},
            ]}),
            "<a:a string / b:n long|nil / c:c [item string] / \"U\":U {} / \"V\":V {}>|null",
        ),
        // By a tag; the first with values of its own.
        (
            json!({"oneOf": [
                object(json!({"version": {"const": "1"}, "kind": {"const": "x"}, "a": text})),
                object(json!({"version": {"const": "1"}, "kind": {"enum": ["y"]}})),
            ]}),
            "<kind=x:x {kind=x, version:version string(1), a:a string} / kind=y:y {kind=y, version:version string(1)}>",
        ),
        // Through references, to a type that is used without its tag too.
        (
            json!({
                "type": "object",
                "properties": {"one": {"$ref": "#/$defs/Any"}, "cat": {"$ref": "#/$defs/Cat"}},
                "$defs": {
                    "Any": {"oneOf": [{"$ref": "#/$defs/Cat"}, {"$ref": "#/$defs/Dog"}], "discriminator": {"propertyName": "pet"}},
                    "Cat": object(json!({"pet": {"const": "cat"}, "kittens": {"type": "array", "items": {"$ref": "#/$defs/Cat"}}})),
                    "Dog": object(json!({"pet": {"const": "dog"}, "chases": {"$ref": "#/$defs/Any"}})),
                },
            }),
            "{one:one Any?, cat:cat Cat?}\n\
             Any = <pet=cat:cat Cat2 / pet=dog:dog Dog>\n\
             Cat = {pet:pet string(cat), kittens:kittens Cat*}\n\
             Cat2 = {pet=cat, kittens:kittens Cat*}\n\
             Dog = {pet=dog, chases:chases Any}",
        ),
        // One variant.
        (json!({"oneOf": [object(json!({"a": text}))]}), "<a:a string>"),
        (json!({"oneOf": [object(json!({"k": {"const": "x"}}))]}), "<k=x:x {k=x}>"),
        // Const members that are no common tag.
        (
            json!({"oneOf": [object(json!({"a": {"const": "x"}})), object(json!({"b": {"const": "y"}}))]}),
            "<a:a string(x) / b:b string(y)>",
        ),
        // Both ways.
        (
            json!({"oneOf": [object(json!({"k": {"const": "x"}, "n": text})), object(json!({"b": text}))]}),
            "<k=x:x {k=x, n:n string} / b:b string>",
        ),
        // Names that are none, mended.
        (
            json!({"oneOf": [
                {"const": "1st", "xml": {"name": "first"}},
                {"type": "object", "properties": {"k": {"const": "2 nd"}}, "required": ["k"], "xml": {"name": "second", "namespace": "urn:x"}},
            ]}),
            "<\"1st\":first {} / k=2 nd:second@urn:x {k=2 nd}>",
        ),
    ]);
}

#[test]
fn what_is_said_is_kept_where_it_is_said() {
    let schema = json!({
        "title": "T", "description": "The whole.",
        "type": "object",
        "properties": {
            "a": {"$ref": "#/$defs/X", "description": "A."},
            "b": {"$ref": "#/$defs/X"},
            "c": {"type": "string", "title": "C\u{1}.", "xml": {"attribute": true}},
            "d": {"anyOf": [{"$ref": "#/$defs/X"}, {"type": "null"}], "description": "D."},
        },
        "$defs": {"X": {"type": "object", "description": "An X."}},
    });
    let shape = compiled(&schema);
    assert_eq!(shape.documentation.as_deref(), Some("The whole."));
    let crate::shape::Content::Record(record) = &shape.of(shape.root).content else { panic!("{shape:?}") };
    let said: Vec<_> = record.members.iter().map(|member| member.element.documentation.as_deref()).collect();
    assert_eq!(said, [Some("A."), None, Some("D.")]);
    assert_eq!(record.attributes[0].documentation.as_deref(), Some("C."));
    assert_eq!(shape.of(record.members[1].element.value).documentation.as_deref(), Some("An X."));
}
