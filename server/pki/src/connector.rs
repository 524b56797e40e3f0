//! rustls's configuration for connections that members make: TLS 1.3 and 1.2, both sides by certificate.

use std::{fmt, sync::Arc};

use arc_swap::ArcSwapOption;
use tokio_rustls::rustls::{
    ClientConfig, ConfigBuilder, WantsVerifier, client::Resumption, crypto::ring::default_provider,
    sign::SingleCertAndKey,
};

use crate::{
    Clock, Credentials, Error, Expected, Fingerprint, TICKET_LIFETIME, acceptor::ALPN, verify::ServerVerifier,
};

/// The old authority and the new one, during a roll.
const PINS_MAX: usize = 2;
/// Tickets; rustls keeps eight per server.
const SESSIONS_MAX: usize = 512;

/// For connections to members. Each configuration has one certificate and one trust, so that a handshake ends with
/// what it began with; a new one is made when the credentials were replaced, and in each span of tickets.
///
/// A resumed session is not verified again, and sessions belong to a configuration. So none of a server whose
/// authority is no longer trusted is resumed, none in which the client showed the certificate before, and none for
/// longer than a span, whatever the server says.
pub struct Connector {
    credentials: Arc<Credentials>,
    expected: Expected,
    builder: ConfigBuilder<ClientConfig, WantsVerifier>,
    made: ArcSwapOption<(Era, Arc<ClientConfig>)>,
}

/// The generation of the credentials, and the span.
type Era = (u64, Option<u64>);

impl Connector {
    /// The host name that a connection is made with is not checked: cluster, role and, if given, the member's name
    /// are. Errors out for roles that never serve.
    pub fn new(credentials: &Arc<Credentials>, expected: Expected) -> Result<Self, Error> {
        let role = expected.role;
        if !role.serves() {
            return Err(Error::NeverServes { role });
        }
        let builder = builder(credentials.clock())?;
        Ok(Self { credentials: Arc::clone(credentials), expected, builder, made: ArcSwapOption::empty() })
    }

    /// For the next connection. To be asked for each.
    pub fn config(&self) -> Arc<ClientConfig> {
        let current = self.credentials.current();
        let now = self.credentials.clock().current_time();
        let era = (current.generation, now.map(|now| now.as_secs() / TICKET_LIFETIME.as_secs()));
        if let Some(made) = &*self.made.load()
            && made.0 == era
        {
            return Arc::clone(&made.1);
        }
        let shown = SingleCertAndKey::from(Arc::clone(&current.certified));
        let verifier = ServerVerifier::Member { current, expected: self.expected.clone() };
        let builder = self.builder.clone().dangerous().with_custom_certificate_verifier(Arc::new(verifier));
        let mut config = builder.with_client_cert_resolver(Arc::new(shown));
        config.alpn_protocols = vec![ALPN.to_vec()];
        config.resumption = Resumption::in_memory_sessions(SESSIONS_MAX);
        let config = Arc::new(config);
        self.made.store(Some(Arc::new((era, Arc::clone(&config)))));
        config
    }
}

/// For who has no certificate yet: talks to an admin, and only if an authority with one of these fingerprints
/// ([`JoinToken`](crate::JoinToken)) vouches for it.
pub fn joining_config(pins: &[Fingerprint], clock: &Clock) -> Result<ClientConfig, Error> {
    let found = pins.len();
    if found == 0 || found > PINS_MAX {
        return Err(Error::PinCount { found });
    }
    let verifier = Arc::new(ServerVerifier::Pinned(pins.to_vec()));
    let mut config =
        builder(clock)?.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth();
    config.alpn_protocols = vec![ALPN.to_vec()];
    config.resumption = Resumption::disabled();
    Ok(config)
}

fn builder(clock: &Clock) -> Result<ConfigBuilder<ClientConfig, WantsVerifier>, Error> {
    let builder = ClientConfig::builder_with_details(Arc::new(default_provider()), Arc::clone(clock));
    Ok(builder.with_safe_default_protocol_versions()?)
}

impl fmt::Debug for Connector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (credentials, expected) = (&self.credentials, &self.expected);
        f.debug_struct("Connector").field("credentials", credentials).field("expected", expected).finish()
    }
}
