//! The pickup folder: a file dropped there becomes a deployment.
//!
//! A file is taken by renaming it to `.claimed/ID--NAME`, where ID is that of the deployment it will
//! be: whatever happens in between, the same claim makes the same deployment once.

use std::{
    collections::HashMap,
    fs::{self, File},
    io::{self, Read as _},
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

use busbar_model::{Deployment, DeploymentState, Name, bounds::PLUGIN_BYTES_MAX, deployment::Source};
use busbar_store::{Error, NewDeployment, Received};
use notify::{RecursiveMode, Watcher as _};
use tokio::{sync::Notify, time::timeout};

use crate::{causes::chain, clock, layout, singleton::Core, sys::ReadLease};

/// The folder is looked through so often, whatever the watcher says.
const RESCAN: Duration = Duration::from_secs(1);
/// A file of another user's grants no lease: it is taken when it has not changed for so long.
const STILL: Duration = Duration::from_secs(2);

pub(crate) async fn run(core: Arc<Core>) -> anyhow::Result<()> {
    let changed = Arc::new(Notify::new());
    let _watcher = watch(&core.boot.layout.pickup(), Arc::clone(&changed));
    let mut looks = Looks::default();
    loop {
        let nothing_waits = round(&core, &mut looks).await;
        core.set_picked_up(nothing_waits);
        let either = async {
            tokio::select! {
                () = changed.notified() => {}
                () = core.put_away.notified() => {}
            }
        };
        let _ = timeout(RESCAN, either).await;
    }
}

/// Says when something in the folder changed. Without it the rescan finds files, a little later.
fn watch(folder: &Path, changed: Arc<Notify>) -> Option<notify::RecommendedWatcher> {
    let tell = move |event: notify::Result<notify::Event>| {
        // Reading a file is no news, and this module reads them.
        if event.is_ok_and(
            |event| !matches!(event.kind, notify::EventKind::Access(access) if !is_close_write(access)),
        ) {
            changed.notify_one();
        }
    };
    let watched = notify::recommended_watcher(tell).and_then(|mut watcher| {
        watcher.watch(folder, RecursiveMode::NonRecursive)?;
        Ok(watcher)
    });
    watched.inspect_err(|error| tracing::warn!(%error, "pickup folder can't be watched; it is looked through every second")).ok()
}

fn is_close_write(access: notify::event::AccessKind) -> bool {
    use notify::event::{AccessKind, AccessMode};
    access == AccessKind::Close(AccessMode::Write)
}

/// What was seen of files that grant no lease.
type Looks = HashMap<PathBuf, (u64, Option<SystemTime>, Instant)>;

/// Takes in what can be taken and puts away what is done. True if nothing is left to do.
async fn round(core: &Arc<Core>, looks: &mut Looks) -> bool {
    let layout = &core.boot.layout;
    let claimed = claim_all(&layout.pickup(), &layout.pickup_claimed(), looks);
    let claims = match claimed.and_then(|()| claims(&layout.pickup_claimed())) {
        Ok(claims) => claims,
        Err(error) => {
            tracing::warn!(%error, "pickup folder can't be read");
            return false;
        }
    };
    let mut open = 0;
    for claim in claims {
        match settle(core, &claim).await {
            Ok(true) => {}
            Ok(false) => open += 1,
            Err(error) => {
                open += 1;
                tracing::warn!(file = claim.name, error = %error, "dropped file can't be dealt with at present; it is tried again");
            }
        }
    }
    open == 0
}

struct Claim {
    path: PathBuf,
    id: String,
    /// The file's own name.
    name: String,
}

fn claims(folder: &Path) -> io::Result<Vec<Claim>> {
    let mut claims = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let file_name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if let Some((id, name)) = file_name.split_once("--") {
            claims.push(Claim { id: id.to_owned(), name: name.to_owned(), path: path.clone() });
        }
    }
    claims.sort_by(|a, b| a.id.cmp(&b.id));
    Ok(claims)
}

/// Claims every file that is whole.
fn claim_all(pickup: &Path, claimed: &Path, looks: &mut Looks) -> io::Result<()> {
    let mut files: Vec<PathBuf> =
        fs::read_dir(pickup)?.filter_map(|entry| entry.ok().map(|e| e.path())).collect();
    files.retain(|path| is_plugin_file(path));
    files.sort();
    looks.retain(|path, _| files.contains(path));
    for path in files {
        if let Err(error) = claim(&path, claimed, looks) {
            tracing::warn!(file = %path.display(), %error, "dropped file can't be claimed; it is tried again");
        }
    }
    Ok(())
}

/// Hidden files and other endings are parts of a copy under way, or none of our business.
fn is_plugin_file(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    !name.starts_with('.')
        && name.ends_with(".wasm")
        && path.symlink_metadata().is_ok_and(|meta| meta.is_file())
}

fn claim(path: &Path, claimed: &Path, looks: &mut Looks) -> io::Result<()> {
    let file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        opened => opened?,
    };
    let lease = match ReadLease::take(&file) {
        Ok(lease) => Some(lease),
        // Someone is still writing.
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
        Err(_) if is_still(path, &file, looks)? => None,
        Err(_) => return Ok(()),
    };
    let name = shortened(path.file_name().and_then(|name| name.to_str()).unwrap_or_default());
    let id = busbar_store::new_id(clock::now());
    fs::rename(path, claimed.join(format!("{id}--{name}")))?;
    drop(lease);
    Ok(())
}

