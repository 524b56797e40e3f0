//! `busbar:bus/secrets`: values that the plugin was granted, from the pinned catalog.

use busbar_engine::secret::{Refused, reveal};
use tracing::Level;

use crate::{
    bindings::busbar::bus::secrets::{Host, SecretError},
    state::CallState,
};

impl Host for CallState {
    fn get(&mut self, name: String) -> wasmtime::Result<Result<String, SecretError>> {
        let origin = &self.current()?.origin;
        Ok(match reveal(&origin.context.catalog, &origin.service.grants, &name) {
            Ok(value) => {
                // Before the guest has it, so that not one line can be written without.
                self.log.redact(&name, &value);
                Ok(value)
            }
            Err(Refused::NotGranted) => Err(SecretError::NotGranted),
            Err(Refused::Unknown) => Err(SecretError::Unknown),
            Err(Refused::Unavailable(cause)) => {
                let message = format!("secret {name:?} can't be opened: {cause}");
                self.log.write(Level::ERROR, &message, &[]);
                Err(SecretError::Unavailable(cause))
            }
        })
    }
}
