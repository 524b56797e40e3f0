//! TLS 1.3 and 1.2, by rustls.

use std::{
    error::Error as StdError,
    fmt, io,
    sync::{Arc, OnceLock},
};

use busbar_model::connection::{
    amqp::{Identity, Tls},
    sql::Invalid,
};
use tokio_rustls::{
    TlsConnector,
    rustls::{
        CertificateError, ClientConfig, Error, RootCertStore,
        crypto::ring::default_provider,
        pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject as _},
        version::{TLS12, TLS13},
    },
};

use crate::Secret;

/// Whom the machine trusts, read when first asked for. Clones are the same.
#[derive(Clone, Default)]
pub struct Authorities(Arc<OnceLock<Vec<CertificateDer<'static>>>>);

impl Authorities {
    pub(crate) fn certificates(&self) -> &[CertificateDer<'static>] {
        self.0.get_or_init(|| {
            let found = rustls_native_certs::load_native_certs();
            for error in &found.errors {
                tracing::warn!(%error, "an authority that the machine trusts can't be read");
            }
            found.certs
        })
    }
}

impl fmt::Debug for Authorities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Authorities")
    }
}

/// Whether a connection is encrypted, and whom it is made to then.
#[derive(Clone)]
pub(crate) enum Encryption {
    Off,
    On { connector: TlsConnector, name: ServerName<'static> },
}

impl Encryption {
    pub(crate) fn is_on(&self) -> bool {
        matches!(self, Self::On { .. })
    }

    pub(crate) fn new(tls: Option<&Tls<Secret>>, host: &str, trusted: &Authorities) -> Result<Self, Invalid> {
        let Some(tls) = tls else { return Ok(Self::Off) };
        let name = tls.server_name.as_deref().unwrap_or(host);
        let wrong = |_| invalid("tls.server_name", format!("{name:?} is not a name of a server"));
        let name = ServerName::try_from(name.to_owned()).map_err(wrong)?;
        Ok(Self::On { connector: TlsConnector::from(Arc::new(config(tls, trusted)?)), name })
    }
}

fn invalid(member: &'static str, text: impl Into<String>) -> Invalid {
    Invalid { member, text: text.into() }
}

fn config(tls: &Tls<Secret>, trusted: &Authorities) -> Result<ClientConfig, Invalid> {
    let roots = roots(tls, trusted)?;
    let wrong = |error: Error| invalid("tls.client_certificate", format!("is unusable: {error}"));
    let builder = ClientConfig::builder_with_provider(Arc::new(default_provider()));
    let builder = builder.with_protocol_versions(&[&TLS13, &TLS12]).map_err(wrong)?;
    let builder = builder.with_root_certificates(roots);
    match &tls.identity {
        None => Ok(builder.with_no_client_auth()),
        Some(Identity { certificate, key }) => {
            let chain = certificates("tls.client_certificate", certificate)?;
            let no_key = |_| invalid("tls.client_key", "is no key: one in PEM, not encrypted, is needed");
            let key = PrivateKeyDer::from_pem_slice(key.reveal().as_bytes()).map_err(no_key)?;
            builder.with_client_auth_cert(chain, key).map_err(wrong)
        }
    }
}

fn roots(tls: &Tls<Secret>, trusted: &Authorities) -> Result<RootCertStore, Invalid> {
    let mut store = RootCertStore::empty();
    match &tls.ca {
        None => {
            store.add_parsable_certificates(trusted.certificates().iter().cloned());
        }
        Some(pem) => {
            for certificate in certificates("tls.ca", pem)? {
                let wrong = |error: Error| invalid("tls.ca", format!("has an unusable certificate: {error}"));
                store.add(certificate).map_err(wrong)?;
            }
        }
    }
    Ok(store)
}

pub(crate) fn certificates(member: &'static str, pem: &str) -> Result<Vec<CertificateDer<'static>>, Invalid> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem.as_bytes()).collect();
    match found {
        Ok(found) if !found.is_empty() => Ok(found),
        _ => Err(invalid(member, "has no certificate: at least one, in PEM, is needed")),
    }
}

/// What is wrong with a certificate, for people; `None`: the error is of something else.
pub(crate) fn explain(error: &(dyn StdError + 'static)) -> Option<String> {
    let inner = error
        .downcast_ref::<Error>()
        .or_else(|| error.downcast_ref::<io::Error>()?.get_ref()?.downcast_ref::<Error>());
    let Error::InvalidCertificate(certificate) = inner? else { return None };
    Some(match certificate {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            "its certificate has expired".to_owned()
        }
        CertificateError::UnknownIssuer | CertificateError::BadSignature => {
            "its certificate is not from an authority that is trusted".to_owned()
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "its certificate is for another name".to_owned()
        }
        other => format!("its certificate is refused: {other}"),
    })
}
