//! The files: a folder for each version, and a link to the one that holds, so that nobody reads half of one.

use std::{
    fs::{self, DirBuilder},
    io::{self, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, symlink},
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use busbar_pki::{Certificate, Confirmed, Credentials, Identity, KeyPair, TicketKey, Trust, haproxy_pem};
use uuid::Uuid;

use crate::layout::Layout;

const CURRENT: &str = "current";
const CERTIFICATE: &str = "cert.pem";
const KEY: &str = "key.pem";
const TICKETS: &str = "tickets";
/// Certificate and key, as HAProxy and curl read them.
pub(crate) const TLS_MEMBER: &str = "current/member.pem";
/// Whom members trust.
pub(crate) const TLS_CA: &str = "current/ca.pem";

/// What a member has.
pub(crate) struct Held {
    pub(crate) key: KeyPair,
    pub(crate) certificate: Certificate,
    pub(crate) trust: Trust,
    /// Of sessions, for all workers of a server.
    pub(crate) tickets: TicketKey,
}

impl Held {
    /// `None`: the folder is none of a member.
    pub(crate) fn read(layout: &Layout) -> anyhow::Result<Option<Self>> {
        let Some(version) = version(layout)? else { return Ok(None) };
        Self::of(&version).map(Some)
    }

    /// Of the folder of a version.
    pub(crate) fn of(version: &Path) -> anyhow::Result<Self> {
        Self::whole(version).with_context(|| format!("failed to read {}", version.display()))
    }

    fn whole(version: &Path) -> anyhow::Result<Self> {
        let text = |name: &str| {
            fs::read_to_string(version.join(name)).with_context(|| format!("{name} can't be read"))
        };
        let key = zeroize::Zeroizing::new(text(KEY)?);
        let tickets = fs::read(version.join(TICKETS)).with_context(|| format!("{TICKETS} can't be read"))?;
        let tickets = <[u8; 32]>::try_from(tickets).map_err(|_| anyhow::anyhow!("{TICKETS} is no key"))?;
        Ok(Self {
            key: KeyPair::from_pem(&key)?,
            certificate: Certificate::from_pem(&text(CERTIFICATE)?)?,
            trust: Trust::from_pem(&text("ca.pem")?)?,
            tickets: TicketKey::from_bytes(tickets),
        })
    }

    /// Puts it in the place of what the folder had.
    pub(crate) fn write(&self, layout: &Layout) -> io::Result<()> {
        let root = layout.tls();
        DirBuilder::new().recursive(true).mode(0o700).create(&root)?;
        let name = Uuid::now_v7().to_string();
        let version = root.join(&name);
        DirBuilder::new().mode(0o700).create(&version)?;
        if let Err(error) = self.fill(&version) {
            let _ = fs::remove_dir_all(&version);
            return Err(error);
        }
        let link = root.join(format!("{CURRENT}.new"));
        let _ = fs::remove_file(&link);
        symlink(&name, &link)?;
        fs::rename(&link, root.join(CURRENT))?;
        fs::File::open(&root)?.sync_all()?;
        forget_old(&root, &name)
    }

    fn fill(&self, version: &Path) -> io::Result<()> {
        let member = haproxy_pem(std::slice::from_ref(&self.certificate), &self.key);
        for (file, bytes) in [
            (KEY, self.key.to_pem().as_bytes()),
            (CERTIFICATE, self.certificate.to_pem().as_bytes()),
            ("member.pem", member.as_bytes()),
            ("ca.pem", self.trust.to_pem().as_bytes()),
            (TICKETS, self.tickets.as_bytes().as_slice()),
        ] {
            write(&version.join(file), bytes)?;
        }
        fs::File::open(version)?.sync_all()
    }

    pub(crate) fn identity(&self) -> anyhow::Result<Identity> {
        Ok(Identity::of(self.certificate.der())?)
    }

    pub(crate) fn credentials(&self) -> anyhow::Result<std::sync::Arc<Credentials>> {
        let (certificate, trust) = (self.certificate.clone(), self.trust.clone());
        Ok(Credentials::new(&self.key, certificate, trust, busbar_pki::system_clock())?)
    }

    /// What who uses these files trusts, and who signed what it shows.
    pub(crate) fn confirmed(&self) -> anyhow::Result<Confirmed> {
        Ok(self.credentials()?.confirmed())
    }
}

/// While it is held, nobody else looks after the folder's membership; `None`: somebody does.
pub(crate) fn alone(layout: &Layout) -> io::Result<Option<fs::File>> {
    let file = fs::OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .mode(0o600)
        .open(layout.tls().join("lock"))?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(fs::TryLockError::WouldBlock) => Ok(None),
        Err(fs::TryLockError::Error(error)) => Err(error),
    }
}

