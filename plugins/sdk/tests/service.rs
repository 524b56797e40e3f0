//! What `#[service]` makes of functions, without a bus.

#![expect(clippy::unwrap_used, reason = "a test")]

use busbar_sdk::prelude::*;
use busbar_sdk::{Disposition, Service};

/// An order to place.
#[input]
#[serde(deny_unknown_fields)]
struct Order {
    item: String,
    count: Option<u32>,
}

#[data]
struct Placed {
    id: u32,
}

/// Places an order
/// at once.
///
/// Not in the summary.
#[service(
    rest = "GET,PUT /orders/{item}",
    rest = "/any",
    invokes = "stock.reserve",
    secret = "stock-key",
    calls_per_instance = 7
)]
fn place_order(input: Order) -> Result<Reply<Placed>, Fault> {
    if input.item == "none" {
        return Err(Fault::reject("item-unknown", "no such item").status(404));
    }
    let id: u32 = input.item.parse()?;
    Ok(Reply::created(Placed { id: id + input.count.unwrap_or(0) }).header("location", "/orders/1"))
}

#[service(name = "raw")]
fn pass(request: Request) -> Result<Response, Fault> {
    Ok(Response::new(request.content_type, request.payload))
}

#[service]
fn ping() -> Result<Placed, std::num::ParseIntError> {
    Ok(Placed { id: "1".parse()? })
}

fn call<S: Service>(payload: &str) -> Result<Response, Fault> {
    S::handle(Request {
        content_type: Some("text/x".to_owned()),
        payload: Payload::Bytes(payload.as_bytes().to_vec()),
    })
}

fn text(response: Response) -> String {
    String::from_utf8(response.payload.into_bytes().unwrap()).unwrap()
}

#[test]
fn the_declaration_is_what_the_attribute_says() {
    let declaration = place_order::DECLARATION;
    assert_eq!(declaration.name, "busbar-sdk.place_order");
    assert_eq!(declaration.summary, Some("Places an order at once."));
    assert_eq!(declaration.channels[0].path, "/orders/{item}");
    assert_eq!(declaration.channels[0].methods, ["GET", "PUT"]);
    assert!(declaration.channels[1].methods.is_empty());
    assert_eq!(declaration.invokes, ["stock.reserve"]);
    assert_eq!(declaration.secrets, ["stock-key"]);
    assert_eq!(declaration.calls_per_instance, Some(7));
    assert_eq!((pass::DECLARATION.name, pass::DECLARATION.summary), ("raw", None));
}

#[test]
fn raw_services_have_no_schemas() {
    assert_eq!(pass::schemas(), (None, None));
    assert!(matches!(place_order::schemas(), (Some(_), Some(_))));
    assert!(matches!(ping::schemas(), (Some(_), Some(_))));
}

#[test]
fn a_typed_service_answers_json() {
    let response = call::<place_order>(r#"{"item": "40", "count": 2}"#).unwrap();
    assert_eq!(response.status, Some(201));
    assert_eq!(response.content_type.as_deref(), Some("application/json"));
    assert_eq!(response.headers, [("location".to_owned(), "/orders/1".to_owned())]);
    assert_eq!(text(response), r#"{"id":42}"#);
    assert_eq!(text(call::<ping>("whatever").unwrap()), r#"{"id":1}"#);
}

#[test]
fn faults_come_from_the_input_the_service_and_its_errors() {
    let fault = call::<place_order>(r#"{"item": 1}"#).unwrap_err();
    assert_eq!((fault.code.as_str(), fault.errors[0].path.as_str()), ("invalid-input", "/item"));
    let fault = call::<place_order>(r#"{"item": "none"}"#).unwrap_err();
    assert_eq!((fault.code.as_str(), fault.status), ("item-unknown", Some(404)));
    let fault = call::<place_order>(r#"{"item": "x"}"#).unwrap_err();
    assert_eq!(fault.disposition, Disposition::Fail);
}

#[test]
fn a_raw_service_passes_what_it_got() {
    let response = call::<pass>("as it is").unwrap();
    assert_eq!(response.content_type.as_deref(), Some("text/x"));
    assert_eq!(text(response), "as it is");
}
