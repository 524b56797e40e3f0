//! Calls of other services. Each takes part in the caller's deadline, correlation id and versions, and needs
//! a grant: name the services in `#[service(invokes = "…")]` so that an administrator sees what to grant.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::host::invoke::{self as bus, Target};
use crate::{Fault, Payload, Request, Response};

/// Calls a typed service and waits.
///
/// # Errors
/// The service's own fault; `not-granted`, and others of the bus; `failed` if its output is no `Out`.
pub fn invoke<Out: DeserializeOwned>(service: &str, input: &(impl Serialize + ?Sized)) -> Result<Out, Fault> {
    output(service, bus::call(service, json(input)?).map_err(Fault::received))
}

/// Calls typed services all at once; a result per target, in the targets' order.
pub fn invoke_all<Out: DeserializeOwned>(
    targets: impl IntoIterator<Item = (impl Into<String>, impl Serialize)>,
) -> Vec<Result<Out, Fault>> {
    let mut calls = Vec::new();
    let prepared: Vec<Result<String, Fault>> = targets
        .into_iter()
        .map(|(service, input)| {
            let service = service.into();
            calls.push(Target { service: service.clone(), request: json(&input)? });
            Ok(service)
        })
        .collect();
    let mut results = bus::all(calls).into_iter();
    prepared
        .into_iter()
        .map(|target| {
            let service = target?;
            let result = results.next().ok_or_else(|| Fault::fail("the bus gave too few results"))?;
            output(&service, result.map_err(Fault::received))
        })
        .collect()
}

/// Calls any service with any payload; a stream may be passed on.
///
/// # Errors
/// The service's own fault, or one of the bus.
pub fn invoke_raw(service: &str, request: Request) -> Result<Response, Fault> {
    bus::call(service, request).map_err(Fault::received)
}

fn json(input: &(impl Serialize + ?Sized)) -> Result<Request, Fault> {
    let bytes = serde_json::to_vec(input)?;
    Ok(Request { content_type: Some("application/json".to_owned()), payload: Payload::Bytes(bytes) })
}

fn output<Out: DeserializeOwned>(service: &str, result: Result<Response, Fault>) -> Result<Out, Fault> {
    let bytes = success(service, result)?;
    serde_json::from_slice(&bytes)
        .map_err(|error| Fault::fail(format!("the output of {service} is not as expected: {error}")))
}

/// The output's bytes; no payload is `null`.
fn success(service: &str, result: Result<Response, Fault>) -> Result<Vec<u8>, Fault> {
    let response = result?;
    match response.status {
        Some(status) if !(200..300).contains(&status) => {
            Err(Fault::fail(format!("{service} answered with status {status}")))
        }
        _ if matches!(response.payload, Payload::Empty) => Ok(b"null".to_vec()),
        _ => response.payload.into_bytes(),
    }
}
