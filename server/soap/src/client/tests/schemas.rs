//! What is said of inputs and outputs in JSON Schema.

use serde_json::{Value, json};

use super::{client, jaxws, shop, wcf};
use crate::client::Client;

fn input(client: &Client, operation: &str) -> Value {
    client.input_schema(client.operation(operation).unwrap())
}

fn output(client: &Client, operation: &str) -> Value {
    client.output_schema(client.operation(operation).unwrap()).unwrap()
}

const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";

#[test]
fn members_are_those_of_the_element() {
    let calculator = client("calculator.wsdl");
    let int = json!({"type": "integer", "format": "int32"});
    let expected = json!({"$schema": DIALECT, "type": "object", "properties": {"intA": int, "intB": int},
        "required": ["intA", "intB"], "additionalProperties": false});
    assert_eq!(input(&calculator, "Add"), expected);
    let expected = json!({"$schema": DIALECT, "type": "object", "additionalProperties": false,
        "properties": {"DivideResult": {"type": ["string", "null"], "format": "decimal"}}});
    assert_eq!(output(&calculator, "Divide"), expected);
    assert_eq!(
        input(&calculator, "Clear"),
        json!({"$schema": DIALECT, "type": "object", "properties": {}, "additionalProperties": false})
    );
    assert!(wcf().output_schema(wcf().operation("Note").unwrap()).is_none());
}

#[test]
fn what_may_be_missing_may_be_null_in_requests() {
    let wcf = wcf();
    let told = input(&wcf, "Book");
    assert_eq!(
        told["properties"]["request"],
        json!({"anyOf": [{"$ref": "#/$defs/Request"}, {"type": "null"}]})
    );
    let request = &told["$defs"]["Request"];
    assert_eq!(request["properties"]["Kind"], json!({"anyOf": [{"$ref": "#/$defs/Kind"}, {"type": "null"}]}));
    assert_eq!(told["$defs"]["Kind"], json!({"type": "string", "enum": ["Single", "Double"]}));
    assert_eq!(request["properties"]["Picture"], json!({"type": ["string", "null"], "format": "byte"}));
    assert_eq!(request["required"], json!(["Guests"]));
    let guests = &told["$defs"]["ArrayOfGuest"]["properties"]["Guest"];
    let guest = json!({"anyOf": [{"$ref": "#/$defs/Guest"}, {"type": "null"}]});
    assert_eq!(*guests, json!({"type": ["array", "null"], "items": guest}));
    // Others leave out what they have not.
    let told = output(&wcf, "Book");
    assert_eq!(
        told["$defs"]["Booking"]["properties"]["Number"],
        json!({"type": "integer", "format": "int64"})
    );
    let (name, element, fault) = wcf.fault_schemas(wcf.operation("Book").unwrap()).next().unwrap();
    assert_eq!((name, &*element.local), ("FullFault", "Full"));
    assert_eq!(fault["properties"], json!({"Until": {"type": "string", "format": "date"}}));
}

#[test]
fn what_refers_to_itself_is_told_once() {
    let told = input(&jaxws(), "lend");
    assert_eq!(told["$defs"].as_object().unwrap().keys().collect::<Vec<_>>(), ["person"]);
    let friends = &told["$defs"]["person"]["properties"]["friends"];
    assert_eq!(*friends, json!({"type": ["array", "null"], "items": {"$ref": "#/$defs/person"}}));
    let told = input(&shop(), "Tree");
    assert_eq!(told["properties"]["Node"]["items"], json!({"$ref": "#/$defs/Node"}));
    assert_eq!(told["$defs"]["Node"]["required"], json!(["Label"]));
}