/// The folder of the version that holds.
pub(crate) fn version(layout: &Layout) -> io::Result<Option<PathBuf>> {
    match fs::read_link(layout.tls().join(CURRENT)) {
        Ok(name) => Ok(Some(layout.tls().join(name))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Versions before the last one: someone may be reading that.
fn forget_old(root: &Path, current: &str) -> io::Result<()> {
    let entries = fs::read_dir(root)?.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let mut versions: Vec<String> = entries.filter(|name| name.parse::<Uuid>().is_ok()).collect();
    // Their names are in the order of time.
    versions.sort();
    versions.retain(|name| name != current);
    versions.pop();
    versions.iter().try_for_each(|name| fs::remove_dir_all(root.join(name)))
}

fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

#[cfg(test)]
pub(crate) mod tests {
    use std::{fs, os::unix::fs::PermissionsExt as _, time::SystemTime};

    use busbar_pki::{
        AUTHORITY_VALIDITY, Authority, Csr, KeyPair, LEAF_VALIDITY, Role, Subject, TicketKey, Trust,
    };

    use super::{Held, version};
    use crate::layout::Layout;

    pub(crate) fn authority() -> Authority {
        #[expect(clippy::disallowed_methods, reason = "certificates of a test are good now")]
        Authority::create(&"test".parse().unwrap(), SystemTime::now(), AUTHORITY_VALIDITY).unwrap()
    }

    pub(crate) fn member(authority: &Authority, role: Role, name: &str) -> Held {
        let key = KeyPair::generate().unwrap();
        let subject = Subject { role, name: name.parse().unwrap(), hosts: Vec::new() };
        #[expect(clippy::disallowed_methods, reason = "certificates of a test are good now")]
        let now = SystemTime::now();
        let certificate = authority.issue(&Csr::new(&key).unwrap(), &subject, now, LEAF_VALIDITY).unwrap();
        let trust = Trust::new(vec![authority.anchor().clone()]).unwrap();
        Held { key, certificate, trust, tickets: TicketKey::generate().unwrap() }
    }

    #[test]
    fn a_version_takes_the_place_of_the_one_before() {
        let folder = tempfile::tempdir().unwrap();
        let layout = Layout::create(folder.path()).unwrap();
        assert!(Held::read(&layout).unwrap().is_none());
        let authority = authority();
        for _ in 0..3 {
            let held = member(&authority, Role::Server, "one");
            held.write(&layout).unwrap();
            let read = Held::read(&layout).unwrap().unwrap();
            assert_eq!(read.certificate, held.certificate);
            assert_eq!(read.confirmed().unwrap().issuer, authority.fingerprint());
        }
        let entries = fs::read_dir(layout.tls()).unwrap().count();
        assert_eq!(entries, 3, "the link, what holds, and what held before");
        for file in ["key.pem", "member.pem", "tickets"] {
            let path = version(&layout).unwrap().unwrap().join(file);
            assert_eq!(fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o600, "{file}");
        }
    }

    #[test]
    fn what_does_not_fit_together_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let layout = Layout::create(folder.path()).unwrap();
        let authority = authority();
        member(&authority, Role::Server, "one").write(&layout).unwrap();
        let other = member(&authority, Role::Server, "one");
        let version = version(&layout).unwrap().unwrap();
        fs::write(version.join("key.pem"), other.key.to_pem().as_bytes()).unwrap();
        let error = Held::read(&layout).unwrap().unwrap().credentials().unwrap_err();
        assert!(error.to_string().contains("belongs to another one"), "{error:#}");
        fs::write(version.join("ca.pem"), "none").unwrap();
        let error = format!("{:#}", Held::read(&layout).err().unwrap());
        assert!(error.contains(&version.display().to_string()) && error.contains("PEM"), "{error}");
    }
}
