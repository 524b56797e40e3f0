//! What partners answer, as JSON.

use serde_json::json;

use super::{client, enveloped, jaxws, read, replied, shop, wcf};
use crate::{
    client::{Client, Reply, Unreadable},
    namespace,
};

/// Where and why a reply can't be read.
fn unreadable(client: &Client, operation: &str, body: &str) -> (String, String) {
    match replied(client, operation, body) {
        Err(Unreadable::Invalid(errors)) => (errors[0].path.clone(), errors[0].message.clone()),
        other => panic!("{body}: {other:?}"),
    }
}

#[test]
fn outputs_become_json() {
    let calculator = client("calculator.wsdl");
    let add = "<AddResponse xmlns='http://calc.example/'><AddResult> 3 </AddResult></AddResponse>";
    assert_eq!(read(&calculator, "Add", add), json!({"AddResult": 3}));
    let divide =
        "<c:DivideResponse xmlns:c='http://calc.example/'><c:DivideResult i:nil='true'/></c:DivideResponse>";
    assert_eq!(read(&calculator, "Divide", divide), json!({"DivideResult": null}));
    assert_eq!(read(&calculator, "Clear", "<ClearResponse xmlns='http://calc.example/'/>"), json!({}));
    let rpc = client("rpc.wsdl");
    let find = "<x:findResponse xmlns:x='urn:stock'><count>7</count><place><aisle xmlns='urn:stock:types'>A</aisle></place></x:findResponse>";
    assert_eq!(read(&rpc, "find", find), json!({"count": 7, "place": {"aisle": "A"}}));
    // Some name it as they like, or leave it without a namespace.
    assert_eq!(
        read(&rpc, "find", &find.replace("x:findResponse", "return")),
        json!({"count": 7, "place": {"aisle": "A"}})
    );
}

#[test]
fn bases_attributes_and_texts() {
    let lend = "<lendResponse xmlns='http://library.example/'><return xmlns='' id='a'><due>2026-11-30T12:00:00</due><id>1</id>\
                <reader><name>Ada</name><id>2</id></reader></return></lendResponse>";
    let expected = json!({"return": {"@id": "a", "id": 1, "due": "2026-11-30T12:00:00", "reader": {"id": 2, "name": "Ada"}}});
    assert_eq!(read(&jaxws(), "lend", lend), expected);
    let price = "<Price xmlns='urn:shop:data' currency='CHF'>1.50</Price>";
    assert_eq!(read(&shop(), "Price", price), json!({"currency": "CHF", "$value": "1.50"}));
    let order = "<s:OrderReply xmlns:s='urn:shop:data'><Total currency='EUR'>2</Total><Accepted>1</Accepted></s:OrderReply>";
    assert_eq!(
        read(&shop(), "Order", order),
        json!({"Accepted": true, "Total": {"currency": "EUR", "$value": "2"}})
    );
}

#[test]
fn kinds_of_values() {
    let body = "<s:Kinds xmlns:s='urn:shop:data'><float>1E2</float><whole>+0123456789012345678901234567890</whole>\
        <moment>2026-11-30T12:00:00.5</moment><day>2026-11-30+01:00</day><time> 12:00:00 </time><hex>0a</hex>\
        <bytes>AA =\n=</bytes><list> 1 2 </list><union>x</union><collapsed> a </collapsed><kept> a </kept><level>01</level>\
        <many>1</many><many i:nil='true'/><plain>p</plain></s:Kinds>";
    let text = match replied(&shop(), "Kinds", body) {
        Ok(Reply::Output(json)) => String::from_utf8(json).unwrap(),
        other => panic!("{other:?}"),
    };
    assert_eq!(
        text,
        "{\"float\":1e2,\"whole\":123456789012345678901234567890,\"moment\":\"2026-11-30T12:00:00.5\",\
         \"day\":\"2026-11-30\",\"time\":\"12:00:00\",\"hex\":\"0a\",\"bytes\":\"AA==\",\"list\":\"1 2\",\"union\":\"x\",\
         \"collapsed\":\"a\",\"kept\":\" a \",\"level\":1,\"many\":[true,null],\"plain\":\"p\"}"
    );
}

