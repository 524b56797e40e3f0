//! Database URLs: the scheme decides which database it is.

use std::io;

use crate::error::Error;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Url {
    /// An absolute path, which SQLite never takes for a `file:` URI.
    Sqlite(String),
}

impl Url {
    /// `sqlite:PATH` or `sqlite://PATH`; a relative path starts at the working directory.
    pub(crate) fn parse(text: &str) -> Result<Self, Error> {
        // The rest of a URL may hold a password, so errors name the scheme only.
        let Some((scheme, rest)) = text.split_once(':') else {
            return Err(Error::InvalidUrl { scheme: String::new() });
        };
        let path = rest.strip_prefix("//").unwrap_or(rest);
        // In memory, each connection of the pool would have a database of its own.
        if scheme != "sqlite" || path.is_empty() || path == ":memory:" {
            return Err(Error::InvalidUrl { scheme: scheme.to_owned() });
        }
        match std::path::absolute(path).map(|path| path.into_os_string().into_string()) {
            Ok(Ok(path)) => Ok(Self::Sqlite(path)),
            Ok(Err(path)) => {
                Err(Error::File { path: path.into(), source: io::Error::other("path is not UTF-8") })
            }
            Err(source) => Err(Error::File { path: path.into(), source }),
        }
    }
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
        let Url::Sqlite(relative) = Url::parse("sqlite:odb.sqlite").unwrap();
        assert!(Path::new(&relative).is_absolute() && relative.ends_with("/odb.sqlite"));
    }

    #[test]
    fn anything_else_is_refused_without_showing_a_password() {
        for text in ["", "odb.sqlite", "postgres://u:hush@h/db", "sqlite:", "sqlite://", "sqlite::memory:"] {
            let error = Url::parse(text).unwrap_err();
            assert!(matches!(error, Error::InvalidUrl { .. }), "{text}");
            assert!(!error.to_string().contains("hush"));
            assert!(error.to_string().contains("sqlite:PATH"));
        }
    }
}
