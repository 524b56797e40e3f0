//! Finds the server that is meant: by its folder, else by the environment.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use serde::Deserialize;

use super::failure::Cause;

const DEFAULT_FOLDER: &str = "./.busbar";

pub(crate) const ADMIN_URL: &str = "BUSBAR_ADMIN_URL";
pub(crate) const ADMIN_TOKEN: &str = "BUSBAR_ADMIN_TOKEN";
pub(crate) const HTTP_URL: &str = "BUSBAR_HTTP_URL";
pub(crate) const INVOKER_KEY: &str = "BUSBAR_INVOKER_KEY";

/// An address to send requests to, and what opens it.
#[derive(PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) url: String,
    pub(crate) secret: String,
}

/// Where the parts of a server listen, as far as that is known.
#[derive(Debug, Default, PartialEq, Eq, Deserialize)]
pub(crate) struct Endpoints {
    #[serde(default)]
    pub(crate) http: Option<String>,
    #[serde(default)]
    pub(crate) admin: Option<String>,
}

/// One of the two doors of a server.
struct Door {
    what: &'static str,
    url: &'static str,
    secret: &'static str,
    file: &'static str,
    of: fn(Endpoints) -> Option<String>,
}

const ADMIN: Door = Door {
    what: "admin API",
    url: ADMIN_URL,
    secret: ADMIN_TOKEN,
    file: "admin-token",
    of: |endpoints| endpoints.admin,
};
const HTTP: Door = Door {
    what: "data plane",
    url: HTTP_URL,
    secret: INVOKER_KEY,
    file: "invoker-key",
    of: |endpoints| endpoints.http,
};

/// Where to look.
pub(crate) struct Locator<'a> {
    folder: Option<&'a Path>,
    default_folder: PathBuf,
    environment: &'a dyn Fn(&str) -> Option<String>,
}

impl<'a> Locator<'a> {
    /// `folder` is the one that was asked for by name.
    pub(crate) fn new(folder: Option<&'a Path>) -> Self {
        Self { folder, default_folder: PathBuf::from(DEFAULT_FOLDER), environment: &from_environment }
    }

    pub(crate) fn admin(&self) -> Result<Target, Cause> {
        self.target(&ADMIN)
    }

    pub(crate) fn http(&self) -> Result<Target, Cause> {
        self.target(&HTTP)
    }

    pub(crate) fn endpoints(&self) -> Endpoints {
        let found = self.search().ok().flatten().map(|(_, endpoints)| endpoints);
        found.unwrap_or_else(|| Endpoints { http: self.variable(HTTP_URL), admin: self.variable(ADMIN_URL) })
    }

    fn target(&self, door: &Door) -> Result<Target, Cause> {
        let found = self.search()?;
        if let Some((folder, endpoints)) = found
            && let Some(url) = (door.of)(endpoints)
        {
            return Ok(Target { url, secret: read_secret(&folder.join(door.file))? });
        }
        match (self.variable(door.url), self.variable(door.secret)) {
            (Some(url), Some(secret)) => Ok(Target { url, secret }),
            (Some(_), None) => Err(Cause::Usage(format!("{} is set, but {} is not", door.url, door.secret))),
            _ => Err(Cause::Usage(self.nothing_found(door))),
        }
    }

    fn nothing_found(&self, door: &Door) -> String {
        let Door { what, url, secret, .. } = door;
        let folder = self.folder.unwrap_or(&self.default_folder).join("endpoints.json");
        let folder = folder.display();
        format!(
            "no {what} in {folder}, and {url} and {secret} are not set; \
             start a server with `busbar quickstart` or name its folder with --dir"
        )
    }

    /// The folder of the server with what it says of itself.
    fn search(&self) -> Result<Option<(&Path, Endpoints)>, Cause> {
        let folder = self.folder.unwrap_or(&self.default_folder);
        let file = folder.join("endpoints.json");
        let text = match fs::read_to_string(&file) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return match self.folder {
                    None => Ok(None),
                    Some(folder) => Err(nothing_runs(folder)),
                };
            }
            Err(error) => return Err(Cause::Usage(format!("{} can't be read: {error}", file.display()))),
        };
        let unclear = |error| Cause::Usage(format!("{} can't be understood: {error}", file.display()));
        Ok(Some((folder, serde_json::from_str(&text).map_err(unclear)?)))
    }

    fn variable(&self, name: &str) -> Option<String> {
        (self.environment)(name).filter(|value| !value.is_empty())
    }
}

