//! `wsse:Security`: the tokens it holds, not yet verified (WS-Security 1.0; UsernameToken Profile 1.0, section 3.1).

use std::fmt;

use busbar_model::bounds::SOAP_HEADER_BLOCKS_MAX;

use super::{
    headers::{token, value},
    started,
};
use crate::{
    namespace::{SECURITY, SECURITY_UTILITY},
    refusal::{Refusal, SecurityFault},
    xml::Reader,
};

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Security {
    pub username_token: Option<UsernameToken>,
    pub timestamp: Option<SecurityTimestamp>,
    /// Local names of whatever else there is, each once: signatures, encrypted keys, other tokens.
    pub others: Vec<String>,
}

/// Texts as they stand in the message; all but the password without white space around them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UsernameToken {
    pub username: String,
    pub password: Option<Password>,
    /// In base64.
    pub nonce: Option<String>,
    pub created: Option<String>,
}

#[derive(Clone, PartialEq, Eq)]
pub struct Password {
    pub text: String,
    pub kind: PasswordKind,
}

impl fmt::Debug for Password {
    /// Without the password, which shall not get to a log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Password").field("kind", &self.kind).finish_non_exhaustive()
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PasswordKind {
    /// Also without a type.
    Text,
    Digest,
    Other,
}

/// `wsu:Timestamp`: from when and until when the message is valid.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SecurityTimestamp {
    pub created: Option<String>,
    pub expires: Option<String>,
}

impl Security {
    /// Reads the header that was just started.
    pub(super) fn read(reader: &mut Reader<'_>, into: &mut Option<Self>) -> Result<(), Refusal> {
        let mut found = Self::default();
        let mut count = 0;
        while started(reader)? {
            count += 1;
            if count > SOAP_HEADER_BLOCKS_MAX {
                return Err(invalid(format!(
                    "wsse:Security has more than {SOAP_HEADER_BLOCKS_MAX} elements"
                )));
            }
            match (reader.namespace(), reader.local()) {
                (SECURITY, "UsernameToken") => {
                    let token = UsernameToken::read(reader)?;
                    once(&mut found.username_token, token, "wsse:UsernameToken")?;
                }
                (SECURITY_UTILITY, "Timestamp") => {
                    let timestamp = SecurityTimestamp::read(reader)?;
                    once(&mut found.timestamp, timestamp, "wsu:Timestamp")?;
                }
                (_, other) => {
                    if !found.others.iter().any(|known| known == other) {
                        found.others.push(other.to_owned());
                    }
                    reader.skip()?;
                }
            }
        }
        // Two for the same role are forbidden (section 5).
        once(into, found, "wsse:Security")
    }

    /// Refuses what we can't verify: a message that is signed counts for nothing if nobody checks the signature.
    pub fn check_supported(&self) -> Result<(), Refusal> {
        let Some(other) = self.others.first() else { return Ok(()) };
        let fault = match other.as_str() {
            "Signature" | "EncryptedKey" | "EncryptedData" | "ReferenceList" => {
                SecurityFault::UnsupportedAlgorithm
            }
            _ => SecurityFault::UnsupportedSecurityToken,
        };
        Err(Refusal::security(fault, format!("wsse:Security has {other}, which is not supported")))
    }
}

impl UsernameToken {
    fn read(reader: &mut Reader<'_>) -> Result<Self, Refusal> {
        let mut username = None;
        let mut found = Self::default();
        while started(reader)? {
            match (reader.namespace(), reader.local()) {
                (SECURITY, "Username") => once(&mut username, token(reader)?, "wsse:Username")?,
                (SECURITY, "Password") => {
                    let kind = PasswordKind::of(reader.attribute("", "Type"));
                    let text = value(reader)?.into_owned();
                    once(&mut found.password, Password { text, kind }, "wsse:Password")?;
                }
                (SECURITY, "Nonce") => {
                    let encoding = reader.attribute("", "EncodingType");
                    if encoding.is_some_and(|encoding| !encoding.trim().ends_with("#Base64Binary")) {
                        return Err(invalid("wsse:Nonce is in an encoding other than base64"));
                    }
                    once(&mut found.nonce, token(reader)?, "wsse:Nonce")?;
                }
                (SECURITY_UTILITY, "Created") => once(&mut found.created, token(reader)?, "wsu:Created")?,
                // Extensions are allowed, and none of them matters to how the password is checked.
                _ => reader.skip()?,
            }
        }
        found.username = username.ok_or_else(|| invalid("wsse:UsernameToken has no wsse:Username"))?;
        Ok(found)
    }
}

impl PasswordKind {
    fn of(kind: Option<&str>) -> Self {
        match kind.map(str::trim) {
            None | Some("") => Self::Text,
            Some(kind) if kind.ends_with("#PasswordText") => Self::Text,
            Some(kind) if kind.ends_with("#PasswordDigest") => Self::Digest,
            Some(_) => Self::Other,
        }
    }
}

impl SecurityTimestamp {
    fn read(reader: &mut Reader<'_>) -> Result<Self, Refusal> {
        let mut found = Self::default();
        while started(reader)? {
            match (reader.namespace(), reader.local()) {
                (SECURITY_UTILITY, "Created") => once(&mut found.created, token(reader)?, "wsu:Created")?,
                (SECURITY_UTILITY, "Expires") => once(&mut found.expires, token(reader)?, "wsu:Expires")?,
                _ => reader.skip()?,
            }
        }
        Ok(found)
    }
}

fn once<T>(place: &mut Option<T>, value: T, name: &str) -> Result<(), Refusal> {
    match place.replace(value) {
        None => Ok(()),
        Some(_) => Err(invalid(format!("{name} is given twice"))),
    }
}

fn invalid(message: impl Into<String>) -> Refusal {
    Refusal::security(SecurityFault::InvalidSecurity, message)
}
