//! JSON → XML → JSON is the identity, but for an optional `null` and an optional empty array, which come back absent.

use std::fs;

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use crate::{
    compile::{self, tests::hostile::mappable},
    message, mtom,
    read::{self, NoParts, Parts},
    shape::{
        Content, Element, Member, Occurs, Record, Scalar, ScalarKind, Shape, TypeId, Variant, VariantForm,
    },
    write,
    xml::Reader,
};

const NAMESPACE: &str = "urn:example";

/// The XML of a value, with parts beside it if they are wanted.
fn written(shape: &Shape, json: &str, parts: Option<&mut Vec<mtom::Part>>) -> Result<String, String> {
    let mut xml = format!("<e xmlns:xsi=\"{}\">", crate::namespace::XSI);
    write::payload(shape, "op", NAMESPACE, json.as_bytes(), &mut xml, parts)
        .map_err(|unwritable| unwritable.to_string())?;
    xml.push_str("</e>");
    Ok(xml)
}

fn read(shape: &Shape, xml: &str, parts: &mut dyn Parts) -> Result<Value, String> {
    let mut reader = Reader::new(xml).map_err(|error| error.to_string())?;
    while reader.local() != "op" {
        reader.next().map_err(|error| error.to_string())?;
    }
    let json = read::payload(shape, NAMESPACE, &mut reader, parts).map_err(|error| format!("{error:?}"))?;
    serde_json::from_str(&json).map_err(|error| format!("{json}: {error}"))
}

struct Kept(Vec<mtom::Part>);

impl Parts for Kept {
    fn take(&mut self, content_id: &str) -> Option<&[u8]> {
        self.0.iter().find(|part| part.content_id == content_id).map(|part| part.bytes.as_slice())
    }
}

/// A value of a shape, made of a seed; `None` where it would not end.
struct Maker<'s> {
    shape: &'s Shape,
    state: u64,
}

