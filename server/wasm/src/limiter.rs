//! Memory of one instance, within its own limit and its process's budget.

use std::sync::Arc;

use busbar_model::bounds;
use wasmtime::ResourceLimiter;

use crate::engine::Shared;

pub(crate) struct Limiter {
    shared: Arc<Shared>,
    memory_bytes_max: u64,
    memory_bytes: u64,
    /// The guest was refused memory: a trap that follows is due to that.
    pub(crate) refused: Option<Refused>,
}

/// What a guest's memory ran into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    OwnLimit,
    /// Others hold it all.
    WorkerBudget,
}

impl Limiter {
    pub(crate) fn new(shared: Arc<Shared>, memory_bytes_max: u64) -> Self {
        Self { shared, memory_bytes_max, memory_bytes: 0, refused: None }
    }

    /// For an instance that is used again, maybe under another limit.
    pub(crate) fn begin(&mut self, memory_bytes_max: u64) {
        self.memory_bytes_max = memory_bytes_max;
        self.refused = None;
    }

    /// There is no instance left for a call.
    pub(crate) fn none_left(&self) {
        self.shared.memory.refuse();
    }

    pub(crate) fn memory_bytes(&self) -> u64 {
        self.memory_bytes
    }
}

impl ResourceLimiter for Limiter {
    fn memory_growing(&mut self, current: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        let grown = (desired as u64).saturating_sub(current as u64);
        let own = self.memory_bytes + grown > self.memory_bytes_max;
        if own || !self.shared.memory.take(grown) {
            self.refused = Some(if own { Refused::OwnLimit } else { Refused::WorkerBudget });
            return Ok(false);
        }
        self.memory_bytes += grown;
        Ok(true)
    }

    fn table_growing(&mut self, _: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        // As in the pool's slots, also where there is no pool.
        Ok(desired <= bounds::TABLE_ELEMENTS_MAX)
    }
}

impl Drop for Limiter {
    fn drop(&mut self) {
        self.shared.memory.give_back(self.memory_bytes);
    }
}
