//! Where things stand in a server's folder.

use std::{
    fs::{self, File},
    io,
    os::fd::AsRawFd as _,
    os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _, chown},
    path::{Path, PathBuf},
    sync::OnceLock,
};

use serde::{Deserialize, Serialize};

/// Bytes of a socket's address, less what ends it.
const SOCKET_PATH_BYTES_MAX: usize = 107;

/// A server's folder.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Layout {
    root: PathBuf,
}

impl Layout {
    /// Makes the folder and its parts where they are missing. What others must not read is the owner's
    /// alone.
    pub(crate) fn create(root: &Path) -> io::Result<Self> {
        fs::create_dir_all(root)?;
        let layout = Self { root: fs::canonicalize(root)? };
        for folder in [layout.pickup(), layout.pickup_deployed(), layout.pickup_failed(), layout.logs()] {
            fs::create_dir_all(folder)?;
        }
        for private in [layout.run(), layout.deaths(), layout.artifacts(), layout.pickup_claimed()] {
            fs::DirBuilder::new().recursive(true).mode(0o700).create(&private)?;
            fs::set_permissions(&private, fs::Permissions::from_mode(0o700))?;
        }
        Ok(layout)
    }

    /// The folder of a server that runs or ran.
    pub(crate) fn existing(root: &Path) -> io::Result<Self> {
        Ok(Self { root: fs::canonicalize(root)? })
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    pub(crate) fn odb_url(&self) -> String {
        format!("sqlite:{}", self.root.join("odb.sqlite").display())
    }

    pub(crate) fn pickup(&self) -> PathBuf {
        self.root.join("pickup")
    }

    pub(crate) fn pickup_claimed(&self) -> PathBuf {
        self.root.join("pickup/.claimed")
    }

    pub(crate) fn pickup_deployed(&self) -> PathBuf {
        self.root.join("pickup/deployed")
    }

    pub(crate) fn pickup_failed(&self) -> PathBuf {
        self.root.join("pickup/failed")
    }

    pub(crate) fn artifacts(&self) -> PathBuf {
        self.root.join("artifacts")
    }

    pub(crate) fn logs(&self) -> PathBuf {
        self.root.join("logs")
    }

    pub(crate) fn run(&self) -> PathBuf {
        self.root.join("run")
    }

    /// Reports of workers that died, until the singleton has taken them up.
    pub(crate) fn deaths(&self) -> PathBuf {
        self.root.join("run/deaths")
    }

    pub(crate) fn lock(&self) -> PathBuf {
        self.root.join("run/lock")
    }

    /// Where the singleton of a generation feeds its workers.
    pub(crate) fn feed_socket(&self, generation: &str) -> PathBuf {
        self.socket(&format!("feed.{generation}.sock"))
    }

    /// The feed sockets that are there, without that of `generation`.
    pub(crate) fn feed_sockets(&self, generation: &str) -> Vec<PathBuf> {
        let own = format!("feed.{generation}.sock");
        let entries = fs::read_dir(self.run()).into_iter().flatten();
        let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
        let is_other = |name: &String| name.starts_with("feed.") && name.ends_with(".sock") && *name != own;
        names.filter(is_other).map(|name| self.run().join(name)).collect()
    }

    /// Locked by the singleton that leads.
    pub(crate) fn lead_lock(&self) -> PathBuf {
        self.root.join("run/lead.lock")
    }

    /// Where others tell the singleton that the ODB changed.
    pub(crate) fn hint_socket(&self) -> PathBuf {
        self.socket("hint.sock")
    }

    /// Metrics and health of the whole server.
    pub(crate) fn ops_socket(&self) -> PathBuf {
        self.socket("ops.sock")
    }

    pub(crate) fn control_socket(&self, role: &str, pid: u32) -> PathBuf {
        self.socket(&format!("{role}-{pid}.sock"))
    }

    /// A socket's address has room for few characters (unix(7)); in a folder with a long name it is
    /// reached through a descriptor of the folder instead.
    pub(crate) fn socket(&self, name: &str) -> PathBuf {
        static RUN: OnceLock<Option<File>> = OnceLock::new();
        let path = self.run().join(name);
        if path.as_os_str().len() <= SOCKET_PATH_BYTES_MAX {
            return path;
        }
        // A process belongs to one folder.
        match RUN.get_or_init(|| File::open(self.run()).ok()) {
            Some(run) => PathBuf::from(format!("/proc/self/fd/{}", run.as_raw_fd())).join(name),
            None => path,
        }
    }

    /// Of the balancer's agent.
    pub(crate) fn balancer(&self) -> PathBuf {
        self.root.join("balancer")
    }

    /// Key, certificate and trust of a member of a cluster, versions of them side by side.
    pub(crate) fn tls(&self) -> PathBuf {
        self.root.join("tls")
    }

    pub(crate) fn endpoints(&self) -> PathBuf {
        self.root.join("endpoints.json")
    }

    pub(crate) fn admin_token(&self) -> PathBuf {
        self.root.join("admin-token")
    }

    pub(crate) fn invoker_key(&self) -> PathBuf {
        self.root.join("invoker-key")
    }

    pub(crate) fn master_key(&self) -> PathBuf {
        self.root.join("master-key")
    }

    /// The server's identity, made at its first start.
    pub(crate) fn server_id(&self) -> io::Result<String> {
        let path = self.root.join("server-id");
        match fs::read_to_string(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let id = uuid::Uuid::now_v7().to_string();
                write_atomically(&path, &id)?;
                Ok(id)
            }
            read => read,
        }
    }

