//! rustls's configurations for the other side: TLS 1.3 and 1.2.

use std::sync::Arc;

use tokio_rustls::rustls::{
    CertificateError, ClientConfig, Error, RootCertStore,
    client::Resumption,
    crypto::ring::default_provider,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
    version::{TLS12, TLS13},
};

use crate::{Invalid, Outside, Secrets, Tls};

/// HTTP/1.1 and nothing else.
const ALPN: &[u8] = b"http/1.1";
/// Servers whose sessions are kept: there are many connections, of which each knows few. Rustls makes room for all at once.
const SESSIONS_MAX: usize = 8;

/// Two, since the client certificate is a credential and goes to the base URL's origin alone. Each has sessions of its
/// own.
pub(crate) struct Configs {
    pub(crate) base: Arc<ClientConfig>,
    pub(crate) others: Arc<ClientConfig>,
}

impl Configs {
    pub(crate) fn new(tls: &Tls, secrets: &Secrets, outside: &Outside) -> Result<Self, Invalid> {
        let roots = match &tls.ca {
            Some(pem) => Arc::new(authorities(pem)?),
            None => outside.authorities.store(),
        };
        let others = config(&roots, None)?;
        let identity = match (&tls.client_certificate, &secrets.client_key_pem) {
            (None, None) => return Ok(Self { base: Arc::clone(&others), others }),
            (Some(certificates), Some(key)) => identity(certificates, key.reveal())?,
            (Some(_), None) => {
                return Err(Invalid::new(
                    "tls.client_key",
                    "missing",
                    "tls.client_certificate needs its key",
                ));
            }
            (None, Some(_)) => {
                return Err(Invalid::new("tls.client_certificate", "missing", "a client key needs it"));
            }
        };
        Ok(Self { base: config(&roots, Some(identity))?, others })
    }
}

type Identity = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

fn config(roots: &Arc<RootCertStore>, identity: Option<Identity>) -> Result<Arc<ClientConfig>, Invalid> {
    let wrong = |error: Error| {
        let allowed = "a certificate and its own key are needed";
        Invalid::new("tls.client_certificate", format!("unusable ({error})"), allowed)
    };
    let builder = ClientConfig::builder_with_provider(Arc::new(default_provider()));
    let builder = builder.with_protocol_versions(&[&TLS13, &TLS12]).map_err(wrong)?;
    let builder = builder.with_root_certificates(Arc::clone(roots));
    let mut config = match identity {
        Some((chain, key)) => builder.with_client_auth_cert(chain, key).map_err(wrong)?,
        None => builder.with_no_client_auth(),
    };
    config.alpn_protocols = vec![ALPN.to_vec()];
    config.resumption = Resumption::in_memory_sessions(SESSIONS_MAX);
    Ok(Arc::new(config))
}

fn certificates(member: &str, pem: &str) -> Result<Vec<CertificateDer<'static>>, Invalid> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem.as_bytes()).collect();
    match found {
        Ok(found) if !found.is_empty() => Ok(found),
        _ => Err(Invalid::new(member, "no certificate", "at least one, as PEM, is needed")),
    }
}

fn authorities(pem: &str) -> Result<RootCertStore, Invalid> {
    let mut store = RootCertStore::empty();
    for certificate in certificates("tls.ca", pem)? {
        let wrong = |error: Error| {
            let value = format!("unusable ({error})");
            Invalid::new("tls.ca", value, "certificates of authorities are needed")
        };
        store.add(certificate).map_err(wrong)?;
    }
    Ok(store)
}

fn identity(certificate_pem: &str, key_pem: &str) -> Result<Identity, Invalid> {
    let chain = certificates("tls.client_certificate", certificate_pem)?;
    let wrong = |_| Invalid::new("tls.client_key", "no key", "a key as PEM, not encrypted, is needed");
    Ok((chain, PrivateKeyDer::from_pem_slice(key_pem.as_bytes()).map_err(wrong)?))
}

/// What is wrong, for people.
pub(crate) fn explain(error: &std::io::Error, name: &str) -> String {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<Error>());
    let Some(Error::InvalidCertificate(certificate)) = inner else { return error.to_string() };
    match certificate {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            "its certificate has expired".to_owned()
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "its certificate is not valid yet".to_owned()
        }
        CertificateError::UnknownIssuer | CertificateError::BadSignature => {
            "its certificate is not from an authority that is trusted".to_owned()
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            format!("its certificate is not for {name}")
        }
        other => format!("its certificate is refused: {other}"),
    }
}
