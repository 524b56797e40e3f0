//! The cluster's own authority: it signs the certificates of members, and nothing else.

use std::time::{Duration, SystemTime};

use rcgen::{
    BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyUsagePurpose, PublicKeyData, SanType,
    SerialNumber,
};
use ring::rand::{SecureRandom, SystemRandom};
use zeroize::Zeroizing;

use crate::{
    Anchor, Certificate, Cluster, Csr, Error, Fingerprint, Host, KeyPair, Name, Role,
    anchor::common_name,
    certificate::public_key,
    host::role_host,
    identity::urn,
    moment::{asn1, later},
};

/// How long an authority lives, unless it is told otherwise: ten years.
pub const AUTHORITY_VALIDITY: Duration = Duration::from_secs(3_653 * 24 * 60 * 60);
/// How long a member's certificate lives, unless it is told otherwise: 90 days.
pub const LEAF_VALIDITY: Duration = Duration::from_secs(90 * 24 * 60 * 60);
/// By how much a certificate begins before it is made, for members whose clocks are behind.
pub const CLOCK_TOLERANCE: Duration = Duration::from_secs(5 * 60);

/// Of one certificate.
const HOSTS_MAX: usize = 32;
/// RFC 5280 section 4.1.2.2 allows up to 20.
const SERIAL_BYTES: usize = 16;

/// Who a certificate is to be for; the authority's cluster is added.
#[derive(Clone, Debug)]
pub struct Subject {
    pub role: Role,
    pub name: Name,
    /// Where it is reached; for clients that check host names. At most 32.
    pub hosts: Vec<Host>,
}

/// An authority with its key.
#[derive(Debug)]
pub struct Authority {
    anchor: Anchor,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    /// The first one of a cluster.
    pub fn create(cluster: &Cluster, now: SystemTime, validity: Duration) -> Result<Self, Error> {
        Self::numbered(cluster, 1, now, validity)
    }

    /// The one that is to follow this one: see [`Roll`](crate::Roll).
    pub fn next(&self, now: SystemTime, validity: Duration) -> Result<Self, Error> {
        let number =
            self.anchor.number().checked_add(1).ok_or(Error::Anchor { why: "its number is too high" })?;
        Self::numbered(self.anchor.cluster(), number, now, validity)
    }

    /// Errors also when the key is not the certificate's.
    pub fn from_pem(certificate: &str, key: &str) -> Result<Self, Error> {
        Self::new(Anchor::from_pem(certificate)?, KeyPair::from_pem(key)?)
    }

    pub fn certificate_pem(&self) -> String {
        self.anchor.certificate().to_pem()
    }

    /// A secret of the whole cluster.
    pub fn key_pem(&self) -> Zeroizing<String> {
        self.issuer.key().to_pem()
    }

    pub fn anchor(&self) -> &Anchor {
        &self.anchor
    }

    /// SHA-256 of its certificate's DER.
    pub fn fingerprint(&self) -> Fingerprint {
        self.anchor.fingerprint()
    }

    /// A certificate for the key of the request, from five minutes ago until `validity` after `now`, or until the
    /// authority's own ends, if that is sooner.
    pub fn issue(
        &self,
        request: &Csr,
        subject: &Subject,
        now: SystemTime,
        validity: Duration,
    ) -> Result<Certificate, Error> {
        let ends = self.anchor.certificate().not_after();
        if now > ends {
            return Err(Error::AuthorityExpired);
        }
        let (found, most) = (subject.hosts.len(), HOSTS_MAX);
        if found > most {
            return Err(Error::TooManyHosts { found, most });
        }
        let (cluster, role, name) = (self.anchor.cluster(), subject.role, &subject.name);
        let mut params = params(now, later(now, validity)?.min(ends))?;
        params.distinguished_name.push(DnType::OrganizationName, format!("busbar {cluster}"));
        params.distinguished_name.push(DnType::OrganizationalUnitName, role.as_str());
        params.distinguished_name.push(DnType::CommonName, name.as_str());
        params.is_ca = IsCa::ExplicitNoCa;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = role.purposes();
        params.use_authority_key_identifier_extension = true;
        let urn = urn(cluster, role, name);
        params.subject_alt_names.push(SanType::URI(urn.as_str().try_into().map_err(Error::Sign)?));
        if role.serves() {
            params.subject_alt_names.push(Host::Dns(role_host(cluster, role, name)).san()?);
        }
        for host in &subject.hosts {
            params.subject_alt_names.push(host.san()?);
        }
        let signed = params.signed_by(request.public_key(), &self.issuer).map_err(Error::Sign)?;
        Certificate::from_der(signed.der().to_vec())
    }

    fn numbered(cluster: &Cluster, number: u32, now: SystemTime, validity: Duration) -> Result<Self, Error> {
        let key = KeyPair::generate()?;
        let mut params = params(now, later(now, validity)?)?;
        params.distinguished_name.push(DnType::CommonName, common_name(cluster, number));
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let certificate = params.self_signed(&key).map_err(Error::Sign)?;
        Self::new(Anchor::new(Certificate::from_der(certificate.der().to_vec())?)?, key)
    }

    fn new(anchor: Anchor, key: KeyPair) -> Result<Self, Error> {
        let der = anchor.certificate().der();
        if public_key(der)? != key.subject_public_key_info() {
            return Err(Error::KeyOfAnother);
        }
        let issuer = Issuer::from_ca_cert_der(der, key).map_err(Error::Sign)?;
        Ok(Self { anchor, issuer })
    }
}

fn params(now: SystemTime, until: SystemTime) -> Result<CertificateParams, Error> {
    let from = now.checked_sub(CLOCK_TOLERANCE).ok_or(Error::Time)?;
    let mut serial = [0; SERIAL_BYTES];
    SystemRandom::new().fill(&mut serial).map_err(|_| Error::Random)?;
    // Positive, and of the same length always.
    serial[0] = serial[0] & 0x7f | 0x40;
    let mut params = CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.serial_number = Some(SerialNumber::from_slice(&serial));
    params.not_before = asn1(from)?.to_datetime();
    params.not_after = asn1(until)?.to_datetime();
    Ok(params)
}