#[test]
fn names_are_resolved_where_they_stand() {
    let body = "<s:Names xmlns:s='urn:shop:data' one='a:x' xmlns:a='urn:a' other='y'>\
        <name xmlns:a='urn:b'> a:z </name><name xmlns='urn:d'>w</name><name>v</name></s:Names>";
    // The element with a default namespace is another one.
    let expected = json!({"one": "{urn:a}x", "other": "y", "name": ["{urn:b}z", "v"]});
    assert_eq!(read(&shop(), "Names", body), expected);
    let unknown = "<s:Names xmlns:s='urn:shop:data'><name>none:a</name></s:Names>";
    assert_eq!(
        unreadable(&shop(), "Names", unknown),
        ("/name/0".to_owned(), "has to be a name whose prefix is declared".to_owned())
    );
}

#[test]
fn what_is_not_known_is_passed_over() {
    let body = "<BookResponse xmlns='http://bookings.example/contract' xmlns:d='http://schemas.datacontract.org/2004/07/Bookings' more='1'>\
        <BookResult i:type='d:PremiumBooking' d:Id='i1'><d:Number i:type='x:long'>7</d:Number><d:New><d:Number>8</d:Number></d:New>\
        <d:At>2026-11-30T12:00:00Z</d:At><Number>9</Number></BookResult><d:Other/></BookResponse>";
    let expected = json!({"BookResult": {"At": "2026-11-30T12:00:00Z", "Number": 7}});
    assert_eq!(read(&wcf(), "Book", body), expected);
}

#[test]
fn any_xml_is_text_of_json() {
    let body = "<s:QueryResult xmlns:s='urn:shop:data'><Table a='1'>x &amp; <s:b/><c xmlns='u'/></Table></s:QueryResult>";
    let expected = format!(
        "x &amp; <s:b xmlns:e=\"{}\" xmlns:i=\"{}\" xmlns:s=\"urn:shop:data\"/><c xmlns:e=\"{0}\" xmlns:i=\"{1}\" xmlns:s=\"urn:shop:data\" xmlns='u'/>",
        namespace::SOAP_11,
        namespace::XSI
    );
    assert_eq!(read(&shop(), "Query", body), json!({"Table": expected}));
    // What each element inherits may be far more than what it is.
    let long = "u".repeat(4000);
    let many = format!(
        "<s:QueryResult xmlns:s='urn:shop:data' xmlns:l='{long}'><Table>{}</Table></s:QueryResult>",
        "<a/>".repeat(10_000)
    );
    assert_eq!(
        unreadable(&shop(), "Query", &many),
        ("/Table".to_owned(), "is far longer as JSON than as XML".to_owned())
    );
}

#[test]
fn what_is_required_has_to_be_there() {
    let cases = [
        ("<s:OrderReply xmlns:s='urn:shop:data'/>", "/Accepted", "is missing"),
        (
            "<s:OrderReply xmlns:s='urn:shop:data'><Accepted>yes</Accepted></s:OrderReply>",
            "/Accepted",
            "has to be true or false",
        ),
        (
            "<s:OrderReply xmlns:s='urn:shop:data'><Accepted>1</Accepted><Total>2</Total></s:OrderReply>",
            "/Total/currency",
            "is missing",
        ),
        (
            "<s:OrderReply xmlns:s='urn:shop:data'><Accepted>1</Accepted><Accepted>1</Accepted></s:OrderReply>",
            "/Accepted",
            "is given twice",
        ),
        (
            "<s:OrderReply xmlns:s='urn:shop:data'><Accepted i:nil='1'/></s:OrderReply>",
            "/Accepted",
            "can't be null",
        ),
        (
            "<s:OrderReply xmlns:s='urn:shop:data'><Accepted>1</Accepted><Total currency='USD'>2</Total></s:OrderReply>",
            "/Total/currency",
            "has to be one of EUR, CHF",
        ),
        ("<OrderReply/>", "", "the Body has the element OrderReply instead of {urn:shop:data}OrderReply"),
    ];
    for (body, path, message) in cases {
        assert_eq!(unreadable(&shop(), "Order", body), (path.to_owned(), message.to_owned()));
    }
}

