//! Tokens by which machines join, each once.

use std::time::Duration;

use busbar_model::Timestamp;
use busbar_pki::{Csr, Fingerprint, Host, JoinToken, Name, Role, Secret, SecretDigest, Subject};
use busbar_store::{By, JoinOffer};
use uuid::Uuid;

use crate::{Error, Granted, Registrar};

pub const TOKEN_LIFE_MIN: Duration = Duration::from_secs(60);
pub const TOKEN_LIFE_MAX: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// Whom a token lets in, and for how long.
#[derive(Clone, Debug)]
pub struct Offer {
    pub role: Role,
    /// Any name, if none is said.
    pub name: Option<Name>,
    /// Where admin processes are: `https://HOST:PORT`.
    pub urls: Vec<String>,
    pub life: Duration,
}

/// What a machine shows that wants to join.
#[derive(Clone, Debug)]
pub struct Admission {
    /// Of the token.
    pub id: String,
    pub secret: Secret,
    pub name: Name,
    pub hosts: Vec<Host>,
    pub request: Csr,
}

impl Registrar {
    /// A token, and when it ends. It is not kept: only who has it can use it.
    pub fn offer(&self, by: &By, offer: Offer) -> Result<(JoinToken, Timestamp), Error> {
        if !(TOKEN_LIFE_MIN..=TOKEN_LIFE_MAX).contains(&offer.life) {
            return Err(Error::TokenLife { seconds: offer.life.as_secs() });
        }
        let pins = self.founded()?.trust.fingerprints();
        let id = Uuid::now_v7().to_string();
        let token = JoinToken::new(offer.urls, pins, &id)?;
        let life = i64::try_from(offer.life.as_millis()).unwrap_or(i64::MAX);
        let (name, expires_at) = (offer.name.map(|name| name.to_string()), by.now.plus_ms(life));
        let digest = token.secret.digest().to_hex();
        self.odb.offer_join(by, &JoinOffer::new(id, offer.role.as_str(), name, digest, expires_at))?;
        Ok((token, expires_at))
    }

    /// Who the token is for, if it is good at this time and its secret is known.
    pub fn offered(&self, now: Timestamp, id: &str, secret: &Secret) -> Result<JoinOffer, Error> {
        let offer = self.odb.join_offer(id).map_err(|error| match error {
            busbar_store::Error::NotFound { .. } => Error::NoToken,
            error => error.into(),
        })?;
        let digest = SecretDigest::parse(&offer.digest).ok_or(Error::NoToken)?;
        if !digest.is_of(secret) {
            return Err(Error::NoToken);
        }
        if offer.expires_at() < now { Err(Error::Expired) } else { Ok(offer) }
    }

    /// Makes a member of who has a token. The machine that asks again with its key, since it may not have heard the
    /// answer, is answered again.
    pub fn admit(&self, by: &By, asks: &Admission) -> Result<(Role, Granted), Error> {
        let offer = self.offered(by.now, &asks.id, &asks.secret)?;
        let role: Role = offer.role.parse()?;
        if let Some(expected) = offer.name.filter(|name| name != asks.name.as_str()) {
            return Err(Error::AnotherName { role, expected, found: asks.name.to_string() });
        }
        let subject = Subject { role, name: asks.name.clone(), hosts: asks.hosts.clone() };
        let (granted, member) = self.issue(by.now, &subject, &asks.request)?;
        // It asks again as who it was.
        let key = format!("{} {}", asks.request.key_fingerprint(), asks.name);
        let key = Fingerprint::of(key.as_bytes()).to_string();
        match self.odb.join(by, &offer.id, &key, &member)? {
            true => Ok((role, granted)),
            false => Err(Error::Used),
        }
    }
}
