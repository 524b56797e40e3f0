//! Memory of one instance, within its own limit and its process's budget.

use std::sync::{Arc, atomic::Ordering};

use busbar_model::bounds;
use wasmtime::ResourceLimiter;

use crate::engine::Shared;

pub(crate) struct Limiter {
    shared: Arc<Shared>,
    memory_bytes_max: u64,
    memory_bytes: u64,
    /// The guest was refused memory: a trap that follows is this limit's.
    pub(crate) refused: bool,
}

impl Limiter {
    pub(crate) fn new(shared: Arc<Shared>, memory_bytes_max: u64) -> Self {
        Self { shared, memory_bytes_max, memory_bytes: 0, refused: false }
    }
}

impl ResourceLimiter for Limiter {
    fn memory_growing(&mut self, current: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        let grown = (desired as u64).saturating_sub(current as u64);
        let in_process = self.shared.memory_bytes.fetch_add(grown, Ordering::Relaxed) + grown;
        if self.memory_bytes + grown > self.memory_bytes_max || in_process > bounds::WORKER_MEMORY_BYTES_MAX {
            self.shared.memory_bytes.fetch_sub(grown, Ordering::Relaxed);
            self.refused = true;
            return Ok(false);
        }
        self.memory_bytes += grown;
        Ok(true)
    }

    fn table_growing(&mut self, _: usize, _: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        // The pool's own `table_elements` is the limit.
        Ok(true)
    }
}

impl Drop for Limiter {
    fn drop(&mut self) {
        self.shared.memory_bytes.fetch_sub(self.memory_bytes, Ordering::Relaxed);
    }
}
