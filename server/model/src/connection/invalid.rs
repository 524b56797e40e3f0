//! What is wrong with the settings of a connection, or with its secrets.

use std::fmt;

/// One member that can't be. A secret's value is never in it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{member} is {value}: {allowed}")]
pub struct Invalid {
    pub member: String,
    pub value: String,
    pub allowed: String,
}

impl Invalid {
    pub fn new(member: impl Into<String>, value: impl fmt::Display, allowed: &str) -> Self {
        Self { member: member.into(), value: value.to_string(), allowed: allowed.to_owned() }
    }
}

impl Invalid {
    /// The member as JSON Pointer (RFC 6901).
    pub fn pointer(&self) -> String {
        format!("/{}", self.member.replace(['.', '['], "/").replace(']', ""))
    }

    /// What is wrong, without its place.
    pub fn text(&self) -> String {
        format!("is {}: {}", self.value, self.allowed)
    }
}

/// All of them, at least one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused(pub Vec<Invalid>);

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, invalid) in self.0.iter().enumerate() {
            let separator = if place == 0 { "" } else { "; " };
            write!(f, "{separator}{invalid}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Refused {}

impl From<Invalid> for Refused {
    fn from(invalid: Invalid) -> Self {
        Self(vec![invalid])
    }
}
