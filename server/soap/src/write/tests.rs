//! JSON as services give it, and what becomes of it.

use std::fmt::Write as _;

use proptest::prelude::*;
use quick_xml::events::Event;

use super::{Unwritable, payload};
use crate::mtom::Part;
use crate::{
    examples::{self, Form, INT, TEXT, Tree, list, part, record, shape},
    shape::{Content, ScalarKind, Shape, Width},
};

fn write(shape: &Shape, json: &str) -> Result<String, Unwritable> {
    let mut out = String::from("before");
    let written = payload(shape, "op", "urn:example", json.as_bytes(), &mut out, None);
    let out = out.strip_prefix("before").expect("what was there before").to_owned();
    if written.is_err() {
        assert_eq!(out, "", "nothing is left of an error");
    }
    written.map(|()| out)
}

fn refused(shape: &Shape, json: &str) -> (String, String) {
    let Unwritable { path, reason } = write(shape, json).expect_err(json);
    (path, reason)
}

fn one_line(text: &str) -> String {
    text.lines().map(str::trim).collect()
}

fn read(name: &str) -> String {
    let path = format!("{}/tests/golden/{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(&path).expect(&path)
}

#[test]
fn golden_files_are_met() {
    for (name, shape) in examples::golden() {
        let written = write(&shape, &read(&format!("{name}.json")));
        assert_eq!(written, Ok(one_line(&read(&format!("{name}.xml")))), "{name}");
    }
}

#[test]
fn places_of_errors_are_json_pointers() {
    let line =
        |fields: &str| format!(r#"{{"customer":"x","placed":"2024-01-01T00:00:00Z","lines":[{fields}]}}"#);
    for (fields, path, reason) in [
        (r#"{"sku":"a","quantity":1},{"sku":"a"}"#, "/lines/1/quantity", "is missing"),
        (r#"{"sku":"a","quantity":"1"}"#, "/lines/0/quantity", "is not a number"),
        (r#"{"sku":"a","quantity":1.5}"#, "/lines/0/quantity", "is not an integer"),
        (r#"{"sku":"a","quantity":2147483648}"#, "/lines/0/quantity", "is out of the range of its type"),
        (r#"{"sku":7,"quantity":1}"#, "/lines/0/sku", "is not a string"),
        (r#"{"sku":{"a":[]},"quantity":1}"#, "/lines/0/sku", "is not a string"),
        (r#"{"sku":"a","quantity":1,"price":"x"}"#, "/lines/0/price", "is not a decimal number"),
        (r#"{"sku":"a","quantity":1,"sku":"b"}"#, "/lines/0/sku", "is there twice"),
        (r#"{"sku":"a","quantity":null}"#, "/lines/0/quantity", "is null, which it may not be"),
        ("null", "/lines/0", "is null, which it may not be"),
        ("[]", "/lines/0", "is not an object"),
        ("7", "/lines/0", "is not an object"),
        (r#"{"sku":"a\u0001","quantity":1}"#, "/lines/0/sku", "has the character U+0001, which XML forbids"),
        (
            r#"{"sku":"a","quantity":1,"a/b~c":2}"#,
            "/lines/0/a~1b~0c",
            "has no image in XML: the schema does not have it",
        ),
    ] {
        let found = refused(&examples::order(), &line(fields));
        assert_eq!(found, (path.to_owned(), reason.to_owned()), "{fields}");
    }
    let missing = refused(&examples::order(), r#"{"customer":"x","placed":"2024-01-01T00:00:00Z"}"#);
    assert_eq!(missing, ("/lines".to_owned(), "is missing".to_owned()));
}

#[test]
fn what_is_no_json_is_refused() {
    for json in ["", "{", "{}x", "{\"customer\":\"\\ud800\"}", "nul", "[1,]", "\u{FEFF}{}"] {
        let (_, reason) = refused(&shape(record(vec![part("customer", TEXT).optional()]), vec![]), json);
        assert!(reason.starts_with("is no") || reason.starts_with("is not an object"), "{json}: {reason}");
    }
}

#[test]
fn a_record_that_may_be_null_is_an_empty_element() {
    let mut nothing = shape(record(vec![]), vec![]);
    assert_eq!(refused(&nothing, "null").0, "");
    nothing.nullable = true;
    for json in ["null", "{}"] {
        assert_eq!(write(&nothing, json).as_deref(), Ok(r#"<op xmlns="urn:example"/>"#));
    }
}

#[test]
fn elements_and_attributes_take_any_order() {
    let shape = shape(
        record(vec![
            part("a", INT).optional(),
            part("at", TEXT).attribute(),
            part("b", record(vec![part("y", INT), part("x", INT).attribute()])).repeated(),
            part("c", INT).optional().nullable(),
        ]),
        vec![],
    );
    let wanted = r#"<op xmlns="urn:example" at="t"><a>1</a><b x="3"><y>2</y></b><b x="5"><y>4</y></b></op>"#;
    let b = r#""b":[{"y":2,"x":3},{"x":5,"y":4}]"#;
    let members = ["\"a\":1", "\"at\":\"t\"", b, "\"c\":null"];
    for order in [[0, 1, 2, 3], [3, 2, 1, 0], [2, 3, 0, 1], [1, 0, 3, 2], [2, 0, 3, 1]] {
        let json = format!("{{{}}}", order.map(|i| members[i]).join(","));
        assert_eq!(write(&shape, &json).as_deref(), Ok(wanted), "{json}");
    }
    let nulls = r#"{"c":null,"b":[],"at":""}"#;
    assert_eq!(write(&shape, nulls).as_deref(), Ok(r#"<op xmlns="urn:example" at=""/>"#));
}

fn mixed() -> Shape {
    let cat = Tree::Record(vec![part("name", TEXT)], Some(("kind", "cat")));
    shape(
        Tree::Choice(vec![
            (Form::Unit("none"), record(vec![])),
            (Form::Internal("kind", "cat"), cat),
            (Form::External("dog"), TEXT),
        ]),
        vec![],
    )
}

#[test]
fn a_choice_is_told_by_name_or_tag() {
    let mixed = mixed();
    for (json, inside) in [
        (r#""none""#, "<none/>"),
        (r#"{"kind":"cat","name":"Tom"}"#, "<cat><name>Tom</name></cat>"),
        (r#"{"name":"Tom","kind":"cat"}"#, "<cat><name>Tom</name></cat>"),
        (r#"{"\u006bind":"cat","name":"Tom"}"#, "<cat><name>Tom</name></cat>"),
        (r#"{"dog":"Rex"}"#, "<dog>Rex</dog>"),
    ] {
        let wanted = format!(r#"<op xmlns="urn:example">{inside}</op>"#);
        assert_eq!(write(&mixed, json), Ok(wanted), "{json}");
    }
    for (json, path, reason) in [
        (r#""cat""#, "", "is none of the variants"),
        (r#"{"kind":"dog"}"#, "/kind", "is none of the variants"),
        (r#"{"kind":7}"#, "/kind", "is not a string"),
        (r#"{"name":"Tom"}"#, "/kind", "is missing"),
        (r#"{"kind":"cat","name":"Tom","kind":"cat"}"#, "/kind", "is there twice"),
        (r#"{"kind":"cat"}"#, "/name", "is missing"),
        (r#"{"name":7,"kind":"cat"}"#, "/name", "is not a string"),
        (r#"{"dog":7}"#, "/dog", "is not a string"),
        (r#"{"dog":"Rex","name":"x"}"#, "/kind", "is missing"),
        ("{}", "/kind", "is missing"),
        ("7", "", "is not one of the variants"),
        ("null", "", "is null, which it may not be"),
    ] {
        assert_eq!(refused(&mixed, json), (path.to_owned(), reason.to_owned()), "{json}");
    }
    let external = shape(Tree::Choice(vec![(Form::External("a"), INT), (Form::External("b"), INT)]), vec![]);
    assert_eq!(refused(&external, r#"{"a":1,"b":2}"#).1, "is more than one variant");
    assert_eq!(refused(&external, r#"{"c":1}"#).0, "/c");
    assert_eq!(refused(&external, "{}").1, "is none of the variants");
}

#[test]
fn binary_goes_into_parts_where_they_are_taken() {
    let shape = shape(
        record(vec![
            part("photo", Tree::Scalar(ScalarKind::Binary)).repeated(),
            part("mark", Tree::Scalar(ScalarKind::Binary)).attribute(),
        ]),
        vec![],
    );
    let json = r#"{"mark":"AA==","photo":["AAEC",""]}"#;
    let mut parts =
        vec![Part { content_id: "other".to_owned(), content_type: "text/plain".to_owned(), bytes: vec![] }];
    let mut out = String::new();
    payload(&shape, "op", "urn:example", json.as_bytes(), &mut out, Some(&mut parts)).expect("parts");
    let include = |n| {
        format!(
            r#"<xop:Include xmlns:xop="http://www.w3.org/2004/08/xop/include" href="cid:part{n}@busbar"/>"#
        )
    };
    let wanted = format!(
        r#"<op xmlns="urn:example" mark="AA=="><photo>{}</photo><photo>{}</photo></op>"#,
        include(2),
        include(3)
    );
    assert_eq!(out, wanted);
    assert_eq!(parts[1].bytes, [0, 1, 2]);
    assert_eq!((parts.len(), parts[2].bytes.len()), (3, 0));
    let bad = r#"{"mark":"AA==","photo":["AAEC","A"]}"#;
    payload(&shape, "op", "urn:example", bad.as_bytes(), &mut out, Some(&mut parts)).expect_err("no base64");
    assert_eq!((out, parts.len()), (wanted, 3));
    assert_eq!(refused(&shape, bad).0, "/photo/1");
}

#[test]
fn depth_is_bounded() {
    let tree = examples::tree();
    let nested = |depth: usize| {
        let mut json = String::from(r#"{"root":"#);
        for _ in 0..depth {
            json.push_str(r#"{"label":"","children":["#);
        }
        json.push_str(&"]}".repeat(depth));
        json + "}"
    };
    write(&tree, &nested(50)).expect("depth 50");
    for depth in [64, 200, 100_000] {
        write(&tree, &nested(depth)).expect_err("too deep");
    }
    // Elements that no array or object stands for don't nest deeper than XML may.
    let lists = shape(record(vec![part("n", Tree::Named("L"))]), vec![("L", list("item", Tree::Named("L")))]);
    let (_, reason) = refused(&lists, &format!(r#"{{"n":{}{}}}"#, "[".repeat(110), "]".repeat(110)));
    assert_eq!(reason, "nests too deep");
}

#[test]
fn many_members_in_a_bad_order_take_no_quadratic_time() {
    let names: Vec<&'static str> = (0..2000).map(|i| &*format!("m{i}").leak()).collect();
    let shape = shape(record(names.iter().map(|name| part(name, INT)).collect()), vec![]);
    let mut json = String::from("{");
    for name in names.iter().rev() {
        let _ = write!(json, "{}\"{name}\":1", if json.len() > 1 { "," } else { "" });
    }
    let written = write(&shape, &(json + "}")).expect("written");
    assert!(
        written.starts_with(r#"<op xmlns="urn:example"><m0>1</m0><m1>"#)
            && written.ends_with("<m1999>1</m1999></op>")
    );
}

#[test]
fn a_sole_null_is_told_where_it_can_be() {
    let mut sole = shape(Tree::Sole(Box::new(TEXT)), vec![]);
    assert_eq!(refused(&sole, "null").1, "is null, which it may not be");
    let root = sole.root.0;
    if let Content::Sole(element) = &mut sole.types[root].content {
        element.nillable = true;
    }
    assert_eq!(
        write(&sole, "null").as_deref(),
        Ok(r#"<op xmlns="urn:example"><value xsi:nil="true"/></op>"#)
    );
    assert_eq!(write(&sole, "\"\"").as_deref(), Ok(r#"<op xmlns="urn:example"><value/></op>"#));
}

fn json() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("null".to_owned()),
        Just("true".to_owned()),
        "-?[0-9]{1,20}".prop_map(|digits| digits.trim_start_matches('0').to_owned() + "0"),
        "[0-9]\\.[0-9]{1,3}[eE][0-9]{1,3}",
        "[a-z<&>\\t\\r\\n\"\\PC]{0,8}".prop_map(|text| serde_json::to_string(&text).expect("text")),
        Just("\"2024-02-29T00:00:00Z\"".to_owned()),
        Just("\"cat\"".to_owned()),
    ];
    let name = prop_oneof![
        Just("kind"),
        Just("name"),
        Just("dog"),
        Just("must"),
        Just("may"),
        Just("list"),
        Just("items"),
        Just("inner"),
        Just("status"),
        Just("figures"),
        Just("label"),
        Just("root"),
        Just("children"),
        Just("customer"),
        Just("lines"),
        Just("side"),
        Just("unit"),
        Just("text"),
        Just("matrix"),
        Just("names"),
        Just("x")
    ];
    leaf.prop_recursive(4, 40, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(|items| format!("[{}]", items.join(","))),
            prop::collection::vec((name.clone(), inner), 0..5).prop_map(|members| {
                let members: Vec<String> =
                    members.iter().map(|(name, json)| format!("\"{name}\":{json}")).collect();
                format!("{{{}}}", members.join(","))
            }),
        ]
    })
}

fn is_well_formed(xml: &str) -> bool {
    let mut reader = quick_xml::Reader::from_str(xml);
    loop {
        match reader.read_event() {
            Ok(Event::Eof) => return true,
            Ok(Event::Start(tag) | Event::Empty(tag)) if tag.attributes().any(|each| each.is_err()) => {
                return false;
            }
            Ok(_) => {}
            Err(_) => return false,
        }
    }
}

proptest! {
    #[test]
    fn whatever_comes_is_written_well_or_refused(json in json()) {
        for shape in examples::golden().into_iter().map(|(_, shape)| shape).chain([mixed()]) {
            if let Ok(xml) = write(&shape, &json) {
                prop_assert!(is_well_formed(&xml), "{}", xml);
            }
        }
    }

    #[test]
    fn bytes_of_any_kind_never_panic(json in prop::collection::vec(any::<u8>(), 0..40)) {
        for (_, shape) in examples::golden() {
            let _ = payload(&shape, "op", "urn:example", &json, &mut String::new(), Some(&mut Vec::new()));
        }
    }

    #[test]
    fn texts_arrive_as_they_were(text in "\\PC*|[\\t\\r\\n <&>\"']*", attribute: bool) {
        let member = part("t", TEXT);
        let shape = shape(record(vec![if attribute { member.attribute() } else { member }]), vec![]);
        let json = serde_json::json!({ "t": text }).to_string();
        prop_assume!(!text.contains(['\u{FFFE}', '\u{FFFF}']));
        let xml = write(&shape, &json).expect("written");
        let (open, close) = if attribute { ("t=\"", "\"/>") } else { ("<t>", "</t>") };
        let inside = xml.split_once(open).and_then(|(_, rest)| rest.rsplit_once(close)).map_or("", |(text, _)| text);
        prop_assert_eq!(quick_xml::escape::unescape(inside).expect("references"), text);
    }

    #[test]
    fn any_order_of_members_gives_the_same(order in Just((0..14_usize).collect::<Vec<_>>()).prop_shuffle()) {
        let (_, shape) = examples::golden().remove(5);
        let json: serde_json::Map<String, serde_json::Value> =
            serde_json::from_str(&read("scalars.json").replace("123456789012345.678901234567890,", "1,")).expect("JSON");
        let members: Vec<_> = json.iter().collect();
        let shuffled: Vec<String> = order
            .iter()
            .filter_map(|i| members.get(*i))
            .map(|(name, value)| format!("\"{name}\":{value}"))
            .collect();
        let wanted = write(&shape, &serde_json::to_string(&json).expect("JSON"));
        prop_assert_eq!(write(&shape, &format!("{{{}}}", shuffled.join(","))), wanted);
    }
}

#[test]
fn enums_of_every_kind_are_held_to_their_values() {
    for (kind, values, good, bad) in [
        (ScalarKind::Text, &["a", "b"][..], "\"b\"", "\"c\""),
        (ScalarKind::Integer(Width::I64), &["1", "2"][..], "2.0", "3"),
        (ScalarKind::Boolean, &["true"][..], "true", "false"),
    ] {
        let shape = shape(record(vec![part("e", Tree::Enum(kind, values))]), vec![]);
        write(&shape, &format!("{{\"e\":{good}}}")).expect(good);
        let found = refused(&shape, &format!("{{\"e\":{bad}}}"));
        assert_eq!(found, ("/e".to_owned(), "is none of the allowed values".to_owned()));
    }
}