#[test]
fn restrictions_are_told_where_json_schema_can() {
    let told = input(&shop(), "Order");
    let properties = &told["properties"];
    assert_eq!(properties["Number"], json!({"type": "string", "minLength": 1, "maxLength": 10}));
    assert_eq!(properties["Line"]["maxItems"], json!(5));
    assert_eq!(properties["Line"]["minItems"], json!(1));
    assert_eq!(properties["Line"]["description"], json!("At most five."));
    assert_eq!(properties["Discount"], json!({"type": ["string", "null"], "format": "decimal"}));
    // The element comes first, so the attribute has another name.
    assert_eq!(properties["@lang"], json!({"type": ["string", "null"], "default": "en"}));
    assert_eq!(properties["lang"], json!({"type": ["string", "null"]}));
    assert_eq!(told["required"], json!(["batch", "Number", "Line"]));
    let line = &told["$defs"]["Line"]["properties"];
    assert_eq!(
        line["quantity"],
        json!({"type": "integer", "format": "int32", "minimum": 1, "exclusiveMaximum": 1000})
    );
    assert_eq!(line["unit"], json!({"type": ["string", "null"], "const": "piece"}));
    let amount = &told["$defs"]["Amount"];
    assert_eq!(amount["properties"]["$value"], json!({"type": "string", "format": "decimal"}));
    assert_eq!(amount["properties"]["currency"], json!({"$ref": "#/$defs/Currency"}));
    assert_eq!(told["$defs"]["Currency"], json!({"type": "string", "enum": ["EUR", "CHF"]}));
    assert_eq!(amount["required"], json!(["currency", "$value"]));
    let kinds = &output(&shop(), "Kinds")["properties"];
    assert_eq!(kinds["level"], json!({"$ref": "#/$defs/level"}));
    let level = &output(&shop(), "Kinds")["$defs"]["level"];
    assert_eq!(*level, json!({"type": "integer", "format": "int32", "enum": [1, 2]}));
    assert_eq!(kinds["whole"], json!({"type": "integer"}));
    assert_eq!(kinds["positive"], json!({"type": "integer", "minimum": 1}));
    assert_eq!(kinds["float"], json!({"type": "number"}));
    assert_eq!(kinds["many"], json!({"type": "array", "items": {"type": ["boolean", "null"]}}));
    assert_eq!(kinds["plain"], json!({"type": "string"}));
    assert_eq!(input(&shop(), "Price"), json!({"$schema": DIALECT, "type": "string"}));
    let markup = json!({"type": "string", "contentMediaType": "application/xml"});
    assert_eq!(input(&shop(), "Query")["properties"]["Filter"], markup);
}

#[test]
fn choices_are_told_by_what_is_there() {
    let told = input(&shop(), "Pay");
    let there = |name: &str| json!({"required": [name], "properties": {name: {"not": {"type": "null"}}}});
    let ways = json!([{"allOf": [there("Card"), there("Until")]}, {"allOf": [there("Iban")]}, {"allOf": [there("Voucher")]}]);
    assert_eq!(told["allOf"], json!([{"oneOf": ways}]));
    let told = input(&shop(), "Wide");
    assert_eq!(told["allOf"][0]["anyOf"].as_array().unwrap().len(), 2);
}

/// What is refused by a schema and by what is behind it, as far as JSON Schema can tell.
#[test]
fn schemas_refuse_what_is_not_sent() {
    let shop = shop();
    let cases = [
        ("Order", json!({"Number": "A", "batch": 1, "Line": []})),
        ("Order", json!({"Number": "", "batch": 1, "Line": [line(1)]})),
        ("Order", json!({"Number": "A", "Line": [line(1)]})),
        ("Order", json!({"Number": "A", "batch": 1, "Line": [line(1000)]})),
        ("Order", json!({"Number": "A", "batch": 1, "Line": vec![line(1); 6]})),
        ("Order", json!({"Number": "A", "batch": 1, "Line": [line(1)], "more": 1})),
        ("Pay", json!({"Amount": "1"})),
        ("Pay", json!({"Amount": "1", "Iban": "x", "Card": "y", "Until": "2030-01"})),
        ("Pay", json!({"Amount": "1", "Card": "y"})),
        ("Pay", json!({"Amount": "1", "Pin": 1})),
        ("Kinds", json!({"time": "25:00:00"})),
        ("Kinds", json!({"hex": "0"})),
        ("Kinds", json!({"level": 3})),
        ("Kinds", json!({"positive": 0})),
        ("Kinds", json!({"whole": 1.5})),
        ("Kinds", json!({"moment": "tomorrow"})),
        ("Kinds", json!({"day": "2026-02-30"})),
    ];
    for (operation, payload) in cases {
        assert!(!super::is_valid(&input(&shop, operation), &payload), "{operation} {payload}");
        assert!(super::sent(&shop, operation, &payload.to_string()).is_err(), "{operation} {payload}");
    }
    let good = json!({"Number": "A", "batch": 1, "Line": [line(1)]});
    assert!(super::sent(&shop, "Order", &good.to_string()).is_ok());
}

fn line(quantity: u32) -> Value {
    json!({"quantity": quantity, "Article": "x", "Price": {"currency": "EUR", "$value": "1"}})
}