impl Maker<'_> {
    /// SplitMix64.
    fn random(&mut self, below: usize) -> usize {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % below.max(1) as u64).unwrap()
    }

    fn one<'o>(&mut self, of: &[&'o str]) -> &'o str {
        of[self.random(of.len())]
    }

    fn value(&mut self, id: TypeId, depth: usize) -> Option<Value> {
        if depth > 30 {
            return None;
        }
        match &self.shape.of(id).content {
            Content::Scalar(scalar) => Some(self.scalar(scalar)),
            Content::Record(record) => self.record(record, depth),
            Content::Choice(variants) => {
                let at = if depth > 6 { 0 } else { self.random(variants.len()) };
                self.variant(&variants[at], depth)
            }
            Content::List(element) => self.items(element, depth),
            Content::Sole(element) => self.element(element, depth),
        }
    }

    fn element(&mut self, element: &Element, depth: usize) -> Option<Value> {
        if element.nillable && (depth > 6 || self.random(4) == 0) {
            return Some(Value::Null);
        }
        self.value(element.value, depth + 1)
    }

    fn items(&mut self, element: &Element, depth: usize) -> Option<Value> {
        let count = if depth > 6 { 0 } else { self.random(4) };
        (0..count).map(|_| self.element(element, depth + 1)).collect::<Option<Vec<_>>>().map(Value::Array)
    }

    fn record(&mut self, record: &Record, depth: usize) -> Option<Value> {
        let mut members = Map::new();
        if let Some((name, value)) = &record.tag {
            members.insert(name.clone(), json!(value));
        }
        for attribute in &record.attributes {
            if attribute.required || self.random(2) == 0 {
                let is_null = attribute.nullable && !attribute.required && self.random(3) == 0;
                let value = if is_null { Value::Null } else { self.value(attribute.value, depth + 1)? };
                members.insert(attribute.json.clone(), value);
            }
        }
        for member in &record.members {
            if member.required || (depth < 6 && self.random(3) > 0) {
                members.insert(member.json.clone(), self.member(member, depth)?);
            }
        }
        Some(Value::Object(members))
    }

    fn member(&mut self, member: &Member, depth: usize) -> Option<Value> {
        if member.nullable && (depth > 6 || self.random(4) == 0) {
            return Some(Value::Null);
        }
        match member.occurs {
            Occurs::Once if member.nullable => self.value(member.element.value, depth + 1),
            Occurs::Once => self.element(&member.element, depth),
            Occurs::Repeated => self.items(&member.element, depth),
            Occurs::Content => None,
        }
    }

    fn variant(&mut self, variant: &Variant, depth: usize) -> Option<Value> {
        match &variant.form {
            VariantForm::Unit(text) => Some(json!(text)),
            VariantForm::External(name) => Some(json!({name: self.element(&variant.element, depth)?})),
            VariantForm::Internal { .. } => self.value(variant.element.value, depth + 1),
        }
    }

    fn scalar(&mut self, scalar: &Scalar) -> Value {
        if !scalar.values.is_empty() {
            let value = &scalar.values[self.random(scalar.values.len())];
            return match scalar.kind {
                ScalarKind::Text => json!(value),
                _ => serde_json::from_str(value).unwrap(),
            };
        }
        match scalar.kind {
            ScalarKind::Text => {
                json!(self.one(&[
                    "",
                    " ",
                    "a",
                    " two\twords\n",
                    "<&>\"'",
                    "]]>",
                    "\r\n",
                    "é𝄞\u{FFFD}",
                    "null"
                ]))
            }
            ScalarKind::Boolean => json!(self.random(2) == 0),
            ScalarKind::Integer(width) => {
                let (least, most) = width.range();
                let number = [least, most, 0, 1][self.random(4)];
                serde_json::from_str(&number.to_string()).unwrap()
            }
            ScalarKind::Double | ScalarKind::DecimalNumber => {
                serde_json::from_str(self.one(&["0", "-1.5", "1.25", "1000000", "0.000001"])).unwrap()
            }
            ScalarKind::Decimal => {
                json!(self.one(&["0", "-1.50", "123456789012345678901234567890.01", "0.0"]))
            }
            ScalarKind::Date => json!(self.one(&["2024-02-29", "0001-01-01", "9999-12-31"])),
            ScalarKind::DateTime => {
                json!(self.one(&[
                    "2024-02-29T23:59:59Z",
                    "2024-03-31T02:30:00.123456789+05:30",
                    "1970-01-01T00:00:00-12:00"
                ]))
            }
            ScalarKind::Binary => json!(self.one(&["", "AA==", "AAEC/w==", "////"])),
            ScalarKind::Foreign(_) => Value::Null,
        }
    }
}

/// Without what XML leaves out.
fn lasting(shape: &Shape, id: TypeId, value: &Value) -> Value {
    let each = |element: &Element, items: &Vec<Value>| {
        items.iter().map(|item| lasting(shape, element.value, item)).collect()
    };
    match (&shape.of(id).content, value) {
        (Content::Record(record), Value::Object(members)) => {
            let mut kept = Map::new();
            for (name, value) in members {
                let attribute = record.attributes.iter().find(|attribute| attribute.json == *name);
                let member = record.members.iter().find(|member| member.json == *name);
                let value = match (attribute, member) {
                    (Some(attribute), _) if value.is_null() && !attribute.required => continue,
                    (_, Some(member)) if !member.required && value.is_null() => continue,
                    (_, Some(member)) => match (member.occurs, value) {
                        (Occurs::Repeated, Value::Array(items)) if items.is_empty() && !member.required => {
                            continue;
                        }
                        (Occurs::Repeated, Value::Array(items)) => each(&member.element, items),
                        _ => lasting(shape, member.element.value, value),
                    },
                    _ => value.clone(),
                };
                kept.insert(name.clone(), value);
            }
            Value::Object(kept)
        }
        (Content::Choice(variants), Value::Object(members)) => {
            for Variant { element, form } in variants {
                match form {
                    VariantForm::External(name) if members.contains_key(name) => {
                        return json!({name: lasting(shape, element.value, &members[name])});
                    }
                    VariantForm::Internal { tag, value: told } if members.get(tag) == Some(&json!(told)) => {
                        return lasting(shape, element.value, value);
                    }
                    _ => {}
                }
            }
            value.clone()
        }
        (Content::List(element), Value::Array(items)) => each(element, items),
        (Content::Sole(element), _) => lasting(shape, element.value, value),
        _ => value.clone(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, max_global_rejects: 20_000, ..ProptestConfig::default() })]

    #[test]
    fn json_comes_back_as_it_was(schema in mappable(), seed: u64) {
        let shape = compile::shape(&schema).unwrap().unwrap();
        let value = Maker { shape: &shape, state: seed }.value(shape.root, 0);
        prop_assume!(value.is_some());
        let value = value.unwrap();
        let expected = lasting(&shape, shape.root, &value);
        let xml = written(&shape, &value.to_string(), None);
        prop_assert!(xml.is_ok(), "{schema}\n{value}\n{xml:?}");
        let xml = xml.unwrap();
        prop_assert_eq!(read(&shape, &xml, &mut NoParts), Ok(expected.clone()), "{}\n{}\n{}", schema, value, xml);
        let mut parts = Vec::new();
        let xml = written(&shape, &value.to_string(), Some(&mut parts)).unwrap();
        prop_assert_eq!(read(&shape, &xml, &mut Kept(parts)), Ok(expected), "{}\n{}\n{}", schema, value, xml);
    }
}

