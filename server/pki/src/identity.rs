//! Who a certificate is for.

use std::{fmt, time::SystemTime};

use x509_parser::{certificate::X509Certificate, extensions::GeneralName};

use crate::{
    Cluster, Error, Fingerprint, Name, Role, certificate::parse, fingerprint::hex, host::role_host,
    moment::system,
};

const PREFIX: &str = "urn:busbar:";

/// What a certificate says of who shows it. Nothing of it is true before the chain was verified: take it from
/// certificates of connections that an [`Acceptor`](crate::Acceptor) or a [`Connector`](crate::Connector) let
/// through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    pub cluster: Cluster,
    pub role: Role,
    pub name: Name,
    /// Hexadecimal, in lower case, as `openssl x509 -serial` has it in upper case.
    pub serial: String,
    pub not_after: SystemTime,
    pub sha256: Fingerprint,
}

impl Identity {
    /// From the DER of a leaf certificate, such as the first of rustls's `peer_certificates()`. It must name one
    /// member by `urn:busbar:CLUSTER:ROLE:NAME`, be no authority's, and have the purposes of its role, no more and
    /// no fewer.
    pub fn of(der: &[u8]) -> Result<Self, Error> {
        let parsed = parse(der)?;
        let refuse = |why: String| Error::Identity { why };
        let (cluster, role, name) = member(&parsed)?;
        if parsed.is_ca() {
            return Err(refuse("it is one of an authority".to_owned()));
        }
        if !has_purposes(&parsed, role) {
            return Err(refuse(format!("its extended key usage is not that of the role {role}")));
        }
        let not_after = system(parsed.validity().not_after)?;
        let serial = hex(parsed.raw_serial());
        Ok(Self { cluster, role, name, serial, not_after, sha256: Fingerprint::of(der) })
    }

    /// As it stands in the certificate.
    pub fn urn(&self) -> String {
        urn(&self.cluster, self.role, &self.name)
    }

    /// See [`role_host`].
    pub fn role_host(&self) -> String {
        role_host(&self.cluster, self.role, &self.name)
    }
}

/// As the URN.
impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.urn())
    }
}

pub(crate) fn urn(cluster: &Cluster, role: Role, name: &Name) -> String {
    format!("{PREFIX}{cluster}:{role}:{name}")
}

fn member(parsed: &X509Certificate<'_>) -> Result<(Cluster, Role, Name), Error> {
    let refuse = |why: &str| Error::Identity { why: why.to_owned() };
    let names = parsed.subject_alternative_name().map_err(|_| refuse("its alternative names are damaged"))?;
    let names = names.map(|names| names.value.general_names.as_slice()).unwrap_or_default();
    let mut urns = names.iter().filter_map(|name| match name {
        GeneralName::URI(uri) => uri.strip_prefix(PREFIX),
        _ => None,
    });
    let text = urns.next().ok_or_else(|| refuse("no alternative name begins with urn:busbar:"))?;
    if urns.next().is_some() {
        return Err(refuse("more than one alternative name begins with urn:busbar:"));
    }
    let mut parts = text.splitn(3, ':');
    let (Some(cluster), Some(role), Some(name)) = (parts.next(), parts.next(), parts.next()) else {
        return Err(refuse("its urn:busbar: is not urn:busbar:CLUSTER:ROLE:NAME"));
    };
    Ok((cluster.parse()?, role.parse()?, name.parse()?))
}

fn has_purposes(parsed: &X509Certificate<'_>, role: Role) -> bool {
    let Ok(Some(usage)) = parsed.extended_key_usage() else {
        return false;
    };
    let usage = usage.value;
    let others = usage.any
        || usage.code_signing
        || usage.email_protection
        || usage.time_stamping
        || usage.ocsp_signing
        || !usage.other.is_empty();
    usage.client_auth && usage.server_auth == role.serves() && !others
}
