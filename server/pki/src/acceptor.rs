//! rustls's configuration for connections that members accept: TLS 1.3 and 1.2, both sides by certificate.

use std::{fmt, sync::Arc};

use arc_swap::ArcSwapOption;
use tokio_rustls::rustls::{
    ConfigBuilder, ServerConfig, WantsVerifier, crypto::ring::default_provider,
    server::NoServerSessionStorage, sign::SingleCertAndKey,
};

use crate::{
    Credentials, Error, Peers, Ticketer, credentials::Current, ticket::Bound, verify::ClientVerifier,
};

pub(crate) const ALPN: &[u8] = b"http/1.1";

/// For a listener. Each configuration has one certificate and one trust, so that a handshake ends with what it began
/// with; a new one is made when the credentials were replaced.
pub struct Acceptor {
    credentials: Arc<Credentials>,
    peers: Peers,
    ticketer: Option<Arc<Ticketer>>,
    builder: ConfigBuilder<ServerConfig, WantsVerifier>,
    made: ArcSwapOption<(u64, Arc<ServerConfig>)>,
}

impl Acceptor {
    /// Who gets through is one of `peers`; [`Identity::of`](crate::Identity::of) the first of the connection's peer
    /// certificates says who. Sessions are resumed if there is a ticketer: only by listeners of the same member that
    /// let in and trust the same.
    ///
    /// Errors out for roles that never serve, and for peers of no role.
    pub fn new(
        credentials: &Arc<Credentials>,
        peers: Peers,
        ticketer: Option<&Arc<Ticketer>>,
    ) -> Result<Self, Error> {
        let role = credentials.identity().role;
        if !role.serves() {
            return Err(Error::NeverServes { role });
        }
        if peers.roles.is_empty() {
            return Err(Error::NoPeers);
        }
        let clock = Arc::clone(credentials.clock());
        let builder = ServerConfig::builder_with_details(Arc::new(default_provider()), clock)
            .with_safe_default_protocol_versions()?;
        let (credentials, ticketer) = (Arc::clone(credentials), ticketer.cloned());
        Ok(Self { credentials, peers, ticketer, builder, made: ArcSwapOption::empty() })
    }

    /// For the next connection. To be asked for each.
    pub fn config(&self) -> Arc<ServerConfig> {
        let current = self.credentials.current();
        if let Some(made) = &*self.made.load()
            && made.0 == current.generation
        {
            return Arc::clone(&made.1);
        }
        let config = Arc::new(self.make(&current));
        self.made.store(Some(Arc::new((current.generation, Arc::clone(&config)))));
        config
    }

    fn make(&self, current: &Arc<Current>) -> ServerConfig {
        let verifier = ClientVerifier { current: Arc::clone(current), peers: self.peers.clone() };
        let shown = SingleCertAndKey::from(Arc::clone(&current.certified));
        let builder = self.builder.clone().with_client_cert_verifier(Arc::new(verifier));
        let mut config = builder.with_cert_resolver(Arc::new(shown));
        config.alpn_protocols = vec![ALPN.to_vec()];
        // Sessions are in tickets, or nowhere.
        config.session_storage = Arc::new(NoServerSessionStorage {});
        match &self.ticketer {
            Some(ticketer) => {
                let bound = Bound::new(ticketer, self.credentials.clock(), current, &self.peers);
                config.ticketer = Arc::new(bound);
            }
            None => config.send_tls13_tickets = 0,
        }
        config
    }
}

impl fmt::Debug for Acceptor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Acceptor")
            .field("credentials", &self.credentials)
            .field("peers", &self.peers)
            .finish()
    }
}
