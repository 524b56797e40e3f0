//! What is logged during a case, for those who look why it fails.

use std::{
    io,
    sync::{Arc, Mutex, PoisonError},
};

use tracing::subscriber::DefaultGuard;
use tracing_subscriber::{EnvFilter, fmt, layer::SubscriberExt as _};

/// Plugins' own lines, and what the bus says of calls that go wrong.
const FILTER: &str = "plugin=debug,busbar_engine=warn,busbar_wasm=warn";

#[derive(Clone, Default)]
pub(super) struct Lines(Arc<Mutex<Vec<u8>>>);

impl Lines {
    /// Collects what this thread logs for as long as the guard lives.
    pub(super) fn listen(&self) -> DefaultGuard {
        let lines = self.clone();
        let layer = fmt::layer().compact().without_time().with_ansi(false).with_writer(move || lines.clone());
        let subscriber = tracing_subscriber::registry().with(EnvFilter::new(FILTER)).with(layer);
        tracing::subscriber::set_default(subscriber)
    }

    /// The lines since the last time.
    pub(super) fn take(&self) -> Vec<String> {
        let bytes = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        String::from_utf8_lossy(&bytes).lines().map(|line| line.trim().to_owned()).collect()
    }
}

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
