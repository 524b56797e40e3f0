//! Descriptions that would cost much if they were believed.

use std::{fmt::Write as _, time::Instant};

use busbar_model::bounds::{WSDL_DOCUMENTS_MAX, WSDL_OPERATIONS_MAX};

use super::{documents, sent};
use crate::client::{Client, Document, Options, Refused};

/// An operation `Go` whose element `Go` is in this schema.
fn with(schema: &str) -> Result<Client, Refused> {
    let text = format!(
        "<d:definitions xmlns:d='http://schemas.xmlsoap.org/wsdl/' xmlns:p='http://schemas.xmlsoap.org/wsdl/soap/' \
         xmlns:x='http://www.w3.org/2001/XMLSchema' xmlns:t='urn:t' targetNamespace='urn:t'><d:types>\
         <x:schema targetNamespace='urn:t'>{schema}</x:schema></d:types>\
         <d:message name='In'><d:part name='b' element='t:Go'/></d:message>\
         <d:portType name='P'><d:operation name='Go'><d:input message='t:In'/></d:operation></d:portType>\
         <d:binding name='B' type='t:P'><p:binding/><d:operation name='Go'><d:input><p:body use='literal'/></d:input></d:operation></d:binding>\
         <d:service name='S'><d:port name='S' binding='t:B'><p:address location='http://x'/></d:port></d:service></d:definitions>"
    );
    let begun = Instant::now();
    let read = Client::read(&[Document { location: "w".to_owned(), text }], None, None);
    // Most take a second or two, on a machine that does nothing else.
    assert!(begun.elapsed().as_secs() < 60, "{:?}", begun.elapsed());
    read
}

fn problem(schema: &str) -> String {
    with(schema).map(|_| ()).unwrap_err().text
}

fn go(content: &str) -> String {
    format!("<x:element name='Go'><x:complexType>{content}</x:complexType></x:element>")
}

#[test]
fn documents_are_bounded() {
    let one = |text: &str| {
        Client::read(&[Document { location: "w".to_owned(), text: text.to_owned() }], None, None)
    };
    assert!(Client::read(&[], None, None).unwrap_err().text.contains("no document"));
    assert!(one("<a/>").unwrap_err().text.contains("neither a WSDL nor a schema"));
    assert!(one("<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>").unwrap_err().text.contains("DOCTYPE"));
    assert!(one("<!DOCTYPE a SYSTEM 'file:///etc/passwd'><a/>").unwrap_err().text.contains("DOCTYPE"));
    assert!(one(&"<a>".repeat(200)).unwrap_err().text.contains("deeper than 100"));
    let many = vec![Document { location: "w".to_owned(), text: "<a/>".to_owned() }; WSDL_DOCUMENTS_MAX + 1];
    assert!(Client::read(&many, None, None).unwrap_err().text.contains("more than 200 documents"));
    let long = " ".repeat(17 * 1024 * 1024);
    assert!(one(&long).unwrap_err().text.contains("bytes in all documents"));
    let elements = "<x:element name='a'/>".repeat(400_001);
    assert!(problem(&elements).contains("more than 400000 elements"));
}

#[test]
fn groups_that_double_each_other_end() {
    let mut schema = go("<x:group ref='t:g0'/>");
    for n in 0..30 {
        let next = n + 1;
        let _ = write!(
            schema,
            "<x:group name='g{n}'><x:choice><x:group ref='t:g{next}'/><x:group ref='t:g{next}'/></x:choice></x:group>"
        );
    }
    schema.push_str("<x:group name='g30'><x:choice><x:element name='a' type='x:int'/></x:choice></x:group>");
    let text = problem(&schema);
    assert!(
        text.contains("more than can be looked at") || text.contains("groups within each other"),
        "{text}"
    );
}

