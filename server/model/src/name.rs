//! Names of plugins, services, channels and security definitions.

use std::{borrow::Borrow, fmt, str::FromStr, sync::Arc};

use serde::{Deserialize, Serialize};

use crate::bounds::NAME_CHARS_MAX;

/// A name: dot-separated words of `a-z`, `0-9`, `-` and `_`, each beginning with a letter or digit.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Name(Arc<str>);

#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error(
    "name {0:?} is not valid: lower-case letters, digits, '-' and '_' in words separated by '.', \
     each word beginning with a letter or digit, {NAME_CHARS_MAX} characters at most"
)]
pub struct InvalidName(pub String);

impl Name {
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The nearest valid name to a file's stem: `My Service.v2` becomes `my-service-v2`.
    pub fn from_stem(stem: &str) -> Result<Self, InvalidName> {
        let mapped: String = stem
            .chars()
            .map(|c| match c.to_ascii_lowercase() {
                c @ ('a'..='z' | '0'..='9' | '-' | '_') => c,
                _ => '-',
            })
            .collect();
        mapped.trim_matches(['-', '_']).parse().map_err(|_| InvalidName(stem.to_owned()))
    }
}

impl FromStr for Name {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, InvalidName> {
        let word = |word: &str| {
            word.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
                && word.chars().all(|c| matches!(c, 'a'..='z' | '0'..='9' | '-' | '_'))
        };
        if text.len() <= NAME_CHARS_MAX && text.split('.').all(word) {
            Ok(Self(text.into()))
        } else {
            Err(InvalidName(text.chars().take(NAME_CHARS_MAX).collect()))
        }
    }
}

impl TryFrom<String> for Name {
    type Error = InvalidName;

    fn try_from(text: String) -> Result<Self, InvalidName> {
        text.parse()
    }
}

impl From<Name> for String {
    fn from(name: Name) -> Self {
        name.0.as_ref().to_owned()
    }
}

impl Borrow<str> for Name {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&*self.0, f)
    }
}

#[cfg(test)]
mod tests {
    use super::Name;

    #[test]
    fn accepts_dotted_lower_case_words() {
        for good in ["echo", "greeter.greet", "wasi-http", "a_1.b-2", "7zip"] {
            assert_eq!(good.parse::<Name>().unwrap().as_str(), good);
        }
    }

    #[test]
    fn refuses_everything_else() {
        for bad in ["", ".", "a.", ".a", "A", "a b", "a/b", "-a", "a..b", "é", &"x".repeat(129)] {
            assert!(bad.parse::<Name>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn maps_a_stem_to_the_nearest_name() {
        assert_eq!(Name::from_stem("My Service.v2").unwrap().as_str(), "my-service-v2");
        assert!(Name::from_stem("---").is_err());
    }
}
