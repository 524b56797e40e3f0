//! Partners of all kinds: what they describe, what they are sent, and what is made of their replies.

mod described;
mod faults;
mod hostile;
mod options;
mod replies;
mod requests;
mod schemas;

use std::fs;

use serde_json::Value;

use super::{Client, Document, Options, Reply, Unsendable};
use crate::namespace;

/// The documents of `tests/partners`, each with its location.
fn documents(files: &[(&str, &str)]) -> Vec<Document> {
    let read = |file: &str| {
        let path = format!("{}/tests/partners/{file}", env!("CARGO_MANIFEST_DIR"));
        fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
    };
    files
        .iter()
        .map(|(file, location)| Document { location: (*location).to_owned(), text: read(file) })
        .collect()
}

fn client(file: &str) -> Client {
    Client::read(&documents(&[(file, file)]), None, None).unwrap()
}

fn shop() -> Client {
    client("shop.wsdl")
}

fn wcf() -> Client {
    let at = |name: &str| format!("http://bookings.example/B.svc?{name}");
    let (wsdl, contract, xsd0, xsd1, xsd2) =
        (at("wsdl"), at("wsdl=wsdl0"), at("xsd=xsd0"), at("xsd=xsd1"), at("xsd=xsd2"));
    let files = [
        ("wcf/service.wsdl", wsdl.as_str()),
        ("wcf/contract.wsdl", &contract),
        ("wcf/xsd0.xsd", &xsd0),
        ("wcf/xsd1.xsd", &xsd1),
        ("wcf/xsd2.xsd", &xsd2),
    ];
    Client::read(&documents(&files), None, None).unwrap()
}

fn jaxws() -> Client {
    let files = [
        ("jaxws/service.wsdl", "http://library.example/LibraryService?wsdl"),
        ("jaxws/library.xsd", "http://library.example/LibraryService?xsd=1"),
        ("jaxws/shared.xsd", "http://library.example/shared.xsd"),
    ];
    Client::read(&documents(&files), None, None).unwrap()
}

/// Whether a payload is what its JSON Schema says.
fn is_valid(schema: &Value, payload: &Value) -> bool {
    let options = jsonschema::options().should_validate_formats(true);
    options.build(schema).unwrap().is_valid(payload)
}

/// What stands in the Body of a request. What is sent is what the JSON Schema says, too.
fn sent(client: &Client, operation: &str, json: &str) -> Result<String, Unsendable> {
    let outgoing = client.request(operation, json.as_bytes(), &Options::default())?;
    let schema = client.input_schema(client.operation(operation).unwrap());
    assert!(is_valid(&schema, &serde_json::from_str(json).unwrap()), "{json} by {schema}");
    let text = String::from_utf8(outgoing.body).unwrap();
    let body = text.split_once("<soap:Body>").and_then(|(_, rest)| rest.split_once("</soap:Body>"));
    Ok(body.unwrap().0.to_owned())
}

/// Where and why an input is refused.
fn refused(client: &Client, operation: &str, json: &str) -> Vec<(String, String)> {
    match sent(client, operation, json) {
        Err(Unsendable::Invalid(errors)) => {
            errors.into_iter().map(|error| (error.path, error.message)).collect()
        }
        other => panic!("{json}: {other:?}"),
    }
}

fn enveloped(body: &str) -> String {
    format!(
        "<e:Envelope xmlns:e=\"{}\" xmlns:i=\"{}\"><e:Header><x mustUnderstand='1'/></e:Header><e:Body>{body}</e:Body></e:Envelope>",
        namespace::SOAP_11,
        namespace::XSI
    )
}

fn replied(client: &Client, operation: &str, body: &str) -> Result<Reply, super::Unreadable> {
    client.reply(operation, 200, Some("text/xml; charset=utf-8"), enveloped(body).as_bytes())
}

/// The output in a reply, which is what the JSON Schema says.
fn read(client: &Client, operation: &str, body: &str) -> Value {
    match replied(client, operation, body) {
        Ok(Reply::Output(json)) => {
            let output = serde_json::from_slice(&json).unwrap();
            let schema = client.output_schema(client.operation(operation).unwrap()).unwrap();
            assert!(is_valid(&schema, &output), "{output} by {schema}");
            output
        }
        other => panic!("{body}: {other:?}"),
    }
}