/// A file's name, short enough for what is put before and after it.
fn shortened(name: &str) -> String {
    const BYTES_MAX: usize = 150;
    let stem = name.strip_suffix(".wasm").unwrap_or(name);
    let short = stem.char_indices().take_while(|(at, _)| *at < BYTES_MAX).map(|(_, c)| c).collect::<String>();
    short + ".wasm"
}

fn is_still(path: &Path, file: &File, looks: &mut Looks) -> io::Result<bool> {
    let meta = file.metadata()?;
    let (bytes, modified) = (meta.len(), meta.modified().ok());
    let look = looks.entry(path.to_owned()).or_insert((bytes, modified, Instant::now()));
    if (look.0, look.1) != (bytes, modified) {
        *look = (bytes, modified, Instant::now());
    }
    Ok(look.2.elapsed() >= STILL)
}

/// Brings a claimed file one step on; true when it is put away.
async fn settle(core: &Arc<Core>, claim: &Claim) -> anyhow::Result<bool> {
    let id = claim.id.clone();
    match core.odb(move |odb| odb.deployment(&id)).await {
        Ok(deployment) => Ok(put_away(core, claim, &deployment)?),
        Err(Error::NotFound { .. }) => receive(core, claim).await,
        Err(error) => Err(error.into()),
    }
}

async fn receive(core: &Arc<Core>, claim: &Claim) -> anyhow::Result<bool> {
    let stem = claim.name.strip_suffix(".wasm").unwrap_or(&claim.name);
    let stem = match Name::from_stem(stem) {
        Ok(stem) => stem,
        Err(error) => {
            return Ok(refuse(core, claim, &format!("the file's name gives no plugin name: {error}"))?);
        }
    };
    let mut bytes = Vec::new();
    File::open(&claim.path)?.take(PLUGIN_BYTES_MAX + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > PLUGIN_BYTES_MAX {
        return Ok(refuse(core, claim, &format!("the file is larger than {PLUGIN_BYTES_MAX} bytes"))?);
    }
    let (id, by) = (claim.id.clone(), core.by("pickup"));
    let received = core.odb(move |odb| {
        let (id, bytes) = (Some(id), &bytes[..]);
        odb.receive(&by, NewDeployment { id, stem, bytes, source: Source::Pickup, forced: false })
    });
    match received.await.map_err(|error| anyhow::anyhow!(chain(&error)))? {
        Received::New(deployment) | Received::Existing(deployment) => {
            tracing::info!(file = claim.name, deployment = deployment.id, digest = %deployment.digest, "file taken in");
            core.changed();
            Ok(put_away(core, claim, &deployment)?)
        }
        Received::AlreadyActive(deployment) => {
            tracing::info!(file = claim.name, plugin = %deployment.plugin, "file is what is live already");
            fs::rename(&claim.path, core.boot.layout.pickup_deployed().join(&claim.name))?;
            Ok(true)
        }
    }
}

/// Moves the file of a deployment that came to its end.
fn put_away(core: &Core, claim: &Claim, deployment: &Deployment) -> io::Result<bool> {
    match deployment.state {
        DeploymentState::Active | DeploymentState::Superseded | DeploymentState::Recalled => {
            fs::rename(&claim.path, core.boot.layout.pickup_deployed().join(&claim.name))?;
            Ok(true)
        }
        DeploymentState::Failed => {
            refuse(core, claim, deployment.reason.as_deref().unwrap_or("no reason was recorded"))
        }
        _ => Ok(false),
    }
}

fn refuse(core: &Core, claim: &Claim, reason: &str) -> io::Result<bool> {
    let failed = core.boot.layout.pickup_failed();
    let text = format!(
        "{name} was not deployed.\n\n{reason}\n\nWhat was live before is live still. Mend the file and drop it into the pickup folder again.\n",
        name = claim.name,
    );
    // The reason first: whoever sees the file finds it.
    layout::write_atomically(&failed.join(format!("{}.error.txt", claim.name)), &text)?;
    fs::rename(&claim.path, failed.join(&claim.name))?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use std::{fs, io::Write as _};

    use super::{Looks, claim_all, claims};

    #[test]
    fn a_file_is_claimed_once_it_is_whole() {
        let folder = tempfile::tempdir().unwrap();
        let (pickup, claimed) = (folder.path().join("pickup"), folder.path().join("claimed"));
        fs::create_dir(&pickup).unwrap();
        fs::create_dir(&claimed).unwrap();
        fs::write(pickup.join(".hidden.wasm"), "x").unwrap();
        fs::write(pickup.join("note.txt"), "x").unwrap();
        fs::create_dir(pickup.join("dir.wasm")).unwrap();
        let mut writer = fs::File::create(pickup.join("a.wasm")).unwrap();
        writer.write_all(b"half").unwrap();
        let mut looks = Looks::default();
        claim_all(&pickup, &claimed, &mut looks).unwrap();
        assert!(claims(&claimed).unwrap().is_empty());
        writer.write_all(b"whole").unwrap();
        drop(writer);
        claim_all(&pickup, &claimed, &mut looks).unwrap();
        let found = claims(&claimed).unwrap();
        assert_eq!(found.iter().map(|claim| claim.name.as_str()).collect::<Vec<_>>(), ["a.wasm"]);
        assert_eq!(fs::read(&found[0].path).unwrap(), b"halfwhole");
        assert!(pickup.join("note.txt").exists() && pickup.join(".hidden.wasm").exists());
    }
}
