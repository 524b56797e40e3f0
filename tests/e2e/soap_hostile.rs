//! What a SOAP address gets that it must not fall for: each a fault of the right kind, and the worker lives.

use busbar_tests::{
    Quickstart, Request,
    envelope::{SOAP_11, call_11, envelope, of_text_11},
    raw::Raw,
};
use serde_json::json;

const GREET: &str = "<greet xmlns=\"urn:busbar:greeter:v0\"><name>Ada</name></greet>";
const NAMESPACE: &str = "xmlns=\"urn:busbar:greeter:v0\"";

fn of(text: &str) -> Request {
    of_text_11("/soap/greeter", text.to_owned())
}

fn body(body: &str) -> Request {
    call_11("/soap/greeter", body)
}

#[tokio::test]
async fn bad_messages_are_faults_and_the_workers_live() {
    let bus = Quickstart::start(&["greeter"]).await;
    let workers = bus.workers().await;
    for (what, request, expected) in malformed().into_iter().chain(not_as_declared()) {
        let reply = bus.http().send(&request).await;
        assert_eq!(reply.status, 500, "{what}: {reply}");
        let (code, text) = reply.fault_11();
        assert_eq!(code, "Client", "{what}: {reply}");
        assert!(reply.text().contains(expected), "{what}: {text}");
    }
    wrong_media_types_are_415(&bus).await;
    what_xml_allows_is_taken(&bus).await;
    a_huge_envelope_is_not_taken_in(&bus).await;
    assert_eq!(bus.workers().await, workers, "no worker was lost");
    bus.http().send(&body(GREET)).await.expect_status(200);
}

/// Not the XML that SOAP allows.
fn malformed() -> Vec<(&'static str, Request, &'static str)> {
    let in_body = |text: &str| envelope(SOAP_11, "", text);
    let deep = format!("{}{}", "<a>".repeat(10_000), "</a>".repeat(10_000));
    let many: String = (0..1_000_000).map(|at| format!(" a{at}=''")).collect();
    let whole = envelope(SOAP_11, "", GREET);
    let doctype = |dtd: &str| whole.replacen("?>", &format!("?>{dtd}"), 1);
    let laughs = "<!DOCTYPE x [<!ENTITY a 'ha'><!ENTITY b '&a;&a;&a;'>]>";
    let external = "<!DOCTYPE x SYSTEM \"file:///etc/passwd\">";
    vec![
        ("a DOCTYPE", of(&doctype("<!DOCTYPE x>")), "DOCTYPE"),
        ("entities", of(&doctype(laughs).replace("Ada", "&b;")), "DOCTYPE"),
        ("an external entity", of(&doctype(external)), "DOCTYPE"),
        ("an entity out of nowhere", of(&whole.replace("Ada", "&x;")), "entity"),
        ("depth", of(&envelope(SOAP_11, &deep, GREET)), "deeper"),
        ("depth in a value", of(&whole.replace("Ada", &deep)), "/name"),
        ("a million attributes", of(&in_body(&format!("<greet{many}/>"))), "attributes"),
        ("a processing instruction", of(&whole.replace("Ada", "A<?x y?>da")), "processing instruction"),
        ("truncated", of(&whole[..whole.len() - 20]), "well-formed"),
        ("nothing", of(""), "well-formed"),
        ("not XML", of("{}"), "well-formed"),
        ("a forbidden character", of(&whole.replace("Ada", "A&#0;")), "well-formed"),
        ("another one", of(&whole.replace("Ada", "A\u{1}")), "forbids"),
        ("no namespace for a prefix", of(&in_body("<p:greet/>")), "prefix"),
        ("two bodies", of(&whole.replace("</e:Envelope>", "<e:Body/></e:Envelope>")), "Body"),
        ("no body", of(&format!("<e:Envelope xmlns:e=\"{SOAP_11}\"/>")), "no Body"),
        ("an empty body", of(&in_body("")), "empty"),
        ("two payloads", of(&in_body(&format!("{GREET}{GREET}"))), "more than one"),
        ("UTF-8 that is none", of_text_11("/soap/greeter", [whole.as_bytes(), &[0xff]].concat()), ""),
        (
            "a charset that lies",
            Request::post("/soap/greeter")
                .header("content-type", "text/xml; charset=utf-8")
                .body(whole.replace("Ada", "é").chars().map(|c| c as u8).collect::<Vec<u8>>()),
            "",
        ),
    ]
}

