//! `busbar:bus/dictionaries`: tables that translate one system's codes into another's.

use busbar_engine::dictionaries;

use crate::{
    bindings::busbar::bus::{dictionaries::Host, types::Fault},
    fault::to_guest,
    state::CallState,
};

impl Host for CallState {
    fn translate(
        &mut self,
        dictionary: String,
        key: String,
        from: String,
        to: String,
        on: Option<String>,
    ) -> wasmtime::Result<Result<Option<String>, Fault>> {
        let origin = &self.current()?.origin;
        Ok(dictionaries::translate(origin, &dictionary, &key, &from, &to, on.as_deref()).map_err(to_guest))
    }

    fn entries(
        &mut self,
        dictionary: String,
        on: Option<String>,
    ) -> wasmtime::Result<Result<Vec<Vec<(String, String)>>, Fault>> {
        let call = self.current()?;
        if let Err(fault) = call.count() {
            return Ok(Err(to_guest(fault)));
        }
        let found = dictionaries::entries(&call.origin, &dictionary, on.as_deref());
        Ok(found.map(|found| found.into_iter().map(|entry| entry.codes).collect()).map_err(to_guest))
    }
}
