//! Which server is meant, and what it takes to talk to it.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use busbar_pki::{Connector, Expected, Role};
use serde::Deserialize;

use super::dial::Tls;
use crate::{layout::Layout, membership::Held, settings};

pub(crate) const FOLDER_DEFAULT: &str = "./.busbar";

#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("no server was found: {endpoints} does not exist and {variable} is not set", endpoints = .endpoints.display())]
    Nowhere { endpoints: PathBuf, variable: &'static str },
    #[error("no server runs in {folder}: {endpoints} does not exist", folder = .folder.display(), endpoints = endpoints(.folder).display())]
    NotRunning { folder: PathBuf },
    #[error("{variable} is not set, which belongs to {beside}")]
    Unset { variable: &'static str, beside: &'static str },
    #[error("the server in {folder} has no admin API and {ADMIN_URL} is not set", folder = .folder.display())]
    NoAdmin { folder: PathBuf },
    #[error("{file} says nothing of admin.url, and {ADMIN_URL} is not set", file = .file.display())]
    NoUrl { file: PathBuf },
    #[error("the membership in {folder} can't be used", folder = .folder.display())]
    Membership {
        folder: PathBuf,
        #[source]
        source: anyhow::Error,
    },
    #[error("{path} can't be read", path = .path.display())]
    Unreadable {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("{path} is not what a server writes", path = .path.display())]
    Malformed {
        path: PathBuf,
        #[source]
        source: serde_json::Error,
    },
    #[error("{path} is empty", path = .path.display())]
    Empty { path: PathBuf },
}

impl Error {
    /// How to mend it.
    pub(crate) fn hint(&self) -> Option<String> {
        match self {
            Self::Nowhere { variable, .. } => Some(format!(
                "`busbar quickstart` starts a server here; one that runs elsewhere is named by --dir DIR or {variable}"
            )),
            Self::NotRunning { folder } => {
                Some(format!("`busbar quickstart --dir {}` starts one", folder.display()))
            }
            Self::NoAdmin { .. } => Some("`busbar admin` starts an admin API".to_owned()),
            _ => None,
        }
    }
}

const ADMIN_URL: &str = "BUSBAR_ADMIN_URL";
const ADMIN_TOKEN: &str = "BUSBAR_ADMIN_TOKEN";
const HTTP_URL: &str = "BUSBAR_HTTP_URL";
const INVOKER_KEY: &str = "BUSBAR_INVOKER_KEY";

