//! Text as JSON values. What numbers, dates and base64 look like is tested where they are read.

use super::shapes::{
    Types, around, assert_read, assert_refusal, assert_refused, attribute, document, of_members, once, read,
    read_with, record,
};
use crate::{
    read::Parts,
    shape::{Content, ScalarKind, Shape, Width},
};

/// One member `v` of this kind, and these values.
fn one(kind: ScalarKind, values: &[&str]) -> Shape {
    let mut types = Types::default();
    let value = types.one_of(kind, values);
    of_members(types, vec![once("v", value)])
}

#[test]
fn each_kind_has_its_json() {
    let cases = [
        (ScalarKind::Text, " a\t\"\\é𝄞\n&amp;<![CDATA[<b>]]>&#13;", r#"" a\t\"\\é𝄞\n&<b>\r""#),
        (ScalarKind::Text, "a\r\nb", r#""a\nb""#),
        (ScalarKind::Boolean, " true ", "true"),
        (ScalarKind::Boolean, "1", "true"),
        (ScalarKind::Boolean, "\n0\n", "false"),
        (ScalarKind::Boolean, "fal<!-- x -->se", "false"),
        (ScalarKind::Integer(Width::I64), "\t+007 ", "7"),
        (ScalarKind::Double, " +.5E1 ", "0.5e1"),
        (ScalarKind::Decimal, " +1.50 ", r#""1.50""#),
        (ScalarKind::DecimalNumber, " 0001.50 ", "1.50"),
        (ScalarKind::Date, " 2024-02-29Z ", r#""2024-02-29""#),
        (ScalarKind::DateTime, " 2024-02-29T12:00:00.10+01:00 ", r#""2024-02-29T12:00:00.10+01:00""#),
        (ScalarKind::Binary, " A A\n=&#x20;= ", r#""AA==""#),
        (ScalarKind::Binary, "", r#""""#),
    ];
    for (kind, text, expected) in cases {
        assert_read(&one(kind, &[]), &[(&format!("<v>{text}</v>"), &format!("{{\"v\":{expected}}}"))]);
    }
    let bad = [
        (ScalarKind::Text, "a<b/>", "elements"),
        (ScalarKind::Boolean, "TRUE", "true or false"),
        (ScalarKind::Boolean, "", "true or false"),
        (ScalarKind::Boolean, "<b/>true", "elements"),
        (ScalarKind::Integer(Width::U8), "256", "0 to 255"),
        (ScalarKind::Double, "NaN", "JSON"),
        (ScalarKind::Decimal, "1e5", "decimal"),
        (ScalarKind::DecimalNumber, "x", "decimal"),
        (ScalarKind::Date, "29.2.2024", "date"),
        (ScalarKind::DateTime, "2024-02-29T12:00:00", "zone"),
        (ScalarKind::Binary, "AB==", "base64"),
        (ScalarKind::Binary, "<b/>", "elements"),
    ];
    for (kind, text, message) in bad {
        assert_refused(&one(kind, &[]), &[(&format!("<v>{text}</v>"), "/v", message)]);
    }
}

#[test]
fn enumerated_values_are_those_of_the_schema() {
    let cases = [
        (ScalarKind::Text, "a b", "a b", r#""a b""#),
        (ScalarKind::Boolean, "true", "1", "true"),
        (ScalarKind::Integer(Width::I32), "7", " +07 ", "7"),
        (ScalarKind::Double, "1.5", "15E-1", "1.5"),
        (ScalarKind::DecimalNumber, "1.5", "1.50", "1.5"),
        (ScalarKind::Decimal, "1.50", "1.5", r#""1.50""#),
        (ScalarKind::Date, "2024-02-29", "2024-02-29+01:00", r#""2024-02-29""#),
        (ScalarKind::DateTime, "2024-02-29T12:00:00Z", " 2024-02-29T12:00:00Z", r#""2024-02-29T12:00:00Z""#),
        (ScalarKind::Binary, "AA==", "A A = =", r#""AA==""#),
    ];
    for (kind, value, text, expected) in cases {
        assert_read(
            &one(kind, &["0", value]),
            &[(&format!("<v>{text}</v>"), &format!("{{\"v\":{expected}}}"))],
        );
    }
    assert_refused(
        &one(ScalarKind::Text, &["a", "b"]),
        &[("<v>a </v>", "/v", "one of a, b"), ("<v/>", "/v", "one of")],
    );
    assert_refused(
        &one(ScalarKind::Integer(Width::I8), &["1"]),
        &[("<v>2</v>", "/v", "one of 1"), ("<v>x</v>", "/v", "integer")],
    );
    assert_refused(
        &one(ScalarKind::Binary, &["AAAA"]),
        &[("<v>AA==</v>", "/v", "one of AAAA"), ("<v>A</v>", "/v", "base64")],
    );
    let many: Vec<_> = (0..100).map(|at| format!("value {at}")).collect();
    let many: Vec<_> = many.iter().map(String::as_str).collect();
    let Err(crate::read::Unreadable::Invalid(errors)) = read(&one(ScalarKind::Text, &many), &around("<v/>"))
    else {
        panic!()
    };
    assert_eq!(errors[0].message.chars().count(), busbar_model::bounds::FIELD_MESSAGE_CHARS_MAX);
}

/// Gives its one part once.
struct One(Option<Vec<u8>>, Vec<u8>);

impl Parts for One {
    fn take(&mut self, content_id: &str) -> Option<&[u8]> {
        assert_eq!(content_id, "a@b");
        self.1 = self.0.take()?;
        Some(&self.1)
    }
}

#[test]
fn binary_content_may_be_a_part() {
    let mut types = Types::default();
    let binary = types.scalar(ScalarKind::Binary);
    let shape = of_members(types, vec![once("v", binary), once("w", binary)]);
    let read = |content: &str| read_with(&shape, &around(content), &mut One(Some(vec![0, 255]), Vec::new()));
    let include = "<xop:Include href='cid:a%40b'/>";
    assert_eq!(read(&format!("<v>{include}</v>")).as_deref(), Ok(r#"{"v":"AP8="}"#));
    assert_eq!(read(&format!("<v> {include}\n</v><w>AAAA</w>")).as_deref(), Ok(r#"{"v":"AP8=","w":"AAAA"}"#));
    let bad = [
        (format!("<v>{include}</v><w>{include}</w>"), "/w", "\"a@b\""),
        (format!("<v>AAAA{include}</v>"), "/v", "elements"),
        (format!("<v>{include}AAAA</v>"), "/v", "text"),
        (format!("<v>{include}<x/></v>"), "/v", "beside"),
        ("<v><xop:Include href='cid:a%40b'><x/></xop:Include></v>".into(), "/v", "empty"),
        ("<v><xop:Include href='http://a@b'/></v>".into(), "/v", "cid:"),
        ("<v><xop:Include href='cid:%'/></v>".into(), "/v", "cid:"),
        ("<v><xop:Include/></v>".into(), "/v", "cid:"),
        ("<v><Include href='cid:a@b'/></v>".into(), "/v", "elements"),
    ];
    for (content, path, message) in bad {
        assert_refusal(read(&content), &content, path, message);
    }
    assert_refused(&shape, &[(&format!("<v>{include}</v>"), "/v", "has not")]);
    let text = one(ScalarKind::Text, &[]);
    assert_refused(&text, &[(&format!("<v>{include}</v>"), "/v", "elements")]);
}

#[test]
fn attributes_are_members_too() {
    let mut types = Types::default();
    let number = types.scalar(ScalarKind::Integer(Width::I32));
    let text = types.one_of(ScalarKind::Text, &["x", "y"]);
    let mut other = attribute("c", text);
    other.namespace = Some("urn:o".into());
    let attributes = vec![attribute("a", number), attribute("b", text), other];
    let root =
        types.add(Content::Record(crate::shape::Record { attributes, ..record(vec![once("v", number)]) }));
    let shape = types.shape(root);
    let cases = [
        (" a=' 1 ' o:c='x' b='y'><v>2</v></op>", r#"{"a":1,"c":"x","b":"y","v":2}"#),
        (" b='x'/>", r#"{"b":"x"}"#),
        ("/>", "{}"),
    ];
    for (rest, expected) in cases {
        assert_eq!(read(&shape, &document(rest)).as_deref(), Ok(expected), "{rest}");
    }
    let bad = [
        (" a='x'/>", "/a", "integer"),
        (" o:c='z'/>", "/c", "one of x, y"),
        (" z='1'/>", "", "attribute \"z\""),
        (" c='x'/>", "", "attribute \"c\""),
        (" o:a='1'/>", "", "attribute \"a\" of namespace \"urn:o\""),
        ("><v a='1'>1</v></op>", "/v", "attribute \"a\""),
    ];
    for (rest, path, message) in bad {
        assert_refusal(read(&shape, &document(rest)), rest, path, message);
    }
}
