//! Connections to what is called over HTTP.

mod allow;
mod check;
pub mod headers;
mod numbers;
pub mod origin;
mod settings;
pub mod target;

use serde::{Deserialize, Serialize};

pub use allow::AllowList;
pub use numbers::{NUMBERS, OBJECTS, STATUSES};
pub use settings::{
    Auth, Bodies, BreakerSettings, Limits, PingMethod, PingSettings, Pool, Redirects, Retries, Settings,
    Timeouts, Tls,
};

use super::Part;
use crate::{bounds::HTTP_CREDENTIAL_CHARS_MAX, secret::Sealed};

pub const KIND: &str = "http";

/// `S` is what its secrets are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Http<S = Sealed> {
    pub settings: Settings,
    /// The password, key, token or client secret that `settings.auth` asks for; `None`: it asks for none.
    pub credential: Option<S>,
    /// The key of the client certificate; `None`: there is none.
    pub client_key: Option<S>,
}

/// A password, key, token or client secret. What is refused is not repeated.
pub fn credential(text: String) -> Result<String, String> {
    match text.chars().count() {
        1..=HTTP_CREDENTIAL_CHARS_MAX if !text.contains('\0') => Ok(text),
        1..=HTTP_CREDENTIAL_CHARS_MAX => Err("has a NUL, which can't be sent".to_owned()),
        characters => {
            Err(format!("has {characters} characters; allowed is 1 to {HTTP_CREDENTIAL_CHARS_MAX}"))
        }
    }
}

impl<S> Http<S> {
    /// With the secrets that the settings ask for.
    pub fn new(settings: Settings, mut secret: impl FnMut(Part) -> S) -> Self {
        let credential = settings.auth.asks().then(|| secret(Part::Password));
        let client_key = settings.tls.client_certificate.is_some().then(|| secret(Part::ClientKey));
        Self { settings, credential, client_key }
    }

    pub(super) fn secret(&self, part: Part) -> Option<&S> {
        match part {
            Part::Password => self.credential.as_ref(),
            Part::ClientKey => self.client_key.as_ref(),
            Part::TokenPassword => None,
        }
    }

    pub(super) fn try_map<T, E>(
        self,
        secret: &mut impl FnMut(Part, S) -> Result<T, E>,
    ) -> Result<Http<T>, E> {
        let credential = self.credential.map(|given| secret(Part::Password, given)).transpose()?;
        let client_key = self.client_key.map(|given| secret(Part::ClientKey, given)).transpose()?;
        Ok(Http { settings: self.settings, credential, client_key })
    }
}
