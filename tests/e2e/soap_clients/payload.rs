//! Payloads of the plugin `shapes`, as REST has them and as clients of SOAP do.

use busbar_tests::soap::Client;
use serde_json::{Map, Value, json};

/// Moments as REST has them, and as instants in UTC.
const MOMENTS: [(&str, &str); 3] = [
    ("2024-02-29T23:59:59.123+05:30", "2024-02-29T18:29:59.123Z"),
    ("1999-12-31T23:59:59Z", "1999-12-31T23:59:59.000Z"),
    ("2026-07-01T00:00:00-09:30", "2026-07-01T09:30:00.000Z"),
];

/// The content of bodies whose replies are tried with the description's schemas.
pub(super) const VALID: [&str; 6] = [
    r#"<mirror xmlns="urn:busbar:shapes:v0" id="a" revision="7"><text> t </text><maybe>m</maybe>
        <nullable xmlns:i="http://www.w3.org/2001/XMLSchema-instance" i:nil="true"/><flag>1</flag><small>-1</small>
        <count>4294967295</count><large>-9223372036854775808</large><ratio>1E-7</ratio>
        <amount>123456789012345678901234567.890</amount><day>2024-02-29</day>
        <moment>2024-02-29T23:59:59.123+05:30</moment><data>AAEC/w==</data><colour>sea blue</colour><codes>1</codes>
        <codes>2</codes><tags>x</tags><matrix><item>1</item><item>2</item></matrix><matrix/><parts>
        <parts sku="a"><quantity>1</quantity></parts></parts><remark xmlns="urn:example:remarks">r</remark>
        <payment><voucher><code>c</code></voucher></payment><figures><circle><radius>0.5</radius></circle></figures>
        <figures><point/></figures><tree><name>a</name><children><name>b</name></children></tree></mirror>"#,
    r#"<mirror xmlns="urn:busbar:shapes:v0" id=""><text/><nullable/><flag>false</flag><small>0</small><count>0</count>
        <large>0</large><ratio>-0.5</ratio><amount>-1</amount><day>1999-12-31</day><moment>1999-12-31T23:59:59Z</moment>
        <data/><colour>red</colour><parts/><payment><cash/></payment></mirror>"#,
    r#"<fail xmlns="urn:busbar:shapes:v0"><kind>reject</kind><message>no</message><errors><path>/kind</path>
        <message>so</message></errors><errors><path/><message>all</message></errors></fail>"#,
    r#"<fail xmlns="urn:busbar:shapes:v0"><kind>retry</kind><message>later</message></fail>"#,
    r#"<blob xmlns="urn:busbar:shapes:v0"><name>n</name><content>AAEC/w==</content></blob>"#,
    r#"<noted xmlns="urn:busbar:shapes:v0"><key>none</key></noted>"#,
];

/// Inputs of `shapes.mirror` for a client.
pub(super) fn mirrored(client: Client) -> Vec<Value> {
    // Axis writes a character beyond U+FFFF as two references to surrogates, which is no XML.
    let text = if client == Client::Axis {
        "  two\n\"lines\" & <é>\t€ "
    } else {
        "  two\n\"lines\" & <é>\t𝄞 "
    };
    vec![
        json!({
            "id": "a<b&\"c\"", "revision": 7, "text": text, "maybe": "there", "nullable": null, "flag": true,
            "small": -2_147_483_648, "count": 4_294_967_295_u32, "large": -9_007_199_254_740_993_i64, "ratio": -0.125,
            "amount": "123456789012345678901234567.890", "day": "2024-02-29", "moment": MOMENTS[0].0,
            "data": "AAEC/w==", "colour": "sea blue", "codes": [1, -2], "tags": ["x"], "matrix": [[1, 2], [3], [4, 5, 6]],
            "parts": [{"sku": "a", "quantity": 1}, {"sku": "b", "quantity": 2, "note": "of b"}], "remark": "r",
            "payment": {"card": {"number": "4111", "expires": "2030-01-31"}},
            "figures": [{"kind": "circle", "radius": 1.5}, {"kind": "point"}, {"kind": "square", "side": 2.5}],
            "tree": {"name": "root", "children": [{"name": "a", "children": [{"name": "b"}]}, {"name": "c"}]},
        }),
        json!({
            "id": "least", "text": "", "nullable": "there", "flag": false, "small": 0, "count": 0, "large": i64::MAX,
            "ratio": 0.000_000_1, "amount": "-0.5", "day": "1999-12-31", "moment": MOMENTS[1].0, "data": "",
            "colour": "red", "codes": [], "matrix": [], "parts": [], "payment": "cash", "figures": [],
        }),
        json!({
            "id": "others", "text": "]]> ", "nullable": "", "flag": true, "small": 2_147_483_647, "count": 1, "large": 1,
            "ratio": 1.5e300, "amount": "100", "day": "2026-07-01", "moment": MOMENTS[2].0, "data": "/+8=",
            "colour": "green", "codes": [0], "matrix": [[7]], "parts": [{"sku": "one", "quantity": 0}],
            "payment": {"voucher": {"code": "V-1"}}, "figures": [{"kind": "square", "side": 0.5}],
            "tree": {"name": "alone"},
        }),
    ]
}

/// Inputs of `shapes.fail`.
pub(super) fn failures() -> Vec<Value> {
    let errors = json!([{"path": "/lines/0/sku", "message": "is unknown"}, {"path": "/total", "message": "is too much"}]);
    vec![
        json!({"kind": "reject", "code": "not-for-sale", "message": "not all of it is for sale", "errors": errors}),
        json!({"kind": "retry", "message": "come again later"}),
        json!({"kind": "fail", "message": "a secret of the service"}),
        json!({"kind": "trap", "message": "never said"}),
    ]
}

/// An input of `shapes.mirror` as a client of SOAP has it: by the rules of the mapping, written out by hand.
pub(super) fn given(rest: &Value) -> Value {
    let members = rest.as_object().unwrap();
    members.iter().map(|(name, value)| (attribute_or_element(name), member(name, value))).collect()
}

/// What a client is to get where REST answers `rest`.
pub(super) fn expected(rest: &Value) -> Value {
    let mut members: Map<String, Value> = given(rest).as_object().unwrap().clone();
    let moment = members["moment"].as_str().unwrap();
    let (_, instant) = MOMENTS.iter().find(|(zoned, _)| *zoned == moment).unwrap();
    members["moment"] = (*instant).into();
    Value::Object(members)
}

fn attribute_or_element(name: &str) -> String {
    if ["id", "revision"].contains(&name) { format!("@{name}") } else { name.to_owned() }
}

fn member(name: &str, value: &Value) -> Value {
    match (name, value) {
        // JavaScript has no number for it.
        ("large", number) => number.to_string().into(),
        ("matrix", Value::Array(rows)) => rows.iter().map(|row| json!({"item": row})).collect(),
        ("parts", Value::Array(parts)) => json!({"parts": parts.iter().map(part).collect::<Vec<_>>()}),
        ("payment", Value::String(name)) => json!({name: {}}),
        ("figures", Value::Array(figures)) => figures.iter().map(figure).collect(),
        (_, other) => other.clone(),
    }
}

fn part(part: &Value) -> Value {
    let mut part = part.as_object().unwrap().clone();
    let sku = part.remove("sku").unwrap();
    part.insert("@sku".to_owned(), sku);
    Value::Object(part)
}

fn figure(figure: &Value) -> Value {
    let mut figure = figure.as_object().unwrap().clone();
    let kind = figure.remove("kind").unwrap();
    json!({kind.as_str().unwrap(): figure})
}
