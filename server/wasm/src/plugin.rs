//! A loaded version of a plugin.

use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use busbar_engine::ports::{Call, CallFuture, Plugin};
use busbar_model::{
    Digest,
    inflight::{Flight, UnderWay},
    plugin::Kind,
};
use pin_project_lite::pin_project;
use wasmtime_wasi_http::p2::bindings::ProxyPre;

use crate::{
    artifact::{self, ArtifactCache, ArtifactError},
    bindings::PluginPre,
    bus_call,
    compile::link,
    engine::Engine,
    host::cache::Cache,
    http_call, inspect,
    instances::Instances,
    state::CallState,
};

#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    #[error(transparent)]
    Artifact(#[from] ArtifactError),
    #[error("the component can't be linked: {0}")]
    Link(String),
}

/// Shared by all calls of one version in this process; unloaded when the last catalog and the last
/// call that refer to it are gone.
#[derive(Clone)]
pub struct LoadedPlugin(Arc<Loaded>);

pub(crate) struct Loaded {
    pub(crate) engine: Engine,
    pub(crate) cache: Arc<Cache>,
    pub(crate) instances: Instances,
    digest: Digest,
    entry: Entry,
    /// `None`: nobody wants to know, or there are too many.
    flight: Option<Flight>,
}

enum Entry {
    Bus(PluginPre<CallState>),
    WasiHttp(ProxyPre<CallState>),
}

impl LoadedPlugin {
    pub fn load(engine: &Engine, artifacts: &ArtifactCache, digest: Digest) -> Result<Self, LoadError> {
        let component = artifact::load(engine, &artifacts.path(&digest))?;
        let unlinked = |error: &dyn std::fmt::Display| LoadError::Link(error.to_string());
        let (kind, _) = inspect::surface(engine, &component).map_err(|error| unlinked(&error))?;
        let pre = link(engine, &component).map_err(|error| unlinked(&error))?;
        let entry = match kind {
            Kind::Bus => Entry::Bus(PluginPre::new(pre).map_err(|error| unlinked(&error))?),
            Kind::WasiHttp => Entry::WasiHttp(ProxyPre::new(pre).map_err(|error| unlinked(&error))?),
        };
        let instances = Instances::new(Arc::clone(&engine.shared));
        let flight = engine.shared.in_flight.get().and_then(|table| table.board(digest));
        let (engine, cache) = (engine.clone(), Arc::default());
        Ok(Self(Arc::new(Loaded { engine, cache, instances, digest, entry, flight })))
    }
}

impl Loaded {
    /// Does a call's work, and tells that it is under way, and when it is this work that runs.
    pub(crate) fn told<F: Future>(&self, work: F) -> Told<'_, F> {
        Told { loaded: self, work, _under_way: self.flight.as_ref().map(Flight::call) }
    }
}

pin_project! {
    /// No `async` function, which would hold the work's state twice.
    pub(crate) struct Told<'l, F> {
        loaded: &'l Loaded,
        #[pin]
        work: F,
        // Behind the work, so that it is dropped after it: what its end does is under way as well.
        _under_way: Option<UnderWay>,
    }
}

impl<F: Future> Future for Told<'_, F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let outcome = match &this.loaded.flight {
            Some(flight) => flight.run(|| this.work.poll(context)),
            None => this.work.poll(context),
        };
        this.loaded.engine.shared.slices.end();
        outcome
    }
}

impl Plugin for LoadedPlugin {
    fn digest(&self) -> Digest {
        self.0.digest
    }

    fn call(&self, call: Box<Call>) -> CallFuture {
        let loaded = Arc::clone(&self.0);
        Box::pin(async move {
            let _running = loaded.engine.shared.clock.enter();
            match &loaded.entry {
                Entry::Bus(pre) => loaded.told(bus_call::run(&loaded, pre, call)).await,
                Entry::WasiHttp(pre) => loaded.told(http_call::run(&loaded, pre, call)).await,
            }
        })
    }
}
