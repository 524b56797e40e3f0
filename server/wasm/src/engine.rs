//! The engine, its settings and its clock.
//!
//! The settings are those that measured best; the conditions they have are checked here.

use std::{
    fs,
    hash::{DefaultHasher, Hash as _, Hasher as _},
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

use busbar_model::{bounds, inflight::Table};
use wasmtime::{Config, Enabled, InstanceAllocationStrategy, PoolingAllocationConfig, component::Linker};

use crate::{
    bindings::Plugin as PluginWorld, cpu::Slices, host::HostData, instances::Idle, memory::Memory,
    redaction::Redactions, state::CallState,
};

/// How often running guests are interrupted to let others run and to count their time.
const TICK: Duration = Duration::from_millis(5);
/// Without calls for so many ticks the clock stops until the next call.
const IDLE_TICKS: u32 = 20;
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
    /// Calls under way.
    calls: AtomicU64,
    ticking: AtomicBool,
    ticker: OnceLock<thread::Thread>,
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
            calls: AtomicU64::new(0),
            ticking: AtomicBool::new(false),
            ticker: OnceLock::new(),
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
        let stop = Arc::new(AtomicBool::new(false));
        let (engine, shared, stopped) = (self.inner.clone(), Arc::clone(&self.shared), Arc::clone(&stop));
        let handle = thread::Builder::new()
            .name("epoch".to_owned())
            .spawn(move || tick(&engine, &shared, &stopped))
            .map_err(|error| EngineError(error.to_string()))?;
        let thread = handle.thread().clone();
        let _ = self.shared.ticker.set(thread.clone());
        Ok(Ticker { stop, thread })
    }
}

impl Shared {
    /// To be held while a guest may run: the clock ticks for as long. Either this sees that the clock
    /// sleeps, or the clock sees the call before it does: a guest that spins is always interrupted.
    pub(crate) fn enter(self: &Arc<Self>) -> Running {
        self.calls.fetch_add(1, Ordering::SeqCst);
        if !self.ticking.load(Ordering::SeqCst)
            && let Some(thread) = self.ticker.get()
        {
            self.ticking.store(true, Ordering::SeqCst);
            thread.unpark();
        }
        Running(Arc::clone(self))
    }
}

/// A call under way.
pub(crate) struct Running(Arc<Shared>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.calls.fetch_sub(1, Ordering::SeqCst);
    }
}

fn tick(engine: &wasmtime::Engine, shared: &Shared, stopped: &AtomicBool) {
    let mut idle = 0;
    while !stopped.load(Ordering::Relaxed) {
        thread::sleep(TICK);
        engine.increment_epoch();
        idle = if shared.calls.load(Ordering::SeqCst) > 0 { 0 } else { idle + 1 };
        if idle < IDLE_TICKS {
            continue;
        }
        idle = 0;
        shared.ticking.store(false, Ordering::SeqCst);
        while shared.calls.load(Ordering::SeqCst) == 0 && !stopped.load(Ordering::Relaxed) {
            thread::park_timeout(Duration::from_secs(1));
        }
        shared.ticking.store(true, Ordering::SeqCst);
    }
}

/// Keeps the clock running.
pub struct Ticker {
    stop: Arc<AtomicBool>,
    thread: thread::Thread,
}

impl Drop for Ticker {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.unpark();
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
