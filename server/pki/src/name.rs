//! Names of clusters and their members, as they stand in certificates.

use std::{fmt, str::FromStr};

use crate::Error;

/// So that `busbar CLUSTER CA N` fits a common name, which may have 64 characters (RFC 5280 A.1).
const CLUSTER_BYTES_MAX: usize = 40;
/// A common name has at most 64 characters.
const NAME_BYTES_MAX: usize = 63;

/// A cluster's name: one label of a DNS name, lower case, at most 40 characters.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cluster(String);

/// A member's name: labels of a DNS name with dots between them, lower case, at most 63 characters. A host name in
/// lower case is one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(String);

impl Cluster {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Name {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Of a DNS name, in lower case (RFC 1123 section 2.1).
pub(crate) fn is_label(text: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=63).contains(&text.len())
        && text.bytes().all(inner)
        && !text.starts_with('-')
        && !text.ends_with('-')
}

impl FromStr for Cluster {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        if is_label(text) && text.len() <= CLUSTER_BYTES_MAX {
            return Ok(Self(text.to_owned()));
        }
        let allowed = "a-z, 0-9 and - between them, up to 40 characters";
        Err(Error::Name { what: "cluster", text: text.to_owned(), allowed })
    }
}

impl FromStr for Name {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        if text.len() <= NAME_BYTES_MAX && text.split('.').all(is_label) {
            return Ok(Self(text.to_owned()));
        }
        let allowed = "a-z, 0-9, and - or . between them, up to 63 characters";
        Err(Error::Name { what: "member", text: text.to_owned(), allowed })
    }
}

impl fmt::Display for Cluster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_labels() {
        for good in ["a", "prod", "web-1", "0"] {
            assert_eq!(good.parse::<Cluster>().unwrap().as_str(), good);
            assert_eq!(good.parse::<Name>().unwrap().as_str(), good);
        }
        assert_eq!("web-1.example.com".parse::<Name>().unwrap().to_string(), "web-1.example.com");
        for bad in ["", "-a", "a-", "A", "a b", "a:b", "a_b", "ä", "*", "a\n", "a/b"] {
            assert!(bad.parse::<Cluster>().is_err(), "{bad}");
            assert!(bad.parse::<Name>().is_err(), "{bad}");
        }
        assert!("a.b".parse::<Cluster>().is_err());
        for bad in [".", "a.", ".a", "a..b"] {
            assert!(bad.parse::<Name>().is_err(), "{bad}");
        }
        assert!("a".repeat(40).parse::<Cluster>().is_ok());
        assert!("a".repeat(41).parse::<Cluster>().is_err());
        assert!("a".repeat(63).parse::<Name>().is_ok());
        assert!("a.".repeat(32).parse::<Name>().is_err());
    }

    #[test]
    fn the_error_says_what_is_allowed() {
        let error = "Prod".parse::<Cluster>().unwrap_err().to_string();
        assert_eq!(
            error,
            "take \"Prod\" for the name of a cluster: allowed are a-z, 0-9 and - between them, up to 40 characters"
        );
    }
}
