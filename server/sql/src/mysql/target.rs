//! Where a MariaDB or MySQL is and how to come in.

use std::time::Duration;

use busbar_model::connection::amqp::{Identity, Tls};
use mysql_async::{ClientIdentity, Conn, Opts, OptsBuilder, SslOpts, prelude::Queryable as _};

use crate::{
    Secret,
    bounds::{CLEANING, STATEMENTS_MAX},
    tls::Authorities,
};

/// What a packet may have beside a value.
const PACKET_MARGIN_BYTES: u64 = 64 * 1024;
const KEEPALIVE: Duration = Duration::from_secs(60);

#[derive(Clone)]
pub(crate) struct Target {
    opts: Opts,
}

pub(crate) struct Login<'a> {
    pub(crate) tls: Option<&'a Tls<Secret>>,
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) database: String,
    pub(crate) username: String,
    pub(crate) password: Secret,
    pub(crate) bytes_max: u64,
    pub(crate) trusted: &'a Authorities,
}

impl Target {
    pub(crate) fn new(login: Login<'_>) -> Self {
        let ssl = login.tls.map(|tls| encryption(tls, login.trusted));
        let packet = usize::try_from(login.bytes_max + PACKET_MARGIN_BYTES).unwrap_or(usize::MAX);
        let opts = OptsBuilder::default()
            .ip_or_hostname(login.host)
            .tcp_port(login.port)
            .db_name(Some(login.database))
            .user(Some(login.username))
            .pass(Some(login.password.reveal()))
            .stmt_cache_size(STATEMENTS_MAX)
            .max_allowed_packet(Some(packet))
            // As the other databases count: rows that were found, though they are as they were before.
            .client_found_rows(true)
            .prefer_socket(false)
            .tcp_keepalive(Some(KEEPALIVE))
            .ssl_opts(ssl);
        Self { opts: opts.into() }
    }

    pub(crate) fn opts(&self) -> Opts {
        self.opts.clone()
    }

    /// Ends another connection of this login, or what it is at.
    pub(crate) async fn kill(&self, id: u32, what: &str) {
        let killed = tokio::time::timeout(CLEANING, async {
            let mut conn = Conn::new(self.opts()).await?;
            conn.query_drop(format!("KILL {what} {id}")).await?;
            conn.disconnect().await
        });
        if let Ok(Err(error)) = killed.await {
            tracing::debug!(error = %super::error::explain(&error), "a statement was given up and may run on");
        }
    }
}

fn encryption(tls: &Tls<Secret>, trusted: &Authorities) -> SslOpts {
    let bytes = |text: &str| text.as_bytes().to_vec();
    let roots = match &tls.ca {
        Some(pem) => vec![bytes(pem).into()],
        None => trusted.certificates().iter().map(|certificate| certificate.to_vec().into()).collect(),
    };
    let identity = tls.identity.as_ref().map(|Identity { certificate, key }| {
        ClientIdentity::new(bytes(certificate).into(), bytes(key.reveal()).into())
    });
    let name = tls.server_name.clone();
    SslOpts::default()
        .with_root_certs(roots)
        .with_disable_built_in_roots(true)
        .with_client_identity(identity)
        .with_danger_tls_hostname_override(name)
}