#[test]
fn a_root_that_may_be_null_comes_back() {
    let object = |members: Value, required: Value| json!({"type": ["object", "null"], "properties": members, "required": required});
    let text = json!({"a": {"type": "string"}});
    let attribute = json!({"a": {"type": "string", "xml": {"attribute": true}}});
    let choice = json!({"oneOf": [{"const": "x"}, {"type": "null"}, {"type": "object", "properties": {"y": {"type": "string"}}, "required": ["y"]}]});
    let cases = [
        (object(text.clone(), json!(["a"])), Value::Null),
        (object(attribute, json!(["a"])), Value::Null),
        (object(text, json!([])), json!({})),
        (choice, Value::Null),
    ];
    for (schema, expected) in cases {
        let shape = compile::shape(&schema).unwrap().unwrap();
        let xml = written(&shape, "null", None).unwrap();
        assert_eq!(read(&shape, &xml, &mut NoParts), Ok(expected), "{schema}");
    }
}

/// Each schema with its golden JSON and XML, as files.
#[test]
fn golden_pairs_hold_in_both_directions() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden");
    let mut pairs = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let Some(name) = path.to_str().and_then(|path| path.strip_suffix(".schema.json")) else { continue };
        let text = |ending: &str| fs::read_to_string(format!("{name}{ending}")).unwrap();
        let schema: Value = serde_json::from_str(&text(".schema.json")).unwrap();
        let shape = compile::shape(&schema).unwrap_or_else(|error| panic!("{name}: {error}")).unwrap();
        let value: Value = serde_json::from_str(&text(".json")).unwrap();
        let document = format!("<e xmlns:xsi=\"{}\">{}</e>", crate::namespace::XSI, text(".xml"));
        let expected = lasting(&shape, shape.root, &value);
        assert_eq!(read(&shape, &document, &mut NoParts), Ok(expected), "{name}");
        let lines = |text: &str| text.lines().map(str::trim).collect::<String>();
        let xml = written(&shape, &text(".json"), None).unwrap();
        assert_eq!(lines(&xml), lines(&document), "{name}");
        pairs += 1;
    }
    assert!(pairs >= 9, "{pairs} pairs");
}

#[test]
fn an_envelope_around_a_payload_changes_nothing() {
    let schema = json!({"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]});
    let shape = compile::shape(&schema).unwrap().unwrap();
    let mut text = crate::envelope::open(crate::Version::V12, None);
    write::payload(&shape, "op", NAMESPACE, br#"{"a":" x "}"#, &mut text, None).unwrap();
    crate::envelope::close(&mut text);
    let mut message = message::open(&text).unwrap();
    let json = read::payload(&shape, NAMESPACE, &mut message.reader, &mut NoParts).unwrap();
    message.finish().unwrap();
    assert_eq!(json, r#"{"a":" x "}"#);
}
