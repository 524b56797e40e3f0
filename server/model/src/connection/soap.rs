//! Connections to SOAP services of others, as their WSDL describes them.

use serde::{Deserialize, Serialize};

use super::{Http, Part};
use crate::secret::Sealed;

pub const KIND: &str = "soap";

/// `S` is what its secrets are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Soap<S = Sealed> {
    /// Its base URL is the endpoint's address.
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

impl<S> Soap<S> {
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
        })
    }
}
