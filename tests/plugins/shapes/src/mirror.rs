//! A payload of many shapes, which comes back as it went.

use busbar_sdk::prelude::*;
use busbar_sdk::schemars::{Schema, SchemaGenerator, json_schema};

/// One member of every shape.
#[data]
#[serde(deny_unknown_fields)]
pub(crate) struct Mirror {
    /// An attribute that must be there.
    #[schemars(extend("xml" = {"attribute": true}))]
    id: String,
    /// An attribute that may be absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("xml" = {"attribute": true}))]
    revision: Option<u32>,
    /// Any text; its white space is kept.
    text: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    maybe: Option<String>,
    /// Must be there, also where it is null.
    #[serde(deserialize_with = "Option::deserialize")]
    #[schemars(schema_with = "nullable_text")]
    nullable: Option<String>,
    flag: bool,
    small: i32,
    count: u32,
    large: i64,
    ratio: f64,
    /// Of any number of digits.
    #[schemars(extend("format" = "decimal"))]
    amount: String,
    #[schemars(extend("format" = "date"))]
    day: String,
    /// With its zone.
    #[schemars(extend("format" = "date-time"))]
    moment: String,
    /// Base64.
    #[schemars(extend("format" = "byte"))]
    data: String,
    colour: Colour,
    /// An array that must be there.
    codes: Vec<i32>,
    /// An array that may be absent.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    tags: Vec<String>,
    /// Rows of numbers.
    matrix: Vec<Vec<i32>>,
    /// An array with an element of its own around its items.
    #[schemars(extend("xml" = {"wrapped": true}))]
    parts: Vec<Part>,
    /// An element of another namespace.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("xml" = {"namespace": "urn:example:remarks"}))]
    remark: Option<String>,
    payment: Payment,
    figures: Vec<Figure>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tree: Option<Tree>,
}

#[data]
#[serde(rename_all = "lowercase")]
enum Colour {
    Red,
    Green,
    /// `xs:enumeration` holds any text.
    #[serde(rename = "sea blue")]
    SeaBlue,
}

/// A piece of something.
#[data]
#[serde(deny_unknown_fields)]
struct Part {
    #[schemars(extend("xml" = {"attribute": true}))]
    sku: String,
    quantity: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<String>,
}

/// A choice by the name of the member.
#[data]
#[serde(rename_all = "lowercase")]
enum Payment {
    Cash,
    Card(Card),
    Voucher { code: String },
}

#[data]
#[serde(deny_unknown_fields)]
struct Card {
    number: String,
    #[schemars(extend("format" = "date"))]
    expires: String,
}

/// A choice by a tag within.
#[data]
#[serde(tag = "kind", rename_all = "lowercase")]
enum Figure {
    Circle { radius: f64 },
    Square { side: f64 },
    Point,
}

/// A type that has itself as a part.
#[data]
#[serde(deny_unknown_fields)]
struct Tree {
    name: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    children: Vec<Tree>,
}

fn nullable_text(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": ["string", "null"]})
}

/// Answers with what it was given.
#[service(rest = "POST /shapes/mirror")]
pub(crate) fn mirror(input: Mirror) -> Result<Mirror, Fault> {
    Ok(input)
}

#[cfg(test)]
mod tests {
    use busbar_sdk::serde_json::{Value, json};
    use busbar_sdk::testing::TestHost;

    use super::*;

    fn example() -> Value {
        json!({
            "id": "1", "text": " a ", "nullable": null, "flag": true, "small": -1, "count": 4_294_967_295_u32,
            "large": i64::MIN, "ratio": 0.5, "amount": "123456789012345678901234567.890", "day": "2024-02-29",
            "moment": "2024-02-29T23:59:59.123+05:30", "data": "AAEC/w==", "colour": "sea blue", "codes": [],
            "matrix": [[1, 2], []], "parts": [{"sku": "a", "quantity": 1}], "payment": "cash",
            "figures": [{"kind": "circle", "radius": 0.5}, {"kind": "point"}],
            "tree": {"name": "root", "children": [{"name": "leaf"}]},
        })
    }

    #[test]
    fn what_goes_in_comes_out() {
        let outcome = TestHost::new().call::<mirror>(&example());
        assert_eq!(outcome.output::<Value>(), example());
    }

    #[test]
    fn the_schema_has_the_shapes() {
        for schema in <[_; 2]>::from(<mirror as busbar_sdk::Service>::schemas()) {
            let schema: Value =
                busbar_sdk::serde_json::from_str(&schema.unwrap_or_default()).unwrap_or_default();
            let property = |name: &str| &schema["properties"][name];
            assert_eq!(property("id")["xml"], json!({"attribute": true}));
            assert_eq!(property("nullable")["type"], json!(["string", "null"]));
            assert_eq!(property("parts")["xml"], json!({"wrapped": true}));
            assert_eq!(property("amount")["format"], "decimal");
            assert_eq!(property("matrix")["items"]["items"]["format"], "int32");
            let required = &schema["required"].as_array().cloned().unwrap_or_default();
            let is_required = |name: &str| required.contains(&json!(name));
            assert!(["id", "nullable", "codes", "matrix"].into_iter().all(is_required), "{schema}");
            assert!(!["revision", "maybe", "tags", "tree"].into_iter().any(is_required), "{schema}");
        }
    }
}
