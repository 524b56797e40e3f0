//! What a process shows and whom it trusts, exchangeable while connections are made.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use arc_swap::ArcSwap;
use rcgen::PublicKeyData;
use tokio_rustls::rustls::{
    pki_types::CertificateDer,
    sign::CertifiedKey,
    time_provider::{DefaultTimeProvider, TimeProvider},
};

use crate::{Anchor, Certificate, Confirmed, Error, Identity, KeyPair, Role, Trust, certificate::public_key};

/// Tells handshakes what time it is: rustls's `DefaultTimeProvider` outside of tests.
pub type Clock = Arc<dyn TimeProvider>;

/// The machine's.
pub fn system_clock() -> Clock {
    Arc::new(DefaultTimeProvider)
}

/// A member's certificate with its key, and its trust. After a replacement the next connection of an
/// [`Acceptor`](crate::Acceptor) or [`Connector`](crate::Connector) uses the new ones, and one that is under way ends
/// with those that it began with.
pub struct Credentials {
    identity: Identity,
    clock: Clock,
    current: ArcSwap<Current>,
    replacing: Mutex<()>,
}

/// What one handshake uses.
pub(crate) struct Current {
    pub(crate) certified: Arc<CertifiedKey>,
    pub(crate) certificate: Certificate,
    pub(crate) identity: Identity,
    pub(crate) issuer: Anchor,
    pub(crate) trust: Trust,
    /// Grows with each replacement.
    pub(crate) generation: u64,
}

impl Credentials {
    /// The certificate has to be that of the key, signed by a trusted authority, and not expired.
    pub fn new(
        key: &KeyPair,
        certificate: Certificate,
        trust: Trust,
        clock: Clock,
    ) -> Result<Arc<Self>, Error> {
        let current = Current::new(key, certificate, trust, 0)?;
        let identity = current.identity.clone();
        let (current, replacing) = (ArcSwap::from_pointee(current), Mutex::new(()));
        let new = Self { identity, clock, current, replacing };
        new.refuse_expired(&new.current.load().certificate)?;
        Ok(Arc::new(new))
    }

    /// After a renewal. The new certificate has to be of the same cluster, role and name, and good as in
    /// [`Self::new`]; else the old one stays.
    pub fn replace(&self, key: &KeyPair, certificate: Certificate, trust: Trust) -> Result<(), Error> {
        self.refuse_expired(&certificate)?;
        self.exchange(|before| Current::new(key, certificate, trust, before.generation + 1))
    }

    /// For the steps of a roll. Errors out, and leaves all as it was, if the certificate in use is not signed by one
    /// of the new ones.
    pub fn trust(&self, trust: Trust) -> Result<(), Error> {
        self.exchange(|before| {
            let certified = Arc::clone(&before.certified);
            let key = Arc::clone(&certified.key);
            let generation = before.generation + 1;
            let issuer = issuer_of(&before.certificate, &trust)?;
            let (certificate, identity) = (before.certificate.clone(), before.identity.clone());
            let certified = Arc::new(CertifiedKey::new(chain(&certificate, &identity, &issuer), key));
            Ok(Current { certified, certificate, identity, issuer, trust, generation })
        })
    }

    /// Of the certificate in use.
    pub fn identity(&self) -> Identity {
        self.current.load().identity.clone()
    }

    /// The one in use: see [`due`](crate::due).
    pub fn certificate(&self) -> Certificate {
        self.current.load().certificate.clone()
    }

    /// What a roll waits to hear of this member.
    pub fn confirmed(&self) -> Confirmed {
        let current = self.current.load();
        Confirmed { trusts: current.trust.fingerprints(), issuer: current.issuer.fingerprint() }
    }

    pub(crate) fn current(&self) -> Arc<Current> {
        self.current.load_full()
    }

    pub(crate) fn clock(&self) -> &Clock {
        &self.clock
    }

    fn exchange(&self, next: impl FnOnce(&Current) -> Result<Current, Error>) -> Result<(), Error> {
        let alone = self.replacing.lock().unwrap_or_else(PoisonError::into_inner);
        let next = next(&self.current.load())?;
        let (expected, found) = (self.identity.urn(), next.identity.urn());
        if expected != found {
            return Err(Error::AnotherIdentity { expected, found });
        }
        self.current.store(Arc::new(next));
        drop(alone);
        Ok(())
    }

    fn refuse_expired(&self, certificate: &Certificate) -> Result<(), Error> {
        let now = now(&self.clock)?;
        if now > certificate.not_after() { Err(Error::Expired) } else { Ok(()) }
    }
}

impl Current {
    fn new(key: &KeyPair, certificate: Certificate, trust: Trust, generation: u64) -> Result<Self, Error> {
        let identity = Identity::of(certificate.der())?;
        if public_key(certificate.der())? != key.subject_public_key_info() {
            return Err(Error::KeyOfAnother);
        }
        let issuer = issuer_of(&certificate, &trust)?;
        let certified = CertifiedKey::new(chain(&certificate, &identity, &issuer), key.for_tls()?);
        Ok(Self { certified: Arc::new(certified), certificate, identity, issuer, trust, generation })
    }
}

fn issuer_of(certificate: &Certificate, trust: &Trust) -> Result<Anchor, Error> {
    trust.issuer_of(certificate).cloned().ok_or(Error::Untrusted)
}

/// An admin sends its authority along, since who joins has only the fingerprint of it. Others have it.
fn chain(certificate: &Certificate, identity: &Identity, issuer: &Anchor) -> Vec<CertificateDer<'static>> {
    let mut chain = vec![certificate.der().clone()];
    if identity.role == Role::Admin {
        chain.push(issuer.certificate().der().clone());
    }
    chain
}

fn now(clock: &Clock) -> Result<SystemTime, Error> {
    let now = clock.current_time().ok_or(Error::Time)?;
    UNIX_EPOCH.checked_add(Duration::from_secs(now.as_secs())).ok_or(Error::Time)
}

/// Without the key.
impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Credentials").field(&self.identity.urn()).finish()
    }
}

/// Without the key.
impl fmt::Debug for Current {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Current").field("identity", &self.identity).field("trust", &self.trust).finish()
    }
}
