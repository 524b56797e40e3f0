//! rustls's configurations for the hops between members: TLS 1.3 and 1.2, both sides by certificate.

use std::sync::Arc;

use tokio_rustls::rustls::{
    ClientConfig, ServerConfig, client::Resumption, crypto::ring::default_provider,
    server::NoServerSessionStorage,
};

use crate::{
    Clock, Credentials, Error, Expected, Fingerprint, Peers, Ticketer,
    credentials::Shown,
    sessions::Sessions,
    ticket::Bound,
    verify::{ClientVerifier, ServerVerifier},
};

const ALPN: &[u8] = b"http/1.1";
/// The old authority and the new one, during a roll.
const PINS_MAX: usize = 2;

/// For a listener. Who gets through is one of `peers`; [`Identity::of`](crate::Identity::of) the first of the
/// connection's peer certificates says who. Sessions are resumed if there is a ticketer: only on listeners with the
/// same identity, peers and trust.
///
/// Errors out for roles that never serve, and for peers of no role.
pub fn server_config(
    credentials: &Arc<Credentials>,
    peers: Peers,
    ticketer: Option<&Arc<Ticketer>>,
) -> Result<ServerConfig, Error> {
    let role = credentials.identity().role;
    if !role.serves() {
        return Err(Error::NeverServes { role });
    }
    if peers.roles.is_empty() {
        return Err(Error::NoPeers);
    }
    let bound = ticketer.map(|ticketer| Bound::new(ticketer, credentials, &peers));
    let verifier = ClientVerifier { credentials: Arc::clone(credentials), peers };
    let builder =
        ServerConfig::builder_with_details(Arc::new(default_provider()), Arc::clone(credentials.clock()));
    let mut config = builder
        .with_safe_default_protocol_versions()?
        .with_client_cert_verifier(Arc::new(verifier))
        .with_cert_resolver(Arc::new(Shown(Arc::clone(credentials))));
    config.alpn_protocols = vec![ALPN.to_vec()];
    // A store of the configuration's own would resume sessions of authorities that are no longer trusted.
    config.session_storage = Arc::new(NoServerSessionStorage {});
    match bound {
        Some(bound) => config.ticketer = Arc::new(bound),
        None => config.send_tls13_tickets = 0,
    }
    Ok(config)
}

/// For connections to members. The host name that a connection is made with is not checked: cluster, role and, if
/// given, the member's name are. Errors out for roles that never serve.
pub fn client_config(credentials: &Arc<Credentials>, expected: Expected) -> Result<ClientConfig, Error> {
    let role = expected.role;
    if !role.serves() {
        return Err(Error::NeverServes { role });
    }
    let verifier = ServerVerifier::Member { credentials: Arc::clone(credentials), expected };
    let builder =
        ClientConfig::builder_with_details(Arc::new(default_provider()), Arc::clone(credentials.clock()));
    let mut config = builder
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_client_cert_resolver(Arc::new(Shown(Arc::clone(credentials))));
    config.alpn_protocols = vec![ALPN.to_vec()];
    config.resumption = Resumption::store(Arc::new(Sessions::new(credentials)));
    Ok(config)
}

/// For who has no certificate yet: talks to an admin, and only if an authority with one of these fingerprints
/// ([`JoinToken`](crate::JoinToken)) vouches for it.
pub fn joining_config(pins: &[Fingerprint], clock: Clock) -> Result<ClientConfig, Error> {
    let found = pins.len();
    if found == 0 || found > PINS_MAX {
        return Err(Error::PinCount { found });
    }
    let builder = ClientConfig::builder_with_details(Arc::new(default_provider()), clock);
    let mut config = builder
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(ServerVerifier::Pinned(pins.to_vec())))
        .with_no_client_auth();
    config.alpn_protocols = vec![ALPN.to_vec()];
    config.resumption = Resumption::disabled();
    Ok(config)
}