#[test]
fn attribute_groups_that_double_each_other_end() {
    let mut schema = go("<x:attributeGroup ref='t:g0'/>");
    for n in 0..30 {
        let next = n + 1;
        let _ = write!(
            schema,
            "<x:attributeGroup name='g{n}'><x:attributeGroup ref='t:g{next}'/><x:attributeGroup ref='t:g{next}'/></x:attributeGroup>"
        );
    }
    schema.push_str("<x:attributeGroup name='g30'/>");
    assert!(problem(&schema).contains("more than can be looked at"));
    let circle = go("<x:attributeGroup ref='t:c'/>")
        + "<x:attributeGroup name='c'><x:attributeGroup ref='t:c'/></x:attributeGroup>";
    assert!(problem(&circle).contains("circle"));
}

#[test]
fn types_that_restrict_themselves_end() {
    let schema = "<x:element name='Go' type='t:a'/><x:simpleType name='a'><x:restriction base='t:b'/></x:simpleType>\
                  <x:simpleType name='b'><x:restriction base='t:a'/></x:simpleType>";
    assert!(problem(schema).contains("more than 32 types restrict each other"));
    let schema = "<x:element name='Go' type='t:a'/>\
                  <x:complexType name='a'><x:simpleContent><x:extension base='t:a'/></x:simpleContent></x:complexType>";
    assert!(problem(schema).contains("circle"));
}

#[test]
fn types_without_end_are_bounded() {
    let mut schema = String::new();
    let mut members = String::new();
    for n in 0..60_000 {
        let _ = write!(members, "<x:element name='e{n}' type='t:T{n}'/>");
        let _ = write!(schema, "<x:complexType name='T{n}'/>");
    }
    schema.push_str(&go(&format!("<x:sequence>{members}</x:sequence>")));
    assert!(problem(&schema).contains("more than 20000 types"));
}

#[test]
fn bases_are_not_copied_without_end() {
    let mut members = String::new();
    for n in 0..2_000 {
        let _ = write!(members, "<x:element name='e{n}' type='x:int' minOccurs='0'/>");
    }
    let mut schema = format!("<x:complexType name='Base'><x:sequence>{members}</x:sequence></x:complexType>");
    let mut all = String::new();
    for n in 0..2_000 {
        let _ = write!(
            schema,
            "<x:complexType name='T{n}'><x:complexContent><x:extension base='t:Base'/></x:complexContent></x:complexType>"
        );
        let _ = write!(all, "<x:element name='e{n}' type='t:T{n}'/>");
    }
    schema.push_str(&go(&format!("<x:sequence>{all}</x:sequence>")));
    let text = problem(&schema);
    assert!(text.contains("members") || text.contains("looked at"), "{text}");
}

