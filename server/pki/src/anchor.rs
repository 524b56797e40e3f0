//! The certificate of an authority, as members trust it.

use x509_parser::{certificate::X509Certificate, x509::X509Version};

use crate::{Certificate, Cluster, Error, Fingerprint, certificate::parse};

/// Self-signed, may sign leaves only (path length 0), named `busbar CLUSTER CA N`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Anchor {
    certificate: Certificate,
    cluster: Cluster,
    number: u32,
}

impl Anchor {
    pub fn new(certificate: Certificate) -> Result<Self, Error> {
        let refuse = |why| Error::Anchor { why };
        let parsed = parse(certificate.der())?;
        let constraints =
            parsed.basic_constraints().map_err(|_| refuse("its basic constraints are damaged"))?;
        let constraints = constraints.map(|constraints| constraints.value);
        if parsed.version() != X509Version::V3 || !constraints.is_some_and(|constraints| constraints.ca) {
            return Err(refuse("it is not an authority's (CA:TRUE)"));
        }
        if constraints.and_then(|constraints| constraints.path_len_constraint) != Some(0) {
            return Err(refuse("its path length is not 0"));
        }
        let usage = parsed.key_usage().map_err(|_| refuse("its key usage is damaged"))?;
        if !usage.is_some_and(|usage| usage.value.key_cert_sign()) {
            return Err(refuse("its key may not sign certificates"));
        }
        let named = named(&parsed).ok_or_else(|| refuse("it is not named busbar CLUSTER CA N"))?;
        if !certificate.is_signed_by(&certificate) {
            return Err(refuse("it is not signed by itself"));
        }
        let (cluster, number) = named;
        Ok(Self { certificate, cluster, number })
    }

    pub fn from_pem(text: &str) -> Result<Self, Error> {
        Self::new(Certificate::from_pem(text)?)
    }

    pub fn certificate(&self) -> &Certificate {
        &self.certificate
    }

    pub fn cluster(&self) -> &Cluster {
        &self.cluster
    }

    /// Which of its cluster's authorities it is, from 1.
    pub fn number(&self) -> u32 {
        self.number
    }

    /// SHA-256 of the certificate's DER.
    pub fn fingerprint(&self) -> Fingerprint {
        self.certificate.fingerprint()
    }
}

pub(crate) fn common_name(cluster: &Cluster, number: u32) -> String {
    format!("busbar {cluster} CA {number}")
}

fn named(parsed: &X509Certificate<'_>) -> Option<(Cluster, u32)> {
    let mut names = parsed.subject().iter_common_name();
    let text = names.next()?.as_str().ok()?;
    let (cluster, number) = text.strip_prefix("busbar ")?.split_once(" CA ")?;
    let (cluster, number) = (cluster.parse().ok()?, number.parse().ok()?);
    (names.next().is_none() && text == common_name(&cluster, number)).then_some((cluster, number))
}
