//! Operations of SOAP services of others, by a connection that the plugin is granted and that has their WSDL. Input and
//! output are JSON, as the operation's schemas say.
//!
//! ```no_run
//! use busbar_sdk::prelude::*;
//! use serde_json::{Value, json};
//!
//! # fn example() -> Result<Value, Fault> {
//! match soap::call::<Value>("partner", "confirm", &json!({"order": 4711})) {
//!     Err(soap::Error::Partner(fault)) if fault.code == "OrderUnknown" => Ok(json!(null)),
//!     confirmed => Ok(confirmed?),
//! }
//! # }
//! ```

use std::fmt;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::host::soap as bus;
use crate::{Fault, Payload, http};

/// An operation that a connection's WSDL has.
#[derive(Clone, Debug, PartialEq)]
pub struct Operation {
    pub name: String,
    /// JSON Schema 2020-12. None: it takes nothing.
    pub input_schema: Option<Value>,
    /// None: it answers nothing.
    pub output_schema: Option<Value>,
}

/// A fault that the other side answered with.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PartnerFault {
    /// Without its prefix: `Client`, `Server` (SOAP 1.1), `Sender`, `Receiver` (1.2), or the service's own.
    pub code: String,
    /// Of SOAP 1.2, from the outside in.
    pub subcodes: Vec<String>,
    pub message: String,
    pub role: Option<String>,
    /// What is in its detail, as XML.
    pub detail: Option<String>,
    /// The same as JSON, where the WSDL describes it, behind the name of the element.
    pub described: Option<(String, Value)>,
}

/// Why an operation has no output. `?` makes a [`Fault`] of either.
///
/// As [`Fault`] it is deliberately no [`std::error::Error`].
#[derive(Clone, Debug)]
pub enum Error {
    /// The other side refused.
    Partner(PartnerFault),
    /// The bus's own. Codes: those of [`http::Request::send`]; `operation-unknown` and `invalid-input`, of which nothing
    /// was sent; `bad-reply` also for one that is not what the WSDL says.
    Bus(Fault),
}

impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Partner(fault) => {
                write!(formatter, "the other side answered with the fault {}: {}", fault.code, fault.message)
            }
            Self::Bus(fault) => fault.fmt(formatter),
        }
    }
}

impl From<Fault> for Error {
    fn from(fault: Fault) -> Self {
        Self::Bus(fault)
    }
}

/// The other side's fault is a `fail` with the code `partner-fault`.
impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        match error {
            Error::Partner(_) => Self::fail(error.to_string()).code("partner-fault"),
            Error::Bus(fault) => fault,
        }
    }
}

/// Calls an operation with its input and waits for its output, `null` if there is none.
///
/// # Errors
/// [`Error`]; its `Bus` is `failed` if the input has no JSON form, and `bad-reply` if the output is no `Out`.
pub fn call<Out: DeserializeOwned>(
    connection: &str,
    operation: &str,
    input: &(impl Serialize + ?Sized),
) -> Result<Out, Error> {
    let input = serde_json::to_string(input).map_err(Fault::from)?;
    let output = bus::call(connection, operation, &input).map_err(received)?;
    serde_json::from_str(&output)
        .map_err(|error| bad(format!("the output of {operation} is not as expected: {error}")).into())
}

/// An envelope as it is, and its reply as it came. `action` is its SOAPAction, or that of SOAP 1.2's content type.
///
/// # Errors
/// Those of [`http::Request::send`].
pub fn exchange(
    connection: &str,
    action: &str,
    content_type: &str,
    envelope: Payload,
) -> Result<http::Response, Fault> {
    let reply = bus::exchange(connection, action, content_type, envelope);
    reply.map(http::Response::received).map_err(Fault::received)
}

/// What the connection's WSDL has.
///
/// # Errors
/// `not-granted`, `connection-unknown`, `connection-unusable`.
pub fn operations(connection: &str) -> Result<Vec<Operation>, Fault> {
    let parse = |schema: Option<String>| schema.map(|text| json(&text)).transpose();
    let operations = bus::operations(connection).map_err(Fault::received)?;
    let known = operations.into_iter().map(|bus::Operation { name, input_schema, output_schema }| {
        Ok(Operation { name, input_schema: parse(input_schema)?, output_schema: parse(output_schema)? })
    });
    known.collect()
}

fn received(error: bus::SoapError) -> Error {
    match error {
        bus::SoapError::Partner(fault) => partner(fault).map_or_else(Error::Bus, Error::Partner),
        bus::SoapError::Bus(fault) => Error::Bus(Fault::received(fault)),
    }
}

fn partner(fault: bus::PartnerFault) -> Result<PartnerFault, Fault> {
    let bus::PartnerFault { code, subcodes, message, role, detail, described } = fault;
    let described = described.map(|(name, text)| Ok::<_, Fault>((name, json(&text)?))).transpose()?;
    Ok(PartnerFault { code, subcodes, message, role, detail, described })
}

fn json(text: &str) -> Result<Value, Fault> {
    serde_json::from_str(text).map_err(|error| bad(format!("what the bus gave is no JSON: {error}")))
}

fn bad(text: String) -> Fault {
    Fault::fail(text).code("bad-reply")
}
