//! The repository as git sees it: bare, one branch, one file, and written so that it is whole at every moment.
//!
//! gix writes and reads the objects. The branch is moved by a rename of ours rather than by git's `.lock` files:
//! what a killed process leaves of those would stop every later one.

mod durable;
mod packed;

use std::{
    fs, io,
    os::unix::fs::DirBuilderExt as _,
    path::{Path, PathBuf},
};

use gix_hash::ObjectId;
use gix_object::{
    BlobRef, CommitRef, FindExt as _, Tree, Write as _, WriteTo,
    tree::{Entry, EntryKind},
};
use gix_odb::loose;

pub(crate) use self::durable::{adopt, replace, sync};
use crate::{author::Author, error::Error};

/// The only file of the repository.
const FILE: &str = "busbar.toml";
const BRANCH: &str = "refs/heads/main";
/// As gitrepository-layout(5) wants it, with a name for whoever commits.
const CONFIG: &str =
    "[core]\n\trepositoryformatversion = 0\n\tfilemode = true\n\tbare = true\n[gc]\n\tauto = 0\n";
const COMMITTER: &str = "busbar";

/// Bare, so that the server's folder, with its secrets and its database, is nobody's work tree.
#[derive(Debug)]
pub(crate) struct Repository {
    path: PathBuf,
}

/// A commit as far as it is of interest here.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) id: ObjectId,
    pub(crate) tree: ObjectId,
    pub(crate) parent: Option<ObjectId>,
    pub(crate) author: Author,
    pub(crate) at_s: i64,
    pub(crate) message: String,
}

/// What is to become a commit.
pub(crate) struct New<'a> {
    pub(crate) text: &'a str,
    pub(crate) parent: Option<ObjectId>,
    pub(crate) author: &'a Author,
    pub(crate) at_s: i64,
    pub(crate) message: String,
}

