//! `busbar:bus/http`: HTTP to systems of others.

use std::{sync::Arc, time::Duration};

use busbar_engine::ways::http::{self, Given};

use crate::{
    bindings::busbar::bus::{
        http::{Host, Request},
        types::{Fault, Response},
    },
    fault::to_guest,
    state::CallState,
};

impl Host for CallState {
    async fn send(
        &mut self,
        connection: String,
        request: Request,
    ) -> wasmtime::Result<Result<Response, Fault>> {
        let Request { method, path, headers, content_type, payload, timeout_ms } = request;
        let body = self.payload_out(payload)?;
        let call = self.current()?;
        if let Err(fault) = call.count() {
            return Ok(Err(to_guest(fault)));
        }
        let given = Given { method, path, headers, content_type, body };
        let timeout = timeout_ms.map(Duration::from_millis);
        let invoker = Arc::clone(&call.invoker);
        match http::send(&call.origin, invoker.ways(), &connection, given, timeout).await {
            Ok(response) => Ok(Ok(self.response_in(response)?)),
            Err(fault) => Ok(Err(to_guest(fault))),
        }
    }
}
