//! Faults in both versions, each cause with its code, its details and its status.

use busbar_model::fault::FieldError;

use super::{Detail, Fault, status, write};
use crate::{
    envelope::ReplyHeaders,
    message, namespace,
    refusal::{AddressingFault, AddressingProblem, Cause, Refusal, SecurityFault},
    version::Version,
    xml::{Event, Reader},
};

const PROBLEM: &str = "<f:problem xmlns:f=\"urn:busbar:fault\"><f:code>too-small</f:code><f:message>no &lt;b&gt;\u{FFFD}\
    </f:message><f:correlationId>c1</f:correlationId><f:retryAfterSeconds>3</f:retryAfterSeconds><f:error><f:path>/a</f:path>\
    <f:message>is \"b\"</f:message></f:error></f:problem>";

fn addressing(namespace: &'static str, problem: AddressingProblem) -> Cause {
    Cause::Addressing(AddressingFault { namespace, problem, header: "ReplyTo" })
}

fn written(version: Version, cause: &Cause, code: &str) -> String {
    let errors = [FieldError { path: "/a".to_owned(), message: "is \"b\"".to_owned() }];
    let message = "no <b>\u{1}";
    let detail = Detail { code, message, correlation_id: "c1", retry_after_s: Some(3), errors: &errors };
    let text = write(version, &Fault { cause, reason: message, detail: Some(detail) }, None);
    // Whatever it is, it is an envelope with one element in it.
    let mut message = message::open(&text).unwrap();
    assert_eq!((message.version, message.reader.local()), (version, "Fault"));
    message.reader.skip().unwrap();
    message.finish().unwrap();
    text
}

#[test]
fn soap_11_has_one_code_and_details_of_the_body_only() {
    let wsse = format!(" xmlns:wsse=\"{}\">wsse:FailedAuthentication", namespace::SECURITY);
    let wsa = format!(" xmlns:wsa=\"{}\">wsa:OnlyAnonymousAddressSupported", namespace::ADDRESSING);
    let wsa_2004 =
        format!(" xmlns:wsa=\"{}\">wsa:MessageInformationHeaderRequired", namespace::ADDRESSING_2004);
    let cases = [
        (Cause::Message, ">soap:Client", true),
        (Cause::MediaType, ">soap:Client", true),
        (Cause::DataEncoding, ">soap:Client", true),
        (Cause::Server, ">soap:Server", true),
        (Cause::Header, ">soap:Client", false),
        (Cause::Version, ">soap:VersionMismatch", false),
        (Cause::MustUnderstand(vec![("u".into(), "a".into())]), ">soap:MustUnderstand", false),
        (Cause::Security(SecurityFault::FailedAuthentication), wsse.as_str(), false),
        (addressing(namespace::ADDRESSING, AddressingProblem::OnlyAnonymous), wsa.as_str(), false),
        (addressing(namespace::ADDRESSING_2004, AddressingProblem::Required), wsa_2004.as_str(), false),
    ];
    for (cause, code, in_body) in cases {
        let text = written(Version::V11, &cause, "too-small");
        let fault = format!(
            "<soap:Fault><faultcode{code}</faultcode><faultstring>no &lt;b&gt;\u{FFFD}</faultstring>"
        );
        let body = match in_body {
            true => format!("<soap:Body>{fault}<detail>{PROBLEM}</detail></soap:Fault></soap:Body>"),
            false => format!("{PROBLEM}</soap:Header><soap:Body>{fault}</soap:Fault></soap:Body>"),
        };
        assert!(text.contains(&body), "{cause:?}: {text}");
    }
}

#[test]
fn soap_12_has_codes_within_codes() {
    let own =
        "<soap:Subcode><soap:Value xmlns:f=\"urn:busbar:fault\">f:too-small</soap:Value></soap:Subcode>";
    let wsse = format!(
        "<soap:Subcode><soap:Value xmlns:wsse=\"{}\">wsse:InvalidSecurity</soap:Value></soap:Subcode>",
        namespace::SECURITY
    );
    let ns = namespace::ADDRESSING;
    let wsa = format!(
        "<soap:Subcode><soap:Value xmlns:wsa=\"{ns}\">wsa:InvalidAddressingHeader</soap:Value><soap:Subcode>\
         <soap:Value xmlns:wsa=\"{ns}\">wsa:InvalidCardinality</soap:Value></soap:Subcode></soap:Subcode>"
    );
    let cases = [
        (Cause::Message, "Sender", own),
        (Cause::MediaType, "Sender", own),
        (Cause::Header, "Sender", own),
        (Cause::DataEncoding, "DataEncodingUnknown", own),
        (Cause::Server, "Receiver", own),
        (Cause::Version, "VersionMismatch", own),
        (Cause::MustUnderstand(Vec::new()), "MustUnderstand", own),
        (Cause::Security(SecurityFault::InvalidSecurity), "Sender", wsse.as_str()),
        (addressing(ns, AddressingProblem::Cardinality), "Sender", wsa.as_str()),
    ];
    for (cause, code, subcode) in cases {
        let text = written(Version::V12, &cause, "too-small");
        let problem_header = match cause {
            Cause::Addressing(_) => {
                format!("<wsa:ProblemHeaderQName xmlns:wsa=\"{ns}\">wsa:ReplyTo</wsa:ProblemHeaderQName>")
            }
            _ => String::new(),
        };
        let expected = format!(
            "<soap:Body><soap:Fault><soap:Code><soap:Value>soap:{code}</soap:Value>{subcode}</soap:Code><soap:Reason>\
             <soap:Text xml:lang=\"en\">no &lt;b&gt;\u{FFFD}</soap:Text></soap:Reason><soap:Detail>{problem_header}{PROBLEM}\
             </soap:Detail></soap:Fault></soap:Body>"
        );
        assert!(text.contains(&expected), "{cause:?}: {text}");
    }
    assert!(!written(Version::V12, &Cause::Message, "no name").contains("Subcode"));
}

