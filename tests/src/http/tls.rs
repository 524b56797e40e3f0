//! TLS as any client speaks it that has a certificate of the cluster and trusts the cluster's authority: chain and
//! host name are checked by rustls's own rules.

use std::{fs, io, path::PathBuf, sync::Arc};

use tokio::net::TcpStream;
use tokio_rustls::{
    TlsConnector,
    client::TlsStream,
    rustls::{
        ClientConfig, RootCertStore,
        crypto::ring::default_provider,
        pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject as _},
    },
};

/// The folder of a member, whose files are read for each connection: they may have been renewed.
#[derive(Clone, Debug)]
pub struct Tls {
    folder: PathBuf,
    shows_certificate: bool,
}

impl Tls {
    /// `folder` is what `--dir` is given.
    pub fn member(folder: PathBuf) -> Self {
        Self { folder, shows_certificate: true }
    }

    /// Trusts what the member trusts, and shows nothing.
    pub fn stranger(folder: PathBuf) -> Self {
        Self { folder, shows_certificate: false }
    }

    /// # Errors
    /// Where the server is refused, or refuses.
    pub async fn connect(&self, authority: &str, stream: TcpStream) -> io::Result<TlsStream<TcpStream>> {
        let host = authority.rsplit_once(':').map_or(authority, |(host, _)| host);
        let name = ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
        let config = self.config().map_err(io::Error::other)?;
        TlsConnector::from(Arc::new(config)).connect(name, stream).await
    }

    fn config(&self) -> Result<ClientConfig, Box<dyn std::error::Error + Send + Sync>> {
        let current = self.folder.join("tls/current");
        let mut roots = RootCertStore::empty();
        for authority in CertificateDer::pem_slice_iter(&fs::read(current.join("ca.pem"))?) {
            roots.add(authority?)?;
        }
        let builder = ClientConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots);
        if !self.shows_certificate {
            return Ok(builder.with_no_client_auth());
        }
        let member = fs::read(current.join("member.pem"))?;
        let chain = CertificateDer::pem_slice_iter(&member).collect::<Result<Vec<_>, _>>()?;
        Ok(builder.with_client_auth_cert(chain, PrivateKeyDer::from_pem_slice(&member)?)?)
    }
}