    /// What whoever reloads says of the settings.
    pub(crate) fn reload_note(&self) -> PathBuf {
        self.root.join("run/reload-note.json")
    }

    pub(crate) fn settings_file(&self) -> PathBuf {
        self.root.join("busbar.toml")
    }
}

/// Writes a file that only its owner can read, whole or not at all.
pub(crate) fn write_private(path: &Path, text: &str) -> io::Result<()> {
    write_with_mode(path, text, 0o600)
}

/// Puts another text into a file, whole or not at all, which stays where it is linked to, its owner's, and as
/// readable as it was; one that is not there yet becomes its owner's alone.
pub(crate) fn replace_text(path: &Path, text: &str) -> io::Result<()> {
    let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let before = fs::metadata(&path).ok();
    let mode = before.as_ref().map_or(0o600, |before| before.mode() & 0o777);
    let owner = before.or_else(|| fs::metadata(path.parent()?).ok());
    write_prepared(&path, text, mode, |partial| {
        fs::set_permissions(partial, fs::Permissions::from_mode(mode))?;
        let Some(owner) = owner else { return Ok(()) };
        let own = fs::metadata(partial)?;
        if (own.uid(), own.gid()) == (owner.uid(), owner.gid()) {
            return Ok(());
        }
        chown(partial, Some(owner.uid()), Some(owner.gid()))
    })
}

/// Writes a file whole or not at all.
pub(crate) fn write_atomically(path: &Path, text: &str) -> io::Result<()> {
    write_with_mode(path, text, 0o644)
}

fn write_with_mode(path: &Path, text: &str, mode: u32) -> io::Result<()> {
    write_prepared(path, text, mode, |_| Ok(()))
}

/// `prepare` sees what is about to be put in place.
fn write_prepared(
    path: &Path,
    text: &str,
    mode: u32,
    prepare: impl FnOnce(&Path) -> io::Result<()>,
) -> io::Result<()> {
    use io::Write as _;
    let mut name = path.as_os_str().to_owned();
    name.push(".new");
    let partial = PathBuf::from(name);
    let mut file =
        fs::OpenOptions::new().write(true).create(true).truncate(true).mode(mode).open(&partial)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    prepare(&partial)?;
    fs::rename(&partial, path)
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::{UnixListener, UnixStream};

    use std::{fs, os::unix::fs::PermissionsExt as _};

    use super::{Layout, replace_text};

    #[test]
    fn another_text_leaves_links_and_rights_as_they_are() {
        let folder = tempfile::tempdir().unwrap();
        let (file, link) = (folder.path().join("real.toml"), folder.path().join("busbar.toml"));
        let mode = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        replace_text(&file, "a").unwrap();
        assert_eq!(mode(&file), 0o600);
        fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        replace_text(&link, "b").unwrap();
        assert!(link.is_symlink());
        assert_eq!((fs::read_to_string(&file).unwrap().as_str(), mode(&file)), ("b", 0o640));
    }

    #[test]
    fn sockets_are_reached_in_folders_with_long_names_too() {
        let folder = tempfile::tempdir().unwrap();
        let layout = Layout::create(&folder.path().join("long".repeat(40))).unwrap();
        let _listener = UnixListener::bind(layout.feed_socket("g")).unwrap();
        UnixStream::connect(layout.feed_socket("g")).unwrap();
        assert_eq!(layout.feed_sockets("h"), [layout.run().join("feed.g.sock")]);
        assert!(layout.feed_sockets("g").is_empty());
    }
}
