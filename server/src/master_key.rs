//! The master key's file: made once, its owner's alone, and the same for as long as there are secrets.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read as _, Write as _},
    os::unix::fs::{MetadataExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use busbar_store::{
    MasterKey, Odb,
    secret::seal::{self, KEY_BYTES},
};
use zeroize::Zeroizing;

use crate::{layout::Layout, settings::Settings};

/// What its owner may do with the file, and nobody else anything.
const MODE: u32 = 0o400;

#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("master key {} is there already, and is another one than the cluster's", path.display())]
    Taken { path: PathBuf },
    #[error("master key {} is missing", path.display())]
    Missing { path: PathBuf },
    #[error("master key {} is missing, but secrets are sealed with it (key {sealed_with}); put it back from a backup", path.display())]
    Lost { path: PathBuf, sealed_with: String },
    #[error("master key {} is not the one that secrets are sealed with; put the right one back from a backup", path.display())]
    Another { path: PathBuf, source: seal::Error },
    #[error("master key {} has mode {mode:04o}, which allows more than its owner's reading; if nobody has read it, `chmod 400` mends that", path.display())]
    Open { path: PathBuf, mode: u32 },
    #[error("master key {} belongs to user {owner}, but this is user {user}", path.display())]
    Owner { path: PathBuf, owner: u32, user: u32 },
    #[error("master key {} is no file of {KEY_BYTES} bytes", path.display())]
    Length { path: PathBuf },
    #[error("master key {} can't be read", path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("master key {} can't be made", path.display())]
    Write { path: PathBuf, source: io::Error },
    #[error("master key can't be made")]
    Generate(#[source] seal::Error),
    #[error("failed to look for secrets in the ODB")]
    Odb(#[from] busbar_store::Error),
}

/// Where the key stands.
pub(crate) fn path(layout: &Layout, settings: &Settings) -> PathBuf {
    settings.secrets.master_key_file.clone().unwrap_or_else(|| layout.master_key())
}

/// Makes the key if there is none yet, and never where secrets need the one that is gone. Refuses one
/// that others could have read, or that the ODB's secrets are not sealed with.
pub(crate) fn ensure(path: &Path, odb_url: &str) -> Result<(), Error> {
    let sealed_with = Odb::open(odb_url, 1)?.secret_keys()?;
    let key = match (read(path), sealed_with.first()) {
        (Err(Error::Missing { path }), Some(sealed_with)) => {
            return Err(Error::Lost { path, sealed_with: sealed_with.clone() });
        }
        (Err(Error::Missing { .. }), None) => {
            create(path)?;
            read(path)?
        }
        (read, _) => read?,
    };
    let required = sealed_with.iter().try_for_each(|sealed_with| key.require(sealed_with));
    required.map_err(|source| Error::Another { path: path.to_owned(), source })
}

/// Puts a key in place that another member of the cluster gave. Another one that stands there is refused.
pub(crate) fn receive(path: &Path, given: &[u8]) -> Result<(), Error> {
    let wrong = || Error::Length { path: path.to_owned() };
    let given = Zeroizing::new(<[u8; KEY_BYTES]>::try_from(given).map_err(|_| wrong())?);
    match bytes(path) {
        Ok(found) if found == given => Ok(()),
        Ok(_) => Err(Error::Taken { path: path.to_owned() }),
        Err(Error::Missing { .. }) => put(path, &given),
        Err(error) => Err(error),
    }
}

pub(crate) fn read(path: &Path) -> Result<MasterKey, Error> {
    Ok(MasterKey::new(&*bytes(path)?))
}

/// The key itself, to be given to who joins the cluster.
pub(crate) fn bytes(path: &Path) -> Result<Zeroizing<[u8; KEY_BYTES]>, Error> {
    let failed = |source: io::Error| match source.kind() {
        io::ErrorKind::NotFound => Error::Missing { path: path.to_owned() },
        _ => Error::Read { path: path.to_owned(), source },
    };
    let mut file = File::open(path).map_err(failed)?;
    // Of the file that is open, not of one that may stand there by now.
    let metadata = file.metadata().map_err(failed)?;
    let (mode, owner, user) = (metadata.mode() & 0o7777, metadata.uid(), nix::unistd::geteuid().as_raw());
    if owner != user {
        return Err(Error::Owner { path: path.to_owned(), owner, user });
    }
    if mode & !MODE != 0 {
        return Err(Error::Open { path: path.to_owned(), mode });
    }
    let mut bytes = Zeroizing::new([0; KEY_BYTES]);
    if !metadata.is_file() || metadata.len() != KEY_BYTES as u64 {
        return Err(Error::Length { path: path.to_owned() });
    }
    file.read_exact(bytes.as_mut_slice()).map_err(failed)?;
    Ok(bytes)
}

fn create(path: &Path) -> Result<(), Error> {
    put(path, &*MasterKey::generate().map_err(Error::Generate)?)
}

/// The file appears whole and once, whoever else makes one at the same time.
fn put(path: &Path, bytes: &[u8; KEY_BYTES]) -> Result<(), Error> {
    let mut partial = path.as_os_str().to_owned();
    partial.push(format!(".{}.new", uuid::Uuid::now_v7()));
    let partial = PathBuf::from(partial);
    let written = write(&partial, bytes).and_then(|()| match fs::hard_link(&partial, path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        linked => linked,
    });
    let _ = fs::remove_file(&partial);
    let synced = written.and_then(|()| match path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        Some(folder) => File::open(folder)?.sync_all(),
        None => Ok(()),
    });
    synced.map_err(|source| Error::Write { path: path.to_owned(), source })
}

fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(MODE).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use std::{
        fs::{self, Permissions},
        os::unix::fs::PermissionsExt as _,
        path::PathBuf,
        thread,
    };

    use busbar_model::Timestamp;
    use busbar_store::{By, Odb, secret::New};

    use super::{Error, ensure, read};

    struct Folder {
        root: tempfile::TempDir,
        url: String,
    }

    impl Folder {
        fn new() -> Self {
            let root = tempfile::tempdir().unwrap();
            let url = format!("sqlite:{}", root.path().join("odb.sqlite").display());
            Odb::migrate(&url).unwrap();
            Self { root, url }
        }

        fn key(&self) -> PathBuf {
            self.root.path().join("master-key")
        }

        fn seal(&self) {
            let by = By { actor: "ada".to_owned(), correlation_id: None, now: Timestamp(0) };
            let new = New {
                name: "pay-key".parse().unwrap(),
                description: None,
                value: "open sesame".to_owned().into(),
            };
            Odb::open(&self.url, 1).unwrap().create_secret(&by, &read(&self.key()).unwrap(), new).unwrap();
        }

        fn put(&self, bytes: &[u8], mode: u32) {
            let _ = fs::remove_file(self.key());
            fs::write(self.key(), bytes).unwrap();
            fs::set_permissions(self.key(), Permissions::from_mode(mode)).unwrap();
        }
    }

    #[test]
    fn a_key_is_made_once_and_for_its_owner() {
        let folder = Folder::new();
        thread::scope(|scope| {
            let made: Vec<_> =
                (0..4).map(|_| scope.spawn(|| ensure(&folder.key(), &folder.url).map(drop))).collect();
            made.into_iter().for_each(|made| made.join().unwrap().unwrap());
        });
        let id = read(&folder.key()).unwrap().id().to_owned();
        assert_eq!(fs::metadata(folder.key()).unwrap().permissions().mode() & 0o777, 0o400);
        folder.seal();
        ensure(&folder.key(), &folder.url).unwrap();
        assert_eq!(read(&folder.key()).unwrap().id(), id);
        let left: Vec<_> =
            fs::read_dir(folder.root.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
        assert!(!left.iter().any(|name| name.to_string_lossy().ends_with(".new")), "{left:?}");
    }

    #[test]
    fn a_key_that_others_can_read_is_refused() {
        let folder = Folder::new();
        for mode in [0o440, 0o404, 0o600, 0o500] {
            folder.put(&[7; 32], mode);
            let error = ensure(&folder.key(), &folder.url).unwrap_err();
            assert!(matches!(error, Error::Open { .. }), "{error}");
            assert!(error.to_string().contains(&format!("{mode:04o}")), "{error}");
        }
    }

    #[test]
    fn a_key_of_another_length_is_refused() {
        let folder = Folder::new();
        for bytes in [&b""[..], &[7; 31], &[7; 33]] {
            folder.put(bytes, 0o400);
            let error = ensure(&folder.key(), &folder.url).unwrap_err();
            assert!(matches!(error, Error::Length { .. }), "{error}");
        }
    }

    #[test]
    fn no_new_key_is_made_where_secrets_need_the_old_one() {
        let folder = Folder::new();
        ensure(&folder.key(), &folder.url).unwrap();
        folder.seal();
        folder.put(&[7; 32], 0o400);
        let error = ensure(&folder.key(), &folder.url).unwrap_err();
        assert!(matches!(error, Error::Another { .. }), "{error}");
        fs::remove_file(folder.key()).unwrap();
        let error = ensure(&folder.key(), &folder.url).unwrap_err();
        assert!(matches!(error, Error::Lost { .. }), "{error}");
        assert!(!folder.key().exists());
    }
}