#[test]
fn one_way_is_taken_by_its_status() {
    let wcf = wcf();
    for status in [200, 202, 204] {
        assert_eq!(wcf.reply("Note", status, None, b"").unwrap(), Reply::OneWay);
    }
    assert!(wcf.reply("Note", 500, None, b"").is_err());
    assert!(wcf.reply("Book", 202, None, b"").is_err());
    assert_eq!(replied(&wcf, "Note", "").unwrap(), Reply::OneWay);
    assert_eq!(replied(&wcf, "Note", "<x/>").unwrap(), Reply::OneWay);
    assert!(matches!(replied(&wcf, "Book", ""), Err(Unreadable::Envelope(_))));
}

#[test]
fn what_is_no_soap_is_told_with_its_status() {
    let calculator = client("calculator.wsdl");
    let of = |status, media, body: &str| {
        calculator.reply("Add", status, media, body.as_bytes()).unwrap_err().to_string()
    };
    assert_eq!(
        of(502, Some("text/html"), "<html>"),
        "the reply has status 502 and is no SOAP: the Content-Type is none of text/xml, application/soap+xml and multipart/related"
    );
    assert!(of(200, None, "<a/>").contains("no Content-Type"));
    assert!(of(200, Some("text/xml"), "<a/>").contains("no Envelope"));
    assert!(
        of(200, Some("text/xml"), "<Envelope xmlns='u'/>").contains("neither of SOAP 1.1 nor of SOAP 1.2")
    );
    assert!(of(200, Some("text/xml"), "<!DOCTYPE a><a/>").contains("DOCTYPE"));
    assert!(of(200, Some("text/xml; charset=x-none"), "<a/>").contains("charset"));
    let add = enveloped("<AddResponse xmlns='http://calc.example/'><AddResult>3</AddResult></AddResponse>");
    assert!(of(500, Some("text/xml"), &add).contains("an output where only a fault can be"));
    let cut = add.trim_end_matches("</e:Envelope>");
    assert!(of(200, Some("text/xml"), cut).contains("not well-formed"));
}

#[test]
fn encodings_and_both_versions_are_read() {
    let calculator = client("calculator.wsdl");
    let body = "<AddResponse xmlns='http://calc.example/'><AddResult>3</AddResult></AddResponse>";
    let expected = Reply::Output(b"{\"AddResult\":3}".to_vec());
    let text = format!("<?xml version='1.0' encoding='utf-16'?>{}", enveloped(body));
    let utf_16: Vec<u8> =
        [0xFF, 0xFE].into_iter().chain(text.encode_utf16().flat_map(u16::to_le_bytes)).collect();
    assert_eq!(calculator.reply("Add", 200, Some("text/xml"), &utf_16).unwrap(), expected);
    let newer = enveloped(body).replace(namespace::SOAP_11, namespace::SOAP_12);
    assert_eq!(
        calculator.reply("Add", 200, Some("application/soap+xml"), newer.as_bytes()).unwrap(),
        expected
    );
}

#[test]
fn binaries_may_come_beside_the_envelope() {
    let body = "<s:Kinds xmlns:s='urn:shop:data'><bytes><x:Include xmlns:x='http://www.w3.org/2004/08/xop/include' href='cid:a%40b'/></bytes></s:Kinds>";
    let package = format!(
        "--b\r\nContent-Type: application/xop+xml; charset=UTF-8; type=\"text/xml\"\r\nContent-ID: <r>\r\n\r\n{}\r\n\
         --b\r\nContent-Type: image/png\r\nContent-ID: <a@b>\r\n\r\nabc\r\n--b--\r\n",
        enveloped(body)
    );
    let media =
        "multipart/related; type=\"application/xop+xml\"; boundary=b; start=\"<r>\"; start-info=\"text/xml\"";
    let reply = shop().reply("Kinds", 200, Some(media), package.as_bytes()).unwrap();
    assert_eq!(reply, Reply::Output(b"{\"bytes\":\"YWJj\"}".to_vec()));
}
