//! `busbar:bus/context`: what surrounds a call.

use busbar_engine::{accept::TRACEPARENT_HEADER, invoke::query};
use tokio::time::Instant;

use crate::{
    bindings::busbar::bus::context::{Host, RequestHead},
    state::CallState,
};

impl Host for CallState {
    fn head(&mut self) -> wasmtime::Result<RequestHead> {
        let call = self.current()?;
        let params = call.params.clone();
        let Some(head) = &call.head else {
            let (method, path) = (String::new(), String::new());
            return Ok(RequestHead { method, path, query: Vec::new(), headers: Vec::new(), params });
        };
        let trace = call.origin.context.trace;
        // A message of AMQP has any text in its headers; what is none has no place in the contract.
        let text = |value: &http::HeaderValue| str::from_utf8(value.as_bytes()).ok().map(str::to_owned);
        let header = |(name, value): (&http::HeaderName, &http::HeaderValue)| match trace {
            Some(trace) if *name == TRACEPARENT_HEADER => Some((name.as_str().to_owned(), trace.to_string())),
            _ => Some((name.as_str().to_owned(), text(value)?)),
        };
        let mut headers = Vec::with_capacity(head.headers.len());
        headers.extend(head.headers.iter().filter_map(header));
        Ok(RequestHead {
            method: head.method.as_str().to_owned(),
            path: head.uri.path().to_owned(),
            query: query(head.uri.query().unwrap_or_default()),
            headers,
            params,
        })
    }

    fn correlation_id(&mut self) -> wasmtime::Result<String> {
        Ok(self.current()?.origin.context.correlation.as_str().to_owned())
    }

    fn caller(&mut self) -> wasmtime::Result<Option<String>> {
        Ok(self.current()?.caller.as_ref().map(ToString::to_string))
    }

    fn remaining_ms(&mut self) -> wasmtime::Result<u64> {
        let left = self.current()?.origin.deadline.saturating_duration_since(Instant::now());
        Ok(u64::try_from(left.as_millis()).unwrap_or(u64::MAX))
    }

    fn idempotency_key(&mut self) -> wasmtime::Result<Option<String>> {
        Ok(self.current()?.origin.attempt.key.as_deref().map(str::to_owned))
    }

    fn attempt(&mut self) -> wasmtime::Result<u32> {
        Ok(self.current()?.origin.attempt.number)
    }
}
