//! What is told of addresses.

use std::collections::BTreeSet;

use proptest::prelude::*;
use quick_xml::events::{BytesStart, Event};

use super::document;
use crate::{
    address::Address,
    examples::{self, Part, TEXT, Tree, part, record, shape},
    operation::{Operation, Payload},
    shape::{ScalarKind, Shape, TypeId},
};

const LOCATION: &str = "https://bus.example:8443/soap/orders?a=1&b=2";

fn operation(name: &str, input: Payload, output: Payload) -> Operation {
    let namespace = "urn:example".to_owned();
    Operation {
        name: name.to_owned(),
        namespace,
        documentation: Some(format!("Does <{name}>.")),
        input,
        output,
    }
}

fn documented(mut shape: Shape) -> Shape {
    shape.documentation = Some("A payload & more.".to_owned());
    for (at, found) in shape.types.iter_mut().enumerate() {
        found.documentation = Some(format!("Type {at}.\0"));
    }
    shape
}

/// Every kind of operation.
fn several() -> Address {
    let mut nothing = shape(record(vec![]), vec![]);
    nothing.nullable = true;
    let flags = record(vec![
        part("always", Tree::Enum(ScalarKind::Boolean, &["true"])),
        part("odd", Tree::Enum(ScalarKind::Text, &["", "a&b", "<"])).optional(),
    ]);
    let mut operations: Vec<Operation> = examples::golden()
        .into_iter()
        .map(|(name, shape)| operation(name, Payload::Typed(shape.clone()), Payload::Typed(shape)))
        .collect();
    operations.extend([
        operation("documented", Payload::Typed(documented(examples::order())), Payload::Typed(nothing)),
        operation("raw", Payload::Raw, Payload::Raw),
        operation("notify", Payload::Typed(shape(flags, vec![])), Payload::Nothing),
        operation("ping", Payload::Nothing, Payload::Typed(shape(record(vec![part("pong", TEXT)]), vec![]))),
        Operation {
            namespace: "urn:other".to_owned(),
            ..operation("elsewhere", Payload::Typed(examples::tree()), Payload::Typed(examples::order()))
        },
    ]);
    Address::new("every/kind", operations).expect("an address")
}

fn orders() -> Address {
    let found = shape(record(vec![part("id", TEXT), part("order", TEXT).optional().nullable()]), vec![]);
    let operations = vec![
        operation("submit", Payload::Typed(examples::order()), Payload::Typed(found.clone())),
        operation("get", Payload::Typed(found), Payload::Typed(examples::order())),
    ];
    Address::new("orders", operations).expect("an address")
}

/// Compares with a file, which `GOLDEN=write` renews.
fn golden(name: &str, found: &str) {
    let path = format!("{}/tests/golden/{name}", env!("CARGO_MANIFEST_DIR"));
    if option_env!("GOLDEN") == Some("write") {
        std::fs::write(&path, found).expect(&path);
    }
    assert_eq!(std::fs::read_to_string(&path).expect(&path), found, "{path}");
}

#[test]
fn golden_files_are_met() {
    golden("orders.wsdl", &document(&orders(), "http://localhost:11223/soap/orders"));
    golden("several.wsdl", &document(&several(), LOCATION));
}

fn attribute(tag: &BytesStart<'_>, name: &str) -> Option<String> {
    let found = tag.try_get_attribute(name).expect("attributes")?;
    Some(quick_xml::escape::unescape(&found.value).expect("references").into_owned())
}

/// The tags of a well-formed document.
fn tags(xml: &str) -> Vec<BytesStart<'_>> {
    let mut reader = quick_xml::Reader::from_str(xml);
    let mut tags = Vec::new();
    loop {
        match reader.read_event().expect(xml) {
            Event::Eof => return tags,
            Event::Start(tag) | Event::Empty(tag) => {
                assert!(tag.attributes().all(|each| each.is_ok()), "{xml}");
                tags.push(tag);
            }
            _ => {}
        }
    }
}

