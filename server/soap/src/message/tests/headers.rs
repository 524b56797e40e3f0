//! Which header blocks are for us and have to be understood.

use super::headers_of;
use crate::{
    namespace::{ADDRESSING, SECURITY},
    refusal::Cause,
    version::Version::{self, V11, V12},
};

#[test]
fn what_must_be_understood_is_told() {
    let next_11 = "s:actor='http://schemas.xmlsoap.org/soap/actor/next'";
    let next_12 = "s:role='http://www.w3.org/2003/05/soap-envelope/role/next'";
    let ultimate = "s:role='http://www.w3.org/2003/05/soap-envelope/role/ultimateReceiver'";
    let none = "s:role='http://www.w3.org/2003/05/soap-envelope/role/none'";
    // Attributes of a block, and whether it has to be understood.
    let cases: [(Version, String, bool); 21] = [
        (V11, "s:mustUnderstand='1'".into(), true),
        (V11, "s:mustUnderstand=' true '".into(), true),
        (V11, "s:mustUnderstand='0'".into(), false),
        (V11, "".into(), false),
        (V11, "mustUnderstand='1'".into(), false),
        (V11, "s:mustUnderstand='1' s:actor=''".into(), true),
        (V11, format!("s:mustUnderstand='1' {next_11}"), true),
        (V11, "s:mustUnderstand='1' s:actor='urn:else'".into(), false),
        (V11, format!("s:mustUnderstand='1' {next_12}"), true),
        (V11, "s:mustUnderstand='maybe' s:actor='urn:else'".into(), false),
        (V12, "s:mustUnderstand='1'".into(), true),
        (V12, "s:mustUnderstand='true'".into(), true),
        (V12, "s:mustUnderstand='false'".into(), false),
        (V12, "".into(), false),
        (V12, format!("s:mustUnderstand='true' {next_12}"), true),
        (V12, format!("s:mustUnderstand='true' {ultimate}"), true),
        (V12, format!("s:mustUnderstand='true' {none}"), false),
        (V12, "s:mustUnderstand='true' s:role='urn:else'".into(), false),
        // Attributes of the other version say nothing.
        (V12, format!("s:mustUnderstand='true' {next_11}"), true),
        (V12, "s:mustUnderstand='1' actor='urn:else'".into(), true),
        (V12, "s:mustUnderstand='1' s:relay='true'".into(), true),
    ];
    for (version, attributes, must) in cases {
        let headers = headers_of(version, &format!("<x:h {attributes}><x:c/></x:h>")).unwrap();
        let expected = if must { vec![("urn:x".to_owned(), "h".to_owned())] } else { Vec::new() };
        assert_eq!(headers.not_understood, expected, "{version:?} {attributes}");
        assert_eq!(headers.check_understood(true).is_err(), must);
    }
    for version in [V11, V12] {
        let refusal = headers_of(version, "<x:h s:mustUnderstand='maybe'/>").unwrap_err();
        assert_eq!((refusal.cause, refusal.version), (Cause::Header, Some(version)));
    }
}

#[test]
fn what_we_know_is_understood() {
    let known = "<wsa:Action s:mustUnderstand='1'>a</wsa:Action><old:Action>b</old:Action>\
        <wsse:Security s:mustUnderstand='1'/>";
    let headers = headers_of(V11, known).unwrap();
    assert!(headers.not_understood.is_empty() && headers.security_must_understand);
    assert_eq!(headers.addressing.as_ref().unwrap().namespace, ADDRESSING);
    assert!(headers.check_understood(true).is_ok());
    let refusal = headers.check_understood(false).unwrap_err();
    let blocks = vec![(SECURITY.to_owned(), "Security".to_owned())];
    assert_eq!(refusal.cause, Cause::MustUnderstand(blocks));

    let headers = headers_of(V12, "<wsse:Security/>").unwrap();
    assert!(!headers.security_must_understand && headers.security.is_some());
    assert!(headers.check_understood(false).is_ok());

    // A second version of addressing, headers that it has not, and one without a namespace.
    let unknown = "<wsa:To>a</wsa:To><old:Action s:mustUnderstand='1'>b</old:Action><wsa:Other s:mustUnderstand='1'/>\
        <wsse:Other s:mustUnderstand='1'/><h s:mustUnderstand='1'/>";
    let headers = headers_of(V12, unknown).unwrap();
    let locals: Vec<_> = headers.not_understood.iter().map(|(_, local)| local.as_str()).collect();
    assert_eq!(locals, ["Action", "Other", "Other", "h"]);
}

#[test]
fn headers_for_others_are_not_read() {
    let blocks = "<wsse:Security s:actor='urn:else'><wsse:UsernameToken/></wsse:Security>\
        <wsa:Action s:actor='urn:else'>a</wsa:Action>";
    let headers = headers_of(V11, blocks).unwrap();
    assert_eq!(headers, super::super::Headers::default());
}