/// Local names and resolved `qname` attributes of what is in the header.
fn header_names(text: &str) -> Vec<String> {
    let mut reader = Reader::new(text).unwrap();
    let mut names = Vec::new();
    while reader.local() != "Body" {
        if reader.next().unwrap() == Event::Start {
            let qname = reader.attribute("", "qname").map(|name| {
                let (namespace, local) = reader.resolve(name).unwrap();
                format!("={{{namespace}}}{local}")
            });
            names.push(format!("{}{}", reader.local(), qname.unwrap_or_default()));
        }
    }
    names.drain(2..names.len() - 1).collect()
}

#[test]
fn headers_tell_what_was_not_understood_and_what_is() {
    let upgrade = [
        "Upgrade".to_owned(),
        format!("SupportedEnvelope={{{}}}Envelope", namespace::SOAP_12),
        format!("SupportedEnvelope={{{}}}Envelope", namespace::SOAP_11),
    ];
    for version in [Version::V11, Version::V12] {
        assert_eq!(header_names(&written(version, &Cause::Version, "x"))[..3], upgrade);
    }
    let cause = Cause::MustUnderstand(vec![("u&\"".into(), "a".into()), (String::new(), "b".into())]);
    let found = header_names(&written(Version::V12, &cause, "x"));
    assert_eq!(found, ["NotUnderstood={u&\"}a", "NotUnderstood={}b"]);
}

#[test]
fn a_fault_has_an_action_of_its_own() {
    let cases = [
        (namespace::ADDRESSING, Cause::Server, "http://www.w3.org/2005/08/addressing/soap/fault"),
        (
            namespace::ADDRESSING,
            addressing(namespace::ADDRESSING, AddressingProblem::Required),
            "http://www.w3.org/2005/08/addressing/fault",
        ),
        (namespace::ADDRESSING_2004, Cause::Server, "http://schemas.xmlsoap.org/ws/2004/08/addressing/fault"),
    ];
    for (namespace, cause, action) in cases {
        let relates_to = Some("urn:1".to_owned());
        let reply = ReplyHeaders { namespace, action: "x".to_owned(), message_id: None, relates_to };
        let text = write(Version::V11, &Fault { cause: &cause, reason: "no", detail: None }, Some(&reply));
        let addressing = message::open(&text).unwrap().headers.addressing.unwrap();
        assert_eq!(addressing.action.as_deref(), Some(action));
        assert_eq!(addressing.relates_to, ["urn:1"]);
    }
}

#[test]
fn a_refusal_is_a_fault() {
    let refusal = Refusal::must_understand(vec![("urn:x".into(), "a".into())]);
    let text = write(Version::V11, &Fault::of(&refusal, "c1"), None);
    assert!(text.contains("<f:code>must-understand</f:code>"));
    assert!(
        text.contains("<faultstring>header blocks that must be understood are not: {urn:x}a</faultstring>")
    );
}

#[test]
fn the_status_is_that_of_the_version() {
    let security = Cause::Security(SecurityFault::FailedAuthentication);
    let cases = [
        (Cause::Message, 400, 500, 400),
        (Cause::Message, 404, 500, 400),
        (Cause::Header, 400, 500, 400),
        (security, 400, 500, 400),
        (Cause::MediaType, 415, 415, 415),
        (Cause::Message, 401, 401, 401),
        (Cause::Message, 403, 500, 400),
        (Cause::Message, 405, 405, 405),
        (Cause::Message, 413, 413, 413),
        (Cause::Message, 429, 429, 429),
        (Cause::Server, 500, 500, 500),
        (Cause::Server, 503, 500, 500),
        (Cause::Server, 504, 500, 500),
        (Cause::Version, 400, 500, 500),
        (Cause::MustUnderstand(Vec::new()), 400, 500, 500),
        (Cause::DataEncoding, 400, 500, 500),
    ];
    for (cause, http, in_11, in_12) in cases {
        assert_eq!(status(Version::V11, &cause, http), in_11, "{cause:?} {http}");
        assert_eq!(status(Version::V12, &cause, http), in_12, "{cause:?} {http}");
    }
}
