//! `busbar backup`: all that a server's folder must not lose, in one file, while it runs.

pub(crate) mod archive;
pub(crate) mod manifest;

use std::{
    fs::File,
    io::{self, BufWriter},
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use busbar_store::Odb;
use serde_json::json;
use tempfile::NamedTempFile;

use self::{
    archive::Writer,
    manifest::{FILES, Held, MANIFEST, MANIFEST_DIGEST, Manifest, ODB, Place},
};
use crate::{
    client::{Output, Usage},
    clock,
    layout::Layout,
    settings::{self, Settings},
};

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  busbar backup busbar-backup.tar\n  busbar backup /var/backups/busbar.tar --dir /var/lib/busbar\n\nThe file holds keys, tokens and hashes of passwords: keep it as you keep those. Compiled code and logs are not in it."
)]
pub(crate) struct Args {
    /// Where to write it; what is there is replaced once the new one is complete.
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

/// A file that goes into the backup.
struct Part {
    name: &'static str,
    path: PathBuf,
}

pub(crate) fn run(output: &mut Output, folder: &Path, args: &Args) -> anyhow::Result<()> {
    let layout = Layout::existing(folder)
        .map_err(|error| Usage::error(format!("no server's folder at {}: {error}", folder.display())))?;
    let settings = settings::load(&layout.settings_file(), &settings::environment())?;
    let manifest = write(&layout, &settings, &args.file)
        .with_context(|| format!("failed to back up {}", layout.root().display()))?;
    if output.json() {
        return Ok(output.value(&json!({"file": args.file.display().to_string(), "manifest": manifest}))?);
    }
    output.text(&format!(
        "{}: the definitions at version {}, and {} more files of {}.",
        args.file.display(),
        manifest.version,
        manifest.files.len() - 1,
        layout.root().display()
    ))?;
    Ok(output.note("It holds keys, tokens and hashes of passwords: keep it as you keep those.")?)
}

/// Where a folder's ODB is.
pub(crate) fn odb_url(layout: &Layout, settings: &Settings) -> String {
    settings.odb.url.clone().unwrap_or_else(|| layout.odb_url())
}

fn write(layout: &Layout, settings: &Settings, file: &Path) -> anyhow::Result<Manifest> {
    let beside = match file.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    };
    // Readable by their owner only, and gone when something fails.
    let odb = NamedTempFile::new_in(beside).context("failed to make a file beside it")?;
    let head = Odb::copy(&odb_url(layout, settings), odb.path()).context("failed to copy the ODB")?;
    let mut parts = vec![Part { name: ODB, path: odb.path().to_owned() }];
    for kept in &FILES {
        let path = layout.root().join(kept.name);
        // A key that is kept elsewhere is someone else's to keep.
        let elsewhere = kept.place == Place::Stopped && settings.secrets.master_key_file.is_some();
        if path.exists() && !elsewhere {
            parts.push(Part { name: kept.name, path });
        }
    }
    let mut manifest = Manifest::new(clock::now(), head);
    for part in &parts {
        manifest.files.push(Held::of(part.name, &part.path)?);
    }
    let partial = NamedTempFile::new_in(beside).context("failed to make a file beside it")?;
    archive(&manifest, &parts, partial.as_file()).context("failed to write the archive")?;
    partial.as_file().sync_all().context("failed to write the archive to disk")?;
    partial.persist(file).with_context(|| format!("failed to name it {}", file.display()))?;
    File::open(beside).and_then(|folder| folder.sync_all()).context("failed to write its name to disk")?;
    Ok(manifest)
}

fn archive(manifest: &Manifest, parts: &[Part], file: &File) -> anyhow::Result<()> {
    let mut writer = Writer::new(BufWriter::new(file));
    let text = manifest.to_text()?;
    writer.put(MANIFEST, text.len() as u64, &mut text.as_bytes())?;
    let digest = manifest::digest_of(&text);
    writer.put(MANIFEST_DIGEST, digest.len() as u64, &mut digest.as_bytes())?;
    for (part, held) in parts.iter().zip(&manifest.files) {
        let mut source = File::open(&part.path).with_context(|| format!("failed to open {}", part.name))?;
        writer.put(part.name, held.bytes, &mut source).map_err(|error| changed(part.name, error))?;
    }
    Ok(writer.finish()?)
}

fn changed(name: &str, error: io::Error) -> anyhow::Error {
    anyhow::Error::new(error).context(format!("failed to put in {name}"))
}
