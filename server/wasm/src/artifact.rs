//! Machine code on disk: made once per server, mapped into memory by every worker.

use std::{
    fs,
    io::{self, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use busbar_model::Digest;
use wasmtime::component::Component;

use crate::engine::Engine;

#[derive(Debug, thiserror::Error)]
pub enum ArtifactError {
    #[error("artifact {path} could not be loaded: {cause}")]
    Load { path: PathBuf, cause: String },
    #[error("artifact folder {path} is not usable")]
    Folder {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
}

/// A folder of artifacts, keyed by digest, engine and processor; its owner's alone.
#[derive(Clone, Debug)]
pub struct ArtifactCache {
    folder: PathBuf,
    fingerprint: String,
}

impl ArtifactCache {
    pub fn open(folder: &Path, engine: &Engine) -> Result<Self, ArtifactError> {
        let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(folder);
        made.map_err(|source| ArtifactError::Folder { path: folder.to_owned(), source })?;
        Ok(Self { folder: folder.to_owned(), fingerprint: engine.fingerprint() })
    }

    /// Names the engine, its settings and the processor that the artifacts are for.
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// Where the artifact of a component stands, or is to stand.
    pub fn path(&self, digest: &Digest) -> PathBuf {
        self.folder.join(format!("{}.{}.cwasm", digest.hex(), self.fingerprint))
    }

    /// Where an artifact is written before it is whole.
    pub fn partial_path(&self, digest: &Digest) -> PathBuf {
        self.folder.join(format!("{}.{}.partial", digest.hex(), std::process::id()))
    }

    pub fn has(&self, digest: &Digest) -> bool {
        self.path(digest).is_file()
    }

    /// What this engine has artifacts of.
    pub fn list(&self) -> io::Result<Vec<Digest>> {
        let own = format!(".{}.cwasm", self.fingerprint);
        let names =
            fs::read_dir(&self.folder)?.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
        let digests = names.filter_map(|name| format!("sha256:{}", name.strip_suffix(&own)?).parse().ok());
        Ok(digests.collect())
    }

    /// Deletes what other processes, which are no more, left half-written, and artifacts for other engines.
    pub fn sweep(&self) -> io::Result<()> {
        let own = format!(".{}.cwasm", self.fingerprint);
        let under_way = format!(".{}.", std::process::id());
        for entry in fs::read_dir(&self.folder)? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let partial = name.contains(&under_way) && name.ends_with(".partial");
            if !(name.ends_with(&own) || partial) {
                fs::remove_file(entry.path())?;
            }
        }
        Ok(())
    }
}

pub(crate) fn write(path: &Path, code: &[u8]) -> io::Result<()> {
    let mut file = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    file.write_all(code)?;
    file.sync_all()
}

/// Maps an artifact into memory.
pub(crate) fn load(engine: &Engine, path: &Path) -> Result<Component, ArtifactError> {
    #[expect(unsafe_code, reason = "the engine trusts its artifacts; see the safety comment")]
    // SAFETY: artifacts are written by `compile` only, into a folder that none but their owner can
    // write to, and renamed into place when whole; the engine checks its own version and settings.
    let component = unsafe { Component::deserialize_file(&engine.inner, path) };
    component.map_err(|error| ArtifactError::Load { path: path.to_owned(), cause: format!("{error:#}") })
}
