//! A loaded version of a plugin.

use std::sync::Arc;

use busbar_engine::ports::{Call, CallFuture, Plugin};
use busbar_model::{Digest, plugin::Kind};
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
        Ok(Self(Arc::new(Loaded { engine: engine.clone(), cache: Arc::default(), instances, digest, entry })))
    }
}

impl Plugin for LoadedPlugin {
    fn digest(&self) -> Digest {
        self.0.digest
    }

    fn call(&self, call: Call) -> CallFuture {
        let loaded = Arc::clone(&self.0);
        Box::pin(async move {
            let _running = loaded.engine.shared.enter();
            match &loaded.entry {
                Entry::Bus(pre) => bus_call::run(&loaded, pre, call).await,
                Entry::WasiHttp(pre) => http_call::run(&loaded, pre, call).await,
            }
        })
    }
}
