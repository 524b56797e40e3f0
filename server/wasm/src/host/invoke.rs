//! `busbar:bus/invoke`: calls of other services.

use std::sync::Arc;

use busbar_engine::{ports::CallFuture, request::Input};
use busbar_model::{Fault, delivery::Options};
use futures_util::future::join_all;

use crate::{
    bindings::busbar::bus::{
        invoke::{Host, Target},
        types::{Fault as GuestFault, Request, Response},
    },
    fault::to_guest,
    limiter::Refused,
    state::CallState,
};

/// Targets of one fan-out that run at once.
const AT_ONCE: usize = 16;

impl Host for CallState {
    async fn call(
        &mut self,
        service: String,
        request: Request,
    ) -> wasmtime::Result<Result<Response, GuestFault>> {
        let outcome = self.begin(service, request)?.await;
        self.answer(outcome)
    }

    async fn all(&mut self, targets: Vec<Target>) -> wasmtime::Result<Vec<Result<Response, GuestFault>>> {
        let started = targets
            .into_iter()
            .map(|target| self.begin(target.service, target.request))
            .collect::<wasmtime::Result<Vec<_>>>()?;
        let mut answers = Vec::with_capacity(started.len());
        let (mut bytes, bytes_max) = (0, self.current()?.origin.service.limits.memory_bytes);
        let mut waiting = started.into_iter();
        loop {
            let outcomes = join_all(waiting.by_ref().take(AT_ONCE)).await;
            if outcomes.is_empty() {
                return Ok(answers);
            }
            for outcome in outcomes {
                bytes +=
                    outcome.as_ref().ok().and_then(|response| response.body.length()).unwrap_or_default();
                if bytes > bytes_max {
                    // The guest could not hold it, so the host need not.
                    self.limiter.refused = Some(Refused::OwnLimit);
                    return Err(wasmtime::Error::msg("the answers are larger than the guest's memory"));
                }
                answers.push(self.answer(outcome)?);
            }
        }
    }

    async fn start(
        &mut self,
        service: String,
        request: Request,
    ) -> wasmtime::Result<Result<String, GuestFault>> {
        self.hand_over(service, request, Options::default()).await
    }
}

impl CallState {
    fn begin(&mut self, service: String, request: Request) -> wasmtime::Result<CallFuture> {
        let input: Input = self.request_out(request)?;
        let call = self.current()?;
        if let Err(fault) = call.count() {
            return Ok(Box::pin(async { Err(fault) }));
        }
        Ok(Arc::clone(&call.invoker).invoke(call.origin.clone(), service, input))
    }

    fn answer(
        &mut self,
        outcome: Result<busbar_engine::request::Response, Fault>,
    ) -> wasmtime::Result<Result<Response, GuestFault>> {
        match outcome {
            Ok(response) => Ok(Ok(self.response_in(response)?)),
            Err(fault) => Ok(Err(to_guest(fault))),
        }
    }
}
