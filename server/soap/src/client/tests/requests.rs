//! JSON as partners get it.

use super::{client, jaxws, refused, sent, shop, wcf};
use crate::client::Unsendable;

#[test]
fn elements_are_in_their_schemas_namespace() {
    let calculator = client("calculator.wsdl");
    assert_eq!(
        sent(&calculator, "Add", r#"{"intB": 2, "intA": -1}"#).unwrap(),
        "<n1:Add xmlns:n1=\"http://calc.example/\"><n1:intA>-1</n1:intA><n1:intB>2</n1:intB></n1:Add>"
    );
    assert_eq!(sent(&calculator, "Clear", "{}").unwrap(), "<n0:Clear xmlns:n0=\"http://calc.example/\"/>");
}

#[test]
fn each_namespace_is_declared_once() {
    let json = r#"{"request": {"Guests": {"Guest": [{"Name": "Ada", "Age": null}, null]}, "Picture": "AAEC",
        "From": "2026-11-30T12:00:00", "Kind": "Single", "Previous": {"Guests": null}}}"#;
    assert_eq!(
        sent(&wcf(), "Book", json).unwrap(),
        "<n1:Book xmlns:n1=\"http://bookings.example/contract\" \
         xmlns:n2=\"http://schemas.datacontract.org/2004/07/Bookings\"><n1:request>\
         <n2:From>2026-11-30T12:00:00</n2:From>\
         <n2:Guests><n2:Guest><n2:Name>Ada</n2:Name></n2:Guest><n2:Guest xsi:nil=\"true\"/></n2:Guests>\
         <n2:Kind>Single</n2:Kind><n2:Picture>AAEC</n2:Picture>\
         <n2:Previous><n2:Guests xsi:nil=\"true\"/></n2:Previous></n1:request></n1:Book>"
    );
}

#[test]
fn local_elements_may_be_in_no_namespace_and_bases_come_first() {
    let json = r#"{"reader": {"name": "Ada", "@id": "r1", "id": 7, "friends": [{"id": 8, "name": "Bob"}]},
        "isbn": "1", "notes": ["a", null]}"#;
    assert_eq!(
        sent(&jaxws(), "lend", json).unwrap(),
        "<n0:lend xmlns:n0=\"http://library.example/\"><isbn>1</isbn><reader id=\"r1\"><id>7</id><name>Ada</name>\
         <friends><id>8</id><name>Bob</name></friends></reader><notes>a</notes><notes xsi:nil=\"true\"/></n0:lend>"
    );
}

#[test]
fn rpc_has_its_parts_in_no_namespace() {
    assert_eq!(
        sent(&client("rpc.wsdl"), "find", r#"{"article": "x", "near": {"aisle": "A", "shelf": 3}}"#).unwrap(),
        "<n0:find xmlns:n1=\"urn:stock:types\" xmlns:n0=\"urn:stock\"><article>x</article>\
         <near><n1:aisle>A</n1:aisle><n1:shelf>3</n1:shelf></near></n0:find>"
    );
    assert_eq!(sent(&client("rpc.wsdl"), "touch", "{}").unwrap(), "<n0:touch xmlns:n0=\"urn:stock\"/>");
}

#[test]
fn attributes_text_and_what_is_extended() {
    let json = r#"{"Number": "A1", "Line": [{"quantity": 2, "unit": "piece", "Article": "x",
        "Price": {"currency": "EUR", "$value": "1.50"}}], "batch": 3, "urgent": true, "@lang": "de", "@lang_2": "fr", "lang": null,
        "Discount": "99.5"}"#;
    assert_eq!(
        sent(&shop(), "Order", json).unwrap(),
        "<n0:OrderRequest xmlns:n0=\"urn:shop:data\" xmlns:a3=\"urn:shop:data\" a3:batch=\"3\" urgent=\"true\" lang=\"de\" \
         xml:lang=\"fr\"><Number>A1</Number><Line quantity=\"2\" unit=\"piece\"><Article>x</Article>\
         <Price currency=\"EUR\">1.50</Price></Line><Discount>99.5</Discount></n0:OrderRequest>"
    );
}

#[test]
fn scalars_stand_bare() {
    assert_eq!(
        sent(&shop(), "Price", "\"a<b\"").unwrap(),
        "<n0:PriceOf xmlns:n0=\"urn:shop:data\">a&lt;b</n0:PriceOf>"
    );
    assert_eq!(refused(&shop(), "Price", "{}")[0].1, "is not a string");
}

