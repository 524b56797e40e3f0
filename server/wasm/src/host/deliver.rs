//! `busbar:bus/deliver`: messages that the bus gets to their target.

use busbar_engine::deliver::hand_over;
use busbar_model::{Fault, delivery, fault::FaultKind};

use crate::{
    bindings::busbar::bus::{
        deliver::{Host, Options},
        types::{Fault as GuestFault, Request},
    },
    fault::to_guest,
    state::CallState,
};

impl Host for CallState {
    async fn send(
        &mut self,
        service: String,
        request: Request,
        options: Options,
    ) -> wasmtime::Result<Result<String, GuestFault>> {
        let options = delivery::Options {
            attempts: options.attempts,
            backoff_ms: options.backoff_ms,
            backoff_max_ms: options.backoff_max_ms,
            expires_ms: options.expires_ms,
            delay_ms: options.delay_ms,
            order_key: options.order_key,
        };
        self.hand_over(service, request, options).await
    }
}

impl CallState {
    pub(super) async fn hand_over(
        &mut self,
        service: String,
        request: Request,
        options: delivery::Options,
    ) -> wasmtime::Result<Result<String, GuestFault>> {
        let input = self.request_out(request)?;
        let call = self.current()?;
        let Some(left) = call.invokes_left.checked_sub(1) else {
            let text = "the call reached its limit of calls to other services";
            return Ok(Err(to_guest(Fault::new(FaultKind::NestingLimit, text).with_code("invoke-limit"))));
        };
        call.invokes_left = left;
        Ok(hand_over(&call.origin, &service, input, options).await.map_err(to_guest))
    }
}