/// Well-formed, but not what the operation takes.
fn not_as_declared() -> Vec<(&'static str, Request, &'static str)> {
    let greet = |content: &str| body(&format!("<greet {NAMESPACE}>{content}</greet>"));
    let xsi = "xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\"";
    vec![
        (
            "another namespace",
            body("<greet xmlns=\"urn:other\"><name>Ada</name></greet>"),
            "urn:busbar:greeter:v0",
        ),
        ("no namespace", body("<greet><name>Ada</name></greet>"), "urn:busbar:greeter:v0"),
        ("an unqualified member", greet("<name xmlns=\"\">Ada</name>"), "urn:busbar:greeter:v0"),
        ("an unknown member", greet("<name>Ada</name><age>36</age>"), "age"),
        ("a member twice", greet("<name>Ada</name><name>Bob</name>"), "name"),
        ("a missing member", greet(""), "/name"),
        ("text among members", greet("hello <name>Ada</name>"), "text"),
        ("elements in a text", greet("<name><b>Ada</b></name>"), "/name"),
        ("an unknown attribute", greet("<name id=\"1\">Ada</name>"), "id"),
        ("xsi:type", greet(&format!("<name {xsi} xsi:type=\"xsi:evil\">Ada</name>")), "/name"),
        ("xsi:nil", greet(&format!("<name {xsi} xsi:nil=\"true\"/>")), "/name"),
        ("a reference of RPC/encoded", greet("<name href=\"#id1\"/>"), "href"),
        ("an operation of another name", body(&format!("<hello {NAMESPACE}/>")), "greet"),
    ]
}

async fn wrong_media_types_are_415(bus: &Quickstart) {
    let whole = envelope(SOAP_11, "", GREET);
    for content_type in [
        "application/json",
        "text/plain",
        "multipart/form-data; boundary=x",
        "multipart/related; type=\"text/xml\"; boundary=x",
        "text/xml; charset=x-unheard-of",
        "",
    ] {
        let request = Request::post("/soap/greeter").body(whole.clone());
        let request =
            if content_type.is_empty() { request } else { request.header("content-type", content_type) };
        let reply = bus.http().send(&request).await;
        reply.expect_status(415);
        assert_eq!(reply.fault_11().0, "Client", "{content_type}");
    }
    let zipped = of(&whole).header("content-encoding", "gzip");
    bus.http().send(&zipped).await.expect_status(415);
}

async fn what_xml_allows_is_taken(bus: &Quickstart) {
    let greeting = async |content: &str, expected: &str| {
        let reply = bus.http().send(&body(&format!("<greet {NAMESPACE}>{content}</greet>"))).await;
        reply.expect_status(200);
        assert!(reply.text().contains(expected), "{content}: {reply}");
    };
    greeting("<name><![CDATA[A<d>a]]></name>", "Hello, A&lt;d&gt;a!").await;
    greeting("<name>A<!-- not the end -->da</name>", "Hello, Ada!").await;
    greeting("<!-- first --><name>&#65;d&#x61;</name> ", "Hello, Ada!").await;
    greeting("<language>de</language><name>Ada</name>", "Hallo, Ada!").await;
    let whole = envelope(SOAP_11, "", &GREET.replace("Ada", "Zoë"));
    let latin: Vec<u8> = whole.replace("utf-8", "iso-8859-1").chars().map(|c| c as u8).collect();
    let declared = Request::post("/soap/greeter").header("content-type", "text/xml").body(latin.clone());
    let told =
        Request::post("/soap/greeter").header("content-type", "text/xml; charset=ISO-8859-1").body(latin);
    let wide: Vec<u8> = std::iter::once(0xfeff)
        .chain(whole.replace("utf-8", "utf-16").encode_utf16())
        .flat_map(u16::to_le_bytes)
        .collect();
    let marked = Request::post("/soap/greeter").header("content-type", "text/xml").body(wide);
    for request in [declared, told, marked] {
        let reply = bus.http().send(&request).await;
        reply.expect_status(200);
        assert!(reply.text().contains("Hello, Zoë!"), "{reply}");
    }
}

