//! SOAP services of others.

use std::rc::Rc;

use serde_json::Value;

use super::TestHost;
use super::sent::{SoapCall, SoapEnvelope, connection_unknown};
use crate::bindings::busbar::bus::soap as bus;
use crate::soap::{Error, PartnerFault};
use crate::{Fault, Payload, Response};

impl TestHost {
    /// A double for a connection by SOAP: the output of each call, or why there is none. Neither input nor output is
    /// checked against a WSDL, and `soap::operations` finds none.
    #[must_use]
    pub fn soap(
        self,
        connection: &str,
        answer: impl Fn(&SoapCall) -> Result<Value, Error> + 'static,
    ) -> Self {
        self.with(|host| host.others.soap.insert(connection.to_owned(), Rc::new(answer)))
    }

    /// The same for envelopes that are sent as they are.
    #[must_use]
    pub fn soap_envelopes(
        self,
        connection: &str,
        reply: impl Fn(&SoapEnvelope) -> Result<Response, Fault> + 'static,
    ) -> Self {
        self.with(|host| host.others.endpoints.insert(connection.to_owned(), Rc::new(reply)))
    }
}

pub(super) fn call(host: &TestHost, connection: &str, operation: &str, input: &str) -> Result<String, Error> {
    let double = host.0.borrow().others.soap.get(connection).cloned();
    let double = double.ok_or_else(|| connection_unknown(connection, "soap"))?;
    let input = serde_json::from_str(input).map_err(Fault::from)?;
    let (connection, operation) = (connection.to_owned(), operation.to_owned());
    let call = SoapCall { connection, operation, input };
    host.0.borrow_mut().sent.soap.push(call.clone());
    // Nothing is borrowed while it runs: it may ask the bus too.
    Ok(double(&call)?.to_string())
}

pub(super) fn exchange(
    host: &TestHost,
    connection: &str,
    action: &str,
    content_type: &str,
    envelope: Payload,
) -> Result<Response, Fault> {
    let double = host.0.borrow().others.endpoints.get(connection).cloned();
    let double = double.ok_or_else(|| connection_unknown(connection, "soap_envelopes"))?;
    let sent = SoapEnvelope {
        connection: connection.to_owned(),
        action: action.to_owned(),
        content_type: content_type.to_owned(),
        envelope: envelope.into_bytes()?,
    };
    host.0.borrow_mut().sent.envelopes.push(sent.clone());
    double(&sent)
}

pub(super) fn operations(host: &TestHost, connection: &str) -> Result<Vec<bus::Operation>, Fault> {
    match host.0.borrow().others.soap.contains_key(connection) {
        true => Ok(Vec::new()),
        false => Err(connection_unknown(connection, "soap")),
    }
}

pub(super) fn to_bus(error: Error) -> bus::SoapError {
    match error {
        Error::Bus(fault) => bus::SoapError::Bus(fault.into()),
        Error::Partner(PartnerFault { code, subcodes, message, role, detail, described }) => {
            let described = described.map(|(name, value)| (name, value.to_string()));
            bus::SoapError::Partner(bus::PartnerFault { code, subcodes, message, role, detail, described })
        }
    }
}
