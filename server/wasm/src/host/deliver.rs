//! `busbar:bus/deliver`: messages that the bus gets to their target.

use busbar_engine::deliver::hand_over;
use busbar_model::delivery;

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
        self.hand_over(service, request, wanted(options)).await
    }
}

pub(super) fn wanted(options: Options) -> delivery::Options {
    let Options { attempts, backoff_ms, backoff_max_ms, expires_ms, delay_ms, order_key } = options;
    delivery::Options { attempts, backoff_ms, backoff_max_ms, expires_ms, delay_ms, order_key }
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
        if let Err(fault) = call.count() {
            return Ok(Err(to_guest(fault)));
        }
        Ok(hand_over(&call.origin, &service, input, options).await.map_err(to_guest))
    }
}
