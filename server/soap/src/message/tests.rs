//! Envelopes as they should be, as they should not, and of every size.

use std::time::{Duration, Instant};

use super::{Message, open};
use crate::{
    namespace::{SOAP_11, SOAP_12, XOP},
    refusal::{Cause, Refusal},
    version::Version,
    xml::Event,
};

mod addressing;
mod headers;
mod security;

/// An envelope with these header blocks. The prefixes are those that are common, `old` for WS-Addressing of 2004.
fn envelope(version: Version, blocks: &str) -> String {
    use crate::namespace::{ADDRESSING, ADDRESSING_2004, SECURITY, SECURITY_UTILITY};
    format!(
        "<s:Envelope xmlns:s='{}' xmlns:wsa='{ADDRESSING}' xmlns:old='{ADDRESSING_2004}' xmlns:wsse='{SECURITY}' \
         xmlns:wsu='{SECURITY_UTILITY}' xmlns:x='urn:x'><s:Header>{blocks}</s:Header><s:Body><a/></s:Body></s:Envelope>",
        version.namespace()
    )
}

/// What the headers of an envelope say, or why it is refused, wherever that shows.
fn headers_of(version: Version, blocks: &str) -> Result<super::Headers, Refusal> {
    read(&envelope(version, blocks))
}

fn read(text: &str) -> Result<super::Headers, Refusal> {
    let mut message = open(text)?;
    message.reader.skip()?;
    message.finish()?;
    Ok(message.headers)
}

#[test]
fn a_payload_is_found_in_both_versions() {
    for (namespace, version) in [(SOAP_11, Version::V11), (SOAP_12, Version::V12)] {
        let text = format!(
            "<?xml version='1.0'?>\n<!-- x --><e:Envelope xmlns:e='{namespace}'>\n <e:Header/>\n <e:Body id='1'> \
             <p:greet xmlns:p='urn:p'><name>Ada</name></p:greet> </e:Body>\n</e:Envelope>\n"
        );
        let mut message = open(&text).unwrap();
        assert_eq!(message.version, version);
        assert_eq!((message.reader.namespace(), message.reader.local()), ("urn:p", "greet"));
        assert_eq!(message.reader.next().unwrap(), Event::Start);
        assert_eq!(message.reader.content().unwrap().unwrap(), "Ada");
        assert_eq!(message.reader.next().unwrap(), Event::End);
        message.finish().unwrap();
        assert_eq!(message.headers, super::Headers::default());
    }
}

#[test]
fn an_envelope_that_is_none_is_refused() {
    let body = "<e:Body><a/></e:Body>";
    let cases = [
        ("<e:Body/>", "Body is empty"),
        ("<e:Body> <!-- x --> </e:Body>", "Body is empty"),
        ("<e:Body>x<a/></e:Body>", "text between"),
        ("<e:Body><a/>x</e:Body>", "text between"),
        ("<e:Body><a/><b/></e:Body>", "more than one"),
        ("<e:Body><a/></e:Body><e:Body><a/></e:Body>", "behind the Body"),
        ("<e:Body><a/></e:Body><x/>", "behind the Body"),
        ("<e:Body><a/></e:Body>x", "text between"),
        ("", "no Body"),
        ("<e:Header/>", "no Body"),
        ("x<e:Body><a/></e:Body>", "text between"),
        ("<e:Header/><e:Header/><e:Body><a/></e:Body>", "something else"),
        ("<Body><a/></Body>", "something else"),
        ("<x/><e:Body><a/></e:Body>", "something else"),
        ("<Header/><e:Body><a/></e:Body>", "something else"),
        ("<e:Body><a></e:Body>", "not well-formed"),
        ("<e:Body><a/>", "not well-formed"),
        ("<e:Body><?x y?><a/></e:Body>", "processing instruction"),
    ];
    for (version, namespace) in [(Version::V11, SOAP_11), (Version::V12, SOAP_12)] {
        for (inner, expected) in cases {
            let text = format!("<e:Envelope xmlns:e='{namespace}'>{inner}</e:Envelope>");
            let refusal = read(&text).expect_err(&text);
            assert_eq!(refusal.cause, Cause::Message, "{text}");
            assert!(refusal.message.contains(expected), "{text}: {refusal}");
            // What the payload's own reader finds has no version of its own: who reads it knows.
            assert!(refusal.version.is_none_or(|of| of == version), "{text}");
        }
        let text = format!("<e:Envelope xmlns:e='{namespace}'>{body}</e:Envelope><x/>");
        assert_eq!(read(&text).unwrap_err().code, "malformed-xml");
        let refused =
            open(&format!("<e:Envelope xmlns:e='{namespace}'><e:Body/></e:Envelope>")).err().unwrap();
        assert_eq!(refused.version, Some(version));
    }
}

#[test]
fn an_envelope_of_another_kind_is_told_apart() {
    let cases = [
        ("<e:Envelope xmlns:e='http://www.w3.org/2001/12/soap-envelope'/>", Cause::Version),
        ("<Envelope/>", Cause::Version),
        ("<a/>", Cause::Message),
        ("", Cause::Message),
        ("{}", Cause::Message),
        ("<!DOCTYPE a><Envelope/>", Cause::Message),
    ];
    for (text, cause) in cases {
        let refusal = open(text).err().unwrap();
        assert_eq!((refusal.cause, refusal.version), (cause, None), "{text}");
    }
}

