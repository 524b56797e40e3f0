//! A backup's file, read: nothing of it is used before all of it was found whole.

use std::{
    fs::{File, OpenOptions},
    io::{self, BufReader, Read, Write},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, bail};

use crate::backup::{
    archive::Reader,
    manifest::{MANIFEST, MANIFEST_BYTES_MAX, MANIFEST_DIGEST, Manifest, Summed, digest_of},
};

pub(super) struct Opened {
    path: PathBuf,
    pub(super) manifest: Manifest,
}

impl Opened {
    /// Reads all of it and compares every digest.
    pub(super) fn verified(path: &Path) -> anyhow::Result<Self> {
        let manifest = read(path, |_| Ok(Box::new(io::sink())))?;
        Ok(Self { path: path.to_owned(), manifest })
    }

    /// Writes its files into a folder. What is not what it was when it was verified is refused.
    pub(super) fn extract(&self, folder: &Path) -> anyhow::Result<()> {
        let manifest = read(&self.path, |name| {
            let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(folder.join(name))?;
            Ok(Box::new(file))
        })?;
        if manifest != self.manifest {
            bail!("it was replaced by another one meanwhile");
        }
        Ok(())
    }
}

/// Where a file of this name goes.
type Sink<'s> = Box<dyn Write + 's>;

fn read(path: &Path, mut sink: impl FnMut(&str) -> io::Result<Sink<'static>>) -> anyhow::Result<Manifest> {
    const ALTERED: &str = "it is no backup, or not whole";
    let mut archive = Reader::new(BufReader::new(File::open(path)?));
    let text = small(&mut archive, MANIFEST).context(ALTERED)?;
    if small(&mut archive, MANIFEST_DIGEST).context(ALTERED)? != digest_of(&text) {
        bail!("{ALTERED}: its manifest has another digest");
    }
    let manifest = Manifest::parse(text.as_bytes())?;
    for held in &manifest.files {
        let bytes = archive.next(&held.name).context(ALTERED)?;
        let mut summed = Summed::new(sink(&held.name).context("failed to write it out")?);
        archive.copy(bytes, &mut summed).context(ALTERED)?;
        summed.flush().context("failed to write it out")?;
        if bytes != held.bytes || summed.sha256() != held.sha256 {
            bail!("{ALTERED}: {} has another digest", held.name);
        }
    }
    archive.finish().context(ALTERED)?;
    Ok(manifest)
}

fn small(archive: &mut Reader<impl Read>, name: &str) -> io::Result<String> {
    let bytes = archive.next(name)?;
    if bytes > MANIFEST_BYTES_MAX {
        return Err(io::Error::other(format!("{name} is too large")));
    }
    let mut text = Vec::new();
    archive.copy(bytes, &mut text)?;
    String::from_utf8(text).map_err(io::Error::other)
}
