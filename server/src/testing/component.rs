//! The components under test, compiled into a folder that is gone afterwards.

use std::{fs, path::PathBuf};

use anyhow::Context as _;
use busbar_model::{
    Digest, Name,
    bounds::{PLUGIN_BYTES_MAX, WORKER_MEMORY_BYTES_MAX},
    plugin::Description,
};
use busbar_wasm::{ArtifactCache, Engine, LoadedPlugin, Ticker, Use};
use tempfile::TempDir;

use super::case::CaseFile;
use crate::{causes::chain, client::Usage};

pub(super) struct Components {
    pub(super) all: Vec<Component>,
    engine: Engine,
    artifacts: ArtifactCache,
    _ticker: Ticker,
    _folder: TempDir,
}

pub(super) struct Component {
    pub(super) digest: Digest,
    pub(super) description: Description,
}

impl Components {
    /// Not to be called where a runtime runs: a component describes itself in one of its own.
    pub(super) fn compile(sources: &[PathBuf]) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir().context("failed to make a folder for what is compiled")?;
        let engine = Engine::new(Use::Serving, WORKER_MEMORY_BYTES_MAX)?;
        let ticker = engine.start_ticker()?;
        let artifacts = ArtifactCache::open(folder.path(), &engine)?;
        let mut components = Self { all: Vec::new(), engine, artifacts, _ticker: ticker, _folder: folder };
        for source in sources {
            let component = components.one(source)?;
            let name = &component.description.name;
            if components.all.iter().any(|other| other.description.name == *name) {
                return Err(Usage::error(format!("{} is a second plugin {name}", source.display())));
            }
            components.all.push(component);
        }
        Ok(components)
    }

    fn one(&self, source: &PathBuf) -> anyhow::Result<Component> {
        let unreadable = |why: String| Usage::error(format!("{} can't be read: {why}", source.display()));
        let length = fs::metadata(source).map_err(|error| unreadable(error.to_string()))?.len();
        if length > PLUGIN_BYTES_MAX {
            return Err(unreadable(format!(
                "it has {length} bytes; a plugin has at most {PLUGIN_BYTES_MAX}"
            )));
        }
        let bytes = fs::read(source).map_err(|error| unreadable(error.to_string()))?;
        let stem = Name::from_stem(&source.file_stem().unwrap_or_default().to_string_lossy())?;
        let digest = Digest::of(&bytes);
        let compiled = busbar_wasm::compile(&self.engine, &stem, &bytes, &self.artifacts.path(&digest));
        let description = compiled.with_context(|| format!("failed to compile {}", source.display()))?;
        Ok(Component { digest, description })
    }

    /// Each case's service is there.
    pub(super) fn check(&self, files: &[CaseFile]) -> anyhow::Result<()> {
        let mut cases = files.iter().flat_map(|file| file.cases.iter().map(move |case| (&file.path, case)));
        let Some((path, case)) = cases.find(|(_, case)| self.offering(&case.service).is_none()) else {
            return Ok(());
        };
        let known = self.all.iter().flat_map(|component| &component.description.services);
        let known: Vec<&str> = known.map(|service| service.name.as_str()).collect();
        let (place, service, known) = (case.place(path), &case.service, known.join(", "));
        Err(Usage::error(format!("{place}: no plugin offers {service}, only {known}")))
    }

    /// The component that offers a service.
    pub(super) fn offering(&self, service: &Name) -> Option<&Component> {
        self.all.iter().find(|component| component.description.services.iter().any(|s| s.name == *service))
    }

    /// A version with nothing left of earlier calls.
    pub(super) fn load(&self, component: &Component) -> anyhow::Result<LoadedPlugin> {
        let loaded = LoadedPlugin::load(&self.engine, &self.artifacts, component.digest);
        loaded.map_err(|error| {
            anyhow::anyhow!("failed to load {}: {}", component.description.name, chain(&error))
        })
    }
}