impl Repository {
    pub(crate) fn at(path: PathBuf) -> Self {
        Self { path }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn exists(&self) -> bool {
        self.path.symlink_metadata().is_ok()
    }

    fn objects(&self) -> PathBuf {
        self.path.join("objects")
    }

    /// Makes it: beside its place, and then renamed to it. The lock is held.
    pub(crate) fn create(&self) -> Result<(), Error> {
        let new = self.path.with_extension("new");
        if let Err(error) = fs::remove_dir_all(&new)
            && error.kind() != io::ErrorKind::NotFound
        {
            return Err(Error::io(&new)(error));
        }
        let private = |path: &Path| {
            fs::DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(Error::io(path))?;
            adopt(path);
            Ok(())
        };
        private(&new)?;
        for part in ["objects", "objects/info", "objects/pack", "refs", "refs/heads", "refs/tags"] {
            private(&new.join(part))?;
        }
        for (name, text) in [("HEAD", format!("ref: {BRANCH}\n")), ("config", CONFIG.to_owned())] {
            let path = new.join(name);
            fs::write(&path, text).map_err(Error::io(&path))?;
            adopt(&path);
            sync(&path)?;
        }
        fs::rename(&new, &self.path).map_err(Error::io(&self.path))?;
        durable::sync_parent(&self.path)
    }

    /// The last commit; `None` where there is none yet.
    pub(crate) fn tip(&self) -> Result<Option<ObjectId>, Error> {
        for part in ["HEAD", "objects", "refs"] {
            let path = self.path.join(part);
            match path.metadata() {
                Ok(_) => {}
                Err(error) if is_gone(&error) => return Err(self.damaged(format!("{part} is missing"))),
                Err(error) => return Err(Error::io(&path)(error)),
            }
        }
        let path = self.path.join(BRANCH);
        let hex = match fs::read_to_string(&path) {
            Ok(text) => text.trim().to_owned(),
            // Someone ran `git gc` or `git pack-refs`.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                match packed::find(&self.path, BRANCH)? {
                    Some(hex) => hex,
                    None => return Ok(None),
                }
            }
            Err(error)
                if matches!(error.kind(), io::ErrorKind::InvalidData | io::ErrorKind::IsADirectory) =>
            {
                String::new()
            }
            Err(error) => return Err(Error::io(&path)(error)),
        };
        let id = ObjectId::from_hex(hex.as_bytes());
        id.map(Some).map_err(|_| self.damaged(format!("{BRANCH} does not name a commit")))
    }

    /// Reads a commit.
    pub(crate) fn commit(&self, id: ObjectId) -> Result<Found, Error> {
        let mut buffer = Vec::new();
        let store = self.store()?;
        let commit =
            store.find_commit(&id, &mut buffer).map_err(|error| self.unreadable("commit", id, error))?;
        let (author, at_s) = match commit.author() {
            Ok(author) => {
                let author = author.trim();
                let text = format!("{} <{}>", author.name, author.email);
                (Author::parse(&text), author.time().map_or(0, |time| time.seconds))
            }
            Err(_) => (Author::parse(""), 0),
        };
        Ok(Found {
            id,
            tree: commit.tree(),
            parent: commit.parents().next(),
            author,
            at_s,
            message: commit.message.to_string(),
        })
    }

    /// The settings that a commit holds; empty where it has no such file.
    pub(crate) fn text(&self, commit: &Found) -> Result<String, Error> {
        let store = self.store()?;
        let mut buffer = Vec::new();
        let tree = store.find_tree(&commit.tree, &mut buffer);
        let tree = tree.map_err(|error| self.unreadable("tree", commit.tree, error))?;
        let Some(entry) = tree.entries.iter().find(|entry| entry.filename == FILE) else {
            return Ok(String::new());
        };
        let (id, mut buffer) = (entry.oid.to_owned(), Vec::new());
        let blob = store.find_blob(&id, &mut buffer).map_err(|error| self.unreadable("file", id, error))?;
        let text = String::from_utf8(blob.data.to_vec());
        text.map_err(|_| self.damaged(format!("{FILE} of {} is not UTF-8", commit.id)))
    }

    /// Appends a commit to the branch. The lock is held.
    pub(crate) fn append(&self, new: &New<'_>) -> Result<ObjectId, Error> {
        self.sweep();
        let store = loose::Store::at(self.objects(), gix_hash::Kind::Sha1);
        let blob = self.write(&store, &BlobRef { data: new.text.as_bytes() })?;
        let entry = Entry { mode: EntryKind::Blob.into(), filename: FILE.into(), oid: blob };
        let tree = self.write(&store, &Tree { entries: vec![entry] })?;
        let (tree, parent) = (tree.to_string(), new.parent.map(|parent| parent.to_string()));
        // The second time is the committer's: none but this program commits here.
        let author = format!("{} <{}> {} +0000", new.author.name, new.author.email, new.at_s);
        let committer = format!("{COMMITTER} <> {} +0000", new.at_s);
        let commit = CommitRef {
            tree: tree.as_str().into(),
            parents: parent.iter().map(|parent| parent.as_str().into()).collect(),
            author: author.as_str().into(),
            committer: committer.as_str().into(),
            encoding: None,
            message: new.message.as_str().into(),
            extra_headers: Vec::new(),
        };
        let id = self.write(&store, &commit)?;
        let branch = self.path.join(BRANCH);
        let partial = self.path.join("main.new");
        replace(&branch, &partial, 0o644, format!("{id}\n").as_bytes())?;
        Ok(id)
    }

    /// Writes an object and sees to it that it is on the disk.
    fn write(&self, store: &loose::Store, object: &dyn WriteTo) -> Result<ObjectId, Error> {
        let id = store.write(object).map_err(|error| Error::Objects {
            path: self.path.clone(),
            what: "an object can't be written".to_owned(),
            source: Box::new(error),
        })?;
        let path = store.object_path(&id);
        if let Some(folder) = path.parent() {
            adopt(folder);
        }
        adopt(&path);
        sync(&path)?;
        durable::sync_parent(&path)?;
        Ok(id)
    }

    /// What writers that were killed left.
    fn sweep(&self) {
        let entries = fs::read_dir(self.objects()).into_iter().flatten().flatten();
        for entry in entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(".tmp")) {
            let _ = fs::remove_file(entry.path());
        }
    }

    fn store(&self) -> Result<gix_odb::Handle, Error> {
        let objects = self.objects();
        gix_odb::at(&objects, gix_hash::Kind::Sha1).map_err(Error::io(&objects))
    }

    fn damaged(&self, what: impl Into<String>) -> Error {
        Error::damaged(&self.path, what)
    }

    /// It is no damage where it is the system that refuses.
    fn unreadable(
        &self,
        kind: &str,
        id: ObjectId,
        error: impl std::error::Error + Send + Sync + 'static,
    ) -> Error {
        let (path, what) = (self.path.clone(), format!("{kind} {id} can't be read"));
        let source: Box<dyn std::error::Error + Send + Sync> = Box::new(error);
        let mut causes =
            std::iter::successors(Some(&*source as &(dyn std::error::Error + 'static)), |cause| {
                cause.source()
            });
        let by_system = causes.any(|cause| {
            let cause = cause.downcast_ref::<io::Error>();
            cause.is_some_and(|io| io.raw_os_error().is_some() && io.kind() != io::ErrorKind::NotFound)
        });
        match by_system {
            true => Error::Objects { path, what, source },
            false => Error::Damaged { path, what, source: Some(source) },
        }
    }
}

/// What is not there, in contrast to what can't be looked at.
fn is_gone(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}
