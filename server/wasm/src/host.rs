//! The bus's side of the `busbar:bus` imports.

use wasmtime::component::HasData;

use crate::{bindings::busbar::bus::types, state::CallState};

mod amqp;
#[expect(unreachable_pub, reason = "the generated bindings re-export the handle")]
pub mod body;
pub(crate) mod cache;
mod config;
mod context;
mod deliver;
mod dictionaries;
mod http;
mod invoke;
mod kv;
mod log;
mod secrets;
mod soap;
#[expect(unreachable_pub, reason = "the generated bindings re-export the handles")]
pub mod sql;

/// Host functions work on the whole of an instance's state.
pub(crate) struct HostData;

impl HasData for HostData {
    type Data<'a> = &'a mut CallState;
}

impl types::Host for CallState {}

impl CallState {
    /// The call being served. A component that describes itself has none.
    fn current(&mut self) -> wasmtime::Result<&mut crate::state::CallData> {
        self.call
            .call
            .as_mut()
            .ok_or_else(|| wasmtime::Error::msg("this import is for use within a call only"))
    }
}
