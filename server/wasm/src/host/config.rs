//! `busbar:bus/config`: the plugin's definitions in the pinned catalog.

use crate::{bindings::busbar::bus::config::Host, state::CallState};

impl Host for CallState {
    fn get(&mut self, key: String) -> wasmtime::Result<Option<String>> {
        Ok(self.current()?.config.get(&key).map(ToString::to_string))
    }

    fn all(&mut self) -> wasmtime::Result<String> {
        Ok(self.current()?.config.to_string())
    }
}
