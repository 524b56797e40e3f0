//! From definitions to the catalog that new calls meet.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
};

use busbar_engine::{Pipeline, catalog::Binder, ports::Plugin};
use busbar_model::{Definitions, Digest, Name};
use busbar_wasm::{ArtifactCache, Engine, LoadedPlugin};

/// Holds the loaded plugins of this worker and switches its pipeline.
pub(crate) struct Keeper {
    pipeline: Arc<Pipeline>,
    engine: Engine,
    artifacts: ArtifactCache,
    binder: Binder,
    loaded: HashMap<Digest, Arc<LoadedPlugin>>,
    /// Loaded in the hope that they become active.
    prepared: HashSet<Digest>,
}

/// The catalog that new calls meet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Applied {
    pub(crate) incarnation: String,
    pub(crate) version: i64,
    pub(crate) plugins: BTreeMap<Name, Digest>,
}

impl Keeper {
    pub(crate) fn new(
        pipeline: Arc<Pipeline>,
        engine: Engine,
        artifacts: ArtifactCache,
        binder: Binder,
    ) -> Self {
        Self { pipeline, engine, artifacts, binder, loaded: HashMap::new(), prepared: HashSet::new() }
    }

    /// Whether there is machine code for all that the definitions call active.
    pub(crate) fn can_load(&self, definitions: &Definitions) -> bool {
        let active = definitions.plugins.iter().filter_map(|plugin| plugin.active.as_ref());
        let mut missing = active.filter(|active| {
            !self.loaded.contains_key(&active.digest) && !self.artifacts.has(&active.digest)
        });
        missing.next().is_none()
    }

    /// Loads what the definitions call active and lets new calls meet them. Versions that are active
    /// no more are unloaded when the last call that is pinned to them ends.
    pub(crate) fn apply(&mut self, definitions: Definitions) -> Applied {
        let active: Vec<Digest> =
            definitions.plugins.iter().filter_map(|p| p.active.as_ref()).map(|a| a.digest).collect();
        for digest in &active {
            if let Err(problem) = self.load(*digest) {
                tracing::error!(%digest, problem, "plugin can't be loaded; its services answer 503");
            }
        }
        self.loaded.retain(|digest, _| active.contains(digest) || self.prepared.contains(digest));
        let (incarnation, version) = (definitions.incarnation.clone(), definitions.version);
        let loaded = &self.loaded;
        let find = |digest: Digest| loaded.get(&digest).map(|plugin| Arc::clone(plugin) as Arc<dyn Plugin>);
        let (catalog, problems) = self.binder.bind(definitions, &|active| find(active.digest));
        for problem in problems {
            tracing::warn!(problem, "a part of the catalog can't be used");
        }
        let plugins = catalog.plugins().collect();
        self.pipeline.switch(catalog);
        Applied { incarnation, version, plugins }
    }

    /// Loads versions that may become active; forgets those that are not asked for any more.
    pub(crate) fn prepare(&mut self, digests: &[Digest]) -> Vec<(Digest, Option<String>)> {
        self.prepared = digests.iter().copied().collect();
        digests.iter().map(|digest| (*digest, self.load(*digest).err())).collect()
    }

    fn load(&mut self, digest: Digest) -> Result<(), String> {
        if !self.loaded.contains_key(&digest) {
            let plugin = LoadedPlugin::load(&self.engine, &self.artifacts, digest)
                .map_err(|error| error.to_string())?;
            self.loaded.insert(digest, Arc::new(plugin));
        }
        Ok(())
    }

    pub(crate) fn pipeline(&self) -> &Pipeline {
        &self.pipeline
    }
}
