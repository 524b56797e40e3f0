//! Attributes that may stand everywhere, and types told by the document.

use super::shapes::{TARGET, Types, assert_read, assert_refused, document, of_members, once, read, record};
use crate::shape::{Content, Scalar, ScalarKind, Shape, Width};

fn shape() -> Shape {
    let mut types = Types::default();
    let text = types.scalar(ScalarKind::Text);
    let long = types.scalar(ScalarKind::Integer(Width::I64));
    let inner = types.named("Inner", Content::Record(record(vec![once("x", text)])));
    let nameless = types.add(Content::Record(record(Vec::new())));
    let code = types.named("Code", Content::Scalar(Scalar { kind: ScalarKind::Text, values: Vec::new() }));
    let colour = types.one_of(ScalarKind::Text, &["red"]);
    let list = types.named("List", Content::List(super::shapes::element("item", text)));
    let members = [
        ("text", text),
        ("long", long),
        ("inner", inner),
        ("nameless", nameless),
        ("code", code),
        ("colour", colour),
        ("list", list),
    ];
    let members = members.into_iter().map(|(name, id)| once(name, id)).collect();
    of_members(types, members)
}

#[test]
fn types_can_only_repeat_what_is_declared() {
    assert_read(
        &shape(),
        &[
            ("<text xsi:type='xs:string'>x</text>", r#"{"text":"x"}"#),
            ("<long xsi:type=' xs:long '>1</long>", r#"{"long":1}"#),
            ("<inner xsi:type='Inner'><x xsi:type='xs:string'/></inner>", r#"{"inner":{"x":""}}"#),
            ("<inner xmlns:q='urn:t' xsi:type='q:Inner'/>", r#"{"inner":{}}"#),
            ("<code xsi:type='Code'>x</code>", r#"{"code":"x"}"#),
            ("<list xsi:type='List'/>", r#"{"list":[]}"#),
        ],
    );
    assert_refused(
        &shape(),
        &[
            ("<text xsi:type='xs:token'/>", "/text", "other than \"string\""),
            ("<text xsi:type='string'/>", "/text", "other than"),
            ("<text xsi:type='no:string'/>", "/text", "other than"),
            ("<text xsi:type=''/>", "/text", "other than"),
            ("<long xsi:type='xs:int'>1</long>", "/long", "other than \"long\""),
            ("<inner xsi:type='o:Inner'/>", "/inner", "other than \"Inner\" of namespace \"urn:t\""),
            ("<inner xsi:type='Other'/>", "/inner", "other than"),
            ("<nameless xsi:type='Inner'/>", "/nameless", "no name"),
            ("<code xsi:type='xs:string'/>", "/code", "other than \"Code\""),
            ("<colour xsi:type='xs:string'>red</colour>", "/colour", "no name"),
            ("<list xsi:type='xs:anyType'/>", "/list", "other than"),
        ],
    );
}

#[test]
fn what_soap_and_schemas_put_everywhere_is_ignored() {
    let everywhere = r#"xsi:schemaLocation="urn:t t.xsd" xsi:noNamespaceSchemaLocation="t.xsd" xml:lang="de" xml:space="preserve"
        xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" s:encodingStyle="http://schemas.xmlsoap.org/soap/encoding/"
        xmlns:t="http://www.w3.org/2003/05/soap-envelope" t:encodingStyle="x"
        xmlns:u="http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd" u:Id="a""#;
    let content = format!("<inner {everywhere}><x {everywhere}>1</x></inner><list {everywhere}/>");
    assert_read(&shape(), &[(&content, r#"{"inner":{"x":"1"},"list":[]}"#)]);
    assert_eq!(read(&shape(), &document(&format!(" {everywhere}/>"))).as_deref(), Ok("{}"));
    assert_refused(
        &shape(),
        &[
            ("<inner xsi:other='1'/>", "/inner", "attribute \"other\""),
            ("<inner><x lang='de'/></inner>", "/inner/x", "attribute \"lang\""),
            ("<list o:x='1'/>", "/list", "attribute \"x\""),
            ("<text id='1'/>", "/text", "attribute \"id\""),
        ],
    );
}

#[test]
fn any_prefix_will_do() {
    let document = format!(
        "<p:op xmlns:p='{TARGET}'><text xmlns='{TARGET}'>1</text><q:long xmlns:q='{TARGET}'>2</q:long></p:op>"
    );
    assert_eq!(read(&shape(), &document).as_deref(), Ok(r#"{"text":"1","long":2}"#));
}
