//! `busbar:bus/dictionaries`: tables that translate one system's codes into another's. There are none yet.

use busbar_model::{Fault, fault::FaultKind};

use crate::{
    bindings::busbar::bus::{dictionaries::Host, types::Fault as GuestFault},
    fault::to_guest,
    state::CallState,
};

impl Host for CallState {
    fn translate(
        &mut self,
        _: String,
        _: String,
        _: String,
        _: String,
        _: Option<String>,
    ) -> wasmtime::Result<Result<Option<String>, GuestFault>> {
        self.current()?;
        Ok(Err(unknown()))
    }

    fn entries(
        &mut self,
        _: String,
        _: Option<String>,
    ) -> wasmtime::Result<Result<Vec<Vec<(String, String)>>, GuestFault>> {
        self.current()?;
        Ok(Err(unknown()))
    }
}

fn unknown() -> GuestFault {
    to_guest(Fault::new(FaultKind::NotFound, "no dictionary has this name").with_code("dictionary-unknown"))
}
