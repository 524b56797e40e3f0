//! What dictionaries consist of: names of systems, and codes.

use std::{borrow::Borrow, fmt, str::FromStr, sync::Arc};

use serde::{Deserialize, Serialize};

use crate::bounds::{DICTIONARY_CODE_CHARS_MAX, DICTIONARY_SYSTEM_CHARS_MAX};

/// What stands beside systems in tables, so that no system can be called so.
pub const VALID_FROM: &str = "valid_from";
pub const VALID_UNTIL: &str = "valid_until";

/// Of a text that a message repeats.
const SHOWN_CHARS_MAX: usize = 64;

/// A system, as a dictionary calls it: a lower-case letter, then letters, digits, '-' and '_'.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct System(Arc<str>);

/// What a system calls something: any text on one line.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Code(Box<str>);

#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
#[error(
    "system {0:?} is not valid: a lower-case letter, then lower-case letters, digits, '-' and '_', \
     {DICTIONARY_SYSTEM_CHARS_MAX} characters at most, and not {VALID_FROM} or {VALID_UNTIL}"
)]
pub struct InvalidSystem(String);

#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum InvalidCode {
    #[error("code has {0} characters; allowed is 1 to {DICTIONARY_CODE_CHARS_MAX}")]
    Length(usize),
    #[error("code {0:?} has a control character; allowed is text on one line")]
    Control(String),
}

fn shown(text: &str) -> String {
    text.chars().take(SHOWN_CHARS_MAX).collect()
}

impl FromStr for System {
    type Err = InvalidSystem;

    fn from_str(text: &str) -> Result<Self, InvalidSystem> {
        let fits = text.starts_with(|c: char| c.is_ascii_lowercase())
            && text.chars().all(|c| matches!(c, 'a'..='z' | '0'..='9' | '-' | '_'))
            && text.len() <= DICTIONARY_SYSTEM_CHARS_MAX
            && text != VALID_FROM
            && text != VALID_UNTIL;
        if fits { Ok(Self(text.into())) } else { Err(InvalidSystem(shown(text))) }
    }
}

impl Code {
    fn check(text: &str) -> Result<(), InvalidCode> {
        match text.chars().count() {
            1..=DICTIONARY_CODE_CHARS_MAX if text.chars().any(char::is_control) => {
                Err(InvalidCode::Control(shown(text)))
            }
            1..=DICTIONARY_CODE_CHARS_MAX => Ok(()),
            characters => Err(InvalidCode::Length(characters)),
        }
    }
}

impl FromStr for Code {
    type Err = InvalidCode;

    fn from_str(text: &str) -> Result<Self, InvalidCode> {
        Self::check(text).map(|()| Self(text.into()))
    }
}

impl TryFrom<String> for Code {
    type Error = InvalidCode;

    fn try_from(text: String) -> Result<Self, InvalidCode> {
        Self::check(&text).map(|()| Self(text.into()))
    }
}

impl TryFrom<String> for System {
    type Error = InvalidSystem;

    fn try_from(text: String) -> Result<Self, InvalidSystem> {
        text.parse()
    }
}

macro_rules! texts {
    ($($name:ident)*) => {$(
        impl $name {
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl From<$name> for String {
            fn from(value: $name) -> Self {
                value.as_str().to_owned()
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&*self.0, f)
            }
        }
    )*};
}

texts! { System Code }
