//! Instances that have served a call and may serve another: per service, and never after a trap.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use busbar_model::{Name, bounds};
use wasmtime::Store;

use crate::{bindings::Plugin as PluginWorld, engine::Shared, state::CallState};

/// Idle instances kept per service.
const IDLE_PER_SERVICE: usize = 32;
/// Idle instances of all services together; the other slots stay free for fresh ones.
const IDLE_MAX: u64 = (bounds::WORKER_INSTANCES_MAX / 2) as u64;

pub(crate) struct Instance {
    pub(crate) store: Store<CallState>,
    pub(crate) world: PluginWorld,
    pub(crate) calls: u32,
}

pub(crate) struct Instances {
    shared: Arc<Shared>,
    idle: Mutex<HashMap<Name, Vec<Instance>>>,
}

impl Instances {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self { shared, idle: Mutex::default() }
    }

    pub(crate) fn take(&self, service: &Name) -> Option<Instance> {
        let instance = self.lock().get_mut(service)?.pop()?;
        self.shared.idle.leave(&instance);
        Some(instance)
    }

    /// Keeps an instance for the next call, unless there are enough.
    pub(crate) fn put(&self, service: &Name, instance: Instance) {
        if !self.shared.idle.enter(&instance) {
            return;
        }
        let mut idle = self.lock();
        let of_service = match idle.get_mut(service) {
            Some(of_service) => of_service,
            None => idle.entry(service.clone()).or_default(),
        };
        if of_service.len() < IDLE_PER_SERVICE {
            of_service.push(instance);
        } else {
            self.shared.idle.leave(&instance);
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<Name, Vec<Instance>>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Instances {
    fn drop(&mut self) {
        self.lock().values().flatten().for_each(|instance| self.shared.idle.leave(instance));
    }
}

/// What idle instances of a process hold, of whatever plugin.
pub(crate) struct Idle {
    memory_bytes_max: u64,
    instances: AtomicU64,
    memory_bytes: AtomicU64,
}

impl Idle {
    /// They may hold a quarter of what all instances may: most of it is for calls.
    pub(crate) fn new(memory_bytes_max: u64) -> Self {
        Self {
            memory_bytes_max: memory_bytes_max / 4,
            instances: AtomicU64::new(0),
            memory_bytes: AtomicU64::new(0),
        }
    }

    /// Counts an instance, if there is room for it.
    fn enter(&self, instance: &Instance) -> bool {
        let bytes = instance.store.data().limiter.memory_bytes();
        let instances = self.instances.fetch_add(1, Ordering::Relaxed);
        let memory_bytes = self.memory_bytes.fetch_add(bytes, Ordering::Relaxed) + bytes;
        let fits = instances < IDLE_MAX && memory_bytes <= self.memory_bytes_max;
        if !fits {
            self.leave(instance);
        }
        fits
    }

    fn leave(&self, instance: &Instance) {
        self.instances.fetch_sub(1, Ordering::Relaxed);
        self.memory_bytes.fetch_sub(instance.store.data().limiter.memory_bytes(), Ordering::Relaxed);
    }
}