#[test]
fn an_encoding_style_is_a_matter_of_soap_12() {
    let text = |namespace: &str, style: &str| {
        format!(
            "<e:Envelope xmlns:e='{namespace}'><e:Body><a e:encodingStyle='{style}'/></e:Body></e:Envelope>"
        )
    };
    assert!(read(&text(SOAP_11, "http://schemas.xmlsoap.org/soap/encoding/")).is_ok());
    assert!(read(&text(SOAP_12, "http://www.w3.org/2003/05/soap-envelope/encoding/none")).is_ok());
    let refusal = read(&text(SOAP_12, "http://www.w3.org/2003/05/soap-encoding")).unwrap_err();
    assert_eq!(refusal.cause, Cause::DataEncoding);
}

/// Who stops within the payload does not get through.
#[test]
fn a_payload_is_to_be_read_to_its_end() {
    let text = format!("<e:Envelope xmlns:e='{SOAP_11}'><e:Body><a><b><c/></b></a></e:Body></e:Envelope>");
    let mut message = open(&text).unwrap();
    assert!(message.finish().is_err());
    let mut message = open(&text).unwrap();
    message.reader.next().unwrap();
    message.reader.skip().unwrap();
    assert!(message.finish().unwrap_err().message.contains("not read"));
}

#[test]
fn a_million_of_anything_ends_soon() {
    const MILLION: usize = 1_000_000;
    let attributes: String = (0..MILLION).map(|at| format!(" a{at}='1'")).collect();
    let header = |blocks: String| envelope(Version::V12, &blocks);
    let cases = [
        ("more than 200 header", header("<x:h/>".repeat(MILLION))),
        ("more than 200 header", header("<x:h s:mustUnderstand='1'/>".repeat(MILLION))),
        ("more than 200 header", header("<wsa:RelatesTo>urn:1</wsa:RelatesTo>".repeat(MILLION))),
        (
            "more than 200 elements",
            header(format!("<wsse:Security>{}</wsse:Security>", "<x:t/>".repeat(MILLION))),
        ),
        ("more than 64 attributes", header(format!("<x:h{attributes}/>"))),
        ("more than 64 attributes", format!("<Envelope{attributes}/>")),
        ("deeper than 100", header("<x:h>".repeat(MILLION))),
        ("more than 4096 bytes", header(format!("<wsa:MessageID>{}</wsa:MessageID>", "x".repeat(MILLION)))),
        (
            "more than 4096 bytes",
            header(format!(
                "<wsse:Security><wsse:UsernameToken><wsse:Username>a</wsse:Username><wsse:Password>{}</wsse:Password>\
             </wsse:UsernameToken></wsse:Security>",
                "&amp;".repeat(MILLION)
            )),
        ),
        ("too long", header(format!("<h:h xmlns:h='{}' s:mustUnderstand='1'/>", "x".repeat(MILLION)))),
        ("more than one element", envelope(Version::V12, "").replace("<a/>", &"<a/>".repeat(MILLION))),
    ];
    for (expected, text) in cases {
        let begun = Instant::now();
        let refusal = read(&text).expect_err(expected);
        assert!(refusal.message.contains(expected), "{expected}: {refusal}");
        assert!(begun.elapsed() < Duration::from_secs(3), "{expected}: {:?}", begun.elapsed());
    }
}

/// Elements that no message needs, as many as there may be, in what is skipped.
#[test]
fn what_is_skipped_costs_its_bytes() {
    let begun = Instant::now();
    let block =
        format!("<wsa:ReplyTo><wsa:Address>a</wsa:Address>{}</wsa:ReplyTo>", "<x:p/>".repeat(300_000));
    assert!(headers_of(Version::V11, &block).is_ok());
    assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());
}

fn pieces() -> Vec<String> {
    let tags = [
        "s:Envelope",
        "s:Header",
        "s:Body",
        "a",
        "wsa:Action",
        "wsa:ReplyTo",
        "wsa:Address",
        "wsse:Security",
        "wsse:UsernameToken",
        "wsse:Username",
        "wsse:Password",
        "wsse:Nonce",
        "wsu:Timestamp",
        "wsu:Created",
    ];
    let others = [" ", "x", "<!-- -->", "<?p?>", "&amp;", "<![CDATA[x]]>", "</", "'>"].map(str::to_owned);
    let must = "<x:h s:mustUnderstand='1' s:role='' xmlns:x='urn:x'/>".to_owned();
    let include = format!("<i:Include xmlns:i='{XOP}' href='cid:x'/>");
    let tags = tags.iter().flat_map(|tag| [format!("<{tag}>"), format!("</{tag}>"), format!("<{tag}/>")]);
    tags.chain(others).chain([must, include]).collect()
}

proptest::proptest! {
    #[test]
    fn nothing_breaks_it(
        found in proptest::collection::vec(proptest::sample::select(pieces()), 0..30),
        version in proptest::sample::select(vec![Version::V11, Version::V12]),
    ) {
        let whole = envelope(version, &found.concat());
        let _ = read(&whole);
        let _ = read(&whole.replace("<a/>", &found.concat()));
        let _ = open(&found.concat());
    }

    #[test]
    fn a_cut_message_is_refused(at in 0_usize..400) {
        let text = envelope(Version::V11, "<wsa:Action>é</wsa:Action>");
        if let Some(cut) = text.get(..at).filter(|cut| cut.len() < text.len()) {
            proptest::prop_assert!(read(cut).is_err());
        }
    }

    #[test]
    fn no_text_breaks_it(text in "\\PC{0,60}") {
        let _: Result<Message<'_>, _> = open(&text);
    }
}
