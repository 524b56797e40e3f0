//! What a backup holds, said at its beginning: names, sizes and digests.

use std::{
    fs::File,
    io::{self, Write},
    path::Path,
};

use anyhow::Context as _;
use busbar_model::{Timestamp, digest::hex};
use busbar_store::Head;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// The format that this binary writes and reads.
pub(crate) const FORMAT: u32 = 1;
/// Bytes of a manifest.
pub(crate) const MANIFEST_BYTES_MAX: u64 = 64 * 1024;
pub(crate) const MANIFEST: &str = "manifest.json";
pub(crate) const MANIFEST_DIGEST: &str = "manifest.sha256";
pub(crate) const ODB: &str = "odb.sqlite";
pub(crate) const MASTER_KEY: &str = "master-key";

/// When a file of a backup is put in place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// With the ODB, which holds what it opens.
    Always,
    /// With the ODB, but not below a process that has read the one in place.
    Stopped,
    /// Where there is none: it belongs to the server.
    Missing,
}

/// A file of a server's folder that a backup holds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Kept {
    pub(crate) name: &'static str,
    pub(crate) mode: u32,
    pub(crate) place: Place,
}

/// Beside the ODB; a file that does not exist is left out.
pub(crate) const FILES: [Kept; 5] = [
    Kept { name: "invoker-key", mode: 0o600, place: Place::Always },
    Kept { name: MASTER_KEY, mode: 0o400, place: Place::Stopped },
    Kept { name: "admin-token", mode: 0o600, place: Place::Missing },
    Kept { name: "busbar.toml", mode: 0o600, place: Place::Missing },
    Kept { name: "server-id", mode: 0o644, place: Place::Missing },
];

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Manifest {
    pub(crate) format: u32,
    /// Version of the binary that made it.
    pub(crate) busbar: String,
    pub(crate) made_at: Timestamp,
    /// Of the ODB.
    pub(crate) incarnation: String,
    pub(crate) version: i64,
    /// In their order in the archive.
    pub(crate) files: Vec<Held>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Held {
    pub(crate) name: String,
    pub(crate) bytes: u64,
    pub(crate) sha256: String,
}

/// Enough to know whether the rest is understood.
#[derive(Deserialize)]
struct Format {
    format: u32,
    busbar: String,
}

impl Manifest {
    pub(crate) fn new(now: Timestamp, head: Head) -> Self {
        Self {
            format: FORMAT,
            busbar: env!("CARGO_PKG_VERSION").to_owned(),
            made_at: now,
            incarnation: head.incarnation,
            version: head.version,
            files: Vec::new(),
        }
    }

    pub(crate) fn to_text(&self) -> serde_json::Result<String> {
        Ok(serde_json::to_string_pretty(self)? + "\n")
    }

    pub(crate) fn parse(text: &[u8]) -> anyhow::Result<Self> {
        let Format { format, busbar } = serde_json::from_slice(text)?;
        if format != FORMAT {
            anyhow::bail!(
                "it has format {format}, made by Busbar {busbar}; this version reads format {FORMAT} only"
            );
        }
        let manifest: Self = serde_json::from_slice(text)?;
        let known = |held: &Held| held.name == ODB || FILES.iter().any(|kept| kept.name == held.name);
        if let Some(odd) = manifest.files.iter().find(|held| !known(held)) {
            anyhow::bail!("it holds {:?}, which this version does not know", odd.name);
        }
        let mut names: Vec<&str> = manifest.files.iter().map(|held| held.name.as_str()).collect();
        names.sort_unstable();
        if !names.contains(&ODB) || names.windows(2).any(|pair| pair[0] == pair[1]) {
            anyhow::bail!("it does not hold each file once");
        }
        Ok(manifest)
    }
}

impl Held {
    pub(crate) fn of(name: &str, path: &Path) -> anyhow::Result<Self> {
        let read = || {
            let mut sum = Summed::new(io::sink());
            let bytes = io::copy(&mut File::open(path)?, &mut sum)?;
            Ok::<_, io::Error>((bytes, sum.sha256()))
        };
        let (bytes, sha256) = read().with_context(|| format!("failed to read {name}"))?;
        Ok(Self { name: name.to_owned(), bytes, sha256 })
    }
}

pub(crate) fn digest_of(text: &str) -> String {
    format!("{}\n", hex(&Sha256::digest(text.as_bytes())))
}

/// Sums up what is written through it.
pub(crate) struct Summed<W> {
    sink: W,
    sum: Sha256,
}

impl<W> Summed<W> {
    pub(crate) fn new(sink: W) -> Self {
        Self { sink, sum: Sha256::new() }
    }

    pub(crate) fn sha256(self) -> String {
        hex(&self.sum.finalize())
    }
}

impl<W: Write> Write for Summed<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.sink.write(bytes)?;
        self.sum.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.sink.flush()
    }
}

#[cfg(test)]
mod tests {
    use busbar_model::Timestamp;
    use busbar_store::Head;

    use super::{Held, Manifest, ODB};

    fn manifest(names: &[&str]) -> Manifest {
        let mut manifest = Manifest::new(Timestamp(0), Head { incarnation: "i".to_owned(), version: 7 });
        let held = |name: &&str| Held { name: (*name).to_owned(), bytes: 1, sha256: String::new() };
        manifest.files = names.iter().map(held).collect();
        manifest
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        let good = manifest(&[ODB, "admin-token"]);
        let text = good.to_text().unwrap();
        assert_eq!(Manifest::parse(text.as_bytes()).unwrap(), good);
        let newer = r#"{"format": 2, "busbar": "9.0.0", "unheard": "of"}"#;
        let error = Manifest::parse(newer.as_bytes()).unwrap_err().to_string();
        assert!(error.contains("format 2") && error.contains("9.0.0"), "{error}");
        for names in [&["admin-token"][..], &[ODB, ODB], &[ODB, "../x"], &[ODB, "other"]] {
            assert!(Manifest::parse(manifest(names).to_text().unwrap().as_bytes()).is_err(), "{names:?}");
        }
    }
}