/// A folder without a server is a state to report; a folder that is not there is a wrong argument.
fn nothing_runs(folder: &Path) -> Cause {
    let shown = folder.display();
    let start = format!("start a server with `busbar quickstart --dir {shown}`");
    if folder.is_dir() {
        Cause::Other(format!("nothing runs in {shown}: it has no endpoints.json; {start}"))
    } else {
        Cause::Usage(format!("the folder {shown} does not exist; {start}"))
    }
}

fn read_secret(file: &Path) -> Result<String, Cause> {
    let text = fs::read_to_string(file);
    let text = text.map_err(|error| Cause::Usage(format!("{} can't be read: {error}", file.display())))?;
    Ok(text.trim_end().to_owned())
}

#[expect(clippy::disallowed_methods, reason = "where to find a server is part of the command's surroundings")]
fn from_environment(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use super::{ADMIN_TOKEN, ADMIN_URL, Locator, Target};
    use crate::client::failure::{Cause, Failure};

    const NOTHING: fn(&str) -> Option<String> = |_| None;

    fn everything(name: &str) -> Option<String> {
        Some(if name.ends_with("URL") { "http://environment" } else { "environment's" }.to_owned())
    }

    fn locator<'a>(
        named: Option<&'a Path>,
        default: &Path,
        environment: &'a dyn Fn(&str) -> Option<String>,
    ) -> Locator<'a> {
        Locator { folder: named, default_folder: default.to_owned(), environment }
    }

    fn folder() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        let text = r#"{"http": "http://127.0.0.1:1", "admin": "http://127.0.0.1:2", "pid": 3}"#;
        fs::write(folder.path().join("endpoints.json"), text).unwrap();
        fs::write(folder.path().join("admin-token"), "token").unwrap();
        fs::write(folder.path().join("invoker-key"), "key\n").unwrap();
        folder
    }

    fn found(result: Result<Target, Cause>) -> (String, String) {
        result.map(|Target { url, secret }| (url, secret)).unwrap()
    }

    fn pair(url: &str, secret: &str) -> (String, String) {
        (url.to_owned(), secret.to_owned())
    }

    #[test]
    fn a_folder_comes_before_the_environment() {
        let (folder, empty) = (folder(), tempfile::tempdir().unwrap());
        let named = locator(Some(folder.path()), empty.path(), &everything);
        assert_eq!(found(named.admin()), pair("http://127.0.0.1:2", "token"));
        assert_eq!(found(named.http()), pair("http://127.0.0.1:1", "key"));
        let default = locator(None, folder.path(), &everything);
        assert_eq!(found(default.admin()), pair("http://127.0.0.1:2", "token"));
        let neither = locator(None, empty.path(), &everything);
        assert_eq!(found(neither.admin()), pair("http://environment", "environment's"));
        assert_eq!(neither.endpoints().http.as_deref(), Some("http://environment"));
    }

    #[test]
    fn a_server_without_an_admin_api_leaves_that_to_the_environment() {
        let folder = folder();
        fs::write(folder.path().join("endpoints.json"), r#"{"http": "http://127.0.0.1:1", "pid": 3}"#)
            .unwrap();
        let named = locator(Some(folder.path()), folder.path(), &everything);
        assert_eq!(found(named.admin()), pair("http://environment", "environment's"));
        assert!(locator(Some(folder.path()), folder.path(), &NOTHING).admin().is_err());
    }

    #[test]
    fn says_what_was_looked_for() {
        let empty = tempfile::tempdir().unwrap();
        let failure = |named: Option<&Path>, environment: &dyn Fn(&str) -> Option<String>| {
            let cause = locator(named, empty.path(), environment).admin().err().unwrap();
            let failure = Failure::new("look", cause);
            (failure.exit_code(), failure.to_string())
        };
        let (code, text) = failure(None, &NOTHING);
        for part in ["endpoints.json", ADMIN_URL, ADMIN_TOKEN, "busbar quickstart"] {
            assert!(text.contains(part), "{part} is not in {text}");
        }
        assert_eq!(code, 2);
        assert_eq!(failure(Some(empty.path()), &everything).0, 1, "a stopped server is not a wrong argument");
        assert_eq!(failure(Some(Path::new("/no/such/folder")), &everything).0, 2);
        let (code, text) = failure(None, &|name| (name == ADMIN_URL).then(|| "http://bus".to_owned()));
        assert!(code == 2 && text.contains("BUSBAR_ADMIN_TOKEN is not"), "{text}");
        fs::write(empty.path().join("endpoints.json"), "{").unwrap();
        assert_eq!(failure(Some(empty.path()), &everything).0, 2);
    }
}
