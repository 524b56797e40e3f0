//! Texts that go into a configuration: each kind has the characters that can't end a word or a line.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What was given is not of its kind.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{kind} is {value:?}: {allowed}")]
pub struct InvalidText {
    pub kind: &'static str,
    pub value: String,
    pub allowed: &'static str,
}

/// A type of text that is checked when it is made.
macro_rules! text {
    ($(#[$doc:meta])* $type:ident, $kind:literal, $allowed:literal, $check:expr) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $type(String);

        impl $type {
            pub fn new(value: &str) -> Result<Self, InvalidText> {
                let check: fn(&str) -> bool = $check;
                if check(value) {
                    Ok(Self(value.to_owned()))
                } else {
                    Err(InvalidText { kind: $kind, value: value.to_owned(), allowed: $allowed })
                }
            }

            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $type {
            type Error = InvalidText;

            fn try_from(value: String) -> Result<Self, InvalidText> {
                Self::new(&value)
            }
        }

        impl From<$type> for String {
            fn from(text: $type) -> Self {
                text.0
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

pub(crate) use text;

text!(
    /// Of a server. HAProxy's own words for a whole backend and a whole front end are not allowed, since its statistics
    /// would then have two of that name.
    Name,
    "a name",
    "1 to 64 of letters, digits, '.', '_' and '-', beginning with a letter or digit, and not BACKEND or FRONTEND, are allowed",
    |value| {
        (1..=64).contains(&value.len())
            && value.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
            && value.starts_with(|first: char| first.is_ascii_alphanumeric())
            && !["BACKEND", "FRONTEND"].contains(&value)
    }
);

text!(
    /// As RFC 1123 has it. The last label is not all digits, which would be an address that is none.
    HostName,
    "a host name",
    "labels of letters, digits and '-', joined by '.', 253 bytes at most, the last one not all digits, are allowed",
    |value| {
        let label = |label: &str| {
            (1..=63).contains(&label.len())
                && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
                && !label.starts_with('-')
                && !label.ends_with('-')
        };
        value.len() <= 253
            && value.split('.').all(label)
            && value.rsplit('.').next().is_some_and(|last| last.bytes().any(|byte| !byte.is_ascii_digit()))
    }
);

/// What a path may be made of: nothing that HAProxy, its control socket or a shell would take for anything else.
fn plain_path(value: &str, bytes_max: usize) -> bool {
    (2..=bytes_max).contains(&value.len())
        && value.starts_with('/')
        && value.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/._-+=:".contains(&byte))
        && !value.split('/').any(|part| part == "..")
}

text!(
    /// Absolute.
    FilePath,
    "a path",
    "an absolute path of 1,024 bytes at most, of letters, digits and any of / . _ - + = :, without '..', is allowed",
    |value| plain_path(value, 1024)
);

text!(
    /// Absolute, and short: HAProxy binds under a longer temporary name first, and a socket's name has 107 bytes.
    SocketPath,
    "a socket's path",
    "an absolute path of 90 bytes at most, of letters, digits and any of / . _ - + = :, without '..', is allowed",
    |value| plain_path(value, 90)
);
