//! Database URLs: the scheme decides which database it is.

use std::io;

use crate::error::Error;

pub(crate) mod remote;

#[cfg(any(feature = "postgres", feature = "mysql"))]
use self::remote::Remote;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Url {
    /// An absolute path, which SQLite never takes for a `file:` URI.
    Sqlite(String),
    #[cfg(feature = "postgres")]
    Postgres(Remote),
    #[cfg(feature = "mysql")]
    Mysql(Remote),
}

impl Url {
    /// `sqlite:PATH` or `sqlite://PATH`, where a relative path starts at the working directory; or the URL of a
    /// server whose feature is built in.
    pub(crate) fn parse(text: &str) -> Result<Self, Error> {
        // The rest of a URL may hold a password, so errors name the scheme only.
        let Some((scheme, rest)) = text.split_once(':') else {
            return Err(Error::InvalidUrl { scheme: String::new() });
        };
        match scheme {
            "sqlite" => file(rest),
            "postgres" | "postgresql" => postgres(scheme, rest),
            "mysql" | "mariadb" => mysql(scheme, rest),
            _ => Err(Error::InvalidUrl { scheme: scheme.to_owned() }),
        }
    }
}

fn file(rest: &str) -> Result<Url, Error> {
    let path = rest.strip_prefix("//").unwrap_or(rest);
    // In memory, each connection of the pool would have a database of its own.
    if path.is_empty() || path == ":memory:" {
        return Err(Error::InvalidUrl { scheme: "sqlite".to_owned() });
    }
    match std::path::absolute(path).map(|path| path.into_os_string().into_string()) {
        Ok(Ok(path)) => Ok(Url::Sqlite(path)),
        Ok(Err(path)) => {
            Err(Error::File { path: path.into(), source: io::Error::other("path is not UTF-8") })
        }
        Err(source) => Err(Error::File { path: path.into(), source }),
    }
}

#[cfg(feature = "postgres")]
fn postgres(scheme: &str, rest: &str) -> Result<Url, Error> {
    Ok(Url::Postgres(Remote::new("postgres", scheme, rest)?))
}

#[cfg(not(feature = "postgres"))]
fn postgres(scheme: &str, _: &str) -> Result<Url, Error> {
    Err(Error::MissingFeature { scheme: scheme.to_owned(), feature: "postgres" })
}

#[cfg(feature = "mysql")]
fn mysql(scheme: &str, rest: &str) -> Result<Url, Error> {
    let remote = Remote::new("mysql", scheme, rest)?;
    // The client would connect to none of the server's databases.
    match remote.database() {
        "" => Err(Error::InvalidUrl { scheme: scheme.to_owned() }),
        _ => Ok(Url::Mysql(remote)),
    }
}

#[cfg(not(feature = "mysql"))]
fn mysql(scheme: &str, _: &str) -> Result<Url, Error> {
    Err(Error::MissingFeature { scheme: scheme.to_owned(), feature: "mysql" })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::Url;
    use crate::error::Error;

    #[test]
    fn both_forms_name_a_path() {
        for text in ["sqlite:/x/odb.sqlite", "sqlite:///x/odb.sqlite"] {
            assert_eq!(Url::parse(text).unwrap(), Url::Sqlite("/x/odb.sqlite".into()), "{text}");
        }
        let parsed = Url::parse("sqlite:odb.sqlite").unwrap();
        assert!(
            matches!(&parsed, Url::Sqlite(path) if Path::new(path).is_absolute() && path.ends_with("/odb.sqlite")),
            "{parsed:?}"
        );
    }

    #[test]
    fn anything_else_is_refused_without_showing_a_password() {
        for text in ["", "odb.sqlite", "oracle://u:hush@h/db", "sqlite:", "sqlite://", "sqlite::memory:"] {
            let error = Url::parse(text).unwrap_err();
            assert!(matches!(error, Error::InvalidUrl { .. }), "{text}");
            assert!(!error.to_string().contains("hush"));
            assert!(error.to_string().contains("sqlite:PATH"));
        }
    }

    #[test]
    fn the_scheme_chooses_the_server_where_its_client_is_built_in() {
        let schemes = [
            ("postgres", cfg!(feature = "postgres"), "postgres"),
            ("postgresql", cfg!(feature = "postgres"), "postgres"),
            ("mysql", cfg!(feature = "mysql"), "mysql"),
            ("mariadb", cfg!(feature = "mysql"), "mysql"),
        ];
        for (scheme, is_built_in, needed) in schemes {
            let parsed = Url::parse(&format!("{scheme}://u:hush@h/db"));
            assert!(!format!("{parsed:?}").contains("hush"));
            match parsed {
                Ok(_) => assert!(is_built_in),
                Err(Error::MissingFeature { feature, .. }) => {
                    assert!(!is_built_in && feature == needed);
                }
                Err(other) => panic!("{other:?}"),
            }
        }
    }
}