/// A variable of this process's environment; an empty one is as good as none.
pub(crate) fn environment(name: &str) -> Option<String> {
    #[expect(clippy::disallowed_methods, reason = "where a server is may stand in the environment")]
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// An address, what opens it and who says so.
#[derive(Clone)]
pub(crate) struct Access {
    pub(crate) url: String,
    pub(crate) secret: Option<String>,
    pub(crate) origin: String,
    /// For https://.
    pub(crate) tls: Option<Tls>,
}

/// What a server says of itself in its folder.
#[derive(Deserialize)]
struct Endpoints {
    http: String,
    admin: Option<String>,
}

pub(crate) struct Locator {
    folder: Option<PathBuf>,
    variable: fn(&str) -> Option<String>,
}

impl Locator {
    pub(crate) fn new(folder: Option<PathBuf>, variable: fn(&str) -> Option<String>) -> Self {
        Self { folder, variable }
    }

    /// A variable of the environment.
    pub(crate) fn variable(&self, name: &str) -> Option<String> {
        (self.variable)(name)
    }

    /// The folder that was named, or the one that is meant where none was.
    pub(crate) fn folder_named(&self) -> PathBuf {
        self.folder.clone().unwrap_or_else(|| PathBuf::from(FOLDER_DEFAULT))
    }

    /// The admin API. A folder of a member of a cluster has a certificate for it.
    pub(crate) fn admin(&self) -> Result<Access, Error> {
        if let Some(member) = self.member()? {
            return Ok(member);
        }
        let Some((folder, endpoints)) = self.folder(ADMIN_URL)? else {
            return self.environment(ADMIN_URL, ADMIN_TOKEN);
        };
        match endpoints.admin {
            Some(url) => Ok(Access {
                url,
                secret: Some(line(&folder.join("admin-token"))?),
                origin: self::endpoints(&folder).display().to_string(),
                tls: None,
            }),
            None if (self.variable)(ADMIN_URL).is_some() => self.environment(ADMIN_URL, ADMIN_TOKEN),
            None => Err(Error::NoAdmin { folder }),
        }
    }

    /// For members of a role, with the certificate in the folder; `None` where there is none.
    fn tls(&self, role: Role) -> Result<Option<Tls>, Error> {
        let folder = self.folder_named();
        let unfit = |source: anyhow::Error| Error::Membership { folder: folder.clone(), source };
        // A folder that is not there yet is nobody's.
        let Ok(layout) = Layout::existing(&folder) else { return Ok(None) };
        let Some(held) = Held::read(&layout).map_err(unfit)? else { return Ok(None) };
        let connector =
            held.credentials().and_then(|credentials| Ok(Connector::new(&credentials, Expected::any(role))?));
        Ok(Some(Tls::Member(Arc::new(connector.map_err(unfit)?))))
    }

    /// By the certificate in the folder; `None` where there is none.
    fn member(&self) -> Result<Option<Access>, Error> {
        let Some(tls) = self.tls(Role::Admin)? else { return Ok(None) };
        let folder = self.folder_named();
        let unfit = |source: anyhow::Error| Error::Membership { folder: folder.clone(), source };
        let layout = Layout::existing(&folder).map_err(|error| unfit(error.into()))?;
        let file = layout.settings_file();
        let understood = settings::load(&file, &settings::environment());
        let (url, origin) = match (self.variable)(ADMIN_URL) {
            Some(url) => (Some(url), ADMIN_URL.to_owned()),
            None => (
                understood.map_err(|error| unfit(error.into()))?.admin.url,
                format!("admin.url in {}", file.display()),
            ),
        };
        let url = url.ok_or_else(|| Error::NoUrl { file })?;
        let tls = Some(tls);
        Ok(Some(Access { url, secret: None, origin, tls }))
    }

    /// Calls by name.
    pub(crate) fn invoker(&self) -> Result<Access, Error> {
        match self.folder(HTTP_URL)? {
            None => self.environment(HTTP_URL, INVOKER_KEY),
            Some((folder, endpoints)) => Ok(Access {
                url: endpoints.http,
                secret: Some(line(&folder.join("invoker-key"))?),
                origin: self::endpoints(&folder).display().to_string(),
                tls: self.tls(Role::Server)?,
            }),
        }
    }

    /// The data plane, without credentials; `None` where nobody says where it is.
    pub(crate) fn data_plane(&self) -> Result<Option<Access>, Error> {
        let (url, origin) = match self.folder(ADMIN_URL)? {
            Some((folder, endpoints)) => {
                (Some(endpoints.http), self::endpoints(&folder).display().to_string())
            }
            None => ((self.variable)(HTTP_URL), HTTP_URL.to_owned()),
        };
        let tls =
            self.tls(Role::Server)?.filter(|_| url.as_ref().is_some_and(|url| url.starts_with("https")));
        Ok(url.map(|url| Access { url, secret: None, origin, tls }))
    }

    /// The folder of the server that is meant; `None`: the environment names it.
    fn folder(&self, variable: &'static str) -> Result<Option<(PathBuf, Endpoints)>, Error> {
        let folder = self.folder_named();
        let path = endpoints(&folder);
        match fs::read(&path) {
            Ok(text) => match serde_json::from_slice(&text) {
                Ok(endpoints) => Ok(Some((folder, endpoints))),
                Err(source) => Err(Error::Malformed { path, source }),
            },
            Err(source) if source.kind() != io::ErrorKind::NotFound => {
                Err(Error::Unreadable { path, source })
            }
            Err(_) if self.folder.is_some() => Err(Error::NotRunning { folder }),
            Err(_) if (self.variable)(variable).is_some() => Ok(None),
            Err(_) => Err(Error::Nowhere { endpoints: path, variable }),
        }
    }

    fn environment(&self, url: &'static str, secret: &'static str) -> Result<Access, Error> {
        let get = |variable, beside| (self.variable)(variable).ok_or(Error::Unset { variable, beside });
        Ok(Access {
            url: get(url, secret)?,
            secret: Some(get(secret, url)?.trim().to_owned()),
            origin: url.to_owned(),
            tls: None,
        })
    }
}

fn endpoints(folder: &Path) -> PathBuf {
    folder.join("endpoints.json")
}

/// The one line of a file.
fn line(path: &Path) -> Result<String, Error> {
    let path = path.to_owned();
    match fs::read_to_string(&path) {
        Ok(text) if text.trim().is_empty() => Err(Error::Empty { path }),
        Ok(text) => Ok(text.trim().to_owned()),
        Err(source) => Err(Error::Unreadable { path, source }),
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use super::{Access, Error, Locator};

    fn server(folder: &Path, endpoints: &str) {
        fs::write(folder.join("endpoints.json"), endpoints).unwrap();
        fs::write(folder.join("admin-token"), "token\n").unwrap();
        fs::write(folder.join("invoker-key"), "key").unwrap();
    }

    fn nothing(_: &str) -> Option<String> {
        None
    }

    fn all(name: &str) -> Option<String> {
        Some(format!("value of {name}"))
    }

    fn parts(found: Result<Access, Error>) -> (String, String) {
        let access = found.unwrap_or_else(|error| panic!("{error}"));
        (access.url, access.secret.unwrap_or_default())
    }

    fn refusal(found: Result<Access, Error>) -> Error {
        found.err().expect("nothing is to be found")
    }

    #[test]
    fn a_folder_says_where_its_server_is() {
        let folder = tempfile::tempdir().unwrap();
        server(folder.path(), r#"{"http":"http://127.0.0.1:1","admin":"http://127.0.0.1:2","pid":3}"#);
        let locator = Locator::new(Some(folder.path().to_owned()), all);
        assert_eq!(parts(locator.admin()), ("http://127.0.0.1:2".into(), "token".into()));
        assert_eq!(parts(locator.invoker()), ("http://127.0.0.1:1".into(), "key".into()));
        let open = locator.data_plane().unwrap_or_else(|error| panic!("{error}")).unwrap();
        assert_eq!((open.url.as_str(), open.secret), ("http://127.0.0.1:1", None));
    }

    #[test]
    fn a_folder_that_was_named_is_not_passed_over() {
        let folder = tempfile::tempdir().unwrap();
        let locator = Locator::new(Some(folder.path().to_owned()), all);
        let error = refusal(locator.admin());
        assert!(matches!(error, Error::NotRunning { .. }), "{error}");
        assert!(error.hint().unwrap().contains("busbar quickstart --dir"));
        server(folder.path(), "{");
        assert!(matches!(refusal(locator.admin()), Error::Malformed { .. }));
    }

    #[test]
    fn secrets_must_be_there() {
        let folder = tempfile::tempdir().unwrap();
        server(folder.path(), r#"{"http":"http://127.0.0.1:1","admin":"http://127.0.0.1:2","pid":3}"#);
        fs::write(folder.path().join("admin-token"), "\n").unwrap();
        fs::remove_file(folder.path().join("invoker-key")).unwrap();
        let locator = Locator::new(Some(folder.path().to_owned()), nothing);
        assert!(matches!(refusal(locator.admin()), Error::Empty { .. }));
        assert!(matches!(refusal(locator.invoker()), Error::Unreadable { .. }));
    }

    #[test]
    fn without_a_folder_the_environment_says_it() {
        let locator = Locator::new(None, all);
        assert_eq!(
            parts(locator.admin()),
            ("value of BUSBAR_ADMIN_URL".into(), "value of BUSBAR_ADMIN_TOKEN".into())
        );
        assert_eq!(
            parts(locator.invoker()),
            ("value of BUSBAR_HTTP_URL".into(), "value of BUSBAR_INVOKER_KEY".into())
        );
        let half = Locator::new(None, |name| name.ends_with("URL").then(|| "http://a".to_owned()));
        assert_eq!(
            refusal(half.admin()).to_string(),
            "BUSBAR_ADMIN_TOKEN is not set, which belongs to BUSBAR_ADMIN_URL"
        );
    }

    #[test]
    fn nothing_found_says_what_was_looked_for() {
        let error = refusal(Locator::new(None, nothing).admin());
        assert_eq!(
            error.to_string(),
            "no server was found: ./.busbar/endpoints.json does not exist and BUSBAR_ADMIN_URL is not set"
        );
        assert!(error.hint().unwrap().contains("busbar quickstart"));
    }

    #[test]
    fn a_server_without_an_admin_api_says_so() {
        let folder = tempfile::tempdir().unwrap();
        server(folder.path(), r#"{"http":"http://127.0.0.1:1","pid":3}"#);
        let named = |variable| Locator::new(Some(folder.path().to_owned()), variable);
        assert!(matches!(refusal(named(nothing).admin()), Error::NoAdmin { .. }));
        assert_eq!(parts(named(all).admin()).0, "value of BUSBAR_ADMIN_URL");
    }
}
