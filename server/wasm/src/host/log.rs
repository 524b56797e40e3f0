//! `busbar:bus/log`.

use tracing::Level as Tracing;

use crate::{
    bindings::busbar::bus::log::{Host, Level},
    state::CallState,
};

impl Host for CallState {
    fn write(
        &mut self,
        level: Level,
        message: String,
        fields: Vec<(String, String)>,
    ) -> wasmtime::Result<()> {
        let level = match level {
            Level::Trace => Tracing::TRACE,
            Level::Debug => Tracing::DEBUG,
            Level::Info => Tracing::INFO,
            Level::Warn => Tracing::WARN,
            Level::Error => Tracing::ERROR,
        };
        self.log.write(level, &message, &fields);
        Ok(())
    }
}
