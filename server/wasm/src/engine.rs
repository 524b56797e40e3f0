//! The engine and its settings.
//!
//! The settings are those that measured best; the conditions they have are checked here.

use std::{
    fs,
    hash::{DefaultHasher, Hash as _, Hasher as _},
    sync::{Arc, OnceLock},
};

use busbar_model::{bounds, inflight::Table};
use wasmtime::{Config, Enabled, InstanceAllocationStrategy, PoolingAllocationConfig, component::Linker};

use crate::{
    bindings::Plugin as PluginWorld,
    clock::{Clock, Ticker},
    cpu::Slices,
    host::HostData,
    instances::Idle,
    memory::Memory,
    redaction::Redactions,
    state::CallState,
};

/// Pages kept resident when an instance's slot is reset, per memory and per table.
const KEEP_RESIDENT_MEMORY_BYTES: usize = 256 * 1024;
const KEEP_RESIDENT_TABLE_BYTES: usize = 64 * 1024;
/// Slots that are given back to the kernel together where the page map can't be scanned.
const DECOMMIT_BATCH: usize = 16;
const WASM_STACK_BYTES: usize = 512 * 1024;
const ASYNC_STACK_BYTES: usize = 1024 * 1024;
/// Core instances, memories and tables that one component may have.
const PARTS_PER_COMPONENT: u32 = 50;
const MEMORIES_PER_COMPONENT: u32 = 8;
const TABLES_PER_COMPONENT: u32 = 32;
const CORE_INSTANCE_BYTES: usize = 1024 * 1024;

#[derive(Debug, thiserror::Error)]
#[error("the WebAssembly engine could not be set up: {0}")]
pub struct EngineError(String);

impl From<wasmtime::Error> for EngineError {
    fn from(error: wasmtime::Error) -> Self {
        Self(format!("{error:#}"))
    }
}

/// What an engine is for. Artifacts made by one can be run by the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Use {
    /// Runs calls: instances come from a pool of slots made beforehand.
    Serving,
    /// Compiles and lets a component describe itself.
    Compiling,
}

/// One engine and what all its instances share.
#[derive(Clone)]
pub struct Engine {
    pub(crate) inner: wasmtime::Engine,
    pub(crate) linker: Arc<Linker<CallState>>,
    pub(crate) shared: Arc<Shared>,
}

/// Budgets and clock of one process.
pub(crate) struct Shared {
    /// Linear memory of all instances together.
    pub(crate) memory: Memory,
    /// Pooled instances that wait for a call.
    pub(crate) idle: Idle,
    /// What plugins were shown and must not log.
    pub(crate) redactions: Arc<Redactions>,
    /// Whose turn it is among guests that spin.
    pub(crate) slices: Arc<Slices>,
    /// Where it is told whose calls are under way.
    pub(crate) in_flight: OnceLock<Arc<Table>>,
    /// Interrupts guests that run.
    pub(crate) clock: Arc<Clock>,
}

impl Engine {
    /// `memory_bytes_max`: what all instances together may take.
    pub fn new(purpose: Use, memory_bytes_max: u64) -> Result<Self, EngineError> {
        let inner = wasmtime::Engine::new(&config(purpose))?;
        let mut linker = Linker::new(&inner);
        wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
        wasmtime_wasi_http::p2::add_only_http_to_linker_async(&mut linker)?;
        PluginWorld::add_to_linker::<_, HostData>(&mut linker, |state| state)?;
        let shared = Arc::new(Shared {
            memory: Memory::new(memory_bytes_max),
            idle: Idle::new(memory_bytes_max),
            redactions: Arc::default(),
            slices: Arc::default(),
            in_flight: OnceLock::new(),
            clock: Arc::default(),
        });
        Ok(Self { inner, linker: Arc::new(linker), shared })
    }

    /// What its instances take.
    pub fn memory(&self) -> Memory {
        self.shared.memory.clone()
    }

    /// Names the engine, its settings and the processor: what artifacts are good for.
    pub(crate) fn fingerprint(&self) -> String {
        let mut hasher = DefaultHasher::new();
        self.inner.precompile_compatibility_hash().hash(&mut hasher);
        fs::read_to_string("/proc/cpuinfo")
            .unwrap_or_default()
            .lines()
            .find(|line| line.starts_with("flags"))
            .hash(&mut hasher);
        format!("{:016x}", hasher.finish())
    }

    /// From now on it is told in `table` whose calls are under way: those of plugins that are loaded later.
    pub fn tell_in_flight(&self, table: Arc<Table>) {
        let _ = self.shared.in_flight.set(table);
    }

    /// Starts the clock that interrupts running guests; it stops when the handle is dropped.
    pub fn start_ticker(&self) -> Result<Ticker, EngineError> {
        let engine = self.inner.clone();
        self.shared
            .clock
            .start(move || engine.increment_epoch())
            .map_err(|error| EngineError(error.to_string()))
    }
}

fn config(purpose: Use) -> Config {
    let mut config = Config::new();
    config
        .wasm_component_model(true)
        .concurrency_support(false)
        .epoch_interruption(true)
        .max_wasm_stack(WASM_STACK_BYTES)
        .async_stack_size(ASYNC_STACK_BYTES)
        .wasm_backtrace_max_frames(std::num::NonZeroUsize::new(32))
        .memory_init_cow(true);
    if purpose == Use::Serving {
        config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool()));
    }
    config
}

fn pool() -> PoolingAllocationConfig {
    let instances = bounds::WORKER_INSTANCES_MAX;
    let mut pool = PoolingAllocationConfig::default();
    pool.total_component_instances(instances)
        .total_core_instances(instances * 4)
        .total_memories(instances)
        .total_tables(instances * 2)
        .total_stacks(instances)
        .max_core_instances_per_component(PARTS_PER_COMPONENT)
        .max_memories_per_component(MEMORIES_PER_COMPONENT)
        .max_tables_per_component(TABLES_PER_COMPONENT)
        .max_component_instance_size(CORE_INSTANCE_BYTES)
        .max_core_instance_size(CORE_INSTANCE_BYTES)
        .table_elements(bounds::TABLE_ELEMENTS_MAX)
        .max_memory_size(usize::try_from(bounds::CALL_MEMORY_BYTES_CEILING).unwrap_or(usize::MAX));
    if no_swap() {
        pool.pagemap_scan(Enabled::Auto)
            .linear_memory_keep_resident(KEEP_RESIDENT_MEMORY_BYTES)
            .table_keep_resident(KEEP_RESIDENT_TABLE_BYTES);
    } else {
        tracing::warn!(
            "swap is on: instance slots are reset without scanning the page map, which costs time per call"
        );
        pool.decommit_batch_size(DECOMMIT_BATCH);
    }
    pool
}

/// Scanning the page map misses dirty pages that were swapped out, so it is used only where none can
/// be: no swap device, or a control group that may not swap.
fn no_swap() -> bool {
    let no_device = fs::read_to_string("/proc/swaps").is_ok_and(|swaps| swaps.lines().count() <= 1);
    no_device || group_may_not_swap()
}

fn group_may_not_swap() -> bool {
    let Ok(groups) = fs::read_to_string("/proc/self/cgroup") else { return false };
    let Some(path) = groups.lines().find_map(|line| line.strip_prefix("0::")) else { return false };
    fs::read_to_string(format!("/sys/fs/cgroup{path}/memory.swap.max")).is_ok_and(|max| max.trim() == "0")
}