/// A package of an envelope that refers to `cid`, and of further parts as they are.
fn package(cid: &str, parts: &str) -> Request {
    let blob = format!(
        "<blob xmlns=\"urn:busbar:shapes:v0\"><name>n</name><content><x:Include \
         xmlns:x=\"http://www.w3.org/2004/08/xop/include\" href=\"cid:{cid}\"/></content></blob>"
    );
    let text = format!(
        "--b\r\nContent-Type: application/xop+xml; charset=utf-8; type=\"text/xml\"\r\nContent-ID: <root>\r\n\r\n\
         {}\r\n{parts}",
        envelope(SOAP_11, "", &blob)
    );
    let content_type = "multipart/related; type=\"application/xop+xml\"; start=\"<root>\"; start-info=\"text/xml\"; boundary=b";
    Request::post("/soap/blob").header("content-type", content_type).body(text)
}

#[tokio::test]
async fn packages_hold_what_they_say() {
    let bus = Quickstart::start(&["shapes"]).await;
    bus.create_channel("blob", "/soap/blob", "shapes.blob", json!({"protocol": "soap"})).await;
    bus.settle().await;
    let part = |id: &str, more: &str| format!("--b\r\nContent-ID: <{id}>\r\n{more}\r\nfive!\r\n");
    let whole = part("one", "") + "--b--\r\n";
    let reply = bus.http().send(&package("one", &whole)).await;
    reply.expect_status(200);
    assert!(reply.text().contains("<length>5</length>"), "{reply}");
    assert!(reply.header("content-type").unwrap().starts_with("multipart/related"), "{reply}");
    let bad = [
        ("a part that is missing", "two", whole.clone(), "two"),
        (
            "a part of the wrong length",
            "one",
            part("one", "Content-Length: 7\r\n") + "--b--\r\n",
            "Content-Length",
        ),
        ("a part that nobody refers to", "one", part("one", "") + &part("more", "") + "--b--\r\n", "more"),
        ("a part twice", "one", part("one", "") + &part("one", "") + "--b--\r\n", "same Content-ID"),
        ("no end", "one", part("one", ""), "boundary"),
        (
            "an encoding of mail",
            "one",
            part("one", "Content-Transfer-Encoding: quoted-printable\r\n") + "--b--\r\n",
            "Content-Transfer-Encoding",
        ),
    ];
    for (what, cid, parts, expected) in bad {
        let reply = bus.http().send(&package(cid, &parts)).await;
        assert_eq!(reply.status, 500, "{what}: {reply}");
        assert_eq!(reply.fault_11().0, "Client", "{what}");
        assert!(reply.text().contains(expected), "{what}: {reply}");
    }
}

/// Announced, it is refused before it comes; in pieces, when it passes the limit. Neither is kept.
async fn a_huge_envelope_is_not_taken_in(bus: &Quickstart) {
    let announced = "POST /soap/greeter HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/xml\r\n\
                     Content-Length: 1073741824\r\n\r\n";
    let mut raw = Raw::connect(bus.http().authority()).await;
    raw.write(announced).await;
    let (head, text) = raw.read_reply().await;
    assert!(head.starts_with("HTTP/1.1 413"), "{head}");
    assert!(text.contains("faultcode"), "{text}");
    let piece = bytes::Bytes::from(vec![b' '; 1024 * 1024]);
    let chunks = (0..40).map(move |_| piece.clone());
    let request = Request::post("/soap/greeter").header("content-type", "text/xml").chunks(chunks);
    let reply = bus.http().send(&request).await;
    reply.expect_status(413);
    assert_eq!(reply.fault_11().0, "Client");
}