#[test]
fn kinds_of_values() {
    let json = r#"{"float": 1.5, "whole": 123456789012345678901234567890, "positive": 1, "moment": "2026-11-30T12:00:00+01:00",
        "day": "2026-11-30", "time": "12:00:00Z", "hex": "0aFF", "bytes": "AA==", "list": "1 2", "union": "x",
        "collapsed": "a", "kept": " a ", "level": 1, "many": [true, null], "plain": "p"}"#;
    assert_eq!(
        sent(&shop(), "Kinds", json).unwrap(),
        "<n0:Kinds xmlns:n0=\"urn:shop:data\"><float>1.5</float><whole>123456789012345678901234567890</whole>\
         <positive>1</positive><moment>2026-11-30T12:00:00+01:00</moment><day>2026-11-30</day><time>12:00:00Z</time>\
         <hex>0aFF</hex><bytes>AA==</bytes><list>1 2</list><union>x</union><collapsed>a</collapsed><kept> a </kept>\
         <level>1</level><many>true</many><many xsi:nil=\"true\"/><plain>p</plain></n0:Kinds>"
    );
}

#[test]
fn names_declare_their_prefixes() {
    let json = r#"{"one": "{urn:a&b}x", "other": "{urn:c}y", "name": ["{urn:d}z", "plain"]}"#;
    assert_eq!(
        sent(&shop(), "Names", json).unwrap(),
        "<n0:Names xmlns:n0=\"urn:shop:data\" one=\"q1:x\" xmlns:q1=\"urn:a&amp;b\" other=\"q2:y\" \
         xmlns:q2=\"urn:c\"><name xmlns:q3=\"urn:d\">q3:z</name><name>plain</name></n0:Names>"
    );
    // Attributes that come behind elements have their own, too.
    let late = sent(&shop(), "Names", r#"{"name": ["{u}a"], "one": "{u}b", "other": "{u}c"}"#).unwrap();
    assert!(late.contains("one=\"q2:b\" xmlns:q2=\"u\" other=\"q3:c\" xmlns:q3=\"u\"><name"), "{late}");
    for bad in ["", "a b", "{urn:a}", "{urn:a", "p:a", "{urn:a}p:a"] {
        let errors = refused(&shop(), "Names", &serde_json::json!({"name": [bad]}).to_string());
        assert_eq!(errors, [("/name/0".to_owned(), "is not a name like {namespace}local".to_owned())]);
    }
}

#[test]
fn recursion_ends_where_json_does() {
    assert_eq!(
        sent(&shop(), "Tree", r#"{"Label": "a", "Node": [{"Label": "b", "Node": []}]}"#).unwrap(),
        "<n1:Node xmlns:n1=\"urn:shop:data\"><Label>a</Label><n1:Node><Label>b</Label></n1:Node></n1:Node>"
    );
    let deep = format!("{}{}", r#"{"Label": "a", "Node": ["#.repeat(64), "]}".repeat(64));
    assert!(refused(&shop(), "Tree", &deep)[0].1.starts_with("is no JSON"));
}

#[test]
fn any_xml_is_text_of_json() {
    let json = r#"{"Filter": "a <Eq xmlns='urn:q'>1</Eq>", "Extra": ""}"#;
    assert_eq!(
        sent(&shop(), "Query", json).unwrap(),
        "<n0:Query xmlns:n0=\"urn:shop:data\"><Filter>a <Eq xmlns='urn:q'>1</Eq></Filter><Extra></Extra></n0:Query>"
    );
    for bad in ["<a>", "</Filter><Filter>", "<p:a/>", "<!DOCTYPE a>"] {
        let errors = refused(&shop(), "Query", &serde_json::json!({"Filter": bad}).to_string());
        assert!(
            errors[0].0 == "/Filter" && errors[0].1.starts_with("is not XML that can stand here"),
            "{errors:?}"
        );
    }
}

#[test]
fn choices_have_one_way() {
    let shop = shop();
    let good = [
        (r#"{"Amount": "1", "Iban": "x"}"#, "<Amount>1</Amount><Iban>x</Iban>"),
        (r#"{"Amount": "1", "Iban": "x", "Card": null}"#, "<Amount>1</Amount><Iban>x</Iban>"),
        (
            r#"{"Amount": "1", "Card": "x", "Until": "2030-01"}"#,
            "<Amount>1</Amount><Card>x</Card><Until>2030-01</Until>",
        ),
        (
            r#"{"Tag": ["t"], "Amount": "1", "Voucher": "x", "Note": ["n", "m"]}"#,
            "<Amount>1</Amount><Voucher>x</Voucher><Note>n</Note><Note>m</Note><Tag>t</Tag>",
        ),
    ];
    for (json, expected) in good {
        let expected = format!("<n0:Pay xmlns:n0=\"urn:shop:data\">{expected}</n0:Pay>");
        assert_eq!(sent(&shop, "Pay", json).unwrap(), expected);
    }
    let bad = [
        (r#"{"Amount": "1"}"#, "", "has to have one of these: Card, Until, Iban, Voucher, Pin"),
        (
            r#"{"Amount": "1", "Iban": "x", "Card": "y", "Until": "2030-01"}"#,
            "",
            "can have one of these only: Card, Iban, Until",
        ),
        (r#"{"Amount": "1", "Card": "y"}"#, "/Until", "is missing"),
        (r#"{"Amount": "1", "Pin": 1}"#, "/Voucher", "is missing"),
        (r#"{"Amount": "1", "Voucher": "x", "Pin": -1}"#, "/Pin", "is less than the minimum of 0"),
    ];
    for (json, path, message) in bad {
        assert_eq!(refused(&shop, "Pay", json), [(path.to_owned(), message.to_owned())]);
    }
    // The same element in two ways is one member.
    assert!(sent(&shop, "Wide", r#"{"a": "1", "c": "2"}"#).unwrap().contains("<a>1</a><c>2</c>"));
    assert_eq!(
        refused(&shop, "Wide", r#"{"a": "1", "b": "1", "c": "2"}"#)[0].1,
        "can have one of these only: a, b, c"
    );
}

#[test]
fn wrong_input_never_leaves() {
    let line = |more: &str| {
        format!(
            r#"{{"Number": "A", "batch": 1, "Line": [{{"quantity": 1, "Article": "x", "Price": {{"currency": "EUR", "$value": "1"}}{more}}}]}}"#
        )
    };
    let shop = shop();
    assert!(sent(&shop, "Order", &line("")).is_ok());
    let cases = [
        (line("").replace("\"A\"", "\"12345678901\""), "/Number", "has 11 characters, and 10 are the most"),
        (line("").replace("\"A\"", "\"\""), "/Number", "has 0 characters, and 1 are the least"),
        (line("").replace("\"A\"", "null"), "/Number", "is null, which it may not be"),
        (line("").replace("\"batch\": 1,", ""), "/batch", "is missing"),
        (line("").replace("\"batch\": 1", "\"batch\": 65536"), "/batch", "is out of the range of its type"),
        (
            line("").replace("\"quantity\": 1", "\"quantity\": 0"),
            "/Line/0/quantity",
            "is less than the minimum of 1",
        ),
        (
            line("").replace("\"quantity\": 1", "\"quantity\": 1000"),
            "/Line/0/quantity",
            "is not less than 1000",
        ),
        (line("").replace("EUR", "USD"), "/Line/0/Price/currency", "is none of the allowed values"),
        (line(", \"unit\": \"kg\""), "/Line/0/unit", "can be \"piece\" only"),
        (line(", \"colour\": 1"), "/Line/0/colour", "has no image in XML: the schema does not have it"),
        (
            line("").replace("\"batch\"", "\"Discount\": \"100.01\", \"batch\""),
            "/Discount",
            "is greater than the maximum of 100",
        ),
        (
            r#"{"Number": "A", "batch": 1, "Line": []}"#.to_owned(),
            "/Line",
            "has 0 items, and 1 are the least",
        ),
        (r#"{"Number": "A", "batch": 1"#.to_owned(), "", "is no JSON (line 1, column 26)"),
    ];
    for (json, path, message) in cases {
        assert_eq!(refused(&shop, "Order", &json), [(path.to_owned(), message.to_owned())], "{json}");
    }
    let of_kinds = [
        (r#"{"time": "25:00:00"}"#, "/time"),
        (r#"{"hex": "0"}"#, "/hex"),
        (r#"{"whole": 1.5}"#, "/whole"),
        (r#"{"moment": "2026-11-31T12:00:00"}"#, "/moment"),
        (r#"{"level": 3}"#, "/level"),
        (r#"{"positive": 0}"#, "/positive"),
        (r#"{"kept": "\u0001"}"#, "/kept"),
    ];
    for (json, path) in of_kinds {
        assert_eq!(refused(&shop, "Kinds", json)[0].0, path);
    }
    let errors = refused(&shop, "AbstractMaybe", r#"{"request": {"Version": "1"}}"#);
    assert!(errors[0].0 == "/request" && errors[0].1.starts_with("can't be sent: "), "{errors:?}");
    assert!(sent(&shop, "AbstractMaybe", "{}").is_ok());
}

#[test]
fn what_can_not_be_called_is_told() {
    let shop = shop();
    assert_eq!(sent(&shop, "None", "{}"), Err(Unsendable::UnknownOperation("None".to_owned())));
    assert!(matches!(sent(&shop, "Missing", "{}"), Err(Unsendable::Unsupported { .. })));
}
