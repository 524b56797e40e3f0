//! `busbar restore`: a server's folder, put back to what a backup holds; running workers take it over.

mod opened;

use std::{
    fs,
    io::{self, BufRead as _, IsTerminal as _, Write as _},
    os::unix::{fs::PermissionsExt as _, net::UnixDatagram},
    path::{Path, PathBuf},
};

use anyhow::{Context as _, bail};
use busbar_store::Odb;
use serde_json::json;

use self::opened::Opened;
use crate::{
    backup::{
        manifest::{FILES, Kept, MASTER_KEY, ODB, Place},
        odb_url,
    },
    client::{Output, Usage},
    control,
    layout::Layout,
    master_key, parent,
    settings::{self, Settings},
};

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  busbar restore busbar-backup.tar\n  busbar restore /var/backups/busbar.tar --dir /var/lib/busbar --yes\n\nWhat was changed since the backup was made is lost. admin-token, busbar.toml and server-id are put in place only where there are none."
)]
pub(crate) struct Args {
    /// What `busbar backup` wrote.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Does not ask.
    #[arg(long)]
    yes: bool,
}

/// What was done with the files beside the ODB.
#[derive(Default)]
struct Placed {
    put: Vec<&'static str>,
    /// They differ from those in place, which stay.
    left: Vec<&'static str>,
}

pub(crate) async fn run(output: &mut Output, folder: &Path, args: &Args) -> anyhow::Result<()> {
    let failed = || format!("failed to restore {}", args.file.display());
    if !args.file.is_file() {
        return Err(Usage::error(format!("{} is not a file that can be read", args.file.display())));
    }
    let backup = Opened::verified(&args.file).with_context(failed)?;
    if !args.yes {
        confirm(folder, &backup)?;
    }
    let layout = Layout::create(folder).with_context(failed)?;
    let is_running = parent::running(&layout)?.is_some() || !control::living(&layout).await?.is_empty();
    // Nothing is to start before all files are in place.
    let lock = if is_running { None } else { Some(parent::take_lock(&layout).with_context(failed)?) };
    // Beside the ODB, so that there is room for both and nobody else can read it.
    let staged =
        tempfile::Builder::new().prefix(".restore-").tempdir_in(layout.root()).with_context(failed)?;
    backup.extract(staged.path()).with_context(failed)?;
    let settings = settings_of(&layout, staged.path()).with_context(failed)?;
    refuse_other_master_key(&layout, &settings, staged.path(), is_running).with_context(failed)?;
    let head = Odb::replace(&odb_url(&layout, &settings), &staged.path().join(ODB)).with_context(failed)?;
    let placed =
        place_files(&layout, staged.path(), is_running).context("the ODB is restored, but not all files")?;
    drop(lock);
    tell_singleton(&layout);
    if output.json() {
        let value = json!({"version": head.version, "incarnation": head.incarnation, "made_at": backup.manifest.made_at,
            "placed": placed.put, "left": placed.left});
        return Ok(output.value(&value)?);
    }
    let (root, made_at) = (layout.root().display(), backup.manifest.made_at);
    output
        .text(&format!("{root} is what it was at {made_at}: the definitions at version {}.", head.version))?;
    if !placed.put.is_empty() {
        output.note(&format!("Also put in place: {}.", placed.put.join(", ")))?;
    }
    if !placed.left.is_empty() {
        output.note(&format!(
            "Left as they are, though others than the backup's: {}.",
            placed.left.join(", ")
        ))?;
    }
    Ok(())
}

fn confirm(folder: &Path, backup: &Opened) -> anyhow::Result<()> {
    if !io::stdin().is_terminal() {
        return Err(Usage::error(
            "there is no terminal to ask whether everything is to be replaced; use --yes",
        ));
    }
    let (folder, made_at) = (folder.display(), backup.manifest.made_at);
    let question = format!("Replace all definitions of {folder} by those of {made_at}? [y/N] ");
    io::stderr().lock().write_all(question.as_bytes())?;
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer)?;
    if matches!(answer.trim(), "y" | "Y" | "yes") { Ok(()) } else { bail!("nothing was changed") }
}

/// A running server holds its master key in memory: it could read none of the restored secrets. One that
/// is kept outside of the folder is not replaced at all.
fn refuse_other_master_key(
    layout: &Layout,
    settings: &Settings,
    staged: &Path,
    is_running: bool,
) -> anyhow::Result<()> {
    let path = master_key::path(layout, settings);
    let (ours, theirs) = (read(&path)?, read(&staged.join(MASTER_KEY))?);
    if theirs.is_none() || ours == theirs {
        return Ok(());
    }
    let (path, root) = (path.display(), layout.root().display());
    if settings.secrets.master_key_file.is_some() {
        bail!(
            "its {MASTER_KEY} is not the one at {path} (secrets.master_key_file), which would not open its secrets"
        );
    }
    if is_running && ours.is_some() {
        bail!(
            "its {MASTER_KEY} is not that of {root}, and what runs there could not read its secrets; stop it with \
             `busbar stop --dir {root}`, restore, and start it again"
        );
    }
    Ok(())
}

/// Those that are in place, else those of the backup.
fn settings_of(layout: &Layout, staged: &Path) -> anyhow::Result<Settings> {
    let (ours, theirs) = (layout.settings_file(), staged.join("busbar.toml"));
    Ok(settings::load(if ours.exists() { &ours } else { &theirs }, &settings::environment())?)
}

fn place_files(layout: &Layout, staged: &Path, is_running: bool) -> anyhow::Result<Placed> {
    let mut placed = Placed::default();
    for Kept { name, mode, place } in FILES {
        let (from, to) = (staged.join(name), layout.root().join(name));
        let (ours, theirs) = (read(&to)?, read(&from)?);
        if theirs.is_none() || ours == theirs {
            continue;
        }
        let put = match place {
            Place::Always => true,
            Place::Stopped => ours.is_none() || !is_running,
            Place::Missing => ours.is_none(),
        };
        if !put {
            placed.left.push(name);
            continue;
        }
        if place == Place::Stopped && ours.is_some() {
            // Other backups may need it.
            fs::rename(&to, layout.root().join(format!("{name}.replaced")))?;
        }
        fs::set_permissions(&from, fs::Permissions::from_mode(mode))?;
        fs::rename(&from, &to).with_context(|| format!("failed to put {name} in place"))?;
        placed.put.push(name);
    }
    fs::File::open(layout.root()).and_then(|folder| folder.sync_all())?;
    Ok(placed)
}

/// A file's bytes; `None` where there is none.
fn read(path: &Path) -> anyhow::Result<Option<Vec<u8>>> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("failed to read {}", path.display())),
    }
}

/// What runs looks at the ODB at once; it would do so within two seconds.
fn tell_singleton(layout: &Layout) {
    // Nobody may be listening.
    let _ = UnixDatagram::unbound().and_then(|socket| socket.send_to(b"changed", layout.hint_socket()));
}
