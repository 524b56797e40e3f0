//! Who is a member of the cluster, as the ODB has it: the cluster's authority, tokens by which machines join,
//! certificates that are given and renewed, and the roll from one authority to the next.
//!
//! Whoever has the ODB and the master key can be the registrar: admin processes for others, each server for itself.
//! Every call blocks.

mod error;
mod roll;
mod token;

use std::sync::Arc;

use busbar_model::Timestamp;
use busbar_pki::{
    AUTHORITY_VALIDITY, Anchor, Authority, Certificate, Cluster, Confirmed, Csr, Fingerprint, Host, Identity,
    LEAF_VALIDITY, Name, Role, Roll, Subject, Trust,
};
use busbar_store::{By, MasterKey, Member, NewAuthority, Odb, Plaintext};

pub use self::{
    error::Error,
    roll::{Late, Rolling},
    token::{Admission, Offer, TOKEN_LIFE_MAX, TOKEN_LIFE_MIN},
};

/// The members of a cluster, and who signs for them.
#[derive(Clone, Debug)]
pub struct Registrar {
    odb: Odb,
    key: Arc<MasterKey>,
}

/// Whom the members of the cluster trust at this time.
#[derive(Clone, Debug)]
pub struct Standing {
    pub roll: Roll,
    pub trust: Trust,
}

impl Standing {
    pub fn cluster(&self) -> &Cluster {
        self.trust.cluster()
    }
}

/// What a member is to have.
#[derive(Clone, Debug)]
pub struct Granted {
    pub trust: Trust,
    /// Who is to have signed what it shows.
    pub issuer: Fingerprint,
    /// Where it asked for one.
    pub certificate: Option<Certificate>,
}

/// What a member says when it asks whether there is something new for it.
#[derive(Clone, Debug, Default)]
pub struct Visit {
    /// What all its processes use by now; `None` where that is not known yet.
    pub confirmed: Option<Confirmed>,
    /// For a new certificate.
    pub request: Option<Csr>,
    /// Where it is reached.
    pub hosts: Vec<Host>,
}

impl Registrar {
    pub fn new(odb: Odb, key: Arc<MasterKey>) -> Self {
        Self { odb, key }
    }

    /// `None`: the cluster has no authority, and its members talk in the clear.
    pub fn standing(&self) -> Result<Option<Standing>, Error> {
        let Some(stored) = self.odb.trust()? else { return Ok(None) };
        let roll: Roll = stored.roll.parse()?;
        let anchors = stored.authorities.iter().map(|(_, pem)| Anchor::from_pem(pem));
        let mut anchors = anchors.collect::<Result<Vec<_>, _>>()?;
        anchors.retain(|anchor| roll.trusted().contains(&anchor.fingerprint()));
        anchors.sort_by_key(Anchor::number);
        Ok(Some(Standing { roll, trust: Trust::new(anchors)? }))
    }

    /// Makes the cluster's first authority.
    pub fn found(&self, by: &By, cluster: &Cluster) -> Result<(), Error> {
        if let Some(standing) = self.standing()? {
            return Err(Error::Founded { cluster: standing.cluster().clone() });
        }
        let authority = Authority::create(cluster, by.now.into(), AUTHORITY_VALIDITY)?;
        let roll = Roll::Settled { authority: authority.fingerprint() };
        let first = stored(&authority);
        Ok(self.odb.found_trust(by, &self.key, cluster.as_str(), &roll.to_string(), &first)?)
    }

    /// A member of the cluster without a token: for who has the master key anyhow.
    pub fn enroll(&self, by: &By, subject: &Subject, request: &Csr) -> Result<Granted, Error> {
        let (granted, member) = self.issue(by.now, subject, request)?;
        self.odb.enroll(by, &member)?;
        Ok(granted)
    }

    /// Hears a member, and gives it a certificate if it asks for one. Refused for who is no member any more.
    pub fn visit(&self, now: Timestamp, identity: &Identity, visit: &Visit) -> Result<Granted, Error> {
        let (role, name) = (identity.role, &identity.name);
        let standing = self.founded()?;
        let known = self.known(identity)?.filter(|_| *standing.cluster() == identity.cluster);
        let mut known = known.ok_or_else(|| Error::NoMember { urn: identity.urn() })?;
        let granted = match &visit.request {
            Some(request) => {
                let subject = Subject { role, name: name.clone(), hosts: visit.hosts.clone() };
                let (granted, member) = self.issue(now, &subject, request)?;
                let previous_sha256 = Some(identity.sha256.to_string());
                known = Member { joined_at: known.joined_at, previous_sha256, ..member };
                granted
            }
            None => {
                let issuer = standing.roll.issuer();
                Granted { trust: standing.trust, issuer, certificate: None }
            }
        };
        known.seen_at = now;
        known.confirmed = visit.confirmed.as_ref().map(|said| busbar_store::Confirmed {
            trusts: said.trusts.iter().map(ToString::to_string).collect(),
            issuer: said.issuer.to_string(),
        });
        // It may have been forgotten meanwhile.
        if self.odb.hear_member(&known)? { Ok(granted) } else { Err(Error::NoMember { urn: identity.urn() }) }
    }

    /// Whether a certificate that is good is also that of a member: not of one that was forgotten, and not one of a
    /// machine that had the name before.
    pub fn knows(&self, identity: &Identity) -> Result<bool, Error> {
        Ok(self.known(identity)?.is_some())
    }

    fn known(&self, identity: &Identity) -> Result<Option<Member>, Error> {
        let found = self.odb.member(identity.role.as_str(), identity.name.as_str())?;
        let shown = identity.sha256.to_string();
        Ok(found.filter(|member| {
            member.certificate_sha256 == shown || member.previous_sha256.as_deref() == Some(shown.as_str())
        }))
    }

    pub fn forget(&self, by: &By, role: Role, name: &Name) -> Result<(), Error> {
        Ok(self.odb.forget_member(by, role.as_str(), name.as_str())?)
    }

    fn founded(&self) -> Result<Standing, Error> {
        self.standing()?.ok_or(Error::NotFounded)
    }

    fn issue(&self, now: Timestamp, subject: &Subject, request: &Csr) -> Result<(Granted, Member), Error> {
        let Standing { roll, trust } = self.founded()?;
        let issuer = roll.issuer();
        let (certificate, key) = self.odb.authority(&self.key, &issuer.to_string())?;
        let authority = Authority::from_pem(&certificate, key.reveal())?;
        let certificate = authority.issue(request, subject, now.into(), LEAF_VALIDITY)?;
        let member = Member {
            role: subject.role.to_string(),
            name: subject.name.to_string(),
            certificate_sha256: certificate.fingerprint().to_string(),
            previous_sha256: None,
            expires_at: certificate.not_after().into(),
            joined_at: now,
            seen_at: now,
            confirmed: None,
        };
        Ok((Granted { trust, issuer, certificate: Some(certificate) }, member))
    }
}

fn stored(authority: &Authority) -> NewAuthority {
    NewAuthority {
        fingerprint: authority.fingerprint().to_string(),
        certificate: authority.certificate_pem(),
        key: Plaintext::from((*authority.key_pem()).clone()),
    }
}
