//! `busbar:bus/soap`: operations of SOAP services of others.

use std::sync::Arc;

use busbar_engine::ways::soap::{self, Failure};

use crate::{
    bindings::busbar::bus::{
        soap::{Host, Operation, PartnerFault, SoapError},
        types::{Fault, Payload, Response},
    },
    fault::to_guest,
    state::CallState,
};

impl Host for CallState {
    async fn call(
        &mut self,
        connection: String,
        operation: String,
        input: String,
    ) -> wasmtime::Result<Result<String, SoapError>> {
        let call = self.current()?;
        if let Err(fault) = call.count() {
            return Ok(Err(SoapError::Bus(to_guest(fault))));
        }
        let invoker = Arc::clone(&call.invoker);
        let answered = soap::call(&call.origin, invoker.ways(), &connection, operation, input).await;
        Ok(answered.map_err(told))
    }

    async fn exchange(
        &mut self,
        connection: String,
        action: String,
        content_type: String,
        envelope: Payload,
    ) -> wasmtime::Result<Result<Response, Fault>> {
        let envelope = self.payload_out(envelope)?;
        let call = self.current()?;
        if let Err(fault) = call.count() {
            return Ok(Err(to_guest(fault)));
        }
        let (invoker, origin) = (Arc::clone(&call.invoker), &call.origin);
        let ways = invoker.ways();
        match soap::exchange(origin, ways, &connection, action, content_type, envelope).await {
            Ok(response) => Ok(Ok(self.response_in(response)?)),
            Err(fault) => Ok(Err(to_guest(fault))),
        }
    }

    async fn operations(&mut self, connection: String) -> wasmtime::Result<Result<Vec<Operation>, Fault>> {
        let call = self.current()?;
        if let Err(fault) = call.count() {
            return Ok(Err(to_guest(fault)));
        }
        let invoker = Arc::clone(&call.invoker);
        let found = soap::operations(&call.origin, invoker.ways(), &connection).await;
        Ok(found.map(|found| found.into_iter().map(described).collect()).map_err(to_guest))
    }
}

fn described(operation: soap::Operation) -> Operation {
    let soap::Operation { name, input_schema, output_schema } = operation;
    Operation { name, input_schema, output_schema }
}

fn told(failure: Failure) -> SoapError {
    match failure {
        Failure::Bus(fault) => SoapError::Bus(to_guest(fault)),
        Failure::Partner(fault) => {
            let soap::PartnerFault { code, subcodes, message, role, detail, described } = *fault;
            SoapError::Partner(PartnerFault { code, subcodes, message, role, detail, described })
        }
    }
}
