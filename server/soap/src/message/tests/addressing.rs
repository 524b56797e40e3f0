//! Addressing headers, and what is wrong with them.

use super::headers_of;
use crate::{
    message::{Addressing, Endpoint},
    namespace::{ADDRESSING, ADDRESSING_2004},
    refusal::{AddressingProblem, Cause, Refusal},
    version::Version,
};

fn read(blocks: &str) -> Result<Addressing, Refusal> {
    headers_of(Version::V12, blocks).map(|headers| headers.addressing.unwrap())
}

#[test]
fn all_headers_are_read() {
    let blocks = "<wsa:Action> greet\n</wsa:Action><wsa:MessageID>urn:1</wsa:MessageID><wsa:To>http://x</wsa:To>\
        <wsa:ReplyTo><wsa:ReferenceParameters><x:p/></wsa:ReferenceParameters><wsa:Address>\
        http://www.w3.org/2005/08/addressing/anonymous</wsa:Address></wsa:ReplyTo>\
        <wsa:FaultTo><wsa:Address>http://www.w3.org/2005/08/addressing/none</wsa:Address></wsa:FaultTo>\
        <wsa:From><wsa:Address>urn:me</wsa:Address></wsa:From>\
        <wsa:RelatesTo>urn:a</wsa:RelatesTo><wsa:RelatesTo RelationshipType='x'>urn:b</wsa:RelatesTo>";
    let expected = Addressing {
        namespace: ADDRESSING,
        action: Some("greet".into()),
        message_id: Some("urn:1".into()),
        to: Some("http://x".into()),
        from: Some(Endpoint::Other("urn:me".into())),
        reply_to: Some(Endpoint::Anonymous),
        fault_to: Some(Endpoint::None),
        relates_to: vec!["urn:a".into(), "urn:b".into()],
    };
    assert_eq!(read(blocks).unwrap(), expected);
    assert!(expected.check().is_ok());
    let reply = expected.reply("greetResponse".into(), None);
    assert_eq!((reply.namespace, reply.relates_to.as_deref()), (ADDRESSING, Some("urn:1")));

    let old = "<old:Action>greet</old:Action><old:ReplyTo><old:Address>\
        http://schemas.xmlsoap.org/ws/2004/08/addressing/role/anonymous</old:Address></old:ReplyTo>";
    let old = read(old).unwrap();
    assert_eq!((old.namespace, &old.reply_to), (ADDRESSING_2004, &Some(Endpoint::Anonymous)));
    assert!(old.check().is_ok());
}

#[test]
fn what_is_wrong_has_its_fault() {
    use AddressingProblem::{Cardinality, MissingAddress, OnlyAnonymous, Required};
    let endpoint = "<wsa:Address>urn:me</wsa:Address>";
    let action = "<wsa:Action>a</wsa:Action>";
    let cases = [
        ("<wsa:Action>a</wsa:Action><wsa:Action>a</wsa:Action>".to_owned(), Cardinality, "Action"),
        ("<wsa:MessageID>a</wsa:MessageID><wsa:MessageID/>".to_owned(), Cardinality, "MessageID"),
        ("<wsa:To>a</wsa:To><wsa:To>a</wsa:To>".to_owned(), Cardinality, "To"),
        (format!("<wsa:ReplyTo>{endpoint}</wsa:ReplyTo>").repeat(2), Cardinality, "ReplyTo"),
        (format!("<wsa:FaultTo>{endpoint}</wsa:FaultTo>").repeat(2), Cardinality, "FaultTo"),
        (format!("<wsa:From>{endpoint}</wsa:From>").repeat(2), Cardinality, "From"),
        (format!("<wsa:From>{endpoint}{endpoint}</wsa:From>"), Cardinality, "From"),
        ("<wsa:ReplyTo/>".to_owned(), MissingAddress, "ReplyTo"),
        ("<wsa:ReplyTo><old:Address>a</old:Address></wsa:ReplyTo>".to_owned(), MissingAddress, "ReplyTo"),
        ("<wsa:To>a</wsa:To>".to_owned(), Required, "Action"),
        ("<wsa:Action> </wsa:Action>".to_owned(), Required, "Action"),
        (format!("{action}<wsa:ReplyTo>{endpoint}</wsa:ReplyTo>"), OnlyAnonymous, "ReplyTo"),
        (format!("{action}<wsa:FaultTo>{endpoint}</wsa:FaultTo>"), OnlyAnonymous, "FaultTo"),
    ];
    for (blocks, problem, header) in cases {
        let refusal = read(&blocks).and_then(|addressing| addressing.check()).expect_err(&blocks);
        let Cause::Addressing(fault) = refusal.cause else { panic!("{blocks}: {refusal:?}") };
        assert_eq!((fault.problem, fault.header, fault.namespace), (problem, header, ADDRESSING), "{blocks}");
    }
}

#[test]
fn a_text_is_no_element_and_not_too_long() {
    let long = format!("<wsa:To>{}</wsa:To>", "x".repeat(5_000));
    for blocks in ["<wsa:Action><x:a/></wsa:Action>", &long] {
        assert_eq!(read(blocks).unwrap_err().cause, Cause::Header);
    }
}
