//! Connections to SOAP services of others, as their WSDL describes them.

use serde::{Deserialize, Serialize};

use super::{Http, Invalid, Part, Refused, amqp, http::origin::Origin};
use crate::{
    bounds::{
        CONNECTION_WSDL_BYTES_MAX, CONNECTION_WSDL_DOCUMENTS_MAX, CONNECTION_WSDL_LOCATION_CHARS_MAX,
        CONNECTION_WSDL_NAME_CHARS_MAX,
    },
    secret::Sealed,
};

pub const KIND: &str = "soap";

/// `S` is what its secrets are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Soap<S = Sealed> {
    /// Its base URL is the endpoint's address. An empty one is to be replaced by the one that the WSDL has, before it is
    /// stored.
    pub http: Http<S>,
    pub wsdl: Documents,
    /// The names of a service and its port; `None`: the WSDL leaves no choice.
    pub service: Option<String>,
    pub port: Option<String>,
    pub username_token: Option<UsernameToken>,
    /// `None`: there is no token.
    pub token_password: Option<S>,
    /// Binary data goes out in parts of its own.
    pub mtom: bool,
    /// What the port speaks, as the WSDL has it; `None`: it was not looked at yet.
    #[serde(default)]
    pub version: Option<Version>,
}

/// Of SOAP.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Version {
    #[serde(rename = "1.1")]
    V11,
    #[serde(rename = "1.2")]
    V12,
}

/// A WSDL with all that it imports.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Documents {
    /// The first one is the root.
    pub documents: Vec<Document>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Document {
    /// A URL or a file's name, that imports of the others are found by.
    pub location: String,
    pub text: String,
}

/// WS-Security's UsernameToken; its password is a secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UsernameToken {
    pub username: String,
    #[serde(default)]
    pub password_type: PasswordType,
}

/// How the password is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PasswordType {
    #[default]
    Text,
    /// With a nonce and the time, as SHA-1.
    Digest,
}

impl Documents {
    /// Of all texts together.
    pub fn bytes(&self) -> usize {
        self.documents.iter().map(|document| document.text.len()).sum()
    }

    /// Whether there are as many and as large ones as there may be.
    pub fn check(&self) -> Result<(), Refused> {
        let refuse = |member: &str, value: String, allowed: String| {
            Err(Refused::from(Invalid::new(member, value, &allowed)))
        };
        let (count, most) = (self.documents.len(), CONNECTION_WSDL_DOCUMENTS_MAX);
        if !(1..=most).contains(&count) {
            let allowed = format!("1 to {most} are allowed");
            return refuse("wsdl.documents", format!("{count} documents"), allowed);
        }
        let bytes = self.bytes();
        if bytes > CONNECTION_WSDL_BYTES_MAX {
            let allowed = format!("{CONNECTION_WSDL_BYTES_MAX} at most are allowed, together");
            return refuse("wsdl.documents", format!("{bytes} bytes long"), allowed);
        }
        let most = CONNECTION_WSDL_LOCATION_CHARS_MAX;
        for (place, Document { location, .. }) in self.documents.iter().enumerate() {
            let member = format!("wsdl.documents[{place}].location");
            let characters = location.chars().count();
            if !(1..=most).contains(&characters) {
                let allowed = format!("1 to {most} are allowed");
                return refuse(&member, format!("{characters} characters long"), allowed);
            }
        }
        Ok(())
    }

    /// Whether each has a location of its own.
    pub fn check_locations(&self) -> Result<(), Refused> {
        for (place, Document { location, .. }) in self.documents.iter().enumerate() {
            if self.documents.iter().take(place).any(|other| other.location == *location) {
                let member = format!("wsdl.documents[{place}].location");
                let allowed = "each has a location of its own";
                return Err(Invalid::new(member, format!("{location:?}"), allowed).into());
            }
        }
        Ok(())
    }
}

impl UsernameToken {
    pub fn check(&self) -> Result<(), Refused> {
        amqp::username(self.username.clone()).map(drop).map_err(|_| {
            let allowed = "a text without control characters is needed";
            Invalid::new("username_token.username", format!("{:?}", self.username), allowed).into()
        })
    }
}

/// Where a WSDL can be fetched. A password that stands where none is allowed is not repeated.
pub fn wsdl_url(text: &str) -> Result<(), String> {
    let fits = url::Url::parse(text).is_ok_and(|url| {
        let has_user = !url.username().is_empty() || url.password().is_some();
        !has_user && Origin::of(&url).is_some()
    });
    if fits && text.chars().count() <= CONNECTION_WSDL_LOCATION_CHARS_MAX {
        return Ok(());
    }
    let most = CONNECTION_WSDL_LOCATION_CHARS_MAX;
    Err(format!("is no URL of http or https without a user, of {most} characters at most"))
}

/// The name of a service or a port.
pub fn part_name(text: String) -> Result<String, String> {
    let most = CONNECTION_WSDL_NAME_CHARS_MAX;
    let fits = (1..=most).contains(&text.chars().count()) && !text.chars().any(char::is_control);
    if fits { Ok(text) } else { Err(format!("is no name of 1 to {most} characters")) }
}

impl<S> Soap<S> {
    /// One whose WSDL leaves no choice.
    pub fn new(http: Http<S>, wsdl: Documents) -> Self {
        Self {
            http,
            wsdl,
            service: None,
            port: None,
            username_token: None,
            token_password: None,
            mtom: false,
            version: None,
        }
    }

    pub(super) fn secret(&self, part: Part) -> Option<&S> {
        match part {
            Part::TokenPassword => self.token_password.as_ref(),
            Part::Password | Part::ClientKey => self.http.secret(part),
        }
    }

    pub(super) fn try_map<T, E>(
        self,
        secret: &mut impl FnMut(Part, S) -> Result<T, E>,
    ) -> Result<Soap<T>, E> {
        let http = self.http.try_map(secret)?;
        let token_password =
            self.token_password.map(|given| secret(Part::TokenPassword, given)).transpose()?;
        Ok(Soap {
            http,
            wsdl: self.wsdl,
            service: self.service,
            port: self.port,
            username_token: self.username_token,
            token_password,
            mtom: self.mtom,
            version: self.version,
        })
    }
}
