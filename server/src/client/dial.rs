//! How connections to the bus are made: in the clear, or by TLS with certificates of the cluster.

use std::sync::{Arc, Mutex, PoisonError};

use busbar_pki::Connector;
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{Client, Error, connect::HttpConnector},
    rt::TokioExecutor,
};
use tokio_rustls::rustls::ClientConfig;

use super::bounds::CONNECT_TIME_MAX;

/// Whom TLS trusts, and what it shows.
#[derive(Clone)]
pub(crate) enum Tls {
    /// A member's, which may be replaced while the process runs.
    Member(Arc<Connector>),
    /// For who has a join token only.
    Joining(Arc<ClientConfig>),
}

impl Tls {
    fn config(&self) -> Arc<ClientConfig> {
        match self {
            Self::Member(connector) => connector.config(),
            Self::Joining(config) => Arc::clone(config),
        }
    }
}

type Clear = Client<HttpConnector, Full<Bytes>>;
type Secure = Client<HttpsConnector<HttpConnector>, Full<Bytes>>;

/// Connections that are kept, until what they were made with is replaced.
pub(crate) enum Dial {
    Clear(Clear),
    Secure { tls: Tls, made: Mutex<Option<(Arc<ClientConfig>, Secure)>> },
}

impl Dial {
    pub(crate) fn new(tls: Option<Tls>) -> Self {
        match tls {
            Some(tls) => Self::Secure { tls, made: Mutex::new(None) },
            None => Self::Clear(Client::builder(TokioExecutor::new()).build(connector())),
        }
    }

    pub(crate) async fn request(&self, request: Request<Full<Bytes>>) -> Result<Response<Incoming>, Error> {
        match self {
            Self::Clear(client) => client.request(request).await,
            Self::Secure { tls, made } => secure(tls, made).request(request).await,
        }
    }
}

fn secure(tls: &Tls, made: &Mutex<Option<(Arc<ClientConfig>, Secure)>>) -> Secure {
    let config = tls.config();
    let mut made = made.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((of, client)) = &*made
        && Arc::ptr_eq(of, &config)
    {
        return client.clone();
    }
    // HTTP/1.1 is all that is spoken, and the builder says so itself.
    let mut own = ClientConfig::clone(&config);
    own.alpn_protocols.clear();
    let mut connector = connector();
    connector.enforce_http(false);
    let connector = HttpsConnectorBuilder::new()
        .with_tls_config(own)
        .https_only()
        .enable_http1()
        .wrap_connector(connector);
    let client: Secure = Client::builder(TokioExecutor::new()).build(connector);
    *made = Some((config, client.clone()));
    client
}

fn connector() -> HttpConnector {
    let mut connector = HttpConnector::new();
    connector.set_connect_timeout(Some(CONNECT_TIME_MAX));
    connector.set_nodelay(true);
    connector
}