#[test]
fn a_long_enumeration_is_held_once() {
    let mut values = String::new();
    for n in 0..20_000 {
        let _ = write!(values, "<x:enumeration value='{n}'/>");
    }
    let members: String = (0..300).fold(String::new(), |mut text, n| {
        let _ = write!(text, "<x:element name='e{n}' type='t:E' minOccurs='0'/>");
        text
    });
    let schema = format!(
        "<x:simpleType name='E'><x:restriction base='x:string'>{values}</x:restriction></x:simpleType>{}",
        go(&format!("<x:sequence>{members}</x:sequence>"))
    );
    let client = with(&schema).unwrap();
    let options = Options::default();
    assert!(client.request("Go", br#"{"e7": "19999"}"#, &options).is_ok());
    assert!(client.request("Go", br#"{"e7": "20000"}"#, &options).is_err());
    let schema = client.input_schema(client.operation("Go").unwrap());
    assert!(schema.to_string().len() < 2_000_000);
    // Restricted anew again and again, it would be copied again and again.
    let copies: String = (0..10_000).fold(String::new(), |mut text, n| {
        let _ = write!(
            text,
            "<x:element name='e{n}'><x:simpleType><x:restriction base='t:E'/></x:simpleType></x:element>"
        );
        text
    });
    let schema = format!(
        "<x:simpleType name='E'><x:restriction base='x:string'>{values}</x:restriction></x:simpleType>{}",
        go(&format!("<x:sequence>{copies}</x:sequence>"))
    );
    assert!(problem(&schema).contains("looked at"));
}

#[test]
fn names_can_not_be_markup() {
    let bad = ["a&gt;&lt;b", "a b", "", "p:a", "1"];
    for name in bad {
        let schema = go(&format!("<x:sequence><x:element name='{name}' type='x:int'/></x:sequence>"));
        assert!(problem(&schema).contains("is no name"), "{name}");
        let schema = go(&format!("<x:attribute name='{name}' type='x:int'/>"));
        assert!(problem(&schema).contains("is no name"), "{name}");
    }
    for name in ["xmlns", "xmlnsx"] {
        let schema = go(&format!("<x:attribute name='{name}' type='x:string'/>"));
        assert!(problem(&schema).contains("is no name"), "{name}");
    }
    let namespace = "u&quot;&gt;&lt;evil/&gt;";
    let text = documents(&[("calculator.wsdl", "w")])
        .remove(0)
        .text
        .replace("http://calc.example/\"", &format!("{namespace}\""));
    let client = Client::read(&[Document { location: "w".to_owned(), text }], None, None).unwrap();
    let sent = sent(&client, "Clear", "{}").unwrap();
    assert_eq!(sent, "<n0:Clear xmlns:n0=\"u&quot;&gt;&lt;evil/&gt;\"/>");
}

#[test]
fn operations_are_bounded() {
    let text = &documents(&[("calculator.wsdl", "w")])[0].text;
    let operation = "<wsdl:operation name=\"Add\">";
    let many = format!("{operation}</wsdl:operation>").repeat(WSDL_OPERATIONS_MAX + 1);
    let binding = "<soap:binding transport=\"http://schemas.xmlsoap.org/soap/http\" />";
    let text = text.replacen(binding, &[binding, &many].concat(), 1);
    let error = Client::read(&[Document { location: "w".to_owned(), text }], None, None).unwrap_err();
    assert!(error.text.contains("more than 2000 operations"), "{error}");
}

#[test]
fn a_mebibyte_of_types_is_read_in_time() {
    let mut schema = go("<x:sequence><x:element name='first' type='t:T0' minOccurs='0'/></x:sequence>");
    for n in 0..3_000 {
        let _ = write!(
            schema,
            "<x:complexType name='T{n}'><x:annotation><x:documentation>The type of this number.</x:documentation></x:annotation>\
             <x:sequence><x:element name='id' type='x:long'/><x:element name='text' type='x:string' minOccurs='0'/>\
             <x:element name='next' type='t:T{}' minOccurs='0'/></x:sequence><x:attribute name='a' type='x:int'/></x:complexType>",
            (n + 1) % 3_000
        );
    }
    assert!(schema.len() > 1_000_000, "{}", schema.len());
    let begun = Instant::now();
    let client = with(&schema).unwrap();
    println!("{:?}", begun.elapsed());
    let options = Options::default();
    assert!(client.request("Go", br#"{"first": {"id": 1, "next": {"id": 2}}}"#, &options).is_ok());
    let schema = client.input_schema(client.operation("Go").unwrap());
    assert_eq!(schema["$defs"].as_object().unwrap().len(), 3_000);
}

proptest::proptest! {
    /// Whatever becomes of a description that something was cut out of, nothing panics.
    #[test]
    fn a_broken_description_is_refused(from in 0..20_000_usize, length in 0..200_usize) {
        let text = &documents(&[("shop.wsdl", "w")])[0].text;
        let cut = |at: usize| (0..=at.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap();
        let text = [&text[..cut(from)], &text[cut(from + length)..]].concat();
        if let Ok(client) = Client::read(&[Document { location: "w".to_owned(), text }], None, None) {
            for operation in client.operations() {
                let _ = client.input_schema(operation);
                let _ = client.request(&operation.name, b"{}", &Options::default());
                let _ = client.reply(&operation.name, 200, Some("text/xml"), b"<a/>");
            }
        }
    }
}