#[test]
fn what_is_referred_to_is_declared_once() {
    let wsdl = document(&several(), LOCATION);
    let prefixes: Vec<(String, String)> = tags(&wsdl)
        .first()
        .expect("a root")
        .attributes()
        .flatten()
        .filter_map(|each| {
            let key = each.key.as_ref().strip_prefix("xmlns:")?.to_owned();
            Some((key, each.value.replace("&amp;", "&")))
        })
        .collect();
    let (mut namespace, mut declared, mut used) = (String::new(), BTreeSet::new(), BTreeSet::new());
    for tag in tags(&wsdl) {
        let tag_name = tag.name();
        if tag_name.as_ref() == "xs:schema" {
            namespace = attribute(&tag, "targetNamespace").expect("a namespace");
            continue;
        }
        // Elements of types may have the same name as others.
        if let ("xs:complexType" | "xs:simpleType", Some(name)) = (tag_name.as_ref(), attribute(&tag, "name"))
        {
            assert!(declared.insert((namespace.clone(), name.clone())), "{name} is there twice");
        }
        if !tag_name.as_ref().starts_with("xs:") {
            continue;
        }
        if let Some(name) = attribute(&tag, "type") {
            let (prefix, name) = name.split_once(':').expect("a prefix");
            let (_, of) = prefixes.iter().find(|(known, _)| known == prefix).expect(prefix);
            if prefix != "xs" {
                used.insert((of.clone(), name.to_owned()));
            }
        }
    }
    assert!(used.is_subset(&declared), "{used:?} {declared:?}");
}

#[test]
fn the_location_and_actions_are_told() {
    let wsdl = document(&several(), LOCATION);
    let locations = |name: &str| {
        let found = tags(&wsdl).into_iter().find(|tag| tag.name().as_ref() == name);
        found.and_then(|tag| attribute(&tag, "location"))
    };
    assert_eq!(locations("soap:address").as_deref(), Some(LOCATION));
    assert_eq!(locations("soap12:address").as_deref(), Some(LOCATION));
    let one_way = wsdl.split_once("<wsdl:operation name=\"notify\">").expect("notify").1;
    let (one_way, _) = one_way.split_once("</wsdl:operation>").expect("an end");
    assert!(
        one_way.contains("wsdl:input") && !one_way.contains("wsdl:output") && !one_way.contains("wsdl:fault")
    );
}

fn text() -> impl Strategy<Value = String> {
    "[\\PC\u{0}-\u{20}<>&\"']{0,12}"
}

proptest! {
    #[test]
    fn a_wsdl_is_well_formed_whatever_people_write(
        name in text(), location in text(), documentation in text(), namespace in text(), value in text(),
    ) {
        let value: &'static str = value.leak();
        let other: &'static str = namespace.clone().leak();
        let foreign: Part = part("x", Tree::Enum(ScalarKind::Text, vec![value].leak())).within(other);
        let mut input = documented(shape(record(vec![foreign, part("y", TEXT)]), vec![]));
        input.documentation = Some(documentation.clone());
        let operations = vec![Operation {
            namespace,
            documentation: Some(documentation),
            ..operation("op", Payload::Typed(input), Payload::Raw)
        }];
        if let Ok(address) = Address::new(&name, operations) {
            let wsdl = document(&address, &location);
            prop_assert!(tags(&wsdl).len() > 20);
            prop_assert_eq!(&wsdl, &document(&address, &location));
        }
    }

    #[test]
    fn shapes_of_any_links_are_told(links in prop::collection::vec(0..30_usize, 30)) {
        let parts = |i: usize| vec![part("a", TEXT), part(["b", "c", "d"][i % 3], record(vec![]))];
        let names: Vec<Tree> = (0..10).map(|i| record(parts(i))).collect();
        let mut linked = shape(record(names.into_iter().enumerate().map(|(i, tree)| {
            part(["m0", "m1", "m2", "m3", "m4", "m5", "m6", "m7", "m8", "m9"][i], tree)
        }).collect()), vec![]);
        let count = linked.types.len();
        let mut link = links.into_iter();
        for found in &mut linked.types {
            if let crate::shape::Content::Record(record) = &mut found.content {
                for member in &mut record.members {
                    if let Some(to) = link.next() {
                        member.element.value = TypeId(to % count);
                    }
                }
            }
        }
        let address = Address::new("x", vec![operation("op", Payload::Typed(linked), Payload::Nothing)]);
        prop_assert!(!tags(&document(&address.expect("an address"), "x")).is_empty());
    }
}
