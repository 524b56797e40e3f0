//! What goes with a payload: content types, header blocks, tokens, parts.

use busbar_model::{Timestamp, security::PasswordType};
use serde_json::json;

use super::{client, documents, jaxws, shop, wcf};
use crate::{
    client::{Addressing, Client, Options, Unsendable, UsernameToken},
    media::{ContentType, Kind},
    message,
    mtom::Package,
    username_token::verify,
};

#[test]
fn the_action_is_told_as_the_version_wants() {
    let older = client("calculator.wsdl");
    let sent = older.request("Add", br#"{"intA": 1, "intB": 2}"#, &Options::default()).unwrap();
    assert_eq!(sent.content_type, "text/xml; charset=utf-8");
    assert!(sent.headers.contains(&("soapaction", "\"http://calc.example/Add\"".to_owned())));
    let rpc = client("rpc.wsdl").request(
        "find",
        br#"{"article": "x", "near": {"aisle": "A"}}"#,
        &Options::default(),
    );
    assert!(rpc.unwrap().headers.contains(&("soapaction", "\"\"".to_owned())));
    let documents = documents(&[("calculator.wsdl", "calculator.wsdl")]);
    let newer = Client::read(&documents, None, Some("CalculatorSoap12")).unwrap();
    let sent = newer.request("Add", br#"{"intA": 1, "intB": 2}"#, &Options::default()).unwrap();
    assert_eq!(sent.content_type, "application/soap+xml; charset=utf-8; action=\"http://calc.example/Add\"");
    assert!(sent.headers.iter().all(|(name, _)| *name != "soapaction"));
    assert_eq!(message::open(std::str::from_utf8(&sent.body).unwrap()).unwrap().version, newer.version);
}

#[test]
fn an_envelope_of_ones_own_is_sent_as_it_is() {
    let sent = client("calculator.wsdl").raw_request("urn:a\"b\r\n", b"<any/>".to_vec());
    assert_eq!(sent.body, b"<any/>");
    assert_eq!(sent.headers.last().unwrap(), &("soapaction", "\"urn:a\\\"b\"".to_owned()));
}

#[test]
fn a_token_addresses_and_headers_go_before_the_body() {
    let now: Timestamp = "2026-11-30T12:00:00Z".parse().unwrap();
    let token = UsernameToken {
        username: "ada",
        password: "secret",
        digest: true,
        nonce: b"0123456789abcdef",
        created: "2026-11-30T12:00:00Z",
        expires: None,
    };
    let options = Options {
        username_token: Some(token),
        addressing: Some(Addressing { to: "http://b?a&b", message_id: "urn:uuid:1" }),
        headers: &["<?xml version='1.0'?><t xmlns='urn:t'>1</t>"],
        mtom: None,
    };
    let sent = wcf().request("Note", b"{}", &options).unwrap();
    let text = String::from_utf8(sent.body).unwrap();
    assert!(text.contains("<t xmlns='urn:t'>1</t></soap:Header>"), "{text}");
    let headers = message::open(&text).unwrap().headers;
    let addressing = headers.addressing.unwrap();
    assert_eq!(addressing.action.as_deref(), Some("urn:note"));
    assert_eq!(addressing.message_id.as_deref(), Some("urn:uuid:1"));
    let token = headers.security.unwrap().username_token.unwrap();
    assert!(verify(&token, "ada", "secret", PasswordType::Digest, now).is_ok());
    assert!(!text.contains("secret"));
    for bad in ["", "<a", "<p:a/>", "text", "<a/><b/>"] {
        let options = Options { headers: &[bad], ..Options::default() };
        assert!(matches!(wcf().request("Note", b"{}", &options), Err(Unsendable::Header(_))), "{bad}");
    }
    let token = UsernameToken { password: "\u{1}", digest: false, ..options.username_token.unwrap() };
    let options = Options { username_token: Some(token), ..Options::default() };
    assert!(matches!(wcf().request("Note", b"{}", &options), Err(Unsendable::Header(_))));
}

#[test]
fn binaries_go_beside_the_envelope() {
    let options = Options { mtom: Some("0123456789abcdef0123456789abcdef"), ..Options::default() };
    let sent = shop().request("Kinds", json!({"bytes": "YWJj"}).to_string().as_bytes(), &options).unwrap();
    let Kind::Mtom(related) = ContentType::parse(Some(&sent.content_type)).unwrap().kind else { panic!() };
    let mut package = Package::parse(&sent.body, &related).unwrap();
    assert!(std::str::from_utf8(package.root).unwrap().contains("href=\"cid:part1@busbar\""));
    assert_eq!(package.take("part1@busbar").unwrap(), b"abc");
    assert!(sent.headers.contains(&("soapaction", "\"urn:shop#Kinds\"".to_owned())));
    // Without any there is no package.
    let sent = shop().request("Kinds", b"{}", &options).unwrap();
    assert_eq!(sent.content_type, "text/xml; charset=utf-8");
    let lend = jaxws().request("lend", b"{}", &options).unwrap();
    assert_eq!(lend.content_type, "application/soap+xml; charset=utf-8; action=\"urn:lend\"");
}
